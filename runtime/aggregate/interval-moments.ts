/** sum and avg of interval: months, days and microseconds are added apart, exactly; avg divides as PostgreSQL does. */
import { divideInterval, interval, type Interval } from '../../common/interval.ts';
import { SqlError } from '../../common/sql-error.ts';
import type { Column } from '../batch/column.ts';
import { buildColumn } from '../batch/datum.ts';
import type { StateReader, StateWriter } from '../state/state-codec.ts';
import type { Accumulator, InvertibleAccumulator, Rows } from './accumulator.ts';

type Group = { count: number; months: number; days: number; micros: bigint };

const empty = (): Group => ({ count: 0, months: 0, days: 0, micros: 0n });

export class IntervalMoments implements InvertibleAccumulator {
  readonly invertible = true;
  readonly #kind: 'sum' | 'avg';
  #groups: Group[];

  constructor(capacity: number, kind: 'sum' | 'avg') {
    this.#kind = kind;
    this.#groups = Array.from({ length: capacity }, empty);
  }

  grow(capacity: number): void {
    while (this.#groups.length < capacity) this.#groups.push(empty());
  }

  add(rows: Rows, args: readonly Column[]): void {
    const column = args[0]!;
    if (column.kind !== 'boxed') throw new TypeError('interval in another layout');
    for (let i = 0; i < rows.count; i++) {
      if (column.valid !== null && ((column.valid[i >> 3]! >> (i & 7)) & 1) === 0) continue;
      const { months, days, micros } = column.values[i] as Interval;
      change(
        this.#groups[rows.groups[i]!]!,
        { count: 1, months, days, micros: BigInt(micros) },
        rows.weights?.[i] ?? 1,
      );
    }
  }

  combine(groups: Uint32Array, count: number, pane: Accumulator): void {
    for (let i = 0; i < count; i++)
      change(this.#groups[groups[i]!]!, (pane as IntervalMoments).#groups[i]!, 1);
  }

  deduct(groups: Uint32Array, count: number, pane: Accumulator): void {
    for (let i = 0; i < count; i++)
      change(this.#groups[groups[i]!]!, (pane as IntervalMoments).#groups[i]!, -1);
  }

  copy(groups: Uint32Array, count: number): IntervalMoments {
    const out = new IntervalMoments(0, this.#kind);
    for (let i = 0; i < count; i++) out.#groups.push({ ...this.#groups[groups[i]!]! });
    return out;
  }

  assign(groups: Uint32Array, count: number, pane: Accumulator): void {
    for (let i = 0; i < count; i++) this.#groups[groups[i]!] = { ...(pane as IntervalMoments).#groups[i]! };
  }

  clear(groups: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) this.#groups[groups[i]!] = empty();
  }

  emit(groups: Uint32Array, count: number): Column {
    const datums: (Interval | null)[] = [];
    for (let i = 0; i < count; i++) {
      const group = this.#groups[groups[i]!]!;
      if (group.count === 0) {
        datums.push(null);
        continue;
      }
      const micros = Number(group.micros);
      if (!Number.isSafeInteger(micros)) throw new SqlError('22008', 'interval out of range');
      const sum = interval(group.months, group.days, micros);
      datums.push(this.#kind === 'sum' ? sum : divideInterval(sum, group.count));
    }
    return buildColumn({ name: 'interval' }, datums);
  }

  memoryBytes(): number {
    return 96 * this.#groups.length;
  }

  save(w: StateWriter): void {
    w.value(this.#groups);
  }

  load(r: StateReader): void {
    this.#groups = r.value() as Group[];
  }
}

function change(group: Group, by: Group, weight: number): void {
  group.count += weight * by.count;
  group.months += weight * by.months;
  group.days += weight * by.days;
  group.micros += BigInt(weight) * by.micros;
}
