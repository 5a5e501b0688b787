/** The first rows of an order without sorting the others. */
import type { SortKey } from '../plan/query-plan.ts';
import type { Batch } from './column.ts';
import type { RowComparator } from './compare-rows.ts';

/** Above it all rows are sorted: putting a row into its place costs its distance. */
const INSERTED_ROWS_MAX = 1000;

/**
 * The `count` rows of the batch that come first, in order; `rows`: the ones to choose from (reordered), null: all.
 * `compare` begins with the first of `order`. Most rows lose by its value alone, where that is a number: one comparison
 * each.
 */
export function smallestRows(
  batch: Batch,
  rows: Uint32Array | null,
  order: readonly SortKey[],
  count: number,
  compare: RowComparator,
): Uint32Array {
  const total = rows?.length ?? batch.rows;
  if (count >= total || count > INSERTED_ROWS_MAX) {
    return (rows ?? Uint32Array.from({ length: total }, (_, i) => i)).sort(compare).subarray(0, count);
  }
  if (count === 0) return new Uint32Array(0);
  const numbers = order[0] === undefined ? null : numbersOf(batch, order[0]);
  const descending = order[0]?.descending === true;
  const best = new Uint32Array(count);
  let held = 0;
  for (let i = 0; i < total; i++) {
    if (held === count) {
      if (numbers !== null) {
        const bound = numbers[best[held - 1]!]!;
        i = descending ? notBelow(numbers, rows, i, total, bound) : notAbove(numbers, rows, i, total, bound);
        if (i === total) break;
      }
      if (compare(rows === null ? i : rows[i]!, best[held - 1]!) >= 0) continue;
    }
    const row = rows === null ? i : rows[i]!;
    let at = held < count ? held++ : held - 1;
    while (at > 0 && compare(row, best[at - 1]!) < 0) {
      best[at] = best[at - 1]!;
      at--;
    }
    best[at] = row;
  }
  return best.subarray(0, held);
}

/** The key's values where comparing them as numbers agrees with its order but for NaN and ties. */
function numbersOf(batch: Batch, key: SortKey): Float64Array | Int32Array | null {
  const column = batch.columns[key.column]!;
  if (column.valid !== null) return null;
  if (column.kind === 'float64' || column.kind === 'int32') return column.values;
  return column.kind === 'int64' && column.wide === null ? column.values : null;
}

/** The next place whose value is not below the bound (NaN is not). */
function notBelow(
  values: Float64Array | Int32Array,
  rows: Uint32Array | null,
  from: number,
  total: number,
  bound: number,
): number {
  let i = from;
  if (rows === null) while (i < total && values[i]! < bound) i++;
  else while (i < total && values[rows[i]!]! < bound) i++;
  return i;
}

function notAbove(
  values: Float64Array | Int32Array,
  rows: Uint32Array | null,
  from: number,
  total: number,
  bound: number,
): number {
  let i = from;
  if (rows === null) while (i < total && values[i]! > bound) i++;
  else while (i < total && values[rows[i]!]! > bound) i++;
  return i;
}
