/** NULL arguments don't count: the rows that remain, and how many were skipped per group (so that "no value" gives NULL). */
import type { Column } from '../batch/column.ts';
import { gatherColumn, gatherInt32, gatherUint32 } from '../batch/gather.ts';
import { grown } from '../state/grow.ts';
import type { StateReader, StateWriter } from '../state/state-codec.ts';
import type { Rows } from './accumulator.ts';

/** Per group: rows that were seen and left out. Kept only once there is one. */
export class SkippedRows {
  #counts: Float64Array | null = null;
  #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  grow(capacity: number): void {
    this.#capacity = Math.max(this.#capacity, capacity);
    if (this.#counts !== null && capacity > this.#counts.length) this.#counts = grown(this.#counts, capacity);
  }

  /** Nothing was ever skipped. */
  get none(): boolean {
    return this.#counts === null;
  }

  skip(group: number, weight: number): void {
    this.#counts ??= new Float64Array(this.#capacity);
    this.#counts[group]! += weight;
  }

  of(group: number): number {
    return this.#counts === null ? 0 : this.#counts[group]!;
  }

  combine(groups: Uint32Array, count: number, pane: SkippedRows, sign: 1 | -1): void {
    if (pane.#counts === null) return;
    for (let i = 0; i < count; i++) if (pane.#counts[i] !== 0) this.skip(groups[i]!, sign * pane.#counts[i]!);
  }

  copy(groups: Uint32Array, count: number): SkippedRows {
    const out = new SkippedRows(count);
    if (this.#counts !== null) for (let i = 0; i < count; i++) out.skip(i, this.#counts[groups[i]!]!);
    return out;
  }

  clear(groups: Uint32Array, count: number): void {
    if (this.#counts !== null) for (let i = 0; i < count; i++) this.#counts[groups[i]!] = 0;
  }

  memoryBytes(): number {
    return this.#counts?.byteLength ?? 0;
  }

  save(w: StateWriter): void {
    w.number(this.#capacity);
    w.array(this.#counts ?? new Float64Array(0));
  }

  load(r: StateReader): void {
    this.#capacity = r.number();
    const counts = r.array(Float64Array);
    this.#counts = counts.length === 0 ? null : counts;
  }
}

export type PresentRows = Readonly<{ rows: Rows; args: readonly Column[] }>;

/** The rows whose first argument is not NULL; the others are noted as skipped. Other arguments may still be NULL. */
export function presentRows(rows: Rows, args: readonly Column[], skipped: SkippedRows): PresentRows {
  const valid = args[0]!.valid;
  if (valid === null) return { rows, args };
  const picked = new Uint32Array(rows.count);
  let count = 0;
  for (let i = 0; i < rows.count; i++) {
    if (((valid[i >> 3]! >> (i & 7)) & 1) === 1) picked[count++] = i;
    else skipped.skip(rows.groups[i]!, rows.weights === null ? 1 : rows.weights[i]!);
  }
  if (count === rows.count) return { rows, args };
  return pickRows(rows, args, picked, count);
}

export function pickRows(
  rows: Rows,
  args: readonly Column[],
  picked: Uint32Array,
  count: number,
): PresentRows {
  return {
    rows: {
      count,
      groups: gatherUint32(rows.groups, picked, count),
      weights: rows.weights === null ? null : gatherInt32(rows.weights, picked, count),
    },
    args: args.map((column) => gatherColumn(column, picked, count)),
  };
}

let scratch = new Float64Array(4096);

/** The column's numbers as doubles; valid until the next call. Not for wide int64. */
export function asDoubles(column: Column, count: number): Float64Array {
  if (column.kind === 'float64' || column.kind === 'int64') return column.values;
  if (column.kind !== 'int32') throw new TypeError(`a ${column.kind} column holds no doubles`);
  if (scratch.length < count) scratch = new Float64Array(count);
  const values = column.values;
  for (let i = 0; i < count; i++) scratch[i] = values[i]!;
  return scratch;
}
