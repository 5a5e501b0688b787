/** A view equals its query run afresh, after any writes: tables with updates and deletes, streams, views over views. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Millrace, sortedLines } from '../support/millrace.ts';

const QUERIES: Readonly<Record<string, string>> = {
  some_rows: 'SELECT k, v FROM t WHERE v > 2',
  grouped: 'SELECT g, count(*) AS n, sum(v) AS s, avg(v) AS a, min(v) AS lo, max(f) AS hi FROM t GROUP BY g',
  global:
    'SELECT count(*) AS n, sum(f) AS s, count(DISTINCT g) AS d, stddev(f) AS sd, bool_or(v > 3) AS any FROM t',
  more_than_one: 'SELECT g, count(*) AS n FROM t GROUP BY g HAVING count(*) > 1',
  filtered:
    'SELECT g, count(*) FILTER (WHERE v > 3) AS big, sum(v) FILTER (WHERE f IS NULL) AS s FROM t GROUP BY g',
  distinct_rows: 'SELECT DISTINCT g, v > 3 AS big FROM t',
  first_three: 'SELECT k, v FROM t ORDER BY v DESC NULLS LAST, k LIMIT 3',
  from_both: "SELECT g, v FROM t WHERE v > 3 UNION ALL SELECT 'stream', v FROM s",
  nested: 'SELECT n, count(*) AS groups FROM (SELECT g, count(*) AS n FROM t GROUP BY g) AS x GROUP BY n',
  by_expression: 'SELECT v % 2 AS odd, sum(v * 2) AS s FROM t GROUP BY v % 2',
  over_view: 'SELECT n, count(*) AS c FROM grouped GROUP BY n',
  stream_running: 'SELECT v, count(*) AS n FROM s GROUP BY v',
};

const integer = fc.oneof(
  { weight: 1, arbitrary: fc.constant(null) },
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 6 }) },
);
const float = fc.constantFrom(null, 0, 0.1, 0.2, -1.5, 1e150, 1e-150);
const key = fc.integer({ min: 0, max: 7 });
const group = fc.constantFrom("'a'", "'b'", 'NULL');
const write = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(key, group, integer, float)
      .map(([k, g, v, f]) => `INSERT INTO t VALUES (${k}, ${g}, ${v}, ${f}) ON CONFLICT DO NOTHING`),
  },
  { weight: 3, arbitrary: fc.tuple(key, integer).map(([k, v]) => `UPDATE t SET v = ${v} WHERE k = ${k}`) },
  {
    weight: 2,
    arbitrary: fc.tuple(group, float).map(([g, f]) => `UPDATE t SET f = ${f}, g = ${g} WHERE v > 2`),
  },
  { weight: 2, arbitrary: key.map((k) => `DELETE FROM t WHERE k = ${k}`) },
  { weight: 1, arbitrary: fc.constant('TRUNCATE t') },
  { weight: 3, arbitrary: integer.map((v) => `INSERT INTO s VALUES (${v})`) },
);

it('every view equals its query', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(write, { minLength: 1, maxLength: 20 }), async (writes) => {
      const millrace = await Millrace.start();
      await millrace.execute('CREATE TABLE t (k int PRIMARY KEY, g text, v int, f float8)');
      await millrace.execute('CREATE STREAM s (v int)');
      for (const [name, query] of Object.entries(QUERIES))
        await millrace.execute(`CREATE MATERIALIZED VIEW ${name} AS ${query}`);
      const followers = new Map(
        await Promise.all(
          Object.keys(QUERIES).map(
            async (name) => [name, await millrace.follow(`SUBSCRIBE TO ${name}`)] as const,
          ),
        ),
      );
      for (const sql of writes) await millrace.execute(sql);
      for (const [name, query] of Object.entries(QUERIES)) {
        const expected = sortedLines(await millrace.query(query));
        expect({ [name]: sortedLines(await millrace.query(`SELECT * FROM ${name}`)) }).toEqual({
          [name]: expected,
        });
        expect({ [name]: followers.get(name)!.consolidated() }).toEqual({ [name]: expected });
      }
      await millrace.stop();
    }),
    { numRuns: Number(process.env['LAW_RUNS'] ?? 40) },
  );
});
