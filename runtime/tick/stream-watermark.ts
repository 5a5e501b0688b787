/**
 * The watermark of one stream: the greatest time seen minus the delay, monotone; with IDLE AFTER it goes on with the
 * clock once the stream was silent that long; after the end of a bounded source it is +∞. Without WATERMARK the time
 * attribute is arrived_at and the watermark the time of the tick.
 */
import { isValid, type Batch, type Float64Column, type Int32Column } from '../batch/column.ts';
import { ARRIVED_AT } from '../plan/query-plan.ts';
import type { WatermarkDefinition } from '../plan/relation.ts';

const MICROS_PER_DAY = 86_400_000_000;

export class StreamWatermark {
  readonly #definition: WatermarkDefinition | null;
  maxTime = Number.NEGATIVE_INFINITY;
  /** Where no row has come yet, silence counts from here. */
  #begunAt: number | null = null;
  /** clock at the last row, µs */
  lastRowAt: number | null = null;
  value = Number.NEGATIVE_INFINITY;
  ended = false;
  idle = false;

  constructor(definition: WatermarkDefinition | null) {
    this.#definition = definition;
  }

  /** The column that carries it. */
  get column(): number {
    return this.#definition?.column ?? ARRIVED_AT;
  }

  observe(batch: Batch, nowMicros: number): void {
    if (batch.rows === 0) return;
    this.lastRowAt = nowMicros;
    this.idle = false;
    if (this.#definition === null) return;
    const { column, values, scale } = timesOf(batch, this.#definition.column);
    const greatest =
      column.valid === null ? greatestOf(values, batch.rows) : greatestValid(column, batch.rows);
    this.maxTime = Math.max(this.maxTime, greatest * scale);
  }

  /** A row of the batch may be late: its time, or one that is not there, lies before the watermark. */
  isAheadOf(batch: Batch, arrivedAt: number): boolean {
    if (this.#definition === null) return arrivedAt < this.value;
    const { values, scale } = timesOf(batch, this.#definition.column);
    for (let i = 0; i < batch.rows; i++) if (!(values[i]! * scale >= this.value)) return true;
    return false;
  }

  /** At the end of a tick's admission. */
  advance(nowMicros: number): number {
    let next = nowMicros;
    if (this.ended) next = Number.POSITIVE_INFINITY;
    else if (this.#definition !== null) {
      const { delayMicros, idleAfterMicros } = this.#definition;
      next = this.maxTime - delayMicros;
      this.#begunAt ??= nowMicros;
      const silentMicros = nowMicros - (this.lastRowAt ?? this.#begunAt);
      if (idleAfterMicros !== null && silentMicros >= idleAfterMicros) {
        this.idle = true;
        next += silentMicros;
      }
    }
    this.value = Math.max(this.value, next);
    return this.value;
  }

  state(): unknown {
    const { maxTime, lastRowAt, value, ended, idle } = this;
    return { maxTime, lastRowAt, value, ended, idle, begunAt: this.#begunAt };
  }

  restore(state: unknown): void {
    const saved = state as SavedWatermark;
    this.maxTime = saved.maxTime;
    this.lastRowAt = saved.lastRowAt;
    this.value = saved.value;
    this.ended = saved.ended;
    this.idle = saved.idle ?? false;
    this.#begunAt = saved.begunAt ?? null;
  }
}

type SavedWatermark = Readonly<{
  maxTime: number;
  lastRowAt: number | null;
  value: number;
  ended: boolean;
  /** absent where an older version saved it, as the next */
  idle?: boolean;
  begunAt?: number | null;
}>;

/** The time attribute's values, and what one of them is in µs. */
function timesOf(batch: Batch, ordinal: number) {
  const column = batch.columns[ordinal]!;
  if (column.kind !== 'float64' && column.kind !== 'int32')
    throw new TypeError('time attribute in another layout');
  return { column, values: column.values, scale: column.kind === 'int32' ? MICROS_PER_DAY : 1 };
}

function greatestOf(values: Float64Array | Int32Array, rows: number): number {
  let greatest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < rows; i++) {
    if (values[i]! > greatest) greatest = values[i]!;
  }
  return greatest;
}

function greatestValid(column: Float64Column | Int32Column, rows: number): number {
  let greatest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < rows; i++) {
    if (column.values[i]! > greatest && isValid(column.valid, i)) greatest = column.values[i]!;
  }
  return greatest;
}
