import { LRUCache } from 'lru-cache';
import { RESULT_CACHE_BYTES_MAX, RESULT_CACHE_ENTRY_BYTES_MAX } from '../../common/limits.ts';
import type { Schema } from '../../common/types.ts';
import type { Planned } from '../../planner/statement.ts';
import type { ServerContext } from '../server-context.ts';
import type { Session } from '../session/session.ts';
import { type RepeatableQuery, repeatableQuery } from './repeatable-query.ts';
import type { BodyFormat } from './result-body.ts';

/** An answer as it is sent; `next`: where the next page begins, for views. */
export type Result = Readonly<{
  columns: Schema;
  body: Buffer;
  next: string | null;
  /** The last tick that it shows. */
  tick: number;
}>;

/** Members of an entry beside its body and key, about. */
const ENTRY_BYTES = 1_000;
/** A longer plan is not worth its place. */
const KEY_CHARACTERS_MAX = 32_768;

/**
 * Encoded answers, by everything that they depend on: plan (which holds the parameters), format, role, settings, and the
 * ticks at which the relations read last changed. Those are asked of the engine for every request, after all writes that
 * were acknowledged before it; so an entry whose ticks are still the last ones is what a fresh evaluation would give.
 * Who asks for what is being evaluated waits for that.
 */
export class ResultCache {
  readonly #entries = new LRUCache<string, Result>({
    maxSize: RESULT_CACHE_BYTES_MAX,
    maxEntrySize: RESULT_CACHE_ENTRY_BYTES_MAX,
    sizeCalculation: ({ body }, key) => body.length + 2 * key.length + ENTRY_BYTES,
  });
  readonly #running = new Map<string, Promise<Result>>();

  async answer(
    context: ServerContext,
    session: Session,
    planned: Planned,
    format: BodyFormat,
    evaluate: () => Promise<Result>,
  ): Promise<Result> {
    const query = repeatableQuery(planned, session.catalog);
    const state = query === null ? null : await stateOf(context, session, query, format);
    if (state === null) return evaluate();
    const { key, committed } = state;
    const known = this.#entries.get(key) ?? (await this.#join(key, session));
    if (known !== undefined) {
      context.metrics.results.inc({ outcome: 'hit' });
      // nothing has changed since: it is the answer of the last tick as well
      return { ...known, tick: Math.max(known.tick, committed) };
    }
    context.metrics.results.inc({ outcome: 'miss' });
    return this.#evaluate(key, evaluate);
  }

  /** What another evaluates; where that fails, or its client goes away, it is nothing to us. */
  async #join(key: string, session: Session): Promise<Result | undefined> {
    const running = this.#running.get(key);
    return running === undefined ? undefined : session.interrupt.wait(running.catch(() => undefined));
  }

  async #evaluate(key: string, evaluate: () => Promise<Result>): Promise<Result> {
    const running = evaluate();
    this.#running.set(key, running);
    try {
      const result = await running;
      this.#entries.set(key, result);
      return result;
    } finally {
      if (this.#running.get(key) === running) this.#running.delete(key);
    }
  }
}

/** null: the plan is too long. */
async function stateOf(
  { engine, catalog }: ServerContext,
  { settings, user, role }: Session,
  { plan, relations }: RepeatableQuery,
  format: BodyFormat,
): Promise<Readonly<{ key: string; committed: number }> | null> {
  const text = JSON.stringify(plan);
  if (text.length > KEY_CHARACTERS_MAX) return null;
  // of no relation: the last tick alone
  const states = await Promise.all(
    (relations.length === 0 ? [0] : relations).map((oid) => engine.lastChange(oid)),
  );
  const { timeZone, dateStyle, intervalStyle, byteaOutput, extraFloatDigits } = settings.text;
  const key = JSON.stringify([
    format,
    role,
    user,
    catalog.current.version,
    [timeZone, dateStyle, intervalStyle, byteaOutput, extraFloatDigits],
    states.map(({ changed }) => changed),
    text,
  ]);
  return { key, committed: Math.min(...states.map(({ committed }) => committed)) };
}
