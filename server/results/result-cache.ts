import { LRUCache } from 'lru-cache';
import { RESULT_CACHE_BYTES_MAX, RESULT_CACHE_ENTRY_BYTES_MAX } from '../../common/limits.ts';
import type { Schema } from '../../common/types.ts';
import type { ParsedStatement, Planned } from '../../planner/statement.ts';
import type { Engine, RelationChanges } from '../../runtime/engine-client.ts';
import { KEPT_KEY_CHARACTERS_MAX } from '../limits.ts';
import type { ServerMetrics } from '../metrics.ts';
import type { RowsOutcome } from '../session/outcome.ts';
import { StaticRows } from '../session/row-source.ts';
import type { Arguments } from '../session/arguments.ts';
import type { Session } from '../session/session.ts';
import { pointRows } from './point-reads.ts';
import { PolledPlans } from './polled-plans.ts';
import { queryLimits } from '../session/query-limits.ts';
import { repeatableQuery } from './repeatable-query.ts';

/** An encoded answer; `next`: where the next page begins, for views by HTTP. */
export type Result = Readonly<{
  columns: Schema;
  body: Buffer;
  rows: number;
  next: string | null;
  /** The last tick that it shows. */
  tick: number;
}>;

/** Members of an entry beside its body and key, about. */
const ENTRY_BYTES = 1_000;

/** Words of dates and times whose meaning moves on; a text that has them is merely evaluated each time. */
const OF_NOW = /\b(?:now|today|tomorrow|yesterday)\b/i;

/** `format`: whatever the encoding depends on beside the session's settings. */
export type Question = Readonly<{ statement: ParsedStatement; given: Arguments; format: string }>;

/**
 * Encoded answers of finite queries, by everything that they depend on: text, parameters and their types, format, who
 * asks and with which settings, the catalog's version, and the ticks at which the relations read last changed. Those are
 * known before any answer that counts on them, so an entry whose ticks are still the last ones is what a fresh
 * evaluation would give. Who asks for what is being evaluated waits for that.
 */
export class ResultCache {
  readonly #changes: RelationChanges;
  readonly #metrics: ServerMetrics;
  readonly #entries = new LRUCache<string, Result>({
    maxSize: RESULT_CACHE_BYTES_MAX,
    maxEntrySize: RESULT_CACHE_ENTRY_BYTES_MAX,
    sizeCalculation: ({ body }, key) => body.length + 2 * key.length + ENTRY_BYTES,
  });
  readonly #running = new Map<string, Promise<Result | null>>();
  readonly #polled: PolledPlans;

  constructor(engine: Engine, metrics: ServerMetrics) {
    this.#changes = engine.changes;
    this.#polled = new PolledPlans(engine);
    this.#metrics = metrics;
  }

  /** The rows that an evaluation would give, where they are here already; null: evaluate. `planned`: with the values given. */
  rowsOf(session: Session, planned: Planned, given: Arguments): RowsOutcome | null {
    const { statement, pointRead } = planned;
    const { rowsMax, memoryBytesMax } = queryLimits(session.settings);
    // how much a session may have is not known where they were made
    if (rowsMax !== undefined || memoryBytesMax !== undefined || session.readTick !== null) return null;
    if (statement.kind !== 'query' || (given.values !== undefined && pointRead === undefined)) return null;
    const relations = repeatableQuery(planned, session.catalog);
    if (relations === null) return null;
    const answer = this.#polled.answerOf(pointRead?.reads.plan ?? statement.plan, relations);
    if (answer === null) return null;
    this.#metrics.results.inc({ outcome: 'polled' });
    const batches = pointRead === undefined ? answer.batches : pointRows(answer, pointRead);
    const source = new StaticRows(batches, answer.tick);
    return { kind: 'rows', columns: statement.columns, source, live: null, tag: 'SELECT', counted: true };
  }

  /** Under which the answer is kept; null where it may differ the next time. `planned`: with or without the parameters. */
  keyOf(session: Session, planned: Planned, { statement, given, format }: Question): string | null {
    const { catalog } = session;
    const relations = repeatableQuery(planned, catalog);
    if (relations === null || given.values?.some((value) => value !== null && OF_NOW.test(value)))
      return null;
    const parameters = given.values === undefined ? '' : JSON.stringify([given.types, given.values]);
    if (statement.text.length + parameters.length > KEPT_KEY_CHARACTERS_MAX) return null;
    const { readTick } = session;
    let ticks = '';
    for (const relation of relations) {
      const changed = this.#changes.of(relation);
      ticks += readTick !== null && changed > readTick ? `@${readTick},` : `${changed},`;
    }
    return `${format}\n${catalog.version}\n${ticks}\n${session.meaning}\n${parameters}\n${statement.text}`;
  }

  /** undefined: not there. */
  known(key: string): Result | undefined {
    const entry = this.#entries.get(key);
    return entry === undefined ? undefined : this.#again(entry);
  }

  #again(entry: Result): Result {
    this.#metrics.results.inc({ outcome: 'hit' });
    // nothing has changed since: it is the answer of the last tick as well
    const { committed } = this.#changes;
    return committed > entry.tick ? { ...entry, tick: committed } : entry;
  }

  /** `evaluate` gives null for what is too long to be kept, or can't be used by others: they evaluate for themselves. */
  async answer(
    key: string,
    session: Session,
    evaluate: () => Promise<Result | null>,
  ): Promise<Result | null> {
    const known = this.known(key) ?? (await this.#join(key, session));
    if (known !== undefined) return known;
    this.#metrics.results.inc({ outcome: 'miss' });
    const running = evaluate();
    this.#running.set(key, running);
    try {
      const result = await running;
      if (result !== null) this.#entries.set(key, result);
      return result;
    } finally {
      if (this.#running.get(key) === running) this.#running.delete(key);
    }
  }

  /** What another evaluates; where that fails, or its client goes away, it is nothing to us. */
  async #join(key: string, session: Session): Promise<Result | undefined> {
    const running = this.#running.get(key);
    if (running === undefined) return undefined;
    const joined = await session.interrupt.wait(running.catch(() => null));
    return joined === null ? undefined : this.#again(joined);
  }
}
