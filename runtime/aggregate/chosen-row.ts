/**
 * Aggregates that choose one row of a group: min and max of types that compare as datums (text, numeric, interval),
 * first, last, arg_min, arg_max. Each group holds the chosen row's value, what it was compared by, and its arrival.
 *
 *   first, last         by arrival                       args: value, arrival
 *   min, max            by the value                     args: value
 *   arg_min, arg_max    by the second argument, ties to the earliest arrival, then to the smaller value
 *
 * A row with a NULL among its arguments is not considered.
 */
import { compareDatum } from '../../common/value-compare.ts';
import { formatDatum } from '../../common/value-text.ts';
import type { SqlType } from '../../common/types.ts';
import { isValid, type Column } from '../batch/column.ts';
import { buildColumn, readDatum } from '../batch/datum.ts';
import type { StateReader, StateWriter } from '../state/state-codec.ts';
import type { Accumulator, Rows } from './accumulator.ts';

export type Choice = Readonly<{
  valueType: SqlType;
  /** type of the argument that decides; null: the value itself (min, max), or nothing but arrival (first, last) */
  byType: SqlType | null;
  by: 'value' | 'arrival' | 'argument';
  greatest: boolean;
  /** position of the arrival column among the arguments; null over tables */
  arrivalArgument: number | null;
}>;

export type Candidate = Readonly<{ value: unknown; by: unknown; arrival: number }>;

/** Negative: `a` is to be chosen before `b`. A total order, so the choice does not depend on the order of work. */
export function compareCandidates(choice: Choice, a: Candidate, b: Candidate): number {
  let order = 0;
  if (choice.by === 'argument') order = compareDatum(a.by, b.by, choice.byType!);
  else if (choice.by === 'value') order = compareDatum(a.value, b.value, choice.valueType);
  else order = a.arrival - b.arrival;
  if (choice.greatest) order = -order;
  if (order !== 0) return order;
  return (
    a.arrival - b.arrival ||
    (choice.by === 'value' ? 0 : compareDatum(a.value, b.value, choice.valueType)) ||
    compareForms(a.value, b.value, choice.valueType)
  );
}

/** Types whose equal values may look different: 1.5 and 1.50, a month and 30 days, blanks at the end. */
const MANY_FORMS: ReadonlySet<string> = new Set([
  'numeric',
  'interval',
  'bpchar',
  '_numeric',
  '_interval',
  '_bpchar',
]);

/** Orders equal values by how they print, so that the choice among them does not depend on the order of work. */
function compareForms(a: unknown, b: unknown, type: SqlType): number {
  if (!MANY_FORMS.has(type.name)) return 0;
  const [x, y] = [formatDatum(a, type), formatDatum(b, type)];
  return x < y ? -1 : x > y ? 1 : 0;
}

/** −0 counts as 0. */
const withoutNegativeZero = (datum: unknown): unknown => (datum === 0 ? 0 : datum);

/** The candidate that row `i` is, or null if an argument is NULL. */
export function candidateOf(choice: Choice, args: readonly Column[], i: number): Candidate | null {
  const value = args[0]!;
  if (!isValid(value.valid, i)) return null;
  let by: unknown = null;
  if (choice.by === 'argument') {
    if (!isValid(args[1]!.valid, i)) return null;
    by = readDatum(args[1]!, i, choice.byType!);
  }
  const arrivals = choice.arrivalArgument === null ? null : args[choice.arrivalArgument]!;
  const arrival = arrivals?.kind === 'int64' ? arrivals.values[i]! : 0;
  return { value: withoutNegativeZero(readDatum(value, i, choice.valueType)), by, arrival };
}

export class ChosenRow implements Accumulator {
  readonly #choice: Choice;
  #chosen: (Candidate | null)[];

  constructor(capacity: number, choice: Choice) {
    this.#choice = choice;
    this.#chosen = new Array<Candidate | null>(capacity).fill(null);
  }

  grow(capacity: number): void {
    while (this.#chosen.length < capacity) this.#chosen.push(null);
  }

  add(rows: Rows, args: readonly Column[]): void {
    for (let i = 0; i < rows.count; i++) {
      const candidate = candidateOf(this.#choice, args, i);
      if (candidate !== null) this.#offer(rows.groups[i]!, candidate);
    }
  }

  combine(groups: Uint32Array, count: number, pane: Accumulator): void {
    const other = pane as ChosenRow;
    for (let i = 0; i < count; i++) {
      const candidate = other.#chosen[i]!;
      if (candidate !== null) this.#offer(groups[i]!, candidate);
    }
  }

  copy(groups: Uint32Array, count: number): ChosenRow {
    const out = new ChosenRow(count, this.#choice);
    for (let i = 0; i < count; i++) out.#chosen[i] = this.#chosen[groups[i]!]!;
    return out;
  }

  assign(groups: Uint32Array, count: number, pane: Accumulator): void {
    const other = pane as ChosenRow;
    for (let i = 0; i < count; i++) this.#chosen[groups[i]!] = other.#chosen[i]!;
  }

  clear(groups: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) this.#chosen[groups[i]!] = null;
  }

  emit(groups: Uint32Array, count: number): Column {
    const datums: unknown[] = [];
    for (let i = 0; i < count; i++) datums.push(this.#chosen[groups[i]!]?.value ?? null);
    return buildColumn(this.#choice.valueType, datums);
  }

  memoryBytes(): number {
    return 96 * this.#chosen.length;
  }

  save(w: StateWriter): void {
    w.value(this.#chosen);
  }

  load(r: StateReader): void {
    this.#chosen = r.value() as (Candidate | null)[];
  }

  #offer(group: number, candidate: Candidate): void {
    const chosen = this.#chosen[group]!;
    if (chosen === null || compareCandidates(this.#choice, candidate, chosen) < 0)
      this.#chosen[group] = candidate;
  }
}
