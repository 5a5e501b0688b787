/** Finite work under way: each task gets slices between ticks, in turn, while its reader keeps up. */
import { SLICE_MS } from '../../../common/limits.ts';
import { SqlError } from '../../../common/sql-error.ts';
import type { BlockScope, RunOptions } from '../../engine-client.ts';
import type { QueryPlan } from '../../plan/query-plan.ts';
import { internalError, queryTooLarge, type EngineState } from '../engine-state.ts';
import { finiteInput, sourceOf } from './finite-input.ts';
import { FiniteRun } from './finite-run.ts';
import { ResultChannel } from '../result-channel.ts';

/** Of the memory limit, beside it. */
const QUERY_SHARE = 0.25;

export interface FiniteTask {
  /** False: its reader is behind. */
  readonly wantsMore: boolean;
  /** Works for one part; false: it is over. */
  advance(): boolean;
  fail(error: SqlError): void;
  /** What it holds besides the rows that wait for its reader. */
  memoryBytes?(): number;
}

export class FiniteQueue {
  readonly #state: EngineState;
  #tasks: FiniteTask[] = [];
  /** Time spent on queries as they came, since the last slice: a tick must not wait for more than another slice. */
  #aheadMs = 0;
  #failed: SqlError | null = null;

  constructor(state: EngineState) {
    this.#state = state;
  }

  get waits(): boolean {
    return this.#tasks.some((task) => task.wantsMore);
  }

  /** `alone`: nothing waits for the next tick. */
  add(plan: QueryPlan, options: RunOptions, alone: boolean): ResultChannel {
    const channel = new ResultChannel();
    const task = this.#queryTask(plan, options, channel);
    channel.onCancel(() => this.remove(task));
    channel.onDrain(() => this.#state.wake());
    if (this.#failed !== null) task.fail(this.#failed);
    else if (alone && this.#tasks.length === 0 && this.#aheadMs < SLICE_MS) this.#workAhead(task);
    else {
      this.#tasks.push(task);
      this.#state.wake();
    }
    return channel;
  }

  /** A query that comes alone need not wait for a tick: what it reads is that of the last one either way. */
  #workAhead(task: FiniteTask): void {
    const started = performance.now();
    this.work(task);
    this.#aheadMs += performance.now() - started;
  }

  /** Between ticks: works on it at once, and in turn with the others where a slice is not enough. */
  work(task: FiniteTask): void {
    const until = performance.now() + SLICE_MS;
    while (task.advance()) {
      if (performance.now() < until) continue;
      this.#tasks.push(task);
      this.#state.wake();
      return;
    }
  }

  remove(task: FiniteTask): void {
    this.#tasks = this.#tasks.filter((t) => t !== task);
  }

  /**
   * Reads what is there when it first works; `snapshot`: as of the end of that tick, with what the block wrote.
   */
  start(
    plan: QueryPlan,
    now: number,
    snapshot: number | null,
    scope: BlockScope | null,
    memoryBytesMax = Number.POSITIVE_INFINITY,
  ): FiniteRun {
    const { tick } = this.#state;
    const source = sourceOf(this.#state, now, snapshot, scope);
    return new FiniteRun({
      plan,
      tick,
      now,
      inputOf: (scan, needs) => finiteInput(scan.node, source, needs),
      requireRoom: (bytes) => {
        if (bytes > memoryBytesMax) throw queryTooLarge(memoryBytesMax);
        this.#requireRoom(bytes);
      },
    });
  }

  /**
   * 53200 where the queries under way hold more than their share together. It is theirs alone: reads go on where views
   * have filled the rest.
   */
  #requireRoom(bytes: number): void {
    const all = this.#tasks.reduce((sum, task) => sum + (task.memoryBytes?.() ?? 0), bytes);
    if (all <= this.#state.options.memoryLimitBytes * QUERY_SHARE) return;
    throw new SqlError('53200', 'the memory limit is reached', {
      detail: 'Queries may hold a quarter of memory_limit together.',
      hint: 'Keep the groups in a materialized view, read fewer rows, or raise memory_limit.',
    });
  }

  /** Works for a few milliseconds. */
  slice(): void {
    this.#aheadMs = 0;
    const until = performance.now() + SLICE_MS;
    while (this.waits && performance.now() < until) {
      const next = this.#tasks.shift()!;
      if (!next.wantsMore || next.advance()) this.#tasks.push(next);
    }
  }

  failAll(error: SqlError): void {
    this.#failed = error;
    for (const task of this.#tasks) task.fail(error);
    this.#tasks = [];
  }

  /** An error of ours ends this query only: it shares no state with the others. */
  #queryTask(plan: QueryPlan, options: RunOptions, channel: ResultChannel): FiniteTask {
    const { rowsMax = Number.POSITIVE_INFINITY } = options;
    let run: FiniteRun | null = null;
    let rows = 0;
    const advance = (): boolean => {
      const { tick } = this.#state;
      try {
        run ??= this.start(
          plan,
          options.now,
          options.snapshot,
          options.block ?? null,
          options.memoryBytesMax,
        );
        for (const batch of run.advance()) {
          rows += batch.rows;
          if (rows > rowsMax) throw tooManyRows(rowsMax);
          channel.rows(tick.number, plan.columns, batch, false);
        }
        if (!run.done) return true;
        channel.end(tick.number);
      } catch (error) {
        channel.fail(internalError(error));
      }
      return false;
    };
    return {
      get wantsMore() {
        return channel.wantsMore;
      },
      advance,
      fail: (error) => channel.fail(error),
      memoryBytes: () => run?.memoryBytes() ?? 0,
    };
  }
}

const tooManyRows = (rowsMax: number): SqlError =>
  new SqlError('54000', `the result has more than ${rowsMax} rows`, {
    hint: 'Add a LIMIT; millrace.result_rows_limit says how many rows a result may have.',
  });
