import type { RowSource } from './row-source.ts';
import type { SlowReaders } from './slow-readers.ts';

/** The results that a session has open: cancelled when it closes, ended when their reader is too slow. */
export class OpenSources {
  readonly #slow: SlowReaders;
  readonly #sources = new Set<RowSource>();

  constructor(slow: SlowReaders) {
    this.#slow = slow;
  }

  add(source: RowSource): void {
    this.#sources.add(source);
    this.#slow.watch(source);
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
