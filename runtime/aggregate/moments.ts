/**
 * sum, avg, var_*, stddev_* of ints and floats, from the exact Σx and, where needed, the exact Σx²: the result is one
 * fixed function of (N, Σx, Σx²), whatever the order of adds and deducts.
 */
import type { ColumnArrays } from '../batch/column-arrays.ts';
import type { Column, Int64Column } from '../batch/column.ts';
import type { StateReader, StateWriter } from '../state/state-codec.ts';
import type { Accumulator, InvertibleAccumulator, Rows } from './accumulator.ts';
import { ExactSquares } from './exact-squares.ts';
import { ExactSum } from './exact-sum.ts';
import { finishMoments, type MomentsResult } from './moments-result.ts';
import { asDoubles, presentRows, SkippedRows } from './present-rows.ts';

const TWO_32 = 4294967296;

type Parts = Readonly<{ sum: ExactSum; squares: ExactSquares | null; skipped: SkippedRows }>;

export class Moments implements InvertibleAccumulator {
  readonly invertible = true;
  readonly #result: MomentsResult;
  readonly #parts: Parts;

  constructor(result: MomentsResult, parts: Parts) {
    this.#result = result;
    this.#parts = parts;
  }

  static empty(capacity: number, result: MomentsResult): Moments {
    return new Moments(result, {
      sum: new ExactSum(capacity),
      squares: result.kind === 'variance' ? new ExactSquares(capacity) : null,
      skipped: new SkippedRows(capacity),
    });
  }

  grow(capacity: number): void {
    const { sum, squares, skipped } = this.#parts;
    sum.grow(capacity);
    squares?.grow(capacity);
    skipped.grow(capacity);
  }

  add(allRows: Rows, allArgs: readonly Column[]): void {
    const { sum, squares, skipped } = this.#parts;
    const { rows, args } = presentRows(allRows, allArgs, skipped);
    const column = args[0]!;
    if (column.kind === 'int64' && column.wide !== null) {
      this.#addWide(rows, column);
      return;
    }
    const values = asDoubles(column, rows.count);
    const { groups, weights, count } = rows;
    if (weights === null) sum.add(groups, values, count, 1);
    else for (let i = 0; i < count; i++) sum.addOne(groups[i]!, values[i]!, weights[i]!);
    if (squares === null) return;
    for (let i = 0; i < count; i++) squares.addProduct(groups[i]!, values[i]!, values[i]!, weights?.[i] ?? 1);
  }

  combine(groups: Uint32Array, count: number, pane: Accumulator): void {
    this.#merge(groups, count, pane as Moments, 1);
  }

  deduct(groups: Uint32Array, count: number, pane: Accumulator): void {
    this.#merge(groups, count, pane as Moments, -1);
  }

  copy(groups: Uint32Array, count: number): Moments {
    const { sum, squares, skipped } = this.#parts;
    return new Moments(this.#result, {
      sum: sum.copy(groups, count),
      squares: squares?.copy(groups, count) ?? null,
      skipped: skipped.copy(groups, count),
    });
  }

  assign(groups: Uint32Array, count: number, pane: Accumulator): void {
    this.clear(groups, count);
    this.combine(groups, count, pane);
  }

  clear(groups: Uint32Array, count: number): void {
    const { sum, squares, skipped } = this.#parts;
    sum.clear(groups, count);
    squares?.clear(groups, count);
    skipped.clear(groups, count);
  }

  emit(groups: Uint32Array, count: number, rowCounts: Float64Array, arrays: ColumnArrays): Column {
    const { sum, squares, skipped } = this.#parts;
    let counts = rowCounts;
    if (!skipped.none) {
      counts = new Float64Array(count);
      for (let i = 0; i < count; i++) counts[i] = rowCounts[i]! - skipped.of(groups[i]!);
    }
    return finishMoments(this.#result, {
      sum,
      squares,
      groups,
      counts,
      count,
      complete: skipped.none,
      arrays,
    });
  }

  memoryBytes(): number {
    const { sum, squares, skipped } = this.#parts;
    return sum.memoryBytes() + (squares?.memoryBytes() ?? 0) + skipped.memoryBytes();
  }

  save(w: StateWriter): void {
    const { sum, squares, skipped } = this.#parts;
    sum.save(w);
    squares?.save(w);
    skipped.save(w);
  }

  load(r: StateReader): void {
    const { sum, squares, skipped } = this.#parts;
    sum.load(r);
    squares?.load(r);
    skipped.load(r);
  }

  #merge(groups: Uint32Array, count: number, pane: Moments, sign: 1 | -1): void {
    const { sum, squares, skipped } = this.#parts;
    sum.combine(groups, count, pane.#parts.sum, sign);
    if (squares !== null) squares.combine(groups, count, pane.#parts.squares!, sign);
    skipped.combine(groups, count, pane.#parts.skipped, sign);
  }

  /** 64-bit values as high × 2^32 + low, each part exact as a double. */
  #addWide(rows: Rows, column: Int64Column): void {
    const { sum, squares } = this.#parts;
    const halves = new Int32Array(column.wide!.buffer, column.wide!.byteOffset, 2 * column.wide!.length);
    for (let i = 0; i < rows.count; i++) {
      const group = rows.groups[i]!;
      const weight = rows.weights?.[i] ?? 1;
      const high = halves[2 * i + 1]! * TWO_32;
      const low = halves[2 * i]! >>> 0;
      sum.addOne(group, high, weight);
      sum.addOne(group, low, weight);
      if (squares === null) continue;
      squares.addProduct(group, high, high, weight);
      squares.addProduct(group, low, low, weight);
      squares.addProduct(group, high, 2 * low, weight);
    }
  }
}
