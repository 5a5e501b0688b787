/** Types of $n are inferred as PostgreSQL infers them; values come in at Bind. */
import { PGlite } from '@electric-sql/pglite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SqlError } from '../../common/sql-error.ts';
import { typeOid } from '../../common/types.ts';
import { loadPlanner } from '../../planner/planner.ts';
import { FIXTURE, MemoryCatalog, run } from '../plan/memory-catalog.ts';
import { TABLES } from '../plan/oracle-corpus.ts';

let oracle: PGlite;

beforeAll(async () => {
  await loadPlanner();
  oracle = await PGlite.create();
  await oracle.exec(TABLES);
}, 60_000);

afterAll(async () => {
  await oracle.close();
});

const INFERRED = [
  `SELECT $1`,
  `SELECT $1 + 1, $2 || 'a', -$3::int`,
  `SELECT * FROM users WHERE id = $1 AND name LIKE $2 AND age BETWEEN $3 AND $4`,
  `SELECT * FROM users WHERE id IN ($1, $2) OR age = ANY ($3)`,
  `SELECT * FROM users WHERE $1 = id AND $1 > age`,
  `SELECT * FROM users LIMIT $1 OFFSET $2`,
  `SELECT coalesce($1, age), CASE WHEN $2 THEN $3 ELSE name END FROM users`,
  `SELECT lower($1), round($2, 2), date_trunc($3, now())`,
  `SELECT now() - $1, d - $2, ts > $3 FROM t`,
  `SELECT $1::int, $1`,
  `SELECT $2::text, $1::date`,
  `INSERT INTO users (id, name, age) VALUES ($1, $2, $3)`,
  `INSERT INTO users SELECT $1, $2`,
  `UPDATE users SET age = $1 WHERE id = $2`,
  `DELETE FROM users WHERE name = $1`,
  `SELECT count(*) FROM t WHERE n > $1 AND f8 < $2 AND u = $3 AND b = $4 AND tz >= $5`,
  `SELECT sum($1 + i4) FROM t`,
  `VALUES ($1, 1), (2, $2)`,
  `SELECT 1 UNION ALL SELECT $1`,
  `SELECT ARRAY[$1, 1], NOT $2`,
  `SELECT name FROM users WHERE name = $1 OR $1 IS NULL`,
  `SELECT $1, name, $2 FROM users UNION ALL SELECT 1, $3, 5.5`,
];

describe('inferred', () => {
  it.each(INFERRED)('%s', async (sql) => {
    const { queryParams } = await oracle.describeQuery(sql);
    const catalog = new MemoryCatalog();
    run(catalog, TABLES);
    const [planned] = run(catalog, sql);
    expect(planned?.parameterTypes.map((t) => typeOid(t.name))).toEqual(queryParams.map((p) => p.dataTypeID));
  });
});

function windows(values: readonly (string | null)[] | undefined): unknown {
  const catalog = new MemoryCatalog();
  run(catalog, FIXTURE);
  const sql = 'SELECT count(*) FROM HOP(tweets, at, $1, $2) GROUP BY window_end';
  const [planned] = run(catalog, sql, values === undefined ? {} : { parameterValues: values });
  if (planned?.statement.kind !== 'query') return null;
  const { root } = planned.statement.plan;
  return root.kind === 'windowed-reduce' ? root.window : null;
}

describe('bound', () => {
  it('values become constants of their type', () => {
    const catalog = new MemoryCatalog();
    run(catalog, TABLES);
    const [planned] = run(catalog, 'SELECT $1::timestamptz, $2 + 1', {
      parameterValues: ['2026-01-01 02:00+02', '7'],
    });
    const text = JSON.stringify(planned?.statement);
    expect(text).toContain('2026-01-01 00:00:00+00');
    expect(text).toContain('"text":"7"');
    expect(planned?.cacheable).toBe(false);
  });

  it('window sizes are taken at Bind', () => {
    expect(windows(['1 second', '10 minutes'])).toMatchObject({ slideMicros: 1e6, sizeMicros: 6e8 });
    expect(windows(undefined)).toMatchObject({ kind: 'hop' });
    expect(() => windows(['0 s', '1 m'])).toThrow(SqlError);
    expect(() => windows([null, '1 m'])).toThrow('window slide must not be null');
  });

  it('what nothing types is 42P18, what is no value of its type 22P02', () => {
    const catalog = new MemoryCatalog();
    run(catalog, TABLES);
    expect(() => run(catalog, 'SELECT $2::int')).toThrow('could not determine data type of parameter $1');
    expect(() => run(catalog, 'SELECT $1::int', { parameterValues: ['x'] })).toThrow(
      'invalid input syntax for type integer: "x"',
    );
    expect(() => run(catalog, 'SELECT 1 WHERE $1 IS NULL')).toThrow(
      'could not determine data type of parameter $1',
    );
    expect(() => run(catalog, 'SELECT $0')).toThrow('there is no parameter $0');
  });
});
