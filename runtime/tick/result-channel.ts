/** A query's results on their way to one reader: events in order, bounded, with credit for finite ones. */
import type { SqlError, PlainError } from '../../common/sql-error.ts';
import type { Schema } from '../../common/types.ts';
import type { Batch } from '../batch/column.ts';
import { batchBytes, compactBatch } from '../batch/concat.ts';
import type { ResultEvent, ResultStream } from '../engine-client.ts';
import { RESULT_WINDOW_BYTES } from '../../common/limits.ts';
import { isShared } from './shared-rows.ts';

/** The engine's end. The reader's end is ResultStream; a worker puts messages between the two. */
export class ResultChannel implements ResultStream {
  #events: { event: ResultEvent; bytes: number }[] = [];
  #waiting: ((event: ResultEvent | null) => void) | null = null;
  #closed = false;
  #pendingBytes = 0;
  #onCancel: () => void = () => undefined;
  #onDrain: () => void = () => undefined;
  canceled = false;

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** A finite query waits while this is false. */
  get wantsMore(): boolean {
    return this.#pendingBytes < RESULT_WINDOW_BYTES;
  }

  get closed(): boolean {
    return this.#closed;
  }

  onCancel(listener: () => void): void {
    this.#onCancel = listener;
  }

  onDrain(listener: () => void): void {
    this.#onDrain = listener;
  }

  /** Rows of this schema; they are copied, unless they are shared with others. */
  rows(tick: number, schema: Schema, batch: Batch, snapshot: boolean): void {
    if (batch.rows === 0) return;
    const own = isShared(batch) ? batch : compactBatch(schema, batch);
    this.push({ kind: 'rows', tick, batch: own, snapshot }, batchBytes(own));
  }

  end(tick: number): void {
    this.push({ kind: 'end', tick }, 0);
    this.#closed = true;
  }

  fail(error: SqlError | PlainError): void {
    const plain = 'toPlain' in error ? error.toPlain() : error;
    this.push({ kind: 'error', error: plain }, 0);
    this.#closed = true;
  }

  push(event: ResultEvent, bytes: number): void {
    if (this.#closed) return;
    const waiting = this.#waiting;
    if (waiting !== null) {
      this.#waiting = null;
      waiting(event);
      return;
    }
    this.#events.push({ event, bytes });
    this.#pendingBytes += bytes;
  }

  poll(): ResultEvent | null {
    const next = this.#events.shift();
    if (next === undefined) return null;
    this.#pendingBytes -= next.bytes;
    if (this.wantsMore) this.#onDrain();
    return next.event;
  }

  next(): Promise<ResultEvent | null> {
    const ready = this.poll();
    if (ready !== null || this.#closed) return Promise.resolve(ready);
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  cancel(): void {
    if (this.canceled) return;
    this.canceled = true;
    this.#closed = true;
    this.#events = [];
    this.#pendingBytes = 0;
    this.#waiting?.(null);
    this.#waiting = null;
    this.#onCancel();
  }
}
