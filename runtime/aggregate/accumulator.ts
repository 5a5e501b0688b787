/**
 * Partial aggregates of all groups as flat arrays, by group number.
 *
 * Laws (test/property/accumulators.test.ts runs them over every file of this folder):
 *   identity       combine with an empty one changes nothing
 *   order          add and combine in any order give the same result, bit for bit
 *   inverse        deduct(combine(a, x), x) = a, exactly            (invertible ones)
 *   retraction     add with weight −1 undoes add with weight +1     (retractable ones)
 *   save           load(save(a)) = a
 *
 * How many rows a group has is not kept here: `rowCounts` comes from the operator at `emit` (the hidden count that
 * also decides when a group dies). count(*) needs nothing more.
 */
import type { Column } from '../batch/column.ts';
import type { ColumnArrays } from '../batch/column-arrays.ts';
import type { StateReader, StateWriter } from '../state/state-codec.ts';

export type Rows = Readonly<{
  count: number;
  /** group of each row */
  groups: Uint32Array;
  /** signed count of each row; null = all +1 */
  weights: Int32Array | null;
}>;

export interface Accumulator {
  /** Makes room for groups below `capacity`; new ones are empty. */
  grow(capacity: number): void;
  /** Adds the rows; args[k] is the k-th argument's column. */
  add(rows: Rows, args: readonly Column[]): void;
  /** this[groups[i]] ← this[groups[i]] ⊕ pane[i]. The pane is of the same class. */
  combine(groups: Uint32Array, count: number, pane: Accumulator): void;
  /** A compact copy of these groups: group k of the copy is groups[k]. */
  copy(groups: Uint32Array, count: number): Accumulator;
  /** this[groups[i]] ← pane[i]. */
  assign(groups: Uint32Array, count: number, pane: Accumulator): void;
  /** These groups are empty again. */
  clear(groups: Uint32Array, count: number): void;
  /** The results; rowCounts[i] is the number of rows of groups[i]. */
  emit(groups: Uint32Array, count: number, rowCounts: Float64Array, arrays: ColumnArrays): Column;
  memoryBytes(): number;
  save(w: StateWriter): void;
  load(r: StateReader): void;
}

export interface InvertibleAccumulator extends Accumulator {
  readonly invertible: true;
  /** this[groups[i]] ← this[groups[i]] ⊖ pane[i], exactly undoing `combine`. */
  deduct(groups: Uint32Array, count: number, pane: Accumulator): void;
}

export const isInvertible = (a: Accumulator): a is InvertibleAccumulator => 'invertible' in a;
