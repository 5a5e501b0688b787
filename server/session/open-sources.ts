import { SLOW_READER_CHECK_MS } from '../limits.ts';
import type { RowSource } from './row-source.ts';

/** The results that a session has open: cancelled when it closes, ended when their reader is too slow. */
export class OpenSources {
  readonly #sources = new Set<RowSource>();
  #watch: NodeJS.Timeout | null = null;

  add(source: RowSource): void {
    this.#sources.add(source);
    this.#watch ??= setInterval(() => {
      for (const open of this.#sources) open.checkBound();
    }, SLOW_READER_CHECK_MS).unref();
  }

  release(source: RowSource): void {
    this.#sources.delete(source);
    source.cancel();
    if (this.#sources.size === 0) this.#stopWatching();
  }

  cancelAll(): void {
    for (const source of this.#sources) source.cancel();
    this.#sources.clear();
    this.#stopWatching();
  }

  #stopWatching(): void {
    if (this.#watch !== null) clearInterval(this.#watch);
    this.#watch = null;
  }
}
