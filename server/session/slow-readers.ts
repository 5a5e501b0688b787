import { SLOW_READER_CHECK_MS } from '../limits.ts';
import type { RowSource } from './row-source.ts';

/** All open results of a server: now and then each is asked whether its reader is too slow. One timer for them all. */
export class SlowReaders {
  readonly #sources = new Set<RowSource>();
  #timer: NodeJS.Timeout | null = null;

  watch(source: RowSource): void {
    this.#sources.add(source);
    this.#timer ??= setInterval(() => {
      for (const open of this.#sources) open.checkBound();
    }, SLOW_READER_CHECK_MS).unref();
  }

  release(source: RowSource): void {
    this.#sources.delete(source);
    if (this.#sources.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }
}
