/** A view made later holds what it would hold if it had been there from the start, late rows included. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Millrace, sortedLines } from '../support/millrace.ts';

const VIEWS: readonly string[] = [
  "SELECT key, window_end, count(*) AS n, sum(value) AS s, min(value) AS lo FROM TUMBLE(s, at, INTERVAL '2 seconds') GROUP BY key, window_end",
  "SELECT key, window_end, count(*) AS n, max(value) AS hi FROM HOP(s, at, INTERVAL '1 second', INTERVAL '5 seconds') GROUP BY key, window_end",
  "SELECT window_end, count(DISTINCT key) AS n FROM CUMULATE(s, at, INTERVAL '2 seconds', INTERVAL '6 seconds') GROUP BY window_end",
  "SELECT key, window_start, window_end, sum(value) AS s FROM SESSION(s PARTITION BY key, at, INTERVAL '2 seconds') GROUP BY key, window_start, window_end",
  "SELECT key, window_end, count(*) AS n FROM TUMBLE(s, at, INTERVAL '3 seconds') GROUP BY key, window_end EMIT CHANGES",
  "SELECT window_end, last(value) AS l, first(key) AS f FROM HOP(s, at, INTERVAL '5 seconds', INTERVAL '2 seconds') GROUP BY window_end",
  "SELECT window_end, sum(n) AS n FROM TUMBLE((SELECT window_end AS at, count(*) AS n FROM TUMBLE(s, at, INTERVAL '1 second') GROUP BY window_end), at, INTERVAL '4 seconds') GROUP BY window_end",
  "SELECT key, window_end, count(*) AS n FROM TUMBLE(p, arrived_at, INTERVAL '2 seconds') GROUP BY key, window_end",
  'SELECT key, value FROM s ORDER BY value DESC, key LIMIT 3',
  'SELECT key, count(*) AS n, first(value) AS f FROM s GROUP BY key',
];

const row = fc.record({
  late: fc.oneof(
    { weight: 5, arbitrary: fc.integer({ min: 0, max: 2 }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 9 }) },
  ),
  key: fc.constantFrom("'a'", "'b'", 'NULL'),
  value: fc.integer({ min: -50, max: 50 }),
});
const ticks = fc.array(
  fc.record({ seconds: fc.integer({ min: 0, max: 3 }), rows: fc.array(row, { minLength: 1, maxLength: 5 }) }),
  { minLength: 2, maxLength: 20 },
);

it('before as after', async () => {
  await fc.assert(
    fc.asyncProperty(ticks, async (script) => {
      const millrace = await Millrace.start();
      const create = async (prefix: string): Promise<void> => {
        for (const [i, sql] of VIEWS.entries())
          await millrace.execute(`CREATE MATERIALIZED VIEW ${prefix}${i} AS ${sql}`);
      };
      const columns = 'at timestamptz NOT NULL, key text, value int';
      await millrace.execute(
        `CREATE STREAM s (${columns}, WATERMARK FOR at AS at - INTERVAL '3 seconds'); CREATE STREAM p (${columns})`,
      );
      await create('before');
      let time = 1_700_000_000;
      for (const { seconds, rows } of script) {
        time += seconds;
        const values = rows.map((r) => `(to_timestamp(${time - r.late}), ${r.key}, ${r.value})`).join(', ');
        await millrace.execute(`INSERT INTO s VALUES ${values}`);
        await millrace.execute(`INSERT INTO p VALUES ${values}`);
        await millrace.advance(seconds * 1000);
      }
      await create('after');
      await millrace.execute(`INSERT INTO s VALUES (to_timestamp(${time + 100}), 'end', 0)`);
      await millrace.advance(10_000);
      for (const i of VIEWS.keys()) {
        const held = async (prefix: string): Promise<string[]> => [
          ...sortedLines(await millrace.query(`SELECT * FROM ${prefix}${i}`)),
          ...sortedLines(
            await millrace.query(
              `SELECT 'late', at, late_by, row FROM millrace.late_rows WHERE view = '${prefix}${i}'`,
            ),
          ),
        ];
        expect(await held('after')).toEqual(await held('before'));
      }
      await millrace.stop();
    }),
    { numRuns: Number(process.env['LAW_RUNS'] ?? 20) },
  );
}, 60_000);
