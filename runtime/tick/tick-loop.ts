/**
 * Turns the clock: a tick at once while much waits, a millisecond after the last one when something came, and every
 * `tickIntervalMs` when nothing does.
 */
import type { EngineCore } from './engine-core.ts';

const PAUSE_MS = 1;

export class TickLoop {
  readonly #core: EngineCore;
  readonly #onFatal: (error: unknown) => void;
  #timer: NodeJS.Timeout | null = null;
  #immediate: NodeJS.Immediate | null = null;
  #endedAt = 0;

  constructor(core: EngineCore, onFatal: (error: unknown) => void) {
    this.#core = core;
    this.#onFatal = onFatal;
  }

  start(): void {
    this.#core.state.wake = () => {
      this.#core.state.wokenAt ??= performance.now();
      this.#wake();
    };
    this.#schedule();
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#immediate !== null) clearImmediate(this.#immediate);
    this.#timer = null;
    this.#immediate = null;
  }

  #run(): void {
    this.#timer = null;
    this.#immediate = null;
    const started = performance.now();
    try {
      this.#core.tick();
    } catch (error) {
      this.#onFatal(error);
      return;
    }
    this.#endedAt = performance.now();
    if (this.#core.stopped) return;
    // a tick that took long had a full load: the next one need not wait for more to gather
    if (this.#core.waits && this.#endedAt - started > PAUSE_MS)
      this.#immediate = setImmediate(() => this.#run());
    else this.#schedule();
  }

  #schedule(): void {
    const waitMs = this.#core.waits ? PAUSE_MS : this.#core.state.options.tickIntervalMs;
    this.#timer = setTimeout(() => this.#run(), waitMs);
  }

  /** Something came: the next tick begins a millisecond after the last one ended. */
  #wake(): void {
    if (this.#core.stopped || this.#immediate !== null) return;
    const leftMs = PAUSE_MS - (performance.now() - this.#endedAt);
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (leftMs > 0) this.#timer = setTimeout(() => this.#run(), leftMs);
    else this.#immediate = setImmediate(() => this.#run());
  }
}
