/**
 * Where the windows of a specification lie, counted in panes and in windows.
 *
 *   panes      0    1    2    3    4    5      pane p covers [offset + p·width, offset + (p + 1)·width)
 *   hop        |------ window 0 ------|        size 5 panes, slide 2: window k covers [2k, 2k + 5)
 *                        |------ window 1 ------|
 *   cumulate   |-0--|                          size 3 panes, step 1: window k covers [⌊k/3⌋·3, k + 1)
 *              |----1----|
 *              |-------2------| |-3--|
 *
 * `width` is the greatest common divisor of size and slide. All functions are monotone in their argument.
 */
import { assert, unreachable } from '../../common/assert.ts';
import type { WindowSpecification } from '../plan/query-plan.ts';

export type WindowShape = Readonly<{
  widthMicros: number;
  offsetMicros: number;
  /** first pane of window k, and the pane after its last */
  firstPane(window: number): number;
  endPane(window: number): number;
  /** the first and last window that hold the pane; first > last: none does (slide > size) */
  firstWindow(pane: number): number;
  lastWindow(pane: number): number;
  /** the last window whose end is at or before this time; −∞ and +∞ stay what they are */
  lastClosed(watermark: number): number;
}>;

export function windowShape(window: WindowSpecification): WindowShape {
  switch (window.kind) {
    case 'tumble':
      return hopShape(window.sizeMicros, window.sizeMicros, window.offsetMicros);
    case 'hop':
      return hopShape(window.sizeMicros, window.slideMicros, window.offsetMicros);
    case 'cumulate':
      return cumulateShape(window.sizeMicros, window.stepMicros, window.offsetMicros);
    case 'session':
      throw new TypeError('sessions have no panes');
    default:
      return unreachable(window);
  }
}

function hopShape(sizeMicros: number, slideMicros: number, offsetMicros: number): WindowShape {
  const widthMicros = greatestCommonDivisor(sizeMicros, slideMicros);
  const size = sizeMicros / widthMicros;
  const slide = slideMicros / widthMicros;
  return {
    widthMicros,
    offsetMicros,
    firstPane: (k) => k * slide,
    endPane: (k) => k * slide + size,
    firstWindow: (p) => Math.ceil((p - size + 1) / slide),
    lastWindow: (p) => Math.floor(p / slide),
    lastClosed: (w) =>
      Number.isFinite(w) ? Math.floor((Math.floor((w - offsetMicros) / widthMicros) - size) / slide) : w,
  };
}

function cumulateShape(sizeMicros: number, stepMicros: number, offsetMicros: number): WindowShape {
  assert(sizeMicros % stepMicros === 0, 'CUMULATE: size is a multiple of step');
  const panes = sizeMicros / stepMicros;
  return {
    widthMicros: stepMicros,
    offsetMicros,
    firstPane: (k) => Math.floor(k / panes) * panes,
    endPane: (k) => k + 1,
    firstWindow: (p) => p,
    lastWindow: (p) => Math.floor(p / panes) * panes + panes - 1,
    lastClosed: (w) => (Number.isFinite(w) ? Math.floor((w - offsetMicros) / stepMicros) - 1 : w),
  };
}

export function greatestCommonDivisor(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}
