/** The readers of continuous results: SELECT … EMIT and SUBSCRIBE, stepped once a tick. */
import { SqlError } from '../../common/sql-error.ts';
import type { Batch } from '../batch/column.ts';
import { consolidate } from '../batch/consolidate.ts';
import type { Tick } from '../dstream/dstream.ts';
import type { RunOptions, SilenceCause, SubscribeOptions } from '../engine-client.ts';
import type { Oid } from '../plan/relation.ts';
import type { QueryPlan } from '../plan/query-plan.ts';
import type { RelationDelta } from '../source/admitted.ts';
import type { ContinuousQuery } from './continuous-query.ts';
import { internalError, type EngineState } from './engine-state.ts';
import type { QueryFactory } from './query-factory.ts';
import type { ResultChannel } from './result-channel.ts';
import { SharedRows } from './shared-rows.ts';
import { causesOfSilence, causesOfStreamSilence, causesOfTableSilence } from './silence.ts';
import { StreamRuntime } from './stream-runtime.ts';
import { contentAsOf, Subscription, tooOld, type SubscriptionOptions } from './subscription.ts';
import type { TableRuntime } from './table-runtime.ts';
import { ViewRuntime } from './view-runtime.ts';

type ReaderOptions = Pick<RunOptions, 'label' | 'pid' | 'silenceNoticeMs' | 'memoryBytesMax'>;
type Target = StreamRuntime | TableRuntime | ViewRuntime;

export class Readers {
  readonly #state: EngineState;
  readonly #factory: QueryFactory;
  readonly #shared = new SharedRows();
  /** Subscribers of each relation. */
  readonly #audience = new Map<Oid, number>();

  constructor(state: EngineState, factory: QueryFactory) {
    this.#state = state;
    this.#factory = factory;
  }

