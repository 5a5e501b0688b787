/** Stop and start at any tick: answers before and after are equal, nothing is emitted twice, nothing is missing. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Millrace, sortedLines } from '../support/millrace.ts';

const VIEWS: Readonly<Record<string, string>> = {
  tumble:
    "SELECT key, count(*) AS n, sum(value) AS s, window_end FROM TUMBLE(s, at, INTERVAL '5 seconds') GROUP BY key, window_end",
  hop: "SELECT key, count(*) AS n, avg(value) AS a, min(value) AS lo, max(key) AS hi, window_end FROM HOP(s, at, INTERVAL '2 seconds', INTERVAL '9 seconds') GROUP BY key, window_end",
  cumulate:
    "SELECT count(DISTINCT key) AS d, stddev(value) AS sd, window_end FROM CUMULATE(s, at, INTERVAL '2 seconds', INTERVAL '6 seconds') GROUP BY window_end",
  session:
    "SELECT key, count(*) AS n, first(value) AS f, last(value) AS l, window_end FROM SESSION(s PARTITION BY key, at, INTERVAL '4 seconds') GROUP BY key, window_end",
  running: 'SELECT key, count(*) AS n, sum(value) AS s, count(DISTINCT value) AS d FROM s GROUP BY key',
  top: "SELECT key, count(*) AS n, window_end FROM TUMBLE(s, at, INTERVAL '5 seconds') GROUP BY key, window_end ORDER BY n DESC, key LIMIT 1 PER WINDOW",
  joined:
    'SELECT s.key, name.label, s.value FROM s LEFT JOIN name FOR SYSTEM_TIME AS OF PROCTIME() ON s.key = name.key',
  changes:
    "SELECT key, sum(value) AS s, window_end FROM TUMBLE(s, at, INTERVAL '5 seconds') GROUP BY key, window_end EMIT CHANGES",
  over: "SELECT count(*) AS keys, sum(n) AS n, window_end FROM TUMBLE(tumble, window_end, INTERVAL '10 seconds') GROUP BY window_end",
};

const row = fc.record({
  at: fc.integer({ min: 0, max: 60 }),
  key: fc.constantFrom('a', 'b', 'c'),
  value: fc.integer({ min: -50, max: 50 }),
});
const ticks = fc.array(fc.array(row, { minLength: 1, maxLength: 4 }), { minLength: 2, maxLength: 10 });

const insert = (rows: readonly { at: number; key: string; value: number }[]): string =>
  `INSERT INTO s VALUES ${rows.map((r) => `(to_timestamp(${1_700_000_000 + r.at}), '${r.key}', ${r.value})`).join(', ')}`;

async function create(millrace: Millrace): Promise<void> {
  await millrace.execute(
    "CREATE STREAM s (at timestamptz NOT NULL, key text, value float8, WATERMARK FOR at AS at - INTERVAL '3 seconds')",
  );
  await millrace.execute('CREATE TABLE name (key text PRIMARY KEY, label text)');
  await millrace.execute("INSERT INTO name VALUES ('a', 'first'), ('b', 'second')");
  for (const [name, query] of Object.entries(VIEWS)) {
    await millrace.execute(`CREATE MATERIALIZED VIEW ${name} WITH (retention = 'forever') AS ${query}`);
  }
}

async function answers(millrace: Millrace): Promise<Record<string, string[]>> {
  const out: Record<string, string[]> = {};
  for (const name of [...Object.keys(VIEWS), 's', 'name', 'millrace.late_rows'])
    out[name] = sortedLines(await millrace.query(`SELECT * FROM ${name}`));
  return out;
}

it('a stop after any tick does not show', async () => {
  await fc.assert(
    fc.asyncProperty(ticks, fc.nat(), async (all, at) => {
      const steady = await Millrace.start();
      await create(steady);
      for (const tick of all) await steady.execute(insert(tick));
      const expected = await answers(steady);
      await steady.stop();

      const dataDirectory = mkdtempSync(join(tmpdir(), 'millrace-restart-'));
      try {
        const stopAfter = at % all.length;
        let millrace = await Millrace.start({ dataDirectory });
        await create(millrace);
        for (const [i, tick] of all.entries()) {
          await millrace.execute(insert(tick));
          if (i !== stopAfter) continue;
          const before = await answers(millrace);
          await millrace.stop();
          millrace = await Millrace.start({ dataDirectory });
          expect(await answers(millrace)).toEqual(before);
        }
        expect(await answers(millrace)).toEqual(expected);
        await millrace.stop();
      } finally {
        rmSync(dataDirectory, { recursive: true, force: true });
      }
    }),
    { numRuns: Number(process.env['LAW_RUNS'] ?? 25) },
  );
});
