import type { SqlError } from '../../common/sql-error.ts';
import { EngineRows, type RowSource } from './row-source.ts';
import type { SlowReaders } from './slow-readers.ts';

/** The results that a session has open: cancelled when it closes, ended when their reader is too slow. */
export class OpenSources {
  readonly #slow: SlowReaders;
  readonly #sources = new Set<RowSource>();

  constructor(slow: SlowReaders) {
    this.#slow = slow;
  }

  /** Of finite results, what waits to be read. */
  get waitingBytes(): number {
    let bytes = 0;
    for (const source of this.#sources) if (source instanceof EngineRows) bytes += source.waitingBytes;
    return bytes;
  }

  /** Ends the finite results that wait to be read. */
  failWaiting(error: SqlError): void {
    for (const source of this.#sources)
      if (source instanceof EngineRows && source.waitingBytes > 0) source.fail(error);
  }

  add(source: RowSource): void {
    this.#sources.add(source);
    this.#slow.watch(source, this);
  }

  release(source: RowSource): void {
    this.#sources.delete(source);
    this.#slow.release(source);
    source.cancel();
  }

  cancelAll(): void {
    for (const source of [...this.#sources]) this.release(source);
  }
}
