/** A plan that is used again for other values is the one that planning anew for them gives, also where that is an error. */
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { SqlError } from '../../common/sql-error.ts';
import { loadPlanner, planStatement } from '../../planner/planner.ts';
import type { PlanContext, Planned } from '../../planner/statement.ts';
import { PlanCache } from '../../server/session/plan-cache.ts';
import { MemoryCatalog, planContext, run } from '../plan/memory-catalog.ts';
import { TABLES, TYPED } from '../plan/oracle-corpus.ts';

const WRITTEN: readonly string[] = [
  `SELECT id, name FROM users WHERE id = $1 AND name LIKE $2 AND age BETWEEN $3 AND $4`,
  `SELECT * FROM users WHERE id IN ($1, $2, $1) OR age = ANY ($3) OR id = ANY ('{1,2}')`,
  `SELECT * FROM users ORDER BY id LIMIT $1 OFFSET $2`,
  `SELECT age + $1 AS a, count(*) FROM users GROUP BY age + $1 HAVING count(*) > $2`,
  `SELECT age + $1 AS a, count(*) FROM users GROUP BY age + $2`,
  `SELECT $1, $1::int, $2::date, $3::varchar(2), $4::numeric(4,1), $5::text`,
  `SELECT * FROM t WHERE i8 = $1::int AND f8 > $2::smallint AND n = $3::bigint AND v = $4 AND c = $5`,
  `SELECT * FROM t WHERE tz >= $1 AND d = $2 AND iv < $3 AND jb ->> $4 = 'x' AND b = $5`,
  `SELECT CASE WHEN $1 THEN $2 ELSE 'n' END, coalesce($3, i4), greatest(i4, $4) FROM t`,
  `SELECT id FROM users WHERE age = (SELECT max(age) FROM users WHERE id > $1) AND id NOT IN (SELECT id FROM users WHERE name = $2)`,
  `SELECT date_trunc($1, tz), date_part($2, ts), to_char(tz, $3), tz AT TIME ZONE $4 FROM t`,
  `SELECT row_number() OVER (PARTITION BY age ORDER BY id) AS rn, $1 FROM users`,
  `SELECT r.rn FROM (SELECT row_number() OVER (ORDER BY id) AS rn, name FROM users) r WHERE r.rn <= $1`,
  `SELECT 1 UNION ALL SELECT $1`,
  `SELECT tag, count(*) FROM HOP(tweets, at, $1, $2) WHERE tag = $3 GROUP BY tag, window_end`,
  `SELECT tag FROM tweets WHERE at > $1 EMIT CHANGES`,
  `INSERT INTO users (id, name, age) VALUES ($1, $2, $3)`,
  `INSERT INTO users (id, name, age) VALUES ($1, $2, DEFAULT), (1, 'x', $3) ON CONFLICT (id) DO UPDATE SET name = excluded.name || $4`,
  `INSERT INTO t (id, v, c, n, i2) VALUES ($1, $2, $3, $4, $5) RETURNING id, v || $2`,
  `UPDATE users SET age = $1 WHERE id = $2`,
  `UPDATE users SET name = $1, age = age + $2 WHERE name = $3 RETURNING *`,
  `DELETE FROM users WHERE name = $1 OR $2 IS NULL`,
];

/** The first of its literals as parameters. */
function withParameters(sql: string): string {
  let number = 0;
  return sql.replace(/'[^']*'|(?<![\w.$"])\d+(?:\.\d+)?(?![\w."])/g, (literal) =>
    number < 4 ? `$${++number}` : literal,
  );
}
/** A type's modifier, and an interval with its fields, takes no parameter. */
const isStatement = (sql: string): boolean =>
  sql.includes('$') && !/\(\$|\b(int|date|interval|timestamp) \$/.test(sql);
const STATEMENTS = [...WRITTEN, ...TYPED.map(withParameters).filter(isStatement)];

const VALUES = ['1', '2', '-1', '0', '1.5', '1e3', '99999999999', 'a', '', 'a%', 'ab  ', 't', 'false', 'day'];
const RARE = [
  'now',
  'today',
  '2026-01-01',
  '2026-01-01 10:00+02',
  '1 minute',
  '{1,2}',
  '{}',
  '{"a":1}',
  'Europe/Berlin',
  'NaN',
];
const value = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...VALUES) },
  { weight: 3, arbitrary: fc.constantFrom(...RARE) },
  { weight: 2, arbitrary: fc.constant(null) },
);

const STREAM = 'CREATE STREAM tweets (at timestamptz NOT NULL, tag text, WATERMARK FOR at AS at)';

let catalog: MemoryCatalog;
beforeAll(async () => {
  await loadPlanner();
  catalog = new MemoryCatalog();
  run(catalog, STREAM);
  run(catalog, TABLES);
});

