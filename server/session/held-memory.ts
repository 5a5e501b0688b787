/**
 * What sessions keep from one statement to the next: rows of cursors, texts of prepared statements, parameters of portals,
 * answers of the system catalog, what a COPY in a block has sent so far. Each session may keep its part, and all of them
 * together no more than the server has to give.
 */
import { SqlError } from '../../common/sql-error.ts';
import { HELD_BYTES_MAX, HELD_BYTES_SESSION_MAX } from '../limits.ts';

export class HeldMemory {
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** False where it is too much. */
  take(bytes: number): boolean {
    if (this.#bytes + bytes > HELD_BYTES_MAX) return false;
    this.#bytes += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#bytes -= bytes;
  }
}

/** One session's part. What is taken is given back by whoever took it, at the latest when the session ends. */
export class HeldShare {
  readonly #memory: HeldMemory;
  #bytes = 0;

  constructor(memory: HeldMemory) {
    this.#memory = memory;
  }

  /** 53200 */
  take(bytes: number): void {
    const own = this.#bytes + bytes <= HELD_BYTES_SESSION_MAX;
    if (!own || !this.#memory.take(bytes)) {
      throw new SqlError('53200', 'cursors and prepared statements hold too much memory', {
        detail: own
          ? `Those of all sessions together may hold ${HELD_BYTES_MAX} bytes.`
          : `Those of a session may hold ${HELD_BYTES_SESSION_MAX} bytes.`,
        hint: 'CLOSE and DEALLOCATE what is no longer needed.',
      });
    }
    this.#bytes += bytes;
  }

  give(bytes: number): void {
    this.#bytes -= bytes;
    this.#memory.give(bytes);
  }
}
