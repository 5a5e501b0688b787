/** Panes as slices of time: pane p covers [offset + p·width, offset + (p + 1)·width). */
import type { Column } from '../batch/column.ts';

export type PaneGrid = Readonly<{ widthMicros: number; offsetMicros: number }>;

const MICROS_PER_DAY = 86_400_000_000;

/** What a time attribute's values are multiplied by to be µs: a date counts days. */
export function timeScale(column: Column): number {
  if (column.kind === 'int32') return MICROS_PER_DAY;
  if (column.kind !== 'float64') throw new TypeError('time attribute in another layout');
  return 1;
}

/** Pane numbers of the rows into `out`; returns the least, −∞ if a row's is infinite. NULLs give any number. */
export function panesOf(column: Column, grid: PaneGrid, rows: number, out: Float64Array): number {
  const { values } = column as { values: Float64Array | Int32Array };
  return paneNumbers(values, timeScale(column), grid.offsetMicros, grid.widthMicros, rows, out);
}

function paneNumbers(
  times: Float64Array | Int32Array,
  scale: number,
  offset: number,
  width: number,
  rows: number,
  out: Float64Array,
): number {
  let least = Number.POSITIVE_INFINITY;
  // rows of one pane mostly follow each other: no division then
  let pane = Number.NaN;
  let from = Number.POSITIVE_INFINITY;
  let to = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < rows; i++) {
    const time = times[i]! * scale - offset;
    if (time >= from && time < to) {
      out[i] = pane;
      continue;
    }
    pane = Math.floor(time / width);
    from = pane * width;
    to = from + width;
    // beyond 2^53 µs (the year 2255) bounds are rounded: each row divides there
    if (!(from >= -Number.MAX_SAFE_INTEGER && to <= Number.MAX_SAFE_INTEGER)) to = Number.NEGATIVE_INFINITY;
    out[i] = pane;
    // NaN never wins; an infinite pane fails the check of the caller
    if (pane < least) least = pane;
    if (pane === Number.POSITIVE_INFINITY) least = Number.NEGATIVE_INFINITY;
  }
  return least;
}
