/**
 * Windowed aggregation the slow way: every row into every window it belongs to, every result from all its rows. Shares
 * nothing with the engine but the rules: sums are added as rationals (BigInt) and rounded once.
 */
export type NaiveRow = Readonly<{ at: number; key: string | null; value: number | null; tick: number }>;

export type NaiveWindow =
  | Readonly<{ kind: 'hop'; size: number; slide: number }>
  | Readonly<{ kind: 'cumulate'; size: number; slide: number }>
  | Readonly<{ kind: 'session'; gap: number }>;

export type NaiveResult = Readonly<{
  key: string | null;
  start: number;
  end: number;
  values: readonly (number | null)[];
}>;

/** Windows that hold the time. */
export function windowsOf(window: NaiveWindow, at: number): (readonly [number, number])[] {
  const out: [number, number][] = [];
  if (window.kind === 'hop') {
    for (
      let start = Math.floor(at / window.slide) * window.slide;
      start > at - window.size;
      start -= window.slide
    ) {
      out.push([start, start + window.size]);
    }
  } else if (window.kind === 'cumulate') {
    const start = Math.floor(at / window.size) * window.size;
    for (let end = start + window.slide; end <= start + window.size; end += window.slide)
      if (end > at) out.push([start, end]);
  }
  return out;
}

/** Results per (key, window), over the rows that `counts` lets into the window. */
export function naiveAggregate(
  rows: readonly NaiveRow[],
  window: NaiveWindow,
  counts: (row: NaiveRow, end: number) => boolean,
): NaiveResult[] {
  const groups = new Map<string, { key: string | null; start: number; end: number; rows: NaiveRow[] }>();
  for (const row of rows) {
    for (const [start, end] of windowsOf(window, row.at)) {
      if (!counts(row, end)) continue;
      const id = JSON.stringify([row.key, start, end]);
      const group = groups.get(id) ?? { key: row.key, start, end, rows: [] };
      group.rows.push(row);
      groups.set(id, group);
    }
  }
  return [...groups.values()].map(({ key, start, end, rows: inside }) => ({
    key,
    start,
    end,
    values: aggregatesOf(inside),
  }));
}

/** Sessions per key of rows that all count. */
export function naiveSessions(rows: readonly NaiveRow[], gap: number): NaiveResult[] {
  const out: NaiveResult[] = [];
  const keys = Map.groupBy(rows, (r) => r.key);
  for (const [key, all] of keys) {
    const sorted = all.toSorted((a, b) => a.at - b.at);
    let open: NaiveRow[] = [];
    const close = (): void => {
      if (open.length > 0)
        out.push({ key, start: open[0]!.at, end: open.at(-1)!.at + gap, values: aggregatesOf(open) });
      open = [];
    };
    for (const row of sorted) {
      if (open.length > 0 && row.at - open.at(-1)!.at >= gap) close();
      open.push(row);
    }
    close();
  }
  return out;
}

/** count(*), count(value), sum, avg, min, max, count(DISTINCT value). */
function aggregatesOf(rows: readonly NaiveRow[]): (number | null)[] {
  const values = rows.flatMap((r) => (r.value === null ? [] : [r.value]));
  if (values.length === 0) return [rows.length, 0, null, null, null, null, 0];
  const sum = exactSum(values);
  return [
    rows.length,
    values.length,
    sum,
    sum / values.length,
    values.reduce((a, b) => (isGreater(a, b) ? b : a)),
    values.reduce((a, b) => (isGreater(b, a) ? b : a)),
    new Set(values.map((v) => (v === 0 ? 0 : v))).size,
  ];
}

/** NaN is greater than all others. */
const isGreater = (a: number, b: number): boolean => a > b || (Number.isNaN(a) && !Number.isNaN(b));

/** The exact sum, rounded once to the nearest double, half to even; never −0. */
export function exactSum(values: readonly number[]): number {
  if (values.some(Number.isNaN)) return Number.NaN;
  const infinite = new Set(values.filter((v) => !Number.isFinite(v)));
  if (infinite.size === 2) return Number.NaN;
  if (infinite.size === 1) return [...infinite][0]!;
  const total = values.reduce((sum, v) => sum + units(v), 0n);
  return nearest(total);
}

/** In units of 2^−1074. */
function units(value: number): bigint {
  let scaled = value;
  let shift = 0;
  // multiplying by 2 is exact until it overflows; a double is an integer after at most 1074 doublings
  while (!Number.isInteger(scaled)) {
    scaled *= 2;
    shift++;
  }
  return BigInt(scaled) << BigInt(1074 - shift);
}

/** By bisection over the doubles: slow, and plainly right. */
function nearest(total: bigint): number {
  if (total === 0n) return 0;
  if (total < 0n) return -nearest(-total);
  const view = new DataView(new ArrayBuffer(8));
  const double = (bits: bigint): number => {
    view.setBigUint64(0, bits);
    return view.getFloat64(0);
  };
  let low = 0n;
  let high = 0x7fefffffffffffffn;
  const half = (units(double(high)) - units(double(high - 1n))) / 2n;
  if (total >= units(double(high)) + half) return Number.POSITIVE_INFINITY;
  // the greatest double at or below the total
  while (low < high) {
    const middle = (low + high + 1n) / 2n;
    if (units(double(middle)) <= total) low = middle;
    else high = middle - 1n;
  }
  if (low === 0x7fefffffffffffffn) return double(low);
  const below = total - units(double(low));
  const above = units(double(low + 1n)) - total;
  if (below < above || (below === above && low % 2n === 0n)) return double(low);
  return double(low + 1n);
}
