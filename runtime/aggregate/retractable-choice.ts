/**
 * min, max, first, last, arg_min, arg_max over input that retracts (tables, changing views): each group keeps its
 * candidates in the order of choice with their counts, so that the next best is there when the best leaves.
 */
import type { Column } from '../batch/column.ts';
import { buildColumn } from '../batch/datum.ts';
import type { StateReader, StateWriter } from '../state/state-codec.ts';
import type { Accumulator, InvertibleAccumulator, Rows } from './accumulator.ts';
import { candidateOf, compareCandidates, type Candidate, type Choice } from './chosen-row.ts';

type Entry = { candidate: Candidate; count: number };

export class RetractableChoice implements InvertibleAccumulator {
  readonly invertible = true;
  readonly #choice: Choice;
  #entries: Entry[][];

  constructor(capacity: number, choice: Choice) {
    this.#choice = choice;
    this.#entries = Array.from({ length: capacity }, () => []);
  }

  grow(capacity: number): void {
    while (this.#entries.length < capacity) this.#entries.push([]);
  }

  add(rows: Rows, args: readonly Column[]): void {
    for (let i = 0; i < rows.count; i++) {
      const candidate = candidateOf(this.#choice, args, i);
      if (candidate !== null) this.#change(rows.groups[i]!, candidate, rows.weights?.[i] ?? 1);
    }
  }

  combine(groups: Uint32Array, count: number, pane: Accumulator): void {
    this.#merge(groups, count, pane as RetractableChoice, 1);
  }

  deduct(groups: Uint32Array, count: number, pane: Accumulator): void {
    this.#merge(groups, count, pane as RetractableChoice, -1);
  }

  copy(groups: Uint32Array, count: number): RetractableChoice {
    const out = new RetractableChoice(0, this.#choice);
    for (let i = 0; i < count; i++) out.#entries.push(this.#entries[groups[i]!]!.map((e) => ({ ...e })));
    return out;
  }

  assign(groups: Uint32Array, count: number, pane: Accumulator): void {
    const other = pane as RetractableChoice;
    for (let i = 0; i < count; i++) this.#entries[groups[i]!] = other.#entries[i]!.map((e) => ({ ...e }));
  }

  clear(groups: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) this.#entries[groups[i]!] = [];
  }

  emit(groups: Uint32Array, count: number): Column {
    const datums: unknown[] = [];
    for (let i = 0; i < count; i++) {
      // a retraction may come before its insertion within a tick; between ticks every count is positive
      datums.push(this.#entries[groups[i]!]!.find((e) => e.count > 0)?.candidate.value ?? null);
    }
    return buildColumn(this.#choice.valueType, datums);
  }

  memoryBytes(): number {
    return this.#entries.reduce((sum, entries) => sum + 32 + 120 * entries.length, 0);
  }

  save(w: StateWriter): void {
    w.value(this.#entries);
  }

  load(r: StateReader): void {
    this.#entries = r.value() as Entry[][];
  }

  #change(group: number, candidate: Candidate, weight: number): void {
    const entries = this.#entries[group]!;
    let low = 0;
    let high = entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compareCandidates(this.#choice, entries[middle]!.candidate, candidate) < 0) low = middle + 1;
      else high = middle;
    }
    const entry = entries[low];
    if (entry !== undefined && compareCandidates(this.#choice, entry.candidate, candidate) === 0) {
      entry.count += weight;
      if (entry.count === 0) entries.splice(low, 1);
    } else entries.splice(low, 0, { candidate, count: weight });
  }

  #merge(groups: Uint32Array, count: number, pane: RetractableChoice, sign: 1 | -1): void {
    for (let i = 0; i < count; i++) {
      for (const entry of pane.#entries[i]!) this.#change(groups[i]!, entry.candidate, sign * entry.count);
    }
  }
}
