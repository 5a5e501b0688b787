/**
 * The engine: relations, running queries, and the tick that moves them all.
 *
 *   admit   rows of sources, inserts and table writes that wait             (this is tick t)
 *   step    views in the order of their creation, sinks, subscriptions      (I1)
 *   commit  the log is on the disk, then writers and readers hear of it     (I2)
 *
 * It runs in a worker thread (engine-worker.ts) or, in tests, in the caller's; it does nothing by itself but through
 * `tick()`, which the loop (tick-loop.ts) calls.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from '../../common/assert.ts';
import { KEPT_ROWS_MAX, KEPT_TICKS_MAX, SLICE_MS, WAITING_BYTES_MAX } from '../../common/limits.ts';
import { SqlError } from '../../common/sql-error.ts';
import { ExternalError } from '../../common/external-error.ts';
import type { Batch } from '../batch/column.ts';
import { compactBatch } from '../batch/concat.ts';
import { consolidate } from '../batch/consolidate.ts';
import type { QueryContext, Tick } from '../dstream/dstream.ts';
import type { Scan } from '../dstream/scan.ts';
import type {
  CatalogSnapshot,
  Engine,
  EngineMetrics,
  EngineOptions,
  Ingest,
  IngestOptions,
  OperatorStatistics,
  ResultStream,
  RunOptions,
  SilenceCause,
  SubscribeOptions,
  WriteOperation,
  WriteResult,
} from '../engine-client.ts';
import { compileExpressions } from '../expression/compile.ts';
import { createDecoder } from '../format/decode/create-decoder.ts';
import {
  FIRST_USER_OID,
  type CatalogChange,
  type CatalogObject,
  type Oid,
  type StreamDefinition,
} from '../plan/relation.ts';
import type { QueryPlan } from '../plan/query-plan.ts';
import { createSink } from '../sink/create-sink.ts';
import { createSource } from '../source/create-source.ts';
import { IngestSource } from '../source/ingest-source.ts';
import { StreamLog } from '../storage/stream-log.ts';
import { readCatalog, writeCatalog } from '../storage/catalog-file.ts';
import { ContinuousQuery, type Feed } from './continuous-query.ts';
import { PrivateFeed, streamFeed, tableFeed, viewFeed } from './feeds.ts';
import { FiniteRun } from './finite-run.ts';
import { finiteInput } from './finite-input.ts';
import { KeptRows, rowToJson, rowToText, type LateRow, type RejectedRowEntry } from './kept-rows.ts';
import { RelationSet, type RunningSink, type RunningView } from './relation-set.ts';
import { ResultChannel } from './result-channel.ts';
import { causesOfSilence } from './silence.ts';
import { StreamRuntime } from './stream-runtime.ts';
import { contentAsOf, Subscription, tooOld } from './subscription.ts';
import { TableRuntime } from './table-runtime.ts';
import { ViewRuntime } from './view-runtime.ts';
import { applyWrite } from './write.ts';
import { loadCheckpoint, saveCheckpoint } from '../storage/checkpoint.ts';

export type TickRecord = Readonly<{
  tick: number;
  at: number;
  rowsIn: number;
  schedulingDelayMicros: number;
  processingMicros: number;
}>;

type Waiting = Readonly<{ run: (tick: Tick) => () => void; reject: (error: unknown) => void }>;
type Finite = Readonly<{ run: () => FiniteRun; channel: ResultChannel }> & { started: FiniteRun | null };

const MICROS = 1000;

export class EngineCore implements Engine {
  readonly options: EngineOptions;
  readonly relations = new RelationSet();
  readonly late = new KeptRows<LateRow>(KEPT_ROWS_MAX);
  readonly rejected = new KeptRows<RejectedRowEntry>(KEPT_ROWS_MAX);
  readonly ticks = new KeptRows<TickRecord>(KEPT_TICKS_MAX);
  readonly subscriptions = new Set<Subscription>();
  readonly #privateFeeds = new Set<PrivateFeed>();
  #tick = 0;
  #time = 0;
  #version = 0;
  #nextOid = FIRST_USER_OID;
  #waiting: Waiting[] = [];
  #finite: Finite[] = [];
  #manualClockMs: number | null = null;
  #wake: () => void = () => undefined;
  #fatal: Error | null = null;
  #memoryBytes = 0;
  #memoryLookedAt = 0;
  #rowsTotal = 0;
  stopped = false;

  private constructor(options: EngineOptions) {
    this.options = options;
    if (options.clock === 'manual') this.#manualClockMs = 0;
  }

  static start(options: EngineOptions): EngineCore {
    const core = new EngineCore(options);
    if (options.dataDirectory !== null) core.#recover(options.dataDirectory);
    return core;
  }

  get catalog(): CatalogSnapshot {
    return { objects: [...this.relations.objects.values()], nextOid: this.#nextOid, version: this.#version };
  }

  get tickNumber(): number {
    return this.#tick;
  }

  get memoryBytes(): number {
    return this.#memoryBytes;
  }

  /** µs; never runs backwards, and each tick has a time of its own. */
  get now(): number {
    return Math.max(this.#time, this.#clock());
  }

  /** Called when something waits for a tick. */
  onWake(wake: () => void): void {
    this.#wake = wake;
  }

  /** Rows, writes or slices of finite queries wait. */
  get waits(): boolean {
    if (this.#waiting.length > 0 || this.#finite.some((f) => f.channel.wantsMore)) return true;
    if (this.#memoryPressure >= 1) return false;
    for (const stream of this.relations.streams.values()) if (stream.waits) return true;
    for (const feed of this.#privateFeeds) if (feed.ready) return true;
    return false;
  }

  define(changes: readonly CatalogChange[]): Promise<Readonly<{ tick: number; version: number }>> {
    return this.#inTick((tick) => {
      for (const change of changes) this.#change(change, tick);
      this.#version++;
      this.#saveCatalog();
      const result = { tick: tick.number, version: this.#version };
      return result;
    });
  }

  write(operations: readonly WriteOperation[], options: Readonly<{ now: number }>): Promise<WriteResult> {
    return this.#inTick((tick) => {
      if (this.#memoryPressure >= 1) throw outOfMemory();
      const rowCounts = applyWrite(operations, {
        relations: this.relations,
        now: options.now,
        collect: (plan) => this.#finiteRun(plan, options.now).collect(),
        timeMicros: tick.time,
      });
      return { tick: tick.number, rowCounts };
    });
  }

  ingest(options: IngestOptions): Ingest {
    const { relations } = this;
    const stream = relations.streams.get(options.relation);
    const definition = stream?.definition ?? relations.table(options.relation).definition;
    const decoder = createDecoder(definition.columns, options.columns, options.format, null, options.label);
    const source = new IngestSource({
      decoder,
      onError: options.onError,
      atomic: options.atomic || stream === undefined,
    });
    if (stream === undefined) return this.#tableIngest(options, source);
    stream.sources.add(source);
    source.onReady(() => this.#wake());
    return this.#streamIngest(stream, source);
  }

  run(plan: QueryPlan, options: RunOptions): ResultStream {
    const channel = new ResultChannel();
    if (plan.emit.kind !== 'finite') {
      this.#begin(channel, () => this.#continuous(plan, options, channel, false, false, null));
      return channel;
    }
    const finite: Finite = { run: () => this.#finiteRun(plan, options.now), channel, started: null };
    channel.onCancel(() => {
      this.#finite = this.#finite.filter((f) => f !== finite);
    });
    channel.onDrain(() => this.#wake());
    this.#finite.push(finite);
    this.#wake();
    return channel;
  }

  subscribe(options: SubscribeOptions): ResultStream {
    const channel = new ResultChannel();
    const { source } = options;
    this.#begin(channel, (tick) => {
      if (source.kind === 'relation') this.#subscribeRelation(source.relation, options, channel, tick);
      else {
        if (options.asOf !== null)
          throw new SqlError('55000', 'AS OF needs a named relation', {
            hint: 'Create a materialized view of the query and subscribe to it.',
          });
        this.#continuous(source.plan, options, channel, options.withSnapshot, options.progress, options.upTo);
      }
    });
    return channel;
  }

  statistics(relation: Oid): Promise<readonly OperatorStatistics[]> {
    const query = this.relations.views.get(relation)?.query ?? this.relations.sinks.get(relation)?.query;
    return Promise.resolve(query?.pipeline.statistics() ?? []);
  }

  async measure(plan: QueryPlan, durationMs: number): Promise<readonly OperatorStatistics[]> {
    const query = this.#query(plan, null);
    const subscription = this.#follow(
      query,
      new ResultChannel(),
      { label: 'EXPLAIN ANALYZE', pid: 0, silenceNoticeMs: 0 },
      false,
      null,
    );
    await new Promise((resolve) => setTimeout(resolve, durationMs));
    this.#unfollow(subscription);
    return query.pipeline.statistics();
  }

  silence(target: SubscribeOptions['source']): Promise<readonly SilenceCause[]> {
    const plan =
      target.kind === 'plan' ? target.plan : this.relations.view(target.relation).view.definition.plan;
    const query = target.kind === 'relation' ? this.relations.view(target.relation).query : null;
    return Promise.resolve(causesOfSilence(plan, query, this.relations, this.rejected.all(), this.now));
  }

  metrics(): Promise<EngineMetrics> {
    const out: Record<string, number> = {
      millrace_ticks_total: this.#tick,
      millrace_rows_admitted_total: this.#rowsTotal,
      millrace_late_rows_total: this.late.total,
      millrace_rejected_rows_total: this.rejected.total,
      millrace_memory_bytes: this.#memoryBytes,
      millrace_memory_limit_bytes: this.options.memoryLimitBytes,
      millrace_subscriptions: this.subscriptions.size,
      millrace_relations: this.relations.objects.size,
    };
    for (const { definition, query, rows, sink } of this.relations.sinks.values()) {
      out[`millrace_sink_rows_total{sink="${definition.name}"}`] = rows;
      out[`millrace_sink_ended{sink="${definition.name}"}`] = query.ended ? 1 : 0;
      for (const [column, sum] of sink?.sums ?? [])
        out[`millrace_sink_column_sum{sink="${definition.name}",column="${column}"}`] = sum;
    }
    for (const stream of this.relations.streams.values()) {
      out[`millrace_stream_rows_total{stream="${stream.name}"}`] = stream.rowsIn;
    }
    return Promise.resolve(out);
  }

  lastChange(relation: Oid): Promise<Readonly<{ changed: number; committed: number }>> {
    return Promise.resolve({ changed: this.relations.lastChange(relation), committed: this.#tick });
  }

  async advanceClock(toMs: number): Promise<void> {
    assert(this.#manualClockMs !== null, 'the clock is the system clock');
    this.#manualClockMs = Math.max(this.#manualClockMs, toMs);
    this.tick();
    while (this.waits) this.tick();
  }

  stop(): Promise<void> {
    if (this.stopped) return Promise.resolve();
    if (this.#waiting.length > 0) this.tick();
    this.stopped = true;
    for (const subscription of this.subscriptions) {
      subscription.options.channel.fail(
        new SqlError('57P01', 'terminating connection due to administrator command'),
      );
    }
    if (this.options.dataDirectory !== null && this.#fatal === null) {
      saveCheckpoint(this.options.dataDirectory, this.#state());
    }
    for (const { query } of this.relations.views.values()) query.close();
    for (const { query, sink } of this.relations.sinks.values()) {
      query.close();
      sink?.close();
    }
    for (const stream of this.relations.streams.values()) stream.close();
    for (const table of this.relations.tables.values()) table.close();
    return Promise.resolve();
  }

  /** One turn of the clock, then a slice of the finite queries. */
  tick(): void {
    if (this.#fatal !== null || this.stopped) return;
    try {
      this.#turn();
      this.#sliceFinite();
    } catch (error) {
      // ours, not the user's: the pipeline stops rather than go on with a wrong state
      this.#fatal = error as Error;
      for (const { channel } of this.#finite) channel.fail(internal(error));
      for (const subscription of this.subscriptions) subscription.options.channel.fail(internal(error));
      for (const waiting of this.#waiting) waiting.reject(internal(error));
      throw error;
    }
  }

  #turn(): void {
    const started = performance.now();
    const clock = this.#clock();
    const tick: Tick = { number: this.#tick + 1, time: Math.max(clock, this.#time + 1) };
    const settled: (() => void)[] = [];
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#tick = tick.number;
    this.#time = tick.time;
    for (const { run } of waiting) settled.push(run(tick));
    const admit = this.#memoryPressure < 1;
    let rows = 0;
    for (const stream of this.relations.streams.values()) rows += stream.admit(tick.number, tick.time, admit);
    for (const table of this.relations.tables.values()) table.seal(tick.number, tick.time);
    if (admit) for (const feed of this.#privateFeeds) rows += feed.poll(tick.time);
    this.#rowsTotal += rows;
    this.#step(tick);
    const sync = this.options.walSync === 'commit';
    for (const stream of this.relations.streams.values()) stream.commit(sync);
    for (const table of this.relations.tables.values()) table.commit(sync);
    for (const settle of settled) settle();
    this.#endSubscriptions(tick);
    this.#endTick(tick);
    const worked = rows > 0 || waiting.length > 0;
    if (worked) {
      this.ticks.add({
        tick: tick.number,
        at: tick.time,
        rowsIn: rows,
        schedulingDelayMicros: 0,
        processingMicros: Math.round((performance.now() - started) * MICROS),
      });
    }
    this.#watchMemory();
  }

  #step(tick: Tick): void {
    for (const running of this.relations.views.values()) this.#stepView(running, tick);
    for (const running of this.relations.sinks.values()) this.#stepSink(running, tick);
    for (const subscription of this.subscriptions) this.#stepSubscription(subscription, tick);
  }

  #stepView(running: RunningView, tick: Tick): void {
    if (running.failed !== null) return;
    for (const output of running.query.step(tick)) {
      running.view.apply(tick.number, tick.time, output.batches, output.watermarks, output.ended);
    }
    if (running.query.failed !== null) running.failed = running.query.failed;
  }

  #stepSink(running: RunningSink, tick: Tick): void {
    try {
      for (const { batches } of running.query.step(tick)) {
        this.#writeSink(running, tick, batches);
        if (batches.length > 0) running.tick = tick.number;
      }
      running.sink?.commit(tick.number);
      running.lastError = null;
    } catch (error) {
      if (!(error instanceof ExternalError)) throw error;
      running.lastError = error.message;
    }
  }

  #writeSink(running: RunningSink, tick: Tick, batches: readonly Batch[]): void {
    for (const batch of batches) running.rows += batch.rows;
    running.sink?.write(tick.number, batches);
    if (running.definition.into === null) return;
    const stream = this.relations.stream(running.definition.into);
    // the batch lives for this tick, the rows enter the next one
    for (const batch of batches) stream.insert(compactBatch(stream.schema, batch));
  }

  #stepSubscription(subscription: Subscription, tick: Tick): void {
    const { query, relation, channel } = subscription.options;
    if (query !== null) {
      for (const output of query.step(tick)) subscription.send(tick.number, tick.time, output.batches);
      if (query.failed !== null) channel.fail(query.failed);
      else if (query.ended || query.finished) channel.end(tick.number);
    } else if (relation !== null) {
      const delta = this.#relationDelta(relation);
      if (delta !== null) {
        subscription.send(
          tick.number,
          tick.time,
          delta.parts.map((p) => p.batch),
        );
        if (delta.ended) channel.end(tick.number);
      }
    }
    if (subscription.isSilent(tick.time)) this.#noticeSilence(subscription);
  }

  #relationDelta(relation: Oid): StreamRuntime['delta'] {
    return (
      this.relations.streams.get(relation)?.delta ??
      this.relations.tables.get(relation)?.delta ??
      this.relations.views.get(relation)?.view.delta ??
      null
    );
  }

  #noticeSilence(subscription: Subscription): void {
    const { query, relation, channel } = subscription.options;
    const view = relation === null ? undefined : this.relations.views.get(relation);
    const plan = query?.plan ?? view?.view.definition.plan;
    if (plan === undefined) return;
    const [cause] = causesOfSilence(
      plan,
      query ?? view?.query ?? null,
      this.relations,
      this.rejected.all(),
      this.now,
    );
    if (cause === undefined) return;
    channel.push(
      {
        kind: 'notice',
        severity: 'NOTICE',
        code: '00000',
        message: `no rows so far: ${cause.cause}`,
        detail: cause.detail,
        hint: cause.hint,
      },
      0,
    );
  }

  #endSubscriptions(tick: Tick): void {
    for (const subscription of this.subscriptions) {
      subscription.endTick(tick.number, tick.time);
      if (subscription.options.channel.closed) this.#unfollow(subscription);
    }
  }

  #endTick(tick: Tick): void {
    for (const stream of this.relations.streams.values()) {
      stream.endTick(tick.time);
      for (const source of stream.sources)
        if ('transient' in source && source.ended) stream.sources.delete(source);
    }
    for (const table of this.relations.tables.values()) table.endTick(tick.time);
    for (const { view } of this.relations.views.values()) view.endTick(tick.time);
  }

  /** Runs `work` in the next tick; the promise settles when that tick is committed. */
  #inTick<T>(work: (tick: Tick) => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#fatal !== null) {
        reject(internal(this.#fatal));
        return;
      }
      const run = (tick: Tick): (() => void) => {
        try {
          const result = work(tick);
          return () => resolve(result);
        } catch (error) {
          if (error instanceof SqlError) return () => reject(error);
          if (error instanceof ExternalError) return () => reject(new SqlError('58030', error.message));
          reject(internal(error));
          throw error;
        }
      };
      this.#waiting.push({ run, reject });
      this.#wake();
    });
  }

  /** Starts a continuous query in the next tick; its errors go to the reader. */
  #begin(channel: ResultChannel, start: (tick: Tick) => void): void {
    this.#inTick((tick) => {
      if (channel.canceled) return;
      if (this.#memoryPressure >= 1) throw outOfMemory();
      start(tick);
    }).catch((error: unknown) => channel.fail(error instanceof SqlError ? error : internal(error)));
  }

  #continuous(
    plan: QueryPlan,
    options: RunOptions,
    channel: ResultChannel,
    withSnapshot: boolean,
    progress: boolean,
    upTo: number | null,
  ): void {
    const query = this.#query(plan, null, channel);
    const tick: Tick = { number: this.#tick, time: this.#time };
    const snapshot: Batch[] = [];
    for (const { batches } of query.backfill(tick)) if (withSnapshot) snapshot.push(...batches);
    const subscription = this.#follow(query, channel, options, progress, upTo);
    if (!withSnapshot) return;
    const rows = plan.emit.kind === 'close' ? snapshot : consolidate(plan.columns, snapshot);
    subscription.snapshot(this.#tick - 1, rows);
  }

  #follow(
    query: ContinuousQuery,
    channel: ResultChannel,
    options: Pick<RunOptions, 'label' | 'pid' | 'silenceNoticeMs'>,
    progress: boolean,
    upTo: number | null,
  ): Subscription {
    const { label, pid, silenceNoticeMs } = options;
    const subscription = new Subscription({
      channel,
      schema: query.plan.columns,
      label,
      pid,
      query,
      relation: null,
      progress,
      upTo,
      silenceNoticeMs,
      now: this.now,
    });
    this.subscriptions.add(subscription);
    channel.onCancel(() => this.#unfollow(subscription));
    return subscription;
  }

  #unfollow(subscription: Subscription): void {
    if (this.subscriptions.delete(subscription)) subscription.options.query?.close();
  }

  #subscribeRelation(relation: Oid, options: SubscribeOptions, channel: ResultChannel, tick: Tick): void {
    const { relations } = this;
    const target =
      relations.views.get(relation)?.view ?? relations.tables.get(relation) ?? relations.stream(relation);
    const { schema } = target;
    const { label, pid, progress, upTo, silenceNoticeMs, asOf } = options;
    const subscription = new Subscription({
      channel,
      schema,
      label,
      pid,
      query: null,
      relation,
      progress,
      upTo,
      silenceNoticeMs,
      now: this.now,
    });
    const before = tick.number - 1;
    const content = (): readonly Batch[] => {
      if (target instanceof StreamRuntime) return [...target.history(this.now)].map((p) => p.batch);
      return target instanceof ViewRuntime ? target.read() : target.store.read();
    };
    if (asOf === null) {
      if (options.withSnapshot) subscription.snapshot(before, content());
    } else {
      const since = this.#changesSince(target, asOf);
      if (options.withSnapshot) {
        subscription.snapshot(
          asOf,
          contentAsOf(
            schema,
            content(),
            since.map((c) => c.batch),
          ),
        );
      }
      for (const { tick: at, batch } of since) subscription.send(at, this.now, [batch]);
    }
    this.subscriptions.add(subscription);
    channel.onCancel(() => this.#unfollow(subscription));
    if (target instanceof ViewRuntime && target.ended) channel.end(before);
  }

  #changesSince(
    target: StreamRuntime | TableRuntime | ViewRuntime,
    asOf: number,
  ): { tick: number; batch: Batch }[] {
    if (target instanceof StreamRuntime) {
      return [...target.history(this.now, asOf)].map(({ tick, batch }) => ({ tick, batch }));
    }
    const oldest = target.changelog.trimmedTick;
    if (asOf < oldest) throw tooOld(target.name, asOf, oldest);
    return target.changelog
      .read()
      .filter((c) => c.tick > asOf)
      .map(({ tick, batch }) => ({ tick, batch }));
  }

  #query(plan: QueryPlan, view: string | null, channel?: ResultChannel): ContinuousQuery {
    const context = this.#context(view, plan, channel ?? null);
    return new ContinuousQuery({
      plan,
      feedOf: (scan) => this.#feedOf(scan),
      context: context.context,
      now: () => this.#time,
      ...context.bind,
    });
  }

  #context(
    view: string | null,
    plan: QueryPlan,
    channel: ResultChannel | null,
  ): { context: QueryContext; bind: object } {
    let noticed = false;
    const context: QueryContext = {
      reject: (error, schema, batch, row) => {
        const relation = view ?? 'query';
        this.rejected.add({
          relation,
          at: this.#time,
          code: error.code,
          reason: error.message,
          sourceOffset: null,
          payload: rowToText(schema, batch, row),
        });
        if (plan.onError === 'fail') channel?.fail(error);
        if (noticed || channel === null) return;
        noticed = true;
        channel.push(
          {
            kind: 'notice',
            severity: 'WARNING',
            code: error.code,
            message: `a row was left out: ${error.message}`,
            hint: 'See millrace.rejected_rows.',
          },
          0,
        );
      },
      late: (time, watermark, schema, batch, row) => {
        this.late.add({ view, at: time, lateBy: watermark - time, row: rowToJson(schema, batch, row) });
      },
      notice: (code, message, hint) => {
        channel?.push(
          { kind: 'notice', severity: 'NOTICE', code, message, ...(hint === undefined ? {} : { hint }) },
          0,
        );
      },
    };
    return { context, bind: {} };
  }

  #feedOf(scan: Scan): Feed {
    const { relation, columns } = scan.node;
    const table = this.relations.tables.get(relation);
    if (table !== undefined) return tableFeed(table);
    const view = this.relations.views.get(relation);
    if (view !== undefined) return viewFeed(view.view);
    const stream = this.relations.stream(relation);
    const { source } = stream.definition;
    if (source.connector === 'log' || stream.retains) return streamFeed(stream, this.now, () => undefined);
    if (source.connector === 'file') {
      const time = stream.definition.watermark?.column;
      const used = new Set([
        ...columns,
        ...(time === undefined ? [] : [time]),
        ...notNullOf(stream.definition),
      ]);
      const feed = new PrivateFeed(stream, this.#source(stream.definition, used), this.#rejectRow);
      this.#privateFeeds.add(feed);
      const close = feed.close.bind(feed);
      feed.close = () => {
        this.#privateFeeds.delete(feed);
        close();
      };
      return feed;
    }
    if (stream.sources.size === 0) this.#attach(stream);
    return streamFeed(stream, this.now, () => undefined);
  }

  #source(definition: StreamDefinition, used: ReadonlySet<number> | null): ReturnType<typeof createSource> {
    const source = createSource(definition, used, this.options.filesDirectory);
    source.onReady(() => this.#wake());
    return source;
  }

  #attach(stream: StreamRuntime): void {
    stream.sources.add(this.#source(stream.definition, null));
  }

  readonly #rejectRow = (
    stream: string,
    error: SqlError,
    sourceOffset: string | null,
    payload: string | null,
  ): void => {
    this.rejected.add({
      relation: stream,
      at: this.#time,
      code: error.code,
      reason: error.message,
      sourceOffset,
      payload,
    });
  };

  #streamIngest(stream: StreamRuntime, source: IngestSource): Ingest {
    return {
      push: (chunk) => {
        if (source.failed !== null) return Promise.reject(ingestError(source));
        source.push(chunk);
        if (source.waitingBytes < WAITING_BYTES_MAX / 8) return Promise.resolve();
        return new Promise((resolve) => source.onDrain(() => resolve()));
      },
      end: async () => {
        source.end();
        for (;;) {
          const tick = await this.#inTick((t) => t.number);
          if (source.failed !== null) throw ingestError(source);
          if (source.ended) return { tick, accepted: source.accepted, rejected: source.rejected };
        }
      },
      abort: () => {
        source.close();
        stream.sources.delete(source);
      },
    };
  }

  #tableIngest(options: IngestOptions, source: IngestSource): Ingest {
    return {
      push: (chunk) => {
        source.push(chunk);
        return Promise.resolve();
      },
      end: () =>
        this.#inTick((tick) => {
          const table = this.relations.table(options.relation);
          source.end();
          const batches: Batch[] = [];
          source.poll(tick.time, {
            batch: (b) => batches.push(b),
            reject: (row, offset) => this.#rejectRow(table.name, row.error, offset, row.payload),
          });
          if (source.failed !== null) throw ingestError(source);
          const mark = table.mark;
          try {
            for (const batch of batches) table.insert(batch, 'error');
          } catch (error) {
            table.undo(mark);
            throw error;
          }
          return { tick: tick.number, accepted: source.accepted, rejected: source.rejected };
        }),
      abort: () => source.close(),
    };
  }

  #finiteRun(plan: QueryPlan, now: number): FiniteRun {
    const tick: Tick = { number: this.#tick, time: this.#time };
    return new FiniteRun({ plan, tick, now, inputOf: (scan) => finiteInput(scan, this, now) });
  }

  #sliceFinite(): void {
    if (this.#finite.length === 0) return;
    const until = performance.now() + SLICE_MS;
    while (this.#finite.length > 0 && performance.now() < until) {
      const finite = this.#finite.shift()!;
      if (finite.channel.canceled) continue;
      if (!finite.channel.wantsMore) {
        this.#finite.push(finite);
        if (this.#finite.every((f) => !f.channel.wantsMore)) return;
        continue;
      }
      if (this.#advanceFinite(finite)) this.#finite.push(finite);
    }
  }

  /** False: it is over. */
  #advanceFinite(finite: Finite): boolean {
    const { channel } = finite;
    try {
      finite.started ??= finite.run();
      for (const batch of finite.started.advance())
        channel.rows(this.#tick, finite.started.plan.columns, batch, false);
      if (!finite.started.done) return true;
      channel.end(this.#tick);
    } catch (error) {
      channel.fail(error instanceof SqlError ? error : internal(error));
      if (!(error instanceof SqlError)) throw error;
    }
    return false;
  }

  #change(change: CatalogChange, tick: Tick): void {
    switch (change.kind) {
      case 'create':
        if (change.replaces !== null) this.#drop(change.replaces);
        this.#nextOid = Math.max(this.#nextOid, change.object.oid + 1);
        this.#create(change.object, tick);
        this.relations.objects.set(change.object.oid, change.object);
        break;
      case 'drop':
        for (const oid of change.oids) this.#drop(oid);
        break;
      case 'alter':
        this.#alter(change.object);
        break;
    }
  }

  #create(object: CatalogObject, tick: Tick): void {
    switch (object.kind) {
      case 'schema':
      case 'view':
        return;
      case 'stream':
        this.#createStream(object);
        return;
      case 'table':
        this.relations.tables.set(object.oid, new TableRuntime(object, this.#tableLog(object)));
        return;
      case 'materialized-view': {
        const query = this.#query(object.plan, object.name);
        const view = new ViewRuntime(object, query.timeColumns);
        this.#fill(view, query, tick);
        this.relations.views.set(object.oid, { view, query, failed: null });
        return;
      }
      case 'sink': {
        const query = this.#query(object.plan, object.name);
        const changes = object.plan.emit.kind !== 'close';
        const sink = object.into === null ? createSink(object, changes, this.options.filesDirectory) : null;
        const running: RunningSink = { definition: object, query, sink, tick: 0, rows: 0, lastError: null };
        for (const { batches } of query.backfill(tick)) this.#writeSink(running, tick, batches);
        sink?.commit(tick.number);
        this.relations.sinks.set(object.oid, running);
        return;
      }
    }
  }

  #createStream(object: StreamDefinition): void {
    const generated = new Map(
      object.columns.flatMap((column, i) =>
        column.generated === null
          ? []
          : [
              [
                i,
                compileExpressions([column.generated], { now: () => this.#time, timeZone: 'UTC' }),
              ] as const,
            ],
      ),
    );
    const stream = new StreamRuntime(object, this.#streamLog(object), generated, this.#rejectRow);
    this.relations.streams.set(object.oid, stream);
    if (object.source.connector !== 'log' && stream.retains) this.#attach(stream);
  }

  #fill(view: ViewRuntime, query: ContinuousQuery, tick: Tick): void {
    for (const { batches, watermarks, ended } of query.backfill(tick)) {
      view.apply(tick.number, tick.time, batches, watermarks, ended);
    }
    view.delta = null;
  }

  #drop(oid: Oid): void {
    const { relations } = this;
    relations.objects.delete(oid);
    relations.streams.get(oid)?.remove();
    relations.streams.delete(oid);
    relations.tables.get(oid)?.remove();
    relations.tables.delete(oid);
    relations.views.get(oid)?.query.close();
    relations.views.delete(oid);
    relations.sinks.get(oid)?.query.close();
    relations.sinks.get(oid)?.sink?.close();
    relations.sinks.delete(oid);
    for (const subscription of this.subscriptions) {
      const reads =
        subscription.options.relation === oid || subscription.options.query?.plan.relations.includes(oid);
      if (!reads) continue;
      subscription.options.channel.fail(new SqlError('57P01', 'the relation was dropped'));
      this.#unfollow(subscription);
    }
  }

  /** Other words, the same object: its state stays. */
  #alter(object: CatalogObject): void {
    this.relations.objects.set(object.oid, object);
    const { streams, tables, views, sinks } = this.relations;
    for (const runtime of [
      streams.get(object.oid),
      tables.get(object.oid),
      views.get(object.oid)?.view,
      sinks.get(object.oid),
    ]) {
      if (runtime !== undefined) Object.assign(runtime, { definition: object });
    }
  }

  #streamLog(object: StreamDefinition): StreamLog | null {
    const { dataDirectory } = this.options;
    if (dataDirectory === null || object.retention.none) return null;
    const schema = object.columns.map(({ name, type }) => ({ name, type }));
    return new StreamLog(join(dataDirectory, 'streams', String(object.oid)), schema, object.retention);
  }

  #tableLog(object: CatalogObject & { kind: 'table' }): StreamLog | null {
    const { dataDirectory } = this.options;
    if (dataDirectory === null) return null;
    const schema = object.columns.map(({ name, type }) => ({ name, type }));
    return new StreamLog(join(dataDirectory, 'tables', String(object.oid)), schema, {
      ageMicros: null,
      bytes: null,
      none: false,
    });
  }

  #saveCatalog(): void {
    if (this.options.dataDirectory !== null) writeCatalog(this.options.dataDirectory, this.catalog);
  }

  #state(): Parameters<typeof saveCheckpoint>[1] {
    return {
      tick: this.#tick,
      time: this.#time,
      relations: this.relations,
      late: this.late,
      rejected: this.rejected,
    };
  }

  #recover(directory: string): void {
    mkdirSync(directory, { recursive: true });
    if (!existsSync(join(directory, 'catalog.json'))) return;
    const catalog = readCatalog(directory);
    this.#nextOid = catalog.nextOid;
    this.#version = catalog.version;
    const checkpoint = loadCheckpoint(directory);
    this.#tick = checkpoint?.tick ?? 0;
    this.#time = checkpoint?.time ?? 0;
    for (const object of catalog.objects) {
      this.relations.objects.set(object.oid, object);
      if (object.kind === 'stream') this.#createStream(object);
      else if (object.kind === 'table') this.#create(object, { number: this.#tick, time: this.#time });
    }
    if (checkpoint === null) this.#followLogs();
    else checkpoint.restoreStreams(this.relations);
    for (const object of catalog.objects) {
      if (object.kind === 'materialized-view' || object.kind === 'sink')
        this.#recoverQuery(object, checkpoint);
    }
    checkpoint?.restoreKept(this.late, this.rejected);
  }

  /** After a crash: ticks, times and watermarks go on where the logs end. */
  #followLogs(): void {
    for (const stream of this.relations.streams.values()) {
      for (const part of stream.history(Number.NEGATIVE_INFINITY)) {
        stream.watermark.observe(part.batch, part.arrivedAt);
        stream.watermark.advance(part.arrivedAt);
        stream.lastChange = part.tick;
        this.#tick = Math.max(this.#tick, part.tick);
        this.#time = Math.max(this.#time, part.arrivedAt);
      }
    }
    for (const table of this.relations.tables.values()) this.#tick = Math.max(this.#tick, table.lastChange);
  }

  /** From the checkpoint, or, where it has no state of it, from the retained rows. */
  #recoverQuery(
    object: CatalogObject & { kind: 'materialized-view' | 'sink' },
    checkpoint: ReturnType<typeof loadCheckpoint>,
  ): void {
    const tick: Tick = { number: this.#tick, time: this.#time };
    const state = checkpoint?.stateOf(object.oid) ?? null;
    if (state === null) {
      this.#create(object, tick);
      return;
    }
    const query = this.#query(object.plan, object.name);
    query.load(state);
    if (object.kind === 'materialized-view') {
      const view = new ViewRuntime(object, query.timeColumns);
      view.load(state);
      this.relations.views.set(object.oid, { view, query, failed: null });
    } else {
      const sink =
        object.into === null
          ? createSink(object, object.plan.emit.kind !== 'close', this.options.filesDirectory)
          : null;
      const saved = state.value() as { tick: number; rows: number };
      this.relations.sinks.set(object.oid, { definition: object, query, sink, ...saved, lastError: null });
    }
  }

  #clock(): number {
    return Math.round((this.#manualClockMs ?? performance.timeOrigin + performance.now()) * MICROS);
  }

  /** 0: fine · 0.8 and more: admission slows · 1: writes are refused, sources wait */
  get #memoryPressure(): number {
    return this.#memoryBytes / this.options.memoryLimitBytes;
  }

  #watchMemory(): void {
    const now = performance.now();
    if (now - this.#memoryLookedAt < 250) return;
    this.#memoryLookedAt = now;
    let bytes = 0;
    for (const { view, query } of this.relations.views.values())
      bytes += view.memoryBytes + query.memoryBytes();
    for (const { query } of this.relations.sinks.values()) bytes += query.memoryBytes();
    for (const { options } of this.subscriptions)
      bytes += (options.query?.memoryBytes() ?? 0) + options.channel.pendingBytes;
    for (const stream of this.relations.streams.values()) bytes += stream.memoryBytes;
    for (const table of this.relations.tables.values())
      bytes += table.store.memoryBytes() + table.changelog.bytes;
    this.#memoryBytes = bytes;
  }
}

const notNullOf = (definition: StreamDefinition): number[] =>
  definition.columns.flatMap((c, i) => (c.notNull || c.generated !== null ? [i] : []));

const outOfMemory = (): SqlError =>
  new SqlError('53200', 'the memory limit is reached', {
    hint: 'Drop views, shorten their retention, or raise memory_limit.',
  });

const internal = (error: unknown): SqlError =>
  error instanceof SqlError ? error : new SqlError('XX000', `internal error: ${(error as Error).message}`);

/** What ended a COPY, and how many rows are in. */
function ingestError(source: IngestSource): SqlError {
  const error = source.failed!;
  const detail = `${source.accepted} rows before it are in.`;
  return new SqlError(error.code, error.message, {
    detail: error.detail ?? detail,
    hint: error.hint,
    context: error.context,
  });
}
