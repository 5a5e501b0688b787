/**
 * The law where numbers and windows are extreme: int8 at the ends of its range, 10,000 panes a window, a row of 1970
 * beside one of today. Against sums in BigInt over every row of every window.
 */
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { formatDatum } from '../../common/value-text.ts';
import { Millrace, sortedLines } from '../support/millrace.ts';
import { type NaiveWindow, windowsOf } from '../support/naive-windows.ts';

const BASE = Date.UTC(2026, 0, 1) / 1000;
const INT8_MAX = 2n ** 63n - 1n;
const EXTREMES = [
  INT8_MAX,
  -INT8_MAX - 1n,
  INT8_MAX - 1n,
  0n,
  1n,
  -1n,
  2n ** 53n,
  2n ** 53n + 1n,
  -(2n ** 53n) - 1n,
];

type Row = Readonly<{ at: number; key: string; value: bigint | null }>;

const value = fc.oneof(
  { weight: 1, arbitrary: fc.constant(null) },
  { weight: 4, arbitrary: fc.constantFrom(...EXTREMES) },
  { weight: 4, arbitrary: fc.bigInt({ min: -INT8_MAX - 1n, max: INT8_MAX }) },
);
const rowAt = (at: fc.Arbitrary<number>): fc.Arbitrary<Row> =>
  fc.record({ at, key: fc.constantFrom('a', 'b', 'c'), value });
const ticksOf = (at: fc.Arbitrary<number>): fc.Arbitrary<Row[][]> =>
  fc.array(fc.array(rowAt(at), { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 8 });

const time = (seconds: number): string => formatDatum(seconds * 1e6, { name: 'timestamptz' });

/** Of windows that have closed, over rows that were not late for them. No delay: the watermark is the greatest time. */
function expected(ticks: readonly Row[][], window: NaiveWindow): string[] {
  const groups = new Map<string, { rows: number; values: bigint[] }>();
  const ends = new Map<string, number>();
  let watermark = Number.NEGATIVE_INFINITY;
  for (const tick of ticks) {
    for (const { at, key, value } of tick)
      for (const [, end] of windowsOf(window, at)) {
        if (end <= watermark) continue;
        const name = `${key}|${time(end)}`;
        const group = groups.get(name) ?? { rows: 0, values: [] };
        group.rows++;
        if (value !== null) group.values.push(value);
        groups.set(name, group);
        ends.set(name, end);
      }
    watermark = Math.max(watermark, ...tick.map((r) => r.at));
  }
  return [...groups]
    .filter(([name]) => ends.get(name)! <= watermark)
    .map(([name, { rows, values }]) => {
      const numbers =
        values.length === 0
          ? ['NULL', 'NULL', 'NULL']
          : [
              values.reduce((a, b) => a + b),
              ...[0, -1].map((i) => values.toSorted((a, b) => Number(a > b) - Number(a < b)).at(i)),
            ];
      return [name, rows, values.length, ...numbers, new Set(values).size].join('|');
    })
    .sort();
}

async function closed(ticks: readonly Row[][], from: string): Promise<string[]> {
  const millrace = await Millrace.start();
  await millrace.execute(
    'CREATE STREAM s (at timestamptz NOT NULL, key text, v int8, WATERMARK FOR at AS at)',
  );
  await millrace.execute(
    `CREATE MATERIALIZED VIEW w WITH (retention = 'forever') AS SELECT key, window_end, count(*) AS n, count(v) AS c,
       sum(v) AS s, min(v) AS lo, max(v) AS hi, count(DISTINCT v) AS d FROM ${from} GROUP BY key, window_end`,
  );
  for (const tick of ticks) {
    const rows = tick.map(
      ({ at, key, value }) => `(to_timestamp(${at}), '${key}', ${value === null ? 'NULL' : `'${value}'`})`,
    );
    await millrace.execute(`INSERT INTO s VALUES ${rows.join(', ')}`);
  }
  const lines = sortedLines(await millrace.query('SELECT * FROM w'));
  await millrace.stop();
  return lines;
}

/** Runs whose answer was not empty: the test must say something. */
let answered = 0;

async function check(ticks: readonly Row[][], slide: number, size: number): Promise<void> {
  const wanted = expected(ticks, { kind: 'hop', slide, size });
  if (wanted.length > 0) answered++;
  expect(await closed(ticks, hop(slide, size))).toEqual(wanted);
}

beforeEach(() => {
  answered = 0;
});
afterEach(() => expect(answered).toBeGreaterThan(1));

const hop = (slide: number, size: number): string =>
  `HOP(s, at, INTERVAL '${slide} seconds', INTERVAL '${size} seconds')`;

it('int8 at the ends of its range', async () => {
  const window = fc.tuple(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 20 }));
  const at = fc.integer({ min: BASE, max: BASE + 60 });
  await fc.assert(
    fc.asyncProperty(ticksOf(at), window, async (ticks, [slide, size]) => {
      await check(ticks, slide, size);
    }),
    { numRuns: 40 },
  );
});

it('10,000 panes a window', async () => {
  const at = fc.integer({ min: BASE, max: BASE + 12_000 });
  const ticks = fc.array(fc.array(rowAt(at), { minLength: 1, maxLength: 2 }), { minLength: 2, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(ticks, async (all) => {
      await check(all, 1, 10_000);
    }),
    { numRuns: 4 },
  );
});

it('a row of 1970 beside one of today', async () => {
  const at = fc.oneof(fc.integer({ min: 0, max: 5 }), fc.integer({ min: BASE, max: BASE + 20 }));
  await fc.assert(
    fc.asyncProperty(ticksOf(at), fc.integer({ min: 1, max: 3 }), async (ticks, slide) => {
      await check(ticks, slide, 10);
    }),
    { numRuns: 25 },
  );
});
