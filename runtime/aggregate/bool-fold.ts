/** bool_and, bool_or, every: counts of true and of false decide, so rows can leave again. */
import type { Column } from '../batch/column.ts';
import { allNull, setValid } from '../batch/validity.ts';
import { grown } from '../state/grow.ts';
import type { StateReader, StateWriter } from '../state/state-codec.ts';
import type { Accumulator, InvertibleAccumulator, Rows } from './accumulator.ts';

export class BoolFold implements InvertibleAccumulator {
  readonly invertible = true;
  readonly #and: boolean;
  #trues: Float64Array;
  #falses: Float64Array;

  constructor(capacity: number, fold: 'and' | 'or') {
    this.#and = fold === 'and';
    this.#trues = new Float64Array(capacity);
    this.#falses = new Float64Array(capacity);
  }

  grow(capacity: number): void {
    if (capacity <= this.#trues.length) return;
    this.#trues = grown(this.#trues, capacity);
    this.#falses = grown(this.#falses, capacity);
  }

  add(rows: Rows, args: readonly Column[]): void {
    const column = args[0]!;
    if (column.kind !== 'bool') throw new TypeError('bool_and over another layout');
    for (let i = 0; i < rows.count; i++) {
      if (column.valid !== null && ((column.valid[i >> 3]! >> (i & 7)) & 1) === 0) continue;
      const counts = column.values[i] === 1 ? this.#trues : this.#falses;
      counts[rows.groups[i]!]! += rows.weights?.[i] ?? 1;
    }
  }

  combine(groups: Uint32Array, count: number, pane: Accumulator): void {
    this.#merge(groups, count, pane as BoolFold, 1);
  }

  deduct(groups: Uint32Array, count: number, pane: Accumulator): void {
    this.#merge(groups, count, pane as BoolFold, -1);
  }

  copy(groups: Uint32Array, count: number): BoolFold {
    const out = new BoolFold(count, this.#and ? 'and' : 'or');
    for (let i = 0; i < count; i++) {
      out.#trues[i] = this.#trues[groups[i]!]!;
      out.#falses[i] = this.#falses[groups[i]!]!;
    }
    return out;
  }

  assign(groups: Uint32Array, count: number, pane: Accumulator): void {
    this.clear(groups, count);
    this.combine(groups, count, pane);
  }

  clear(groups: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) {
      this.#trues[groups[i]!] = 0;
      this.#falses[groups[i]!] = 0;
    }
  }

  emit(groups: Uint32Array, count: number): Column {
    const values = new Uint8Array(count);
    const valid = allNull(count);
    for (let i = 0; i < count; i++) {
      const trues = this.#trues[groups[i]!]!;
      const falses = this.#falses[groups[i]!]!;
      if (trues + falses === 0) continue;
      setValid(valid, i);
      values[i] = (this.#and ? falses === 0 : trues > 0) ? 1 : 0;
    }
    return { kind: 'bool', values, valid };
  }

  memoryBytes(): number {
    return 2 * this.#trues.byteLength;
  }

  save(w: StateWriter): void {
    w.array(this.#trues);
    w.array(this.#falses);
  }

  load(r: StateReader): void {
    this.#trues = r.array(Float64Array);
    this.#falses = r.array(Float64Array);
  }

  #merge(groups: Uint32Array, count: number, pane: BoolFold, sign: 1 | -1): void {
    for (let i = 0; i < count; i++) {
      this.#trues[groups[i]!]! += sign * pane.#trues[i]!;
      this.#falses[groups[i]!]! += sign * pane.#falses[i]!;
    }
  }
}
