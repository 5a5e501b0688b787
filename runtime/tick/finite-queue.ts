/** Finite queries under way: each gets slices between ticks, in turn, while its reader keeps up. */
import { SLICE_MS } from '../../common/limits.ts';
import type { SqlError } from '../../common/sql-error.ts';
import type { RunOptions } from '../engine-client.ts';
import type { QueryPlan } from '../plan/query-plan.ts';
import { internalError, type EngineState } from './engine-state.ts';
import { finiteInput } from './finite-input.ts';
import { FiniteRun } from './finite-run.ts';
import { ResultChannel } from './result-channel.ts';

type Waiting = {
  readonly plan: QueryPlan;
  readonly options: RunOptions;
  readonly channel: ResultChannel;
  run: FiniteRun | null;
};

export class FiniteQueue {
  readonly #state: EngineState;
  #waiting: Waiting[] = [];

  constructor(state: EngineState) {
    this.#state = state;
  }

  get waits(): boolean {
    return this.#waiting.some((w) => w.channel.wantsMore);
  }

  add(plan: QueryPlan, options: RunOptions): ResultChannel {
    const channel = new ResultChannel();
    const waiting: Waiting = { plan, options, channel, run: null };
    channel.onCancel(() => {
      this.#waiting = this.#waiting.filter((w) => w !== waiting);
    });
    channel.onDrain(() => this.#state.wake());
    this.#waiting.push(waiting);
    this.#state.wake();
    return channel;
  }

  /** Reads what is there when it first works; `snapshot`: as of the end of that tick. */
  start(plan: QueryPlan, now: number, snapshot: number | null): FiniteRun {
    const { tick } = this.#state;
    return new FiniteRun({
      plan,
      tick,
      now,
      inputOf: (scan) => finiteInput(scan, this.#state, now, snapshot),
    });
  }

  /** Works for a few milliseconds. */
  slice(): void {
    const until = performance.now() + SLICE_MS;
    while (this.waits && performance.now() < until) {
      const next = this.#waiting.shift()!;
      if (!next.channel.wantsMore || this.#advance(next)) this.#waiting.push(next);
    }
  }

  failAll(error: SqlError): void {
    for (const { channel } of this.#waiting) channel.fail(error);
    this.#waiting = [];
  }

  /** False: it is over. An error of ours ends this query only: it shares no state with the others. */
  #advance(waiting: Waiting): boolean {
    const { channel, plan, options } = waiting;
    const { tick } = this.#state;
    try {
      waiting.run ??= this.start(plan, options.now, options.snapshot);
      for (const batch of waiting.run.advance()) channel.rows(tick.number, plan.columns, batch, false);
      if (!waiting.run.done) return true;
      channel.end(tick.number);
    } catch (error) {
      channel.fail(internalError(error));
    }
    return false;
  }
}
