/** COPY FROM of odd lines: what PostgreSQL takes, means and refuses by it. */
import { PGlite } from '@electric-sql/pglite';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Millrace } from '../support/millrace.ts';

let postgres: PGlite;
let millrace: Millrace;
beforeAll(async () => {
  postgres = new PGlite();
  await postgres.exec("SET timezone = 'UTC'");
  millrace = await Millrace.start();
}, 60_000);
afterAll(async () => {
  await postgres.close();
  await millrace.stop();
});

const CSV = '(FORMAT csv)';
const BACKSLASH = "(FORMAT csv, ESCAPE '\\')";
const TEXTS: readonly (readonly [string, string])[] = [
  ["(FORMAT csv, NULL 'NA')", 'NA,x\ny,NA\n"NA",NAx\nNAN,N\n'],
  ["(FORMAT csv, NULL '\\N')", '\\N,x\ny,\\N\n,"\\N"\n'],
  ["(NULL 'NA')", 'NA\tx\ny\tNA\nNAN\tN\n'],
  ["(NULL 'ñ')", 'ñ\tx\n'],
  ["(FORMAT csv, NULL 'ñ')", 'ñ,x\n"ñ",y\n'],
  ["(NULL '')", '\tx\n'],
  [CSV, 'a"b"c,d\n'],
  [CSV, '"a"b,c\n'],
  [CSV, '"a"b"c",d\n'],
  [CSV, '5" p,3\n6" p,4\n'],
  [CSV, 'a"x,y"b,z\n'],
  [CSV, '" a", "b"\n'],
  [CSV, '"a\nb",c\n'],
  [CSV, '"a\r\nb",c\r\n'],
  [CSV, 'a\rb,c\n'],
  [CSV, 'a,"b'],
  [CSV, '"",\n,""\n'],
  [CSV, 'a,b\n\n'],
  [CSV, 'a,\\\n'],
  [BACKSLASH, '"a\\"b",c\nd,e\n'],
  [BACKSLASH, '"a\\\\",c\n'],
  [BACKSLASH, 'a\\b,"c\\d"\n'],
  [BACKSLASH, 'a\\"b,c"\n'],
  ["(FORMAT csv, QUOTE '''')", "'a''b','c,d'\n"],
  ['(FORMAT csv, HEADER)', '"a\nq",b\nc,d\n'],
  ["(FORMAT csv, NULL 'a\"')", 'a,b\n'],
  ['', '\\xff\tx\n'],
  ['', '\\377\tx\n'],
  ['', '\\xc3\\xb1\t\\101\n'],
  ['', '\\0\tx\n'],
  ['', '\\400\t\\8\n'],
  ['', '\\xg\t\\x\n'],
  ['', 'a\\\tb\tc\\\nd\n'],
  ['', '\\\\N\t\\Nx\n'],
  ['', 'a\tb\\'],
  ['', 'a\rb\tc\n'],
  ['', 'a\tb\tc\n'],
  ['', 'a\n'],
];
const BYTES = ['ff', 'c3', 'eda080', '00', 'f4908080', 'c080', 'c3b1'];
const TIMES =
  '24:00:00|23:59:60|23:59:61|00:00:00+99|00:00:00+16|00:00:00+15:59|00:00:00+15:60|00:00:00+05:99|00:00:00-16|00:00:00-15:59|00:00:00+0530|00:00:00Z|00:00:00 z|00:00:00.1234565|00:00:00.|00:00:00.5Z|00:00:00+00:00:30|00:00|1:2:3|23:59:59.9999999';

const CASES: (readonly [columns: string, options: string, input: Buffer])[] = [
  ...TEXTS.map(([options, text]) => ['a text, b text', options, Buffer.from(text)] as const),
  ...TEXTS.map(([options, text]) => ['a varchar(30), b varchar(30)', options, Buffer.from(text)] as const),
  ...BYTES.map((hex) => ['a text, b varchar(9)', CSV, Buffer.from(`x,${hexText(hex)}\n`, 'latin1')] as const),
  ...BYTES.map((hex) => ['a text, b text', '', Buffer.from(`${hexText(hex)}\tx\n`, 'latin1')] as const),
  ...TIMES.split('|').flatMap((time) =>
    ['timestamptz', 'timestamp'].map(
      (type) => [`a ${type}, b text`, CSV, Buffer.from(`2026-01-01 ${time},x\n`)] as const,
    ),
  ),
  // wide numbers among others
  [
    'a int8, b int8',
    CSV,
    Buffer.from('1,2\n9007199254740993,3\n4,\n,-9223372036854775808\n5,6\n007,9007199254740992\n8,9\n'),
  ],
  ['a int, b int', "(FORMAT csv, NULL '0')", Buffer.from('0,1\n01,00\n1,0\n')],
  ['a float8, b bool', "(FORMAT csv, NULL 't')", Buffer.from('t,t\n1.5,true\n2,f\n')],
  ['a timestamptz, b int', "(FORMAT csv, NULL '2026-01-01')", Buffer.from('2026-01-01,2\n2026-01-02,3\n')],
];

function hexText(hex: string): string {
  return Buffer.from(hex, 'hex').toString('latin1');
}

/** The rows that are there after the COPY, or the error's code. */
type Answer = Readonly<{ rows: readonly unknown[] } | { code: unknown }>;

const SELECT = 'SELECT a::text, b::text FROM copied';

async function inMillrace(columns: string, options: string, input: Buffer): Promise<Answer> {
  await millrace.execute(`CREATE TABLE copied (${columns})`);
  try {
    const statement = millrace.plan(`COPY copied FROM STDIN ${options}`);
    if (statement.kind !== 'copy-from') throw new Error(statement.kind);
    const ingest = millrace.core.ingest(statement.ingest);
    // nothing lies behind the last byte
    await ingest.push(new Uint8Array(input));
    await ingest.end();
    return { rows: await millrace.query(SELECT) };
  } catch (error) {
    return { code: (error as { code?: unknown }).code };
  } finally {
    await millrace.execute('DROP TABLE copied');
  }
}

async function inPostgres(columns: string, options: string, input: Buffer): Promise<Answer> {
  await postgres.exec(`CREATE TABLE copied (${columns})`);
  try {
    const blob = new Blob([new Uint8Array(input)]);
    await postgres.query(`COPY copied FROM '/dev/blob' ${options}`, [], { blob });
    const { rows } = await postgres.query(SELECT, [], { rowMode: 'array' });
    return { rows };
  } catch (error) {
    return { code: (error as { code?: unknown }).code };
  } finally {
    await postgres.exec('DROP TABLE copied');
  }
}

it('as PostgreSQL', async () => {
  const differ: unknown[] = [];
  for (const [columns, options, input] of CASES) {
    const expected = await inPostgres(columns, options, input);
    const found = await inMillrace(columns, options, input);
    if (JSON.stringify(found) !== JSON.stringify(expected))
      differ.push({ columns, options, input: input.toString('latin1'), found, expected });
  }
  expect(differ).toEqual([]);
}, 60_000);
