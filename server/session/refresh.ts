import { REFRESH_MS_MAX, REFRESH_PAUSE_MS } from '../limits.ts';

/**
 * The queries of one refresh of a dashboard: they follow each other closely and read one tick, so that what they show
 * agrees. A pause, or a write of the session's own, ends it.
 */
export class Refresh {
  readonly #clock: () => number;
  #tick: number | null = null;
  #startedAt = 0;
  #usedAt = 0;

  /** `clock`: milliseconds. */
  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** A message has come: whether what it asks begins a refresh. */
  begin(): void {
    const now = this.#clock();
    if (now - this.#usedAt > REFRESH_PAUSE_MS || now - this.#startedAt > REFRESH_MS_MAX) this.#tick = null;
  }

  /** The tick to read until the next `begin`; `latest` where a refresh begins. */
  tickAt(latest: number): number {
    if (this.#tick !== null) return this.#tick;
    this.#tick = latest;
    this.#startedAt = this.#clock();
    return latest;
  }

  /** A message has been answered: the pause begins. */
  finish(): void {
    this.#usedAt = this.#clock();
  }

  end(): void {
    this.#tick = null;
  }
}
