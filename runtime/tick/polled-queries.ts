/**
 * Finite queries that many ask again and again: evaluated with each tick that changes what they read, so that the answer
 * is there with the news of the change, and nobody waits for it.
 */
import type { Batch } from '../batch/column.ts';
import { batchBytes, compactBatch } from '../batch/concat.ts';
import { POLLED_ANSWER_BYTES_MAX, POLLED_MS_MAX } from '../../common/limits.ts';
import type { PolledAnswer, PolledQuery } from '../engine-client.ts';
import type { Oid } from '../plan/relation.ts';
import type { QueryPlan } from '../plan/query-plan.ts';
import type { FiniteRun } from './finite/finite-run.ts';

/** What is too much several times in a row is tried again later; at the latest after about a thousand changes. */
const FAILURES_FREE = 3;
const FAILURES_MAX = 13;

export class Polled implements PolledQuery {
  readonly plan: QueryPlan;
  readonly #relations: readonly Oid[];
  readonly #onClose: (query: Polled) => void;
  answer: PolledAnswer | null = null;
  #failures = 0;
  #skips = 0;

  constructor(plan: QueryPlan, relations: readonly Oid[], onClose: (query: Polled) => void) {
    this.plan = plan;
    this.#relations = relations;
    this.#onClose = onClose;
  }

  readsAny(changed: ReadonlyMap<Oid, number>): boolean {
    for (const relation of this.#relations) if (changed.has(relation)) return true;
    return false;
  }

  /** False for a while where it could not be answered again and again. */
  isDue(): boolean {
    return --this.#skips < 0;
  }

  note(failed: boolean): void {
    this.#failures = failed ? Math.min(this.#failures + 1, FAILURES_MAX) : 0;
    this.#skips = this.#failures > FAILURES_FREE ? 2 ** (this.#failures - FAILURES_FREE) : 0;
  }

  close(): void {
    this.#onClose(this);
  }
}

export class PolledQueries {
  readonly #start: (plan: QueryPlan) => FiniteRun;
  readonly #queries = new Set<Polled>();

  constructor(start: (plan: QueryPlan) => FiniteRun) {
    this.#start = start;
  }

  add(plan: QueryPlan, relations: readonly Oid[]): Polled {
    const query = new Polled(plan, relations, (closed) => this.#queries.delete(closed));
    this.#queries.add(query);
    return query;
  }

  /** After a tick: those that read what changed, for a few milliseconds in all; the others' answers are gone. */
  evaluate(tick: number, changed: ReadonlyMap<Oid, number>): void {
    if (this.#queries.size === 0) return;
    const until = performance.now() + POLLED_MS_MAX;
    for (const query of this.#queries) {
      if (!query.readsAny(changed)) continue;
      query.answer = null;
      if (performance.now() >= until || !query.isDue()) continue;
      const batches = this.#answer(query.plan, until);
      query.note(batches === null);
      if (batches !== null) query.answer = { tick, batches };
    }
  }

  /** null: it takes too long, is too much, or fails: whoever asks is told by an evaluation of its own. */
  #answer(plan: QueryPlan, until: number): readonly Batch[] | null {
    const batches: Batch[] = [];
    let bytes = 0;
    try {
      const run = this.#start(plan);
      while (!run.done) {
        for (const batch of run.advance()) {
          if (batch.rows === 0) continue;
          const own = compactBatch(plan.columns, batch);
          batches.push(own);
          bytes += batchBytes(own);
        }
        if (bytes > POLLED_ANSWER_BYTES_MAX || (!run.done && performance.now() > until)) return null;
      }
      return batches;
    } catch {
      return null;
    }
  }
}
