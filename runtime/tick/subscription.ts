/** A reader of a relation's or a query's changes: a snapshot where wanted, then the rows of every tick. */
import { SqlError } from '../../common/sql-error.ts';
import type { Schema } from '../../common/types.ts';
import type { Batch } from '../batch/column.ts';
import { consolidate, negated } from '../batch/consolidate.ts';
import type { ContinuousQuery } from './continuous-query.ts';
import type { ResultChannel } from './result-channel.ts';

const PROGRESS_EVERY_MICROS = 100_000;
const PROGRESS_AT_LEAST_MICROS = 1_000_000;

export type SubscriptionOptions = Readonly<{
  channel: ResultChannel;
  schema: Schema;
  label: string;
  pid: number;
  /** null: a relation's changes, which somebody hands over; else an own query */
  query: ContinuousQuery | null;
  /** relation read, if any */
  relation: number | null;
  progress: boolean;
  upTo: number | null;
  silenceNoticeMs: number;
  /** 53200 where the query holds more */
  memoryBytesMax: number;
  now: number;
}>;

export class Subscription {
  readonly options: SubscriptionOptions;
  readonly since: number;
  rowsSent = 0;
  lastTick = 0;
  #lastProgress = Number.NEGATIVE_INFINITY;
  #lastSent = 0;
  #lastRowAt: number;
  #noticed = false;
  #dirty = false;

  constructor(options: SubscriptionOptions) {
    this.options = options;
    this.since = options.now;
    this.#lastRowAt = options.now;
  }

  snapshot(tick: number, batches: readonly Batch[]): void {
    for (const batch of batches) this.#send(tick, batch, true);
  }

  /** Rows of one tick; false: the subscription is over. */
  send(tick: number, now: number, batches: readonly Batch[]): void {
    if (batches.length > 0) this.#lastRowAt = now;
    for (const batch of batches) this.#send(tick, batch, false);
  }

  /** After the tick's rows: UP TO, progress. */
  endTick(tick: number, now: number): void {
    const { upTo, progress, channel } = this.options;
    this.lastTick = tick;
    if (upTo !== null && tick >= upTo - 1) {
      channel.end(tick);
      return;
    }
    if (!progress) return;
    const since = now - this.#lastProgress;
    if (since < (this.#dirty ? PROGRESS_EVERY_MICROS : PROGRESS_AT_LEAST_MICROS)) return;
    this.#lastProgress = now;
    this.#dirty = false;
    channel.push({ kind: 'progress', tick }, 0);
  }

  /** Silent long enough that one NOTICE is due; at most once. */
  isSilent(now: number): boolean {
    const { silenceNoticeMs } = this.options;
    if (this.#noticed || silenceNoticeMs === 0 || now - this.#lastRowAt < silenceNoticeMs * 1000)
      return false;
    this.#noticed = true;
    return true;
  }

  get silentSince(): number {
    return this.#lastRowAt;
  }

  #send(tick: number, batch: Batch, snapshot: boolean): void {
    if (this.options.upTo !== null && tick >= this.options.upTo) return;
    this.rowsSent += batch.rows;
    this.#lastSent = tick;
    this.#dirty = true;
    this.options.channel.rows(tick, this.options.schema, batch, snapshot);
  }

  get lastRowTick(): number {
    return this.#lastSent;
  }
}

/** The content as of an earlier tick: what is there now less what came since. */
export function contentAsOf(schema: Schema, now: readonly Batch[], changesSince: readonly Batch[]): Batch[] {
  return consolidate(schema, [...now, ...changesSince.map(negated)]);
}

export const tooOld = (name: string, asOf: number, oldest: number): SqlError =>
  new SqlError('55000', `the changes of "${name}" after tick ${asOf} are no longer kept`, {
    detail: `The oldest tick kept is ${oldest}.`,
    hint: 'The option changelog of the relation says how long they are kept.',
  });
