/**
 * Whether the disk of the data directory has room for more rows. A tick that its logs can't take ends the engine, so rows
 * are refused while there is still some left: for what is under way, for definitions, and for DROP, which makes room.
 */
import { statfsSync } from 'node:fs';
import { DISK_RESERVE_BYTES } from '../../common/limits.ts';
import { SqlError } from '../../common/sql-error.ts';

/** Of a small disk so much is enough. */
const RESERVE_SHARE = 1 / 16;

export class DiskRoom {
  readonly #directory: string | null;
  readonly #reserveBytes: number | null;
  /** What the current tick lets in and has not written yet. */
  #promised = 0;

  /** `directory`: null: nothing is kept. `reserveBytes`: null: as limits.ts has it. */
  constructor(directory: string | null, reserveBytes: number | null) {
    this.#directory = directory;
    this.#reserveBytes = reserveBytes;
  }

  get isFull(): boolean {
    return this.#room() <= 0;
  }

  /** 53100. `bytes`: about what the logs will get. */
  require(bytes = 0): void {
    if (this.#room() <= bytes) throw diskFull();
    this.#promised += bytes;
  }

  /** All that was let in is written. */
  endTick(): void {
    this.#promised = 0;
  }

  #room(): number {
    if (this.#directory === null) return Number.POSITIVE_INFINITY;
    try {
      const { bavail, blocks, bsize } = statfsSync(this.#directory);
      // some file systems do not say
      if (blocks === 0) return Number.POSITIVE_INFINITY;
      const reserve = this.#reserveBytes ?? Math.min(DISK_RESERVE_BYTES, blocks * bsize * RESERVE_SHARE);
      return bavail * bsize - reserve - this.#promised;
    } catch {
      // where that can't be told, the logs say what they can't take
      return Number.POSITIVE_INFINITY;
    }
  }
}

/** `detail`: how much is in. */
export const diskFull = (detail?: string): SqlError =>
  new SqlError('53100', 'the disk of the data directory is full', {
    ...(detail === undefined ? {} : { detail }),
    hint: 'Free space there: DROP gives it back, and so does a shorter retention.',
  });
