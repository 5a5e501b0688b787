/**
 * The law: at every tick the maintained result equals what the same SELECT gives when run afresh, as a multiset, bit for
 * bit. Random rows, disorder, tick cuts and windows, against naive recomputation.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDatum } from '../../common/value-text.ts';
import { Millrace, consolidateChanges, sortedLines } from '../support/millrace.ts';
import {
  naiveAggregate,
  naiveSessions,
  windowsOf,
  type NaiveResult,
  type NaiveRow,
  type NaiveWindow,
} from '../support/naive-windows.ts';

const BASE = Date.UTC(2026, 0, 1) / 1000;
const NASTY = [
  0,
  -0,
  0.1,
  0.2,
  1 / 3,
  1e300,
  -1e300,
  1e-300,
  5e-324,
  1.7976931348623157e308,
  1,
  -1,
  2 ** 53,
  1e16,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
];

const value = fc.oneof(
  { weight: 1, arbitrary: fc.constant(null) },
  { weight: 3, arbitrary: fc.constantFrom(...NASTY) },
  { weight: 6, arbitrary: fc.integer({ min: -10_000, max: 10_000 }).map((n) => n / 100) },
);
const row = fc.record({
  // seconds; most near each other, now and then a jump
  at: fc.oneof(
    { weight: 12, arbitrary: fc.integer({ min: 0, max: 60 }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 5000 }) },
  ),
  key: fc.constantFrom('a', 'b', '', null),
  value,
});
const ticks = fc.array(fc.array(row, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 12 });
// a session's group is forgotten when it was quiet for 100 gaps: jumps stay below
const sessionTicks = ticks.map((all) =>
  all.map((tick) => tick.map((r) => ({ ...r, at: r.at > 60 ? 60 + (r.at % 500) : r.at }))),
);
const window: fc.Arbitrary<NaiveWindow> = fc.oneof(
  fc
    .tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 25 }))
    .map(([size, slide]) => ({ kind: 'hop' as const, size, slide })),
  fc
    .tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 5 }))
    .map(([slide, n]) => ({ kind: 'cumulate' as const, slide, size: slide * n })),
);
const delay = fc.integer({ min: 0, max: 15 });

const RESULTS =
  'count(*) AS n, count(value) AS c, sum(value) AS s, avg(value) AS a, min(value) AS lo, max(value) AS hi, count(DISTINCT value) AS d';

const seconds = (n: number): string => `INTERVAL '${n} seconds'`;
function source(w: NaiveWindow): string {
  if (w.kind === 'session') return `SESSION(s PARTITION BY key, at, ${seconds(w.gap)})`;
  return w.kind === 'hop'
    ? `HOP(s, at, ${seconds(w.slide)}, ${seconds(w.size)})`
    : `CUMULATE(s, at, ${seconds(w.slide)}, ${seconds(w.size)})`;
}
const query = (w: NaiveWindow): string =>
  `SELECT key, window_start, window_end, ${RESULTS} FROM ${source(w)} GROUP BY key, window_start, window_end`;

type Tick = readonly Readonly<{ at: number; key: string | null; value: number | null }>[];

async function begin(delaySeconds: number): Promise<Millrace> {
  const millrace = await Millrace.start();
  await millrace.execute(
    `CREATE STREAM s (at timestamptz NOT NULL, key text, value float8, WATERMARK FOR at AS at - ${seconds(delaySeconds)})`,
  );
  return millrace;
}

const float = (v: number): string =>
  Number.isNaN(v) ? 'NaN' : Object.is(v, -0) ? '-0' : String(v).replace('Infinity', 'infinity');
const literal = ({ at, key, value: v }: Tick[number]): string =>
  `(to_timestamp(${BASE + at}), ${key === null ? 'NULL' : `'${key}'`}, ${v === null ? 'NULL' : `'${float(v)}'::float8`})`;
const insert = (tick: Tick): string =>
  `INSERT INTO s (at, key, value) VALUES ${tick.map(literal).join(', ')}`;

/** Rows with the watermark at the start of their tick, and the watermark at the end. */
function arrivals(
  all: readonly Tick[],
  delaySeconds: number,
): { rows: (NaiveRow & { before: number })[]; watermark: number } {
  let watermark = Number.NEGATIVE_INFINITY;
  const rows: (NaiveRow & { before: number })[] = [];
  all.forEach((tick, t) => {
    for (const r of tick) rows.push({ ...r, at: BASE + r.at, tick: t, before: watermark });
    watermark = Math.max(watermark, ...tick.map((r) => BASE + r.at - delaySeconds));
  });
  return { rows, watermark };
}

function lines(results: readonly NaiveResult[]): string[] {
  return results
    .map(({ key, start, end, values }) => {
      const time = (s: number): string => formatDatum(s * 1e6, { name: 'timestamptz' });
      const texts = values.map((v, i) => {
        if (v === null) return 'NULL';
        return INTEGERS.has(i) ? String(v) : formatDatum(v === 0 ? 0 : v, { name: 'float8' });
      });
      return [key ?? 'NULL', time(start), time(end), ...texts].join('|');
    })
    .sort();
}
const INTEGERS = new Set([0, 1, 6]);

/** A window whose sum overflows is withheld; the naive answer has ±Infinity from finite values there. */
function computable(
  results: readonly NaiveResult[],
  rows: readonly NaiveRow[],
  w: NaiveWindow,
  counts: (row: NaiveRow, end: number) => boolean = () => true,
): NaiveResult[] {
  return results.filter(({ key, end, values }) => {
    const sum = values[2];
    if (sum === null || sum === undefined || Number.isFinite(sum) || Number.isNaN(sum)) return true;
    return rows.some(
      (r) =>
        r.key === key &&
        r.value !== null &&
        !Number.isFinite(r.value) &&
        counts(r, end) &&
        (w.kind === 'session' || windowsOf(w, r.at).some(([, e]) => e === end)),
    );
  });
}

