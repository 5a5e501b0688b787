/**
 * Rows made up, the same for the same seed: event time in the time attribute, keys by Zipf's law in text columns
 * (`tag0` the commonest), numbers in the others. `rate` rows a second by the clock; without one as fast as the engine
 * takes them. With `start` event time is computed from the row's number (rate rows a second), else it is the clock.
 * `disorderMicros` sends rows up to so far behind; a `late` share is sent behind the disorder.
 */
import { createRandom, type Random } from '../../common/random.ts';
import type { SqlType } from '../../common/types.ts';
import { BATCH_ROWS_MAX, type Column } from '../batch/column.ts';
import { buildColumn } from '../batch/datum.ts';
import { concatBatches } from '../batch/concat.ts';
import type { ColumnDefinition, ConnectorOptions } from '../plan/relation.ts';
import type { StateReader, StateWriter } from '../state/state-codec.ts';
import type { Source, SourceOutput } from './source.ts';

type Options = ConnectorOptions & { connector: 'generator' };

export class GeneratorSource implements Source {
  readonly #columns: readonly ColumnDefinition[];
  readonly #timeColumn: number;
  readonly #options: Options;
  readonly #random: Random;
  readonly #cumulative: Float64Array;
  readonly #tags: readonly Buffer[];
  #made = 0;
  /** clock at the first poll, µs */
  #begun: number | null = null;
  #madeAtBegin = 0;
  #ready = true;
  #timer: NodeJS.Timeout | null = null;
  #listener: () => void = () => undefined;

  constructor(columns: readonly ColumnDefinition[], timeColumn: number, options: Options) {
    this.#columns = columns;
    this.#timeColumn = timeColumn;
    this.#options = options;
    this.#random = createRandom(options.seed);
    this.#cumulative = new Float64Array(options.keys);
    let total = 0;
    for (let i = 0; i < options.keys; i++) {
      total += 1 / (i + 1);
      this.#cumulative[i] = total;
    }
    this.#tags = Array.from({ length: options.keys }, (_, i) => Buffer.from(`tag${i}`));
  }

  get ready(): boolean {
    return this.#ready && !this.ended;
  }

  get ended(): boolean {
    return this.#options.rows !== null && this.#made >= this.#options.rows;
  }

  onReady(listener: () => void): void {
    this.#listener = listener;
  }

  poll(nowMicros: number, out: SourceOutput, share: number): void {
    const { rate, rows: total } = this.#options;
    if (this.#begun === null) {
      this.#begun = nowMicros;
      this.#madeAtBegin = this.#made;
    }
    let due = Number.POSITIVE_INFINITY;
    if (rate !== null)
      due = this.#madeAtBegin + Math.floor(((nowMicros - this.#begun) * rate) / 1e6) - this.#made;
    if (total !== null) due = Math.min(due, total - this.#made);
    const count = Math.min(due, Math.ceil(share * 4 * BATCH_ROWS_MAX));
    for (let done = 0; done < count; done += BATCH_ROWS_MAX)
      this.#make(Math.min(BATCH_ROWS_MAX, count - done), nowMicros, out);
    if (rate !== null && due <= count) this.#rest(rate);
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  save(w: StateWriter): void {
    w.value({ made: this.#made, random: this.#random.state() });
  }

  load(r: StateReader): void {
    const saved = r.value() as { made: number; random: number };
    this.#made = saved.made;
    this.#random.restore(saved.random);
  }

  /** Until the next row is due. */
  #rest(rate: number): void {
    this.#ready = false;
    this.#timer = setTimeout(
      () => {
        this.#ready = true;
        this.#listener();
      },
      Math.max(1, Math.min(1000, 1000 / rate)),
    );
    this.#timer.unref();
  }

  #make(count: number, nowMicros: number, out: SourceOutput): void {
    const times = new Float64Array(count);
    const columns = this.#columns.map((): unknown[] => new Array(count));
    for (let i = 0; i < count; i++) {
      times[i] = this.#time(nowMicros);
      this.#columns.forEach((column, c) => {
        if (c !== this.#timeColumn) columns[c]![i] = this.#value(column.type);
      });
      this.#made++;
    }
    const schema = this.#columns.map(({ name, type }) => ({ name, type }));
    const built = this.#columns.map((column, c): Column => {
      if (c === this.#timeColumn) return timeColumn(column.type, times);
      return buildColumn(column.type, columns[c]!);
    });
    out.batch(concatBatches(schema, [{ rows: count, columns: built, weights: null }]));
  }

  #time(nowMicros: number): number {
    const { start, rate, disorderMicros, late } = this.#options;
    let time = start === null ? nowMicros : start + Math.floor((this.#made * 1000) / (rate ?? 10_000)) * 1000;
    if (disorderMicros > 0) time -= Math.floor(this.#random.next() * disorderMicros);
    if (late > 0 && this.#random.next() < late)
      time -= Math.floor((1 + this.#random.next()) * Math.max(disorderMicros, 1e6) * 2);
    return time;
  }

  #value(type: SqlType): unknown {
    switch (type.name) {
      case 'text':
      case 'varchar':
        return this.#tags[this.#pick()]!.toString();
      case 'int2':
        return Math.floor(this.#random.next() * 30_000);
      case 'int4':
        return Math.floor(this.#random.next() * 1_000_000);
      case 'int8':
        return BigInt(Math.floor(this.#random.next() * 1_000_000));
      case 'float4':
      case 'float8':
        return Math.floor(this.#random.next() * 10_000) / 100;
      case 'bool':
        return this.#random.next() < 0.5;
      default:
        return null;
    }
  }

  /** Index by Zipf's law with exponent 1. */
  #pick(): number {
    const cumulative = this.#cumulative;
    const target = this.#random.next() * cumulative.at(-1)!;
    let low = 0;
    let high = cumulative.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (cumulative[middle]! < target) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function timeColumn(type: SqlType, times: Float64Array): Column {
  if (type.name === 'date')
    return { kind: 'int32', values: Int32Array.from(times, (t) => Math.floor(t / 864e8)), valid: null };
  return { kind: 'float64', values: times, valid: null };
}
