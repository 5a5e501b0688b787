/**
 * Numbers of ticks are never given twice, also after a crash: whoever saw one goes on AS OF it. Most ticks hold no rows and
 * are in no log, so numbers are reserved, many at a time:
 *
 *   ticks.json   { "format": 1, "upTo": number }    a tick that was shown to anybody has this number or a smaller one
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from '../../common/assert.ts';
import { writeWhole } from '../../common/whole-file.ts';

const FORMAT = 1;
const FILE = 'ticks.json';
const AHEAD = 100_000;
/** Where they can't be reserved that is tried again after so many. */
const PAUSE = 1_000;

export class TickNumbers {
  readonly #path: string;
  #upTo = 0;
  #nextTry = 0;

  constructor(directory: string) {
    this.#path = join(directory, FILE);
  }

  /** Long before they are used up. A disk that takes nothing does not stop the clock: it may have room again by then. */
  reserve(tick: number): void {
    if (tick + AHEAD / 2 <= this.#upTo || tick < this.#nextTry) return;
    const upTo = tick + AHEAD;
    try {
      writeWhole(this.#path, JSON.stringify({ format: FORMAT, upTo }));
      this.#upTo = upTo;
    } catch {
      this.#nextTry = tick + PAUSE;
    }
  }
}

/** The last number that may have been used; 0: an older server's directory. */
export function lastReserved(directory: string): number {
  const path = join(directory, FILE);
  if (!existsSync(path)) return 0;
  let saved: unknown = null;
  try {
    saved = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    // said below
  }
  const { format, upTo } = (saved ?? {}) as { format?: unknown; upTo?: unknown };
  assert(format === FORMAT && typeof upTo === 'number', `${FILE} is damaged, or of another server`);
  return upTo;
}