const RUNS = { numRuns: Number(process.env['LAW_RUNS'] ?? 60) };

describe('the law over windows', () => {
  it('ON WINDOW CLOSE: closed windows over the rows that were not late for them', async () => {
    await fc.assert(
      fc.asyncProperty(ticks, window, delay, async (all, w, d) => {
        const millrace = await begin(d);
        await millrace.execute(`CREATE MATERIALIZED VIEW v WITH (retention = 'forever') AS ${query(w)}`);
        const follower = await millrace.follow(`${query(w)} EMIT ON WINDOW CLOSE`);
        for (const tick of all) await millrace.execute(insert(tick));
        const { rows, watermark } = arrivals(all, d);
        const notLate = (r: NaiveRow, end: number): boolean =>
          (r as NaiveRow & { before: number }).before < end;
        const expected = lines(
          computable(
            naiveAggregate(rows, w, notLate).filter((r) => r.end <= watermark),
            rows,
            w,
            notLate,
          ),
        );
        expect(sortedLines(await millrace.query('SELECT * FROM v'))).toEqual(expected);
        expect(follower.consolidated()).toEqual(expected);
        await millrace.stop();
      }),
      RUNS,
    );
  });

  it('EMIT CHANGES: all windows, at every tick', async () => {
    await fc.assert(
      fc.asyncProperty(ticks, window, delay, async (all, w, d) => {
        const millrace = await begin(d);
        const follower = await millrace.follow(`${query(w)} EMIT CHANGES`);
        for (let t = 0; t < all.length; t++) {
          await millrace.execute(insert(all[t]!));
          const { rows } = arrivals(all.slice(0, t + 1), d);
          const notLate = (r: NaiveRow, end: number): boolean =>
            (r as NaiveRow & { before: number }).before < end;
          const expected = lines(computable(naiveAggregate(rows, w, notLate), rows, w, notLate));
          expect(follower.consolidated()).toEqual(expected);
        }
        await millrace.stop();
      }),
      RUNS,
    );
  });

  it('a finite SELECT: all windows over all retained rows', async () => {
    await fc.assert(
      fc.asyncProperty(ticks, window, async (all, w) => {
        const millrace = await begin(0);
        for (const tick of all) await millrace.execute(insert(tick));
        const { rows } = arrivals(all, 0);
        const results = naiveAggregate(rows, w, () => true);
        if (computable(results, rows, w).length === results.length) {
          expect(sortedLines(await millrace.query(query(w)))).toEqual(lines(results));
        } else await expect(millrace.query(query(w))).rejects.toMatchObject({ code: '22003' });
        await millrace.stop();
      }),
      RUNS,
    );
  });

  it('SESSION: merging, closing, and what is late', async () => {
    await fc.assert(
      fc.asyncProperty(sessionTicks, fc.integer({ min: 6, max: 12 }), delay, async (all, gap, d) => {
        const w: NaiveWindow = { kind: 'session', gap };
        const millrace = await begin(d);
        await millrace.execute(`CREATE MATERIALIZED VIEW v WITH (retention = 'forever') AS ${query(w)}`);
        const follower = await millrace.follow(`${query(w)} EMIT CHANGES`);
        for (const tick of all) await millrace.execute(insert(tick));
        const { rows, watermark } = arrivals(all, d);
        const admitted = sessionRows(rows, gap);
        const expected = computable(naiveSessions(admitted, gap), admitted, w);
        expect(follower.consolidated()).toEqual(lines(expected));
        const closed = expected.filter((r) => r.end <= watermark);
        expect(sortedLines(await millrace.query('SELECT * FROM v'))).toEqual(lines(closed));
        await millrace.stop();
      }),
      RUNS,
    );
  });

  it('the cut into ticks does not show where nothing is late', async () => {
    await fc.assert(
      fc.asyncProperty(ticks, window, async (all, w) => {
        const answers: string[][] = [];
        for (const cut of [all, [all.flat()]]) {
          const millrace = await begin(10_000);
          const follower = await millrace.follow(`${query(w)} EMIT CHANGES`);
          for (const tick of cut) await millrace.execute(insert(tick));
          answers.push(consolidateChanges(follower.drain().changes));
          await millrace.stop();
        }
        expect(answers[0]).toEqual(answers[1]);
      }),
      RUNS,
    );
  });
});

/** Rows that are not late: in the order of arrival, with the sessions that were closed before their tick. */
function sessionRows(rows: readonly (NaiveRow & { before: number })[], gap: number): NaiveRow[] {
  const admitted: NaiveRow[] = [];
  for (const tick of Map.groupBy(rows, (r) => r.tick).values()) {
    const closed = naiveSessions(admitted, gap).filter((s) => s.end <= tick[0]!.before);
    const open: NaiveRow[] = [...admitted];
    for (const r of tick) {
      const nearClosed = closed.some((s) => s.key === r.key && r.at > s.start - gap && r.at < s.end);
      const joins = naiveSessions(open, gap).some(
        (s) => s.key === r.key && r.at > s.start - gap && r.at < s.end,
      );
      if (nearClosed || (!joins && r.at + gap <= r.before)) continue;
      open.push(r);
      admitted.push(r);
    }
  }
  return admitted;
}
