/** Where a result's rows come from: pulled, so that a reader that stops pulling stops the engine's stream. */
import type { Batch } from '../../runtime/batch/column.ts';
import type { ResultEvent, ResultStream } from '../../runtime/engine-client.ts';
import { UNSENT_BYTES_MAX } from '../../common/limits.ts';
import { SqlError } from '../../common/sql-error.ts';
import type { Notice } from './notice.ts';

export type RowEvent =
  /** `deletes`: ENVELOPE UPSERT's rows that are deletions, 1 each; null for every other envelope. */
  | Readonly<{ kind: 'rows'; batch: Batch; tick: number; snapshot: boolean; deletes: Uint8Array | null }>
  | Readonly<{ kind: 'progress'; tick: number }>
  | Readonly<{ kind: 'notice'; notice: Notice }>
  | Readonly<{ kind: 'end'; tick: number }>;

export interface RowSource {
  /** What is ready, or null. Throws SqlError where the query failed. After `end` it gives `end` again. */
  poll(): RowEvent | null;
  /** Resolves when `poll` has something to give (or throw). */
  ready(): Promise<void>;
  cancel(): void;
  /** Ends the query with 53400 if more than its bound waits to be taken; true once it has failed. */
  checkBound(): boolean;
}

/** The next event, waited for. */
export async function nextEvent(source: RowSource): Promise<RowEvent> {
  for (;;) {
    const event = source.poll();
    if (event !== null) return event;
    await source.ready();
  }
}

/**
 * Rows of a query that the engine runs. A finite one waits for its reader; a continuous one goes on, and what is not
 * taken piles up: past UNSENT_BYTES_MAX it ends.
 */
export class EngineRows implements RowSource {
  readonly #stream: ResultStream;
  readonly #continuous: boolean;
  /** At most one `next` is under way; what it brings waits here for `poll`. */
  #waiting: Promise<void> | null = null;
  #arrived: ResultEvent | null = null;
  #failure: unknown = null;
  #ended: RowEvent | null = null;
  #error: SqlError | null = null;

  constructor(stream: ResultStream, continuous: boolean) {
    this.#stream = stream;
    this.#continuous = continuous;
  }

  /** Of a finite result: what waits for its reader. */
  get waitingBytes(): number {
    return this.#continuous || this.#error !== null ? 0 : this.#stream.pendingBytes;
  }

  checkBound(): boolean {
    if (this.#continuous && this.#error === null && this.#stream.pendingBytes > UNSENT_BYTES_MAX) {
      this.#stream.cancel();
      this.#error = new SqlError('53400', 'the reader of a continuous result is too slow', {
        detail: `More than ${UNSENT_BYTES_MAX} bytes wait to be sent.`,
        hint: 'Resume with SUBSCRIBE ... AS OF the last complete tick.',
      });
    }
    return this.#error !== null;
  }

  poll(): RowEvent | null {
    if (this.#error !== null) throw this.#error;
    if (this.#ended !== null) return this.#ended;
    if (this.#failure !== null) throw this.#failure;
    let event = this.#arrived;
    this.#arrived = null;
    if (event === null && this.#waiting === null) event = this.#stream.poll();
    return event === null ? null : this.#take(event);
  }

  ready(): Promise<void> {
    if (this.#arrived !== null || this.#ended !== null || this.#error !== null || this.#failure !== null) {
      return Promise.resolve();
    }
    this.#waiting ??= this.#stream.next().then(
      (event) => {
        this.#waiting = null;
        // null comes only after an end that was given already, or after cancel.
        if (event === null) this.#ended ??= { kind: 'end', tick: 0 };
        else this.#arrived = event;
      },
      (error: unknown) => {
        this.#waiting = null;
        this.#failure = error;
      },
    );
    return this.#waiting;
  }

  cancel(): void {
    if (this.#ended === null && this.#error === null) this.#stream.cancel();
  }

  /** Ends the query with an error of the server's own. */
  fail(error: SqlError): void {
    if (this.#ended !== null || this.#error !== null) return;
    this.#stream.cancel();
    this.#error = error;
  }

  #take(event: ResultEvent): RowEvent {
    switch (event.kind) {
      case 'rows':
        return { ...event, deletes: null };
      case 'progress':
        return event;
      case 'notice':
        return { kind: 'notice', notice: event };
      case 'end':
        this.#ended = event;
        return event;
      case 'error':
        this.#error = SqlError.fromPlain(event.error);
        throw this.#error;
    }
  }
}

/** Rows that are there already: SHOW, EXPLAIN, catalog listings. */
export class StaticRows implements RowSource {
  readonly #events: RowEvent[];
  #onCancel: (() => void) | null;

  /** `onCancel`: once, when they are no longer needed. */
  constructor(batches: readonly Batch[], tick: number, onCancel: (() => void) | null = null) {
    this.#onCancel = onCancel;
    this.#events = [
      ...batches.map((batch) => ({ kind: 'rows', batch, tick, snapshot: true, deletes: null }) as const),
      { kind: 'end', tick },
    ];
  }

  poll(): RowEvent {
    return this.#events.length > 1 ? this.#events.shift()! : this.#events[0]!;
  }

  ready(): Promise<void> {
    return Promise.resolve();
  }

  checkBound(): boolean {
    return false;
  }

  cancel(): void {
    this.#events.splice(0, this.#events.length - 1);
    this.#onCancel?.();
    this.#onCancel = null;
  }
}
