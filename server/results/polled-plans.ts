import { LRUCache } from 'lru-cache';
import type { Engine, PolledAnswer, PolledQuery } from '../../runtime/engine-client.ts';
import type { QueryPlan } from '../../runtime/plan/query-plan.ts';
import type { Oid } from '../../runtime/plan/relation.ts';
import { PLAN_CACHE_ENTRIES, POLLED_EVALUATIONS, POLLED_PLANS_MAX, POLLED_WITHIN_MS } from '../limits.ts';

type Asked = { evaluations: number; since: number; polled: PolledQuery | null; usedAt: number };

/**
 * Plans that are evaluated again and again because what they read changes all the time: the engine is told to evaluate
 * them with each change, until nobody asks any more.
 */
export class PolledPlans {
  readonly #engine: Engine;
  readonly #asked = new LRUCache<QueryPlan, Asked>({
    max: PLAN_CACHE_ENTRIES,
    dispose: (asked) => this.#close(asked),
  });
  readonly #polled = new Set<Asked>();
  #sweep: NodeJS.Timeout | null = null;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** What a fresh evaluation would give; null: it must be made. Called where one is about to be. */
  answerOf(plan: QueryPlan, relations: readonly Oid[]): PolledAnswer | null {
    const now = performance.now();
    let asked = this.#asked.get(plan);
    if (asked === undefined) {
      asked = { evaluations: 0, since: now, polled: null, usedAt: now };
      this.#asked.set(plan, asked);
    }
    asked.usedAt = now;
    const answer = asked.polled?.answer ?? null;
    if (answer !== null && relations.every((oid) => this.#isIn(oid, answer.tick))) return answer;
    if (asked.polled === null) this.#count(plan, relations, asked, now);
    return null;
  }

  /** A relation that stopped with an error has a negative tick: no answer shows that. */
  #isIn(relation: Oid, tick: number): boolean {
    const changed = this.#engine.changes.of(relation);
    return changed >= 0 && changed <= tick;
  }

  #count(plan: QueryPlan, relations: readonly Oid[], asked: Asked, now: number): void {
    if (now - asked.since > POLLED_WITHIN_MS) {
      asked.since = now;
      asked.evaluations = 0;
    }
    if (++asked.evaluations < POLLED_EVALUATIONS || this.#polled.size >= POLLED_PLANS_MAX) return;
    asked.polled = this.#engine.poll(plan, relations);
    this.#polled.add(asked);
    this.#sweep ??= setInterval(() => this.#closeUnused(), POLLED_WITHIN_MS).unref();
  }

  #closeUnused(): void {
    const now = performance.now();
    for (const asked of this.#polled) if (now - asked.usedAt > POLLED_WITHIN_MS) this.#close(asked);
    if (this.#polled.size > 0 || this.#sweep === null) return;
    clearInterval(this.#sweep);
    this.#sweep = null;
  }

  #close(asked: Asked): void {
    asked.polled?.close();
    asked.polled = null;
    asked.evaluations = 0;
    this.#polled.delete(asked);
  }
}