type Judged = Readonly<{ error: unknown }> | Readonly<{ planned: Planned }>;
function judged(plan: () => Planned): Judged {
  try {
    return { planned: plan() };
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    return { error: error.toPlain() };
  }
}

it('is the plan of these values', () => {
  const plans = new PlanCache();
  const zones = ['UTC', 'America/New_York'];
  let now = 1_767_225_600_000_000;
  fc.assert(
    fc.property(
      fc.constantFrom(...STATEMENTS),
      fc.array(value, { minLength: 5, maxLength: 5 }),
      fc.constantFrom(...zones),
      (sql, values, zone) => {
        const [parsed] = plans.parse(sql);
        now += 1_000_000;
        const plain = planContext(catalog);
        const context: PlanContext = {
          ...plain,
          now,
          settings: new Map([...plain.settings, ['timezone', zone]]),
          parameterValues: values.slice(0, parsed!.parameterCount),
        };
        const anew = judged(() => planStatement(parsed!, context));
        expect(judged(() => plans.plan(parsed!, context))).toEqual(anew);
        expect(judged(() => plans.plan(parsed!, context))).toEqual(anew);
      },
    ),
    { numRuns: 4_000 },
  );
  expect(plans.hits).toBeGreaterThan(plans.misses / 4);
});

const READING: readonly (readonly [sql: string, first: string[], other: string[], planned: number])[] = [
  ['SELECT name FROM users WHERE id = $1', ['1'], ['2'], 1],
  ['SELECT name FROM users WHERE id = $1::smallint', ['1'], ['2'], 1],
  ['SELECT name FROM users WHERE name = $1 AND age > $2', ['a', '1'], ['b', '2'], 1],
  ['SELECT name FROM users WHERE id > $1 LIMIT $2', ['1', '10'], ['2', '10'], 1],
  ['SELECT name FROM users WHERE id > $1 LIMIT $2', ['1', '10'], ['1', '11'], 2],
  ['INSERT INTO users (id, name) VALUES ($1, $2)', ['1', 'a'], ['2', 'b'], 1],
  ['UPDATE users SET age = $1 WHERE id = $2', ['1', '2'], ['3', '4'], 1],
];
it.each(READING)('%s is planned for %j and %j', (sql, first, other, expected) => {
  const plans = new PlanCache();
  const [parsed] = plans.parse(sql);
  for (const parameterValues of [first, other])
    plans.plan(parsed!, planContext(catalog, { parameterValues }));
  expect(plans.misses).toBe(expected);
});

const POINT_READS: readonly (readonly [sql: string, keys: string[] | null])[] = [
  ['SELECT name FROM users WHERE id = $1', ['1']],
  ['SELECT * FROM users WHERE $1 = id', ['1']],
  ['SELECT name || age FROM users WHERE id = $1 AND age > 5', ['1']],
  ['SELECT name FROM users WHERE name = $2 AND id = $1', ['2', '1']],
  ['SELECT name FROM users WHERE id = $1 AND id = $2', ['1', '2']],
  ['SELECT i4 FROM t WHERE i8 = $1::int', ['1']],
  ['SELECT name FROM adults WHERE id = $1', ['1']],
  // numbers of one value with several texts
  ['SELECT i4 FROM t WHERE n = $1', null],
  ['SELECT i4 FROM t WHERE f8 = $1', null],
  ['SELECT i4 FROM t WHERE c = $1', null],
  ['SELECT name FROM users WHERE id = $1 OR age = 2', null],
  ['SELECT name FROM users WHERE id = $1 AND age > $2', null],
  ['SELECT name, $2::text FROM users WHERE id = $1', null],
  ['SELECT name FROM users WHERE id = $1 ORDER BY age', null],
  ['SELECT name FROM users WHERE id = $1 LIMIT 1', null],
  ['SELECT count(*) FROM users WHERE id = $1', null],
  ['SELECT name FROM users WHERE id IN ($1, $2)', null],
  ['SELECT name FROM users WHERE id = $1 AND age = (SELECT max(age) FROM users)', null],
  ['UPDATE users SET age = 1 WHERE id = $1', null],
];
it.each(POINT_READS)('%s is a point read by %j', (sql, keys) => {
  const plans = new PlanCache();
  const [parsed] = plans.parse(sql);
  const parameterValues = ['1', '2'].slice(0, parsed!.parameterCount);
  const read = plans.plan(parsed!, planContext(catalog, { parameterValues })).pointRead;
  expect(read?.keys ?? null).toEqual(keys);
  // which relation a column is of stands beside the plan
  const anew = planStatement(parsed!, planContext(catalog)).columns?.map(({ name, type }) => ({
    name,
    type,
  }));
  if (keys !== null) expect(read!.reads.plan.columns.slice(0, -keys.length)).toEqual(anew);
});
