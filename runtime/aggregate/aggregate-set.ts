/**
 * All aggregates of one GROUP BY side by side, with the hidden row count per group that decides when a group is there
 * at all (a group whose sum is 0 is not an empty group).
 */
import type { Schema } from '../../common/types.ts';
import type { Batch, Column } from '../batch/column.ts';
import { isValid } from '../batch/column.ts';
import type { ColumnArrays } from '../batch/column-arrays.ts';
import { allNull, setValid } from '../batch/validity.ts';
import type { AggregateCall } from '../plan/query-plan.ts';
import { grown } from '../state/grow.ts';
import type { StateReader, StateWriter } from '../state/state-codec.ts';
import { isInvertible, type Accumulator } from './accumulator.ts';
import { assert } from '../../common/assert.ts';
import { createAccumulator } from './create-accumulator.ts';

export class AggregateSet {
  readonly calls: readonly AggregateCall[];
  readonly accumulators: readonly Accumulator[];
  /** Rows per group. */
  counts: Float64Array;

  constructor(calls: readonly AggregateCall[], accumulators: readonly Accumulator[], counts: Float64Array) {
    this.calls = calls;
    this.accumulators = accumulators;
    this.counts = counts;
  }

  /** `input`: schema of the rows that come. */
  static create(
    calls: readonly AggregateCall[],
    input: Schema,
    retracts: boolean,
    capacity: number,
  ): AggregateSet {
    const accumulators = calls.map((call) =>
      createAccumulator(
        call,
        call.args.map((a) => input[a]!.type),
        retracts,
        capacity,
      ),
    );
    return new AggregateSet(calls, accumulators, new Float64Array(capacity));
  }

  get invertible(): boolean {
    return this.accumulators.every(isInvertible);
  }

  grow(capacity: number): void {
    if (capacity <= this.counts.length) return;
    const room = Math.max(capacity, 2 * this.counts.length);
    this.counts = grown(this.counts, room);
    for (const accumulator of this.accumulators) accumulator.grow(room);
  }

  /** groups[i] is the group of row i. */
  add(groups: Uint32Array, batch: Batch): void {
    const { rows: count, weights } = batch;
    countRows(groups, weights, count, this.counts);
    for (let a = 0; a < this.calls.length; a++) {
      this.accumulators[a]!.add({ count, groups, weights }, argumentColumns(this.calls[a]!, batch));
    }
  }

  combine(groups: Uint32Array, count: number, pane: AggregateSet): void {
    mergeCounts(groups, count, pane.counts, 1, this.counts);
    this.accumulators.forEach((accumulator, a) => {
      accumulator.combine(groups, count, pane.accumulators[a]!);
    });
  }

  deduct(groups: Uint32Array, count: number, pane: AggregateSet): void {
    mergeCounts(groups, count, pane.counts, -1, this.counts);
    this.accumulators.forEach((accumulator, a) => {
      assert(isInvertible(accumulator), 'deduct from an aggregate that has no inverse');
      accumulator.deduct(groups, count, pane.accumulators[a]!);
    });
  }

  copy(groups: Uint32Array, count: number): AggregateSet {
    const counts = new Float64Array(count);
    for (let i = 0; i < count; i++) counts[i] = this.counts[groups[i]!]!;
    return new AggregateSet(
      this.calls,
      this.accumulators.map((a) => a.copy(groups, count)),
      counts,
    );
  }

  /** this[groups[i]] ← pane[i]. */
  assignFrom(groups: Uint32Array, count: number, pane: AggregateSet): void {
    for (let i = 0; i < count; i++) this.counts[groups[i]!] = pane.counts[i]!;
    this.accumulators.forEach((accumulator, a) => {
      accumulator.assign(groups, count, pane.accumulators[a]!);
    });
  }

  clear(groups: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) this.counts[groups[i]!] = 0;
    for (const accumulator of this.accumulators) accumulator.clear(groups, count);
  }

  emit(groups: Uint32Array, count: number, arrays: ColumnArrays): Column[] {
    const counts = arrays.float64(count);
    for (let i = 0; i < count; i++) counts[i] = this.counts[groups[i]!]!;
    return this.accumulators.map((a) => a.emit(groups, count, counts, arrays));
  }

  memoryBytes(): number {
    return this.accumulators.reduce((sum, a) => sum + a.memoryBytes(), this.counts.byteLength);
  }

  save(w: StateWriter): void {
    w.array(this.counts);
    for (const accumulator of this.accumulators) accumulator.save(w);
  }

  load(r: StateReader): void {
    this.counts = r.array(Float64Array);
    for (const accumulator of this.accumulators) accumulator.load(r);
  }
}

/** A call's argument columns. Rows that FILTER leaves out have a NULL there; a filtered count(*) counts the filter. */
function argumentColumns(call: AggregateCall, batch: Batch): Column[] {
  let columns = call.args.map((ordinal) => batch.columns[ordinal]!);
  if (call.filter !== null) {
    const bits = trueRows(batch.columns[call.filter]!, batch.rows);
    if (columns.length === 0) columns = [{ kind: 'bool', values: new Uint8Array(0), valid: bits }];
    else columns[0] = { ...columns[0]!, valid: intersect(columns[0]!.valid, bits) };
  }
  if (call.arrival !== null) columns.push(batch.columns[call.arrival]!);
  return columns;
}

function trueRows(column: Column, rows: number): Uint8Array {
  if (column.kind !== 'bool') throw new TypeError('FILTER over another layout');
  const bits = allNull(rows);
  for (let i = 0; i < rows; i++) if (column.values[i] === 1 && isValid(column.valid, i)) setValid(bits, i);
  return bits;
}

function intersect(valid: Uint8Array | null, bits: Uint8Array): Uint8Array {
  if (valid !== null) for (let i = 0; i < bits.length; i++) bits[i] = bits[i]! & valid[i]!;
  return bits;
}

function countRows(
  groups: Uint32Array,
  weights: Int32Array | null,
  count: number,
  counts: Float64Array,
): void {
  if (weights === null) for (let i = 0; i < count; i++) counts[groups[i]!]!++;
  else for (let i = 0; i < count; i++) counts[groups[i]!]! += weights[i]!;
}

function mergeCounts(
  groups: Uint32Array,
  count: number,
  pane: Float64Array,
  sign: 1 | -1,
  counts: Float64Array,
): void {
  for (let i = 0; i < count; i++) counts[groups[i]!]! += sign * pane[i]!;
}
