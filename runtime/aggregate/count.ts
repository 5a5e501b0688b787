/** count(*) and count(x): the operator counts rows; this counts those to leave out. */
import type { Column } from '../batch/column.ts';
import type { StateReader, StateWriter } from '../state/state-codec.ts';
import type { Accumulator, InvertibleAccumulator, Rows } from './accumulator.ts';
import { SkippedRows } from './present-rows.ts';

export class Count implements InvertibleAccumulator {
  readonly invertible = true;
  #skipped: SkippedRows;

  constructor(capacity: number) {
    this.#skipped = new SkippedRows(capacity);
  }

  grow(capacity: number): void {
    this.#skipped.grow(capacity);
  }

  add(rows: Rows, args: readonly Column[]): void {
    const valid = args[0]?.valid ?? null;
    if (valid === null) return;
    for (let i = 0; i < rows.count; i++) {
      if (((valid[i >> 3]! >> (i & 7)) & 1) === 0)
        this.#skipped.skip(rows.groups[i]!, rows.weights?.[i] ?? 1);
    }
  }

  /** Rows left out by FILTER. */
  skip(rows: Rows, row: number): void {
    this.#skipped.skip(rows.groups[row]!, rows.weights?.[row] ?? 1);
  }

  combine(groups: Uint32Array, count: number, pane: Accumulator): void {
    this.#skipped.combine(groups, count, (pane as Count).#skipped, 1);
  }

  deduct(groups: Uint32Array, count: number, pane: Accumulator): void {
    this.#skipped.combine(groups, count, (pane as Count).#skipped, -1);
  }

  copy(groups: Uint32Array, count: number): Count {
    const out = new Count(0);
    out.#skipped = this.#skipped.copy(groups, count);
    return out;
  }

  assign(groups: Uint32Array, count: number, pane: Accumulator): void {
    this.clear(groups, count);
    this.combine(groups, count, pane);
  }

  clear(groups: Uint32Array, count: number): void {
    this.#skipped.clear(groups, count);
  }

  emit(groups: Uint32Array, count: number, rowCounts: Float64Array): Column {
    if (this.#skipped.none) return { kind: 'int64', values: rowCounts, wide: null, valid: null };
    const values = new Float64Array(count);
    for (let i = 0; i < count; i++) values[i] = rowCounts[i]! - this.#skipped.of(groups[i]!);
    return { kind: 'int64', values, wide: null, valid: null };
  }

  memoryBytes(): number {
    return this.#skipped.memoryBytes();
  }

  save(w: StateWriter): void {
    this.#skipped.save(w);
  }

  load(r: StateReader): void {
    this.#skipped.load(r);
  }
}
