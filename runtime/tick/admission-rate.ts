/**
 * Back-pressure: how much of what waits a tick takes. After D-Streams' rate controller (Spark's PIDRateEstimator), which
 * sets the next batch's size by how long the last one took; here the error is the logarithm of time wanted by time
 * taken, and its integral is the share. A tick's time decides how long writers, readers and cancels wait, and how many
 * results are in memory at once.
 */
export class AdmissionRate {
  readonly #on: boolean;
  #share: number;

  constructor(backpressure: boolean) {
    this.#on = backpressure;
    this.#share = backpressure ? SHARE_AT_START : 1;
  }

  /**
   * Of what sources give at most in a tick: above 0, at most 1; 0: nothing now. `memoryPressure`: memory held by memory
   * allowed. Nothing is dropped: what is not admitted waits outside.
   */
  shareOf(tick: number, memoryPressure: number): number {
    if (memoryPressure >= 1) return 0;
    return memoryPressure < SLOW_FROM || tick % SLOW_TICKS === 0 ? this.#share : 0;
  }

  /** `held`: sources have more than the tick took. */
  observe(processingMs: number, held: boolean): void {
    if (!this.#on) return;
    const correction = Math.min(GROWTH_MOST, WANTED_MS / Math.max(processingMs, 1));
    // a light tick says nothing about a full one
    if (correction > 1 && !held) return;
    this.#share = Math.min(1, Math.max(SHARE_LEAST, this.#share * correction));
  }
}

/** Share of the memory limit from which admission slows: sources are asked in one of so many ticks. */
const SLOW_FROM = 0.8;
const SLOW_TICKS = 8;
const WANTED_MS = 50;
const GROWTH_MOST = 2;
/** Nothing is known yet of what a row costs; a light one has the whole share four ticks later. */
const SHARE_AT_START = 1 / 16;
/** Below it what a tick costs besides its rows counts more than they do. */
const SHARE_LEAST = 1 / 64;

/** `max_rate`: rows a second on the average; a poll that brought more than was due is paid off before the next one. */
export class RateLimit {
  readonly #rowsPerMicro: number;
  #due = 0;
  #seen: number | null = null;
  /** rows of a poll that takes everything, as far as known */
  #fullPoll = 32_768;

  constructor(rowsPerSecond: number) {
    this.#rowsPerMicro = rowsPerSecond / 1e6;
  }

  /** Share of a full poll to take now, at most `share`; 0: nothing is due. */
  allowed(now: number, share: number): number {
    // what was not used in a second is gone
    const most = this.#rowsPerMicro * 1e6;
    this.#due = Math.min(most, this.#due + (now - (this.#seen ?? now - 100_000)) * this.#rowsPerMicro);
    this.#seen = now;
    return this.#due < 1 ? 0 : Math.min(share, this.#due / this.#fullPoll);
  }

  /** Nothing was due when it was last asked. */
  get exhausted(): boolean {
    return this.#seen !== null && this.#due < 1;
  }

  took(rows: number, share: number): void {
    this.#due -= rows;
    if (rows > 0 && share > 0) this.#fullPoll = Math.max(1, 0.5 * this.#fullPoll + (0.5 * rows) / share);
  }
}
