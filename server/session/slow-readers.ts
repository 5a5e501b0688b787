import { SqlError } from '../../common/sql-error.ts';
import { SLOW_READER_CHECK_MS, WAITING_RESULTS_BYTES_MAX } from '../limits.ts';
import { EngineRows, type RowSource } from './row-source.ts';

/** Those of one session. */
export interface WaitingResults {
  readonly waitingBytes: number;
  failWaiting(error: SqlError): void;
}

/** All open results of a server: now and then each is asked whether its reader is too slow. One timer for them all. */
export class SlowReaders {
  /** With the session's. */
  readonly #sources = new Map<RowSource, WaitingResults>();
  #timer: NodeJS.Timeout | null = null;

  watch(source: RowSource, results: WaitingResults): void {
    this.#sources.set(source, results);
    this.#timer ??= setInterval(() => this.#check(), SLOW_READER_CHECK_MS).unref();
  }

  #check(): void {
    let sum = 0;
    for (const source of this.#sources.keys()) {
      source.checkBound();
      if (source instanceof EngineRows) sum += source.waitingBytes;
    }
    if (sum > WAITING_RESULTS_BYTES_MAX) this.#endLargest(sum);
  }

  /** A finite result waits for its reader, and is small while it does; a great many of them are not. */
  #endLargest(sum: number): void {
    const waiting = [...new Set(this.#sources.values())]
      .map((results) => ({ results, bytes: results.waitingBytes }))
      .sort((a, b) => b.bytes - a.bytes);
    let left = sum;
    for (const { results, bytes } of waiting) {
      if (left <= WAITING_RESULTS_BYTES_MAX) return;
      results.failWaiting(
        new SqlError('53200', 'too many open results wait to be read', {
          detail: `Those of all sessions together may hold ${WAITING_RESULTS_BYTES_MAX} bytes.`,
          hint: 'Read or CLOSE cursors before others are opened.',
        }),
      );
      left -= bytes;
    }
  }

  release(source: RowSource): void {
    this.#sources.delete(source);
    if (this.#sources.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }
}
