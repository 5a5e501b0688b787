import { gatherBatch } from '../../runtime/batch/gather.ts';
import type { RowCursor } from './result-cursor.ts';
import type { RowEvent, RowSource } from './row-source.ts';

/** FETCH: the next rows of a cursor, waited for up to a time limit. Cancelling it leaves the cursor open. */
export class FetchedRows implements RowSource {
  readonly #cursor: RowCursor;
  #wanted: number;
  #expired = false;
  #timer: NodeJS.Timeout | null = null;
  #wake: (() => void) | null = null;
  readonly #timeoutMs: number | null;

  constructor(cursor: RowCursor, rows: number, timeoutMs: number | null) {
    this.#cursor = cursor;
    this.#wanted = rows;
    this.#timeoutMs = timeoutMs;
  }

  checkBound(): boolean {
    return this.#cursor.checkBound();
  }

  poll(): RowEvent | null {
    if (this.#wanted <= 0) return this.#end();
    const slice = this.#cursor.poll(this.#wanted);
    if (slice === null) return this.#expired ? this.#end() : null;
    switch (slice.kind) {
      case 'notice':
        return slice;
      case 'end':
        return this.#end();
      case 'rows': {
        const { batch, from, to, tick, snapshot } = slice;
        this.#wanted -= to - from;
        const whole = from === 0 && to === batch.rows;
        const rows = Uint32Array.from({ length: to - from }, (_, i) => from + i);
        return {
          kind: 'rows',
          batch: whole ? batch : gatherBatch(batch, rows, to - from),
          tick,
          snapshot,
          deletes: null,
        };
      }
    }
  }

  ready(): Promise<void> {
    if (this.#wanted <= 0 || this.#expired) return Promise.resolve();
    if (this.#timeoutMs === null) return this.#cursor.ready();
    this.#timer ??= setTimeout(() => {
      this.#expired = true;
      this.#wake?.();
    }, this.#timeoutMs);
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#cursor.ready().then(resolve, resolve);
    });
  }

  cancel(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #end(): RowEvent {
    this.cancel();
    return { kind: 'end', tick: 0 };
  }
}
