/** Finite queries, planned and run, against PostgreSQL 18: the same rows as text. */
import { PGlite } from '@electric-sql/pglite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { typeOid } from '../../common/types.ts';
import { ANSWERED, ROWS_OF_TABLES, TABLES, TYPED } from '../plan/oracle-corpus.ts';
import { Millrace } from '../support/millrace.ts';

let oracle: PGlite;
let millrace: Millrace;

const TYPES = [
  'bool',
  'bytea',
  'int8',
  'int2',
  'int4',
  'text',
  'json',
  'float4',
  'float8',
  'bpchar',
  'varchar',
  'date',
  'time',
] as const;
const MORE_TYPES = [
  'timestamp',
  'timestamptz',
  'interval',
  'numeric',
  'uuid',
  'jsonb',
  '_bool',
  '_int4',
  '_int8',
  '_text',
  '_numeric',
  '_float8',
] as const;

/** Text as the server sends it. */
const AS_TEXT = Object.fromEntries(
  [...TYPES, ...MORE_TYPES].map((name) => [typeOid(name), (text: string) => text]),
);

beforeAll(async () => {
  oracle = await PGlite.create();
  await oracle.exec(`${TABLES}; SET TimeZone = 'UTC'; SET IntervalStyle = 'postgres'`);
  millrace = await Millrace.start();
  for (const sql of TABLES.split(';')) if (sql.trim() !== '') await millrace.execute(sql);
  for (const sql of ROWS_OF_TABLES) {
    await oracle.exec(sql);
    await millrace.execute(sql);
  }
}, 60_000);

afterAll(async () => {
  await oracle.close();
});

/** Without ORDER BY at the end rows have no order. */
function normal(sql: string, rows: readonly (readonly (string | null)[])[]): readonly string[] {
  const texts = rows.map((row) => JSON.stringify(row));
  return /ORDER BY [^()]*$/i.test(sql) ? texts : texts.sort();
}

/** The clock, and chance, are not PostgreSQL's. */
const SAME_EVERYWHERE = [...TYPED, ...ANSWERED].filter(
  (sql) => !/now\(|current_|local|random|age\(ts\)/.test(sql),
);

type Answer = readonly string[] | Readonly<{ code: string }>;

/** The rows, or the SQLSTATE where computing one failed. */
async function answer(rows: Promise<readonly (readonly (string | null)[])[]>, sql: string): Promise<Answer> {
  try {
    return normal(sql, await rows);
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === undefined) throw error;
    return { code };
  }
}

describe('rows', () => {
  it.each(SAME_EVERYWHERE)('%s', async (sql) => {
    const options = { rowMode: 'array', parsers: AS_TEXT } as const;
    const theirs = oracle.query<(string | null)[]>(sql, [], options).then(({ rows }) => rows);
    const expected = await answer(theirs, sql);
    expect(await answer(millrace.query(sql), sql)).toEqual(expected);
  });
});