  /** SELECT … EMIT: its state is built from what is retained; only what comes later is sent. */
  select(plan: QueryPlan, options: RunOptions, channel: ResultChannel): void {
    const query = this.#factory.create(plan, null, channel);
    query.prepare(this.#state.tick);
    this.follow(query, channel, options, false, null);
  }

  subscribe(options: SubscribeOptions, channel: ResultChannel): void {
    const { source } = options;
    if (source.kind === 'relation') this.#subscribeRelation(source.relation, options, channel);
    else if (options.asOf === null) this.#subscribeQuery(source.plan, options, channel);
    else {
      const hint = 'Create a materialized view of the query and subscribe to it.';
      throw new SqlError('55000', 'AS OF needs a named relation', { hint });
    }
  }

  /** From the current tick on. */
  follow(
    query: ContinuousQuery,
    channel: ResultChannel,
    options: ReaderOptions,
    progress: boolean,
    upTo: number | null,
  ): Subscription {
    return this.#add({
      ...words(options),
      channel,
      schema: query.plan.columns,
      query,
      relation: null,
      progress,
      upTo,
    });
  }

  leave(subscription: Subscription): void {
    if (!this.#state.subscriptions.delete(subscription)) return;
    const { query, relation } = subscription.options;
    query?.close();
    if (relation !== null) this.#count(relation, -1);
  }

  step(tick: Tick): void {
    for (const subscription of this.#state.subscriptions) {
      try {
        this.#step(subscription, tick);
      } catch (error) {
        // the state of this query alone is lost
        subscription.options.channel.fail(internalError(error));
      }
    }
    this.#shared.clear();
  }

  /** After the commit: UP TO, progress, readers that are gone. */
  endTick(tick: Tick): void {
    for (const subscription of this.#state.subscriptions) {
      subscription.endTick(tick.number, tick.time);
      if (subscription.options.channel.closed) this.leave(subscription);
    }
  }

  /** The relation was dropped. */
  dropped(relation: Oid): void {
    for (const subscription of this.#state.subscriptions) {
      const { options } = subscription;
      if (options.relation !== relation && options.query?.plan.relations.includes(relation) !== true)
        continue;
      options.channel.fail(new SqlError('57P01', 'the relation was dropped'));
      this.leave(subscription);
    }
  }

  failAll(error: SqlError): void {
    for (const { options } of this.#state.subscriptions) options.channel.fail(error);
  }

  #add(options: Omit<SubscriptionOptions, 'now'>): Subscription {
    const subscription = new Subscription({ ...options, now: this.#state.now });
    this.#state.subscriptions.add(subscription);
    if (options.relation !== null) this.#count(options.relation, 1);
    options.channel.onCancel(() => this.leave(subscription));
    return subscription;
  }

  #subscribeQuery(plan: QueryPlan, options: SubscribeOptions, channel: ResultChannel): void {
    const { tick } = this.#state;
    const query = this.#factory.create(plan, null, channel);
    const rows: Batch[] = [];
    for (const { batches } of query.backfill(tick)) if (options.withSnapshot) rows.push(...batches);
    const subscription = this.follow(query, channel, options, options.progress, options.upTo);
    subscription.snapshot(
      tick.number - 1,
      plan.emit.kind === 'close' ? rows : consolidate(plan.columns, rows),
    );
  }

  #subscribeRelation(relation: Oid, options: SubscribeOptions, channel: ResultChannel): void {
    const { relations, tick, now } = this.#state;
    const target: Target =
      relations.views.get(relation)?.view ?? relations.tables.get(relation) ?? relations.stream(relation);
    const { progress, upTo, asOf } = options;
    if (asOf !== null && asOf >= tick.number) throw future(asOf, tick.number - 1);
    const since = asOf === null ? [] : changesSince(target, asOf, now);
    const subscription = this.#add({
      ...words(options),
      channel,
      schema: target.schema,
      query: null,
      relation,
      progress,
      upTo,
    });
    if (options.withSnapshot) {
      const content = contentOf(target, now);
      const rows =
        asOf === null
          ? content
          : contentAsOf(
              target.schema,
              content,
              since.map((c) => c.batch),
            );
      subscription.snapshot(asOf ?? tick.number - 1, rows);
    }
    for (const { tick: at, batch } of since) subscription.send(at, now, [batch]);
    if (target instanceof ViewRuntime && target.ended) channel.end(tick.number - 1);
  }

  #step(subscription: Subscription, tick: Tick): void {
    const { query, relation, channel } = subscription.options;
    if (query !== null) {
      for (const { batches } of query.step(tick)) subscription.send(tick.number, tick.time, batches);
      if (query.failed !== null) channel.fail(query.failed);
      else if (query.ended || query.finished) channel.end(tick.number);
    } else if (relation !== null) {
      const delta = this.#deltaOf(relation);
      const batches = delta?.parts.map((p) => p.batch) ?? [];
      subscription.send(tick.number, tick.time, this.#forAudience(subscription, relation, tick, batches));
      if (delta?.ended === true) channel.end(tick.number);
    }
    if (subscription.isSilent(tick.time)) this.#noticeSilence(subscription);
  }

  #forAudience(
    { options }: Subscription,
    relation: Oid,
    tick: Tick,
    batches: readonly Batch[],
  ): readonly Batch[] {
    if ((this.#audience.get(relation) ?? 0) < 2) return batches;
    return batches.map((batch) => this.#shared.of(tick.number, options.schema, batch));
  }

  #count(relation: Oid, change: number): void {
    const count = (this.#audience.get(relation) ?? 0) + change;
    if (count === 0) this.#audience.delete(relation);
    else this.#audience.set(relation, count);
  }

  #deltaOf(relation: Oid): RelationDelta | null {
    const { streams, tables, views } = this.#state.relations;
    return (streams.get(relation) ?? tables.get(relation) ?? views.get(relation)?.view)?.delta ?? null;
  }

  #noticeSilence(subscription: Subscription): void {
    const [cause] = this.#causesOf(subscription);
    if (cause === undefined) return;
    const { detail, hint } = cause;
    const message = `${subscription.rowsSent === 0 ? 'no rows so far' : 'no more rows'}: ${cause.cause}`;
    const { channel } = subscription.options;
    channel.push({ kind: 'notice', severity: 'NOTICE', code: '00000', message, detail, hint }, 0);
  }

  #causesOf({ options }: Subscription): readonly SilenceCause[] {
    const { relations, rejected, now } = this.#state;
    const quietMicros = options.silenceNoticeMs * 1000;
    const oid = options.relation;
    const stream = oid === null ? undefined : relations.streams.get(oid);
    if (stream !== undefined) return causesOfStreamSilence(stream, rejected.all(), now, quietMicros);
    if (oid !== null && relations.tables.has(oid)) return causesOfTableSilence(oid, relations);
    const view = oid === null ? undefined : relations.views.get(oid);
    const plan = options.query?.plan ?? view?.view.definition.plan;
    if (plan === undefined) return [];
    const query = options.query ?? view?.query ?? null;
    return causesOfSilence(plan, query, relations, rejected.all(), now, quietMicros);
  }
}

const future = (asOf: number, last: number): SqlError =>
  new SqlError('22023', `there is no tick ${asOf} yet`, { detail: `The last tick is ${last}.` });

const words = ({
  label,
  pid,
  silenceNoticeMs,
  memoryBytesMax = Number.POSITIVE_INFINITY,
}: ReaderOptions): Required<ReaderOptions> => ({ label, pid, silenceNoticeMs, memoryBytesMax });

function contentOf(target: Target, now: number): readonly Batch[] {
  if (target instanceof StreamRuntime) return [...target.history(now)].map((p) => p.batch);
  return target instanceof ViewRuntime ? target.read() : target.store.read();
}

/** 55000 where they are no longer kept. */
function changesSince(target: Target, asOf: number, now: number): { tick: number; batch: Batch }[] {
  if (target instanceof StreamRuntime)
    return [...target.history(now, asOf)].map(({ tick, batch }) => ({ tick, batch }));
  const oldest = target.changelog.trimmedTick;
  if (asOf < oldest) throw tooOld(target.name, asOf, oldest);
  return target.changelog.read().flatMap(({ tick, batch }) => (tick > asOf ? [{ tick, batch }] : []));
}
