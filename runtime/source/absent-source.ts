/** Stands for a connector that can't be reached at a start: nothing comes from it, and its position is kept for the next one. */
import type { StateReader, StateWriter } from '../state/state-codec.ts';
import type { Source } from './source.ts';

/** As a file is saved that was never read. */
const UNREAD = { current: null, position: 0, done: [], ended: false };

export class AbsentSource implements Source {
  readonly ready = false;
  readonly ended = false;
  #saved: unknown = UNREAD;

  poll(): void {
    // nothing comes
  }

  onReady(): void {
    // never
  }

  close(): void {
    // nothing is open
  }

  save(w: StateWriter): void {
    w.value(this.#saved);
  }

  load(r: StateReader): void {
    this.#saved = r.value();
  }
}
