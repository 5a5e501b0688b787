/** Views over one stream that keep groups and panes together answer as if each were alone, whatever comes and goes. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Millrace, sortedLines } from '../support/millrace.ts';

const view = (keys: string, window: string): string =>
  `SELECT ${keys}, count(*) AS n, sum(value) AS s, min(value) AS lo, window_end FROM ${window} GROUP BY ${keys}, window_end`;
const VIEWS = [
  view('key', "TUMBLE(s, at, INTERVAL '2 seconds')"),
  view('key', "TUMBLE(s, at, INTERVAL '10 seconds')"),
  view('key', "HOP(s, at, INTERVAL '1 second', INTERVAL '7 seconds')"),
  view('key', "CUMULATE(s, at, INTERVAL '2 seconds', INTERVAL '6 seconds')"),
  view('key, kind', "TUMBLE(s, at, INTERVAL '3 seconds')"),
  view('kind, key', "HOP(s, at, INTERVAL '2 seconds', INTERVAL '4 seconds')"),
  view('key, kind', "TUMBLE(s, at, INTERVAL '9 seconds')"),
  view('key', "TUMBLE(s, at, INTERVAL '4 seconds', INTERVAL '2 seconds')"),
  view('key', "TUMBLE(s, at, INTERVAL '4 seconds', INTERVAL '1 second')"),
  view('key', "HOP(s, at, INTERVAL '6 seconds', INTERVAL '2 seconds')"),
  view('key', "HOP(s, at, INTERVAL '5 seconds', INTERVAL '30 seconds')"),
  // the same rows read, some of the aggregates
  "SELECT key, min(value) AS lo, window_end FROM HOP(s, at, INTERVAL '1 second', INTERVAL '3 seconds') GROUP BY key, window_end",
];

const row = fc.record({
  late: fc.integer({ min: 0, max: 6 }),
  key: fc.constantFrom("'a'", "'b'", 'NULL'),
  /** a key of its own: its group's number is given to others once its windows have closed */
  fresh: fc.boolean(),
  kind: fc.constantFrom('1', '2', 'NULL'),
  value: fc.integer({ min: -50, max: 50 }),
});
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('rows' as const),
      rows: fc.array(row, { minLength: 1, maxLength: 6 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('create' as const), view: fc.nat(VIEWS.length - 1) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('drop' as const), view: fc.nat(VIEWS.length - 1) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Runs the script with the views asked for and returns what they hold at its end. */
async function run(
  script: readonly Step[],
  wanted: (view: number) => boolean,
): Promise<Map<number, string[]>> {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'millrace-shared-'));
  try {
    let millrace = await Millrace.start({ dataDirectory });
    await millrace.execute(
      `CREATE STREAM s (at timestamptz NOT NULL, key text, kind int, value float8,
       WATERMARK FOR at AS at - INTERVAL '3 seconds')`,
    );
    const running = new Set<number>();
    let time = 1_700_000_000;
    for (const [at, s] of script.entries()) {
      if (s.kind === 'rows') {
        time += 2;
        const rows = s.rows.map((r, i) => {
          const key = r.fresh ? `'new${at}-${i}'` : r.key;
          return `(to_timestamp(${time - r.late}), ${key}, ${r.kind}, ${r.value})`;
        });
        await millrace.execute(`INSERT INTO s VALUES ${rows.join(', ')}`);
      } else if (s.kind === 'restart') {
        await millrace.stop();
        millrace = await Millrace.start({ dataDirectory });
      } else if (wanted(s.view) && s.kind === 'create' && !running.has(s.view)) {
        running.add(s.view);
        await millrace.execute(
          `CREATE MATERIALIZED VIEW v${s.view} WITH (retention = 'forever') AS ${VIEWS[s.view]!}`,
        );
      } else if (s.kind === 'drop' && running.delete(s.view)) {
        await millrace.execute(`DROP MATERIALIZED VIEW v${s.view}`);
      }
    }
    // closes every window, twice over
    for (const ahead of [100, 200]) {
      await millrace.execute(`INSERT INTO s VALUES (to_timestamp(${time + ahead}), 'end', 1, 0)`);
    }
    const out = new Map<number, string[]>();
    for (const v of running) {
      const rows = sortedLines(await millrace.query(`SELECT * FROM v${v}`));
      const late = sortedLines(
        await millrace.query(`SELECT at, late_by, row FROM millrace.late_rows WHERE view = 'v${v}'`),
      );
      out.set(v, [...rows, 'late', ...late]);
    }
    await millrace.stop();
    return out;
  } finally {
    rmSync(dataDirectory, { recursive: true, force: true });
  }
}

it('together as alone', async () => {
  const all: Step[] = VIEWS.map((_, i) => ({ kind: 'create', view: i }));
  await fc.assert(
    fc.asyncProperty(fc.boolean(), fc.array(step, { minLength: 3, maxLength: 24 }), async (from, steps) => {
      const script = from ? [...all, ...steps] : steps;
      const together = await run(script, () => true);
      for (const [v, lines] of together) {
        const alone = await run(script, (other) => other === v);
        expect(lines).toEqual(alone.get(v));
      }
    }),
    { numRuns: Number(process.env['LAW_RUNS'] ?? 25) },
  );
}, 60_000);
