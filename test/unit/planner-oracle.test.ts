/** The binder against PostgreSQL 18 itself: result columns, and SQLSTATE, position and words of errors. */
import { PGlite } from '@electric-sql/pglite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SqlError } from '../../common/sql-error.ts';
import { typeOid } from '../../common/types.ts';
import { loadPlanner } from '../../planner/planner.ts';
import { checkPlanned } from '../plan/check-plan.ts';
import { MemoryCatalog, run } from '../plan/memory-catalog.ts';
import { TABLES, TYPED, WRONG } from '../plan/oracle-corpus.ts';

let oracle: PGlite;

beforeAll(async () => {
  await loadPlanner();
  oracle = await PGlite.create();
  await oracle.exec(TABLES);
}, 60_000);

afterAll(async () => {
  await oracle.close();
});

function catalog(): MemoryCatalog {
  const fresh = new MemoryCatalog();
  run(fresh, TABLES);
  return fresh;
}

describe('result columns', () => {
  it.each(TYPED)('%s', async (sql) => {
    const { fields } = await oracle.query(sql);
    const [planned] = run(catalog(), sql);
    if (planned !== undefined) checkPlanned(planned);
    const columns = planned?.columns?.map((c) => ({ name: c.name, oid: typeOid(c.type.name) }));
    expect(columns).toEqual(fields.map((f) => ({ name: f.name, oid: f.dataTypeID })));
  });
});

type Judgement = Readonly<{ code: string; position: number | null; message: string }>;

async function oracleError(sql: string): Promise<Judgement | null> {
  await oracle.exec('BEGIN');
  try {
    await oracle.exec(sql);
    return null;
  } catch (error) {
    const { code, position, message } = error as { code: string; position?: string; message: string };
    return { code, position: position === undefined ? null : Number(position), message };
  } finally {
    await oracle.exec('ROLLBACK');
  }
}

function plannerError(sql: string): Judgement | null {
  try {
    run(catalog(), sql);
    return null;
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    return { code: error.code, position: error.position ?? null, message: error.message };
  }
}

describe('errors', () => {
  it.each(WRONG)('%s', async (sql) => {
    const expected = await oracleError(sql);
    expect(expected).not.toBeNull();
    expect(plannerError(sql)).toEqual(expected);
  });
});
