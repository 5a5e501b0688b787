/**
 * The engine: relations, running queries, and the tick that moves them all.
 *
 *   admit   rows of sources, inserts and table writes that wait             (this is tick t)
 *   step    views in the order of their creation, sinks, readers            (I1)
 *   commit  the log is on the disk, then writers and readers hear of it     (I2)
 *
 * It runs in a worker thread (worker/engine-worker.ts) or, in tests, in the caller's; it does nothing by itself but
 * through `tick()`, which the loop (tick-loop.ts) calls.
 */
import { ExternalError } from '../../common/external-error.ts';
import { WAL_SYNC_INTERVAL_MS } from '../../common/limits.ts';
import { SqlError } from '../../common/sql-error.ts';
import type { Batch } from '../batch/column.ts';
import type { Tick } from '../dstream/dstream.ts';
import type {
  BlockScope,
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
import { FIRST_USER_OID, type CatalogChange, type Oid } from '../plan/relation.ts';
import type { QueryPlan } from '../plan/query-plan.ts';
import { writeCatalog } from '../storage/catalog-file.ts';
import { saveCheckpoint } from '../storage/checkpoint.ts';
import { AdmissionRate } from './admission-rate.ts';
import { BlockSet } from './block-set.ts';
import { CatalogChanges } from './catalog-changes.ts';
import { EngineState, internalError } from './engine-state.ts';
import { metricsOf } from './engine-metrics.ts';
import { FiniteQueue } from './finite-queue.ts';
import type { FiniteRun } from './finite-run.ts';
import { openIngest } from './open-ingest.ts';
import { QueryFactory } from './query-factory.ts';
import { Readers } from './readers.ts';
import { recover } from './recovery.ts';
import type { RunningSink, RunningView } from './relation-set.ts';
import { ResultChannel } from './result-channel.ts';
import { causesOfSilence } from './silence.ts';
import { writeToSink } from './write-to-sink.ts';
import { readsStaleViews, writeInTick } from './write-in-tick.ts';

/** Work that waits for a tick; `run` gives what is to be called once the tick is committed. */
type Waiting = Readonly<{ run: (tick: Tick) => () => void; reject: (error: unknown) => void }>;

const LATER = Symbol('later');

export class EngineCore implements Engine {
  readonly state: EngineState;
  readonly #factory: QueryFactory;
  readonly #readers: Readers;
  readonly #rate: AdmissionRate;
  #syncedAt = Number.NEGATIVE_INFINITY;
  readonly #changes: CatalogChanges;
  readonly #finite: FiniteQueue;
  readonly #blocks: BlockSet;
  /** definitions and new readers, before the writes of their tick: a reader's start never sees half a tick */
  #starting: Waiting[] = [];
  #writing: Waiting[] = [];
  #version = 0;
  #nextOid = FIRST_USER_OID;
  #rowsAdmitted = 0;
  #fatal: Error | null = null;
  stopped = false;

  constructor(options: EngineOptions) {
    this.state = new EngineState(options);
    this.#factory = new QueryFactory(this.state);
    this.#readers = new Readers(this.state, this.#factory);
    this.#changes = new CatalogChanges(this.state, this.#factory, this.#readers);
    this.#rate = new AdmissionRate(options.backpressure);
    this.#finite = new FiniteQueue(this.state);
    this.#blocks = new BlockSet(this.state, this.#finite);
    const { dataDirectory } = options;
    const found =
      dataDirectory === null ? null : recover(dataDirectory, this.state, this.#changes, this.#factory);
    if (found !== null) {
      this.#nextOid = found.nextOid;
      this.#version = found.version;
    }
  }

  get catalog(): CatalogSnapshot {
    const objects = [...this.state.relations.objects.values()];
    return { objects, nextOid: this.#nextOid, version: this.#version };
  }

  /** Rows, writes or slices of finite queries wait. */
  get waits(): boolean {
    if (this.#starting.length > 0 || this.#writing.length > 0 || this.#finite.waits) return true;
    if (this.state.memoryPressure >= 1) return false;
    for (const stream of this.state.relations.streams.values()) if (stream.waits) return true;
    for (const feed of this.#factory.privateFeeds) if (feed.ready) return true;
    return false;
  }

  define(
    changes: readonly CatalogChange[],
    block?: number,
  ): Promise<Readonly<{ tick: number; version: number }>> {
    // both parts run in one turn: what is created before the writes of the tick, the rest among them
    let failure: { error: unknown } | null = null;
    const create = (tick: Tick): void => {
      try {
        this.#create(changes, tick);
      } catch (error) {
        failure = { error };
      }
    };
    void this.#inTick(() => this.#starting, create);
    return this.#inTick(
      () => this.#writing,
      (tick) => {
        if (failure !== null) throw failure.error;
        return this.#finish(changes, block, tick);
      },
    );
  }

  write(operations: readonly WriteOperation[], { now }: Readonly<{ now: number }>): Promise<WriteResult> {
    return this.#inTick(
      () => this.#writing,
      (tick) =>
        readsStaleViews(operations, this.state.relations)
          ? LATER
          : { tick: tick.number, ...this.#write(operations, now, tick) },
    );
  }

  writeInBlock(
    block: BlockScope,
    operations: readonly WriteOperation[],
    { now }: Readonly<{ now: number }>,
  ): Promise<WriteResult> {
    if (this.#fatal !== null) return Promise.reject(internalError(this.#fatal));
    return this.#blocks.write(block, operations, now);
  }

  rollbackBlock(block: number, statements: number): Promise<void> {
    this.#blocks.rollback(block, statements);
    return Promise.resolve();
  }

  commitBlock(block: number): Promise<Readonly<{ tick: number }>> {
    return this.#inTick(
      () => this.#writing,
      (tick) => {
        this.#blocks.commit(block);
        return { tick: tick.number };
      },
    );
  }

  endBlock(block: number): Promise<void> {
    this.#blocks.end(block);
    return Promise.resolve();
  }

  ingest(options: IngestOptions): Ingest {
    return openIngest(options, this.state, (work) => this.#inTick(() => this.#writing, work));
  }

  run(plan: QueryPlan, options: RunOptions): ResultStream {
    // what came before it and waits for a tick is carried out before it
    const alone = this.#starting.length === 0 && this.#writing.length === 0;
    if (plan.emit.kind === 'finite') return this.#finite.add(plan, options, alone);
    return this.#begin((channel) => this.#readers.select(plan, options, channel));
  }

  subscribe(options: SubscribeOptions): ResultStream {
    return this.#begin((channel) => this.#readers.subscribe(options, channel));
  }

  statistics(relation: Oid): Promise<readonly OperatorStatistics[]> {
    const { views, sinks } = this.state.relations;
    const query = views.get(relation)?.query ?? sinks.get(relation)?.query;
    return Promise.resolve(query?.pipeline.statistics() ?? []);
  }

  async measure(plan: QueryPlan, durationMs: number): Promise<readonly OperatorStatistics[]> {
    const words = { label: 'EXPLAIN ANALYZE', pid: 0, silenceNoticeMs: 0 };
    const query = this.#factory.create(plan, null, null);
    const subscription = this.#readers.follow(query, new ResultChannel(), words, false, null);
    await new Promise((resolve) => setTimeout(resolve, durationMs));
    this.#readers.leave(subscription);
    return query.pipeline.statistics();
  }

  silence(target: SubscribeOptions['source']): Promise<readonly SilenceCause[]> {
    const { relations, rejected, now } = this.state;
    const running = target.kind === 'relation' ? relations.view(target.relation) : null;
    const plan = target.kind === 'plan' ? target.plan : relations.view(target.relation).view.definition.plan;
    return Promise.resolve(causesOfSilence(plan, running?.query ?? null, relations, rejected.all(), now));
  }

  metrics(): Promise<EngineMetrics> {
    return Promise.resolve(metricsOf(this.state, this.#rowsAdmitted));
  }

  lastChange(relation: Oid): Promise<Readonly<{ changed: number; committed: number }>> {
    const { relations, tick } = this.state;
    return Promise.resolve({ changed: relations.lastChange(relation), committed: tick.number });
  }

  advanceClock(toMs: number): Promise<void> {
    this.state.setClock(toMs);
    this.tick();
    while (this.waits) this.tick();
    return Promise.resolve();
  }

  stop(): Promise<void> {
    if (this.stopped) return Promise.resolve();
    // what waits for the next tick of all may do so again
    while (this.#fatal === null && this.#starting.length + this.#writing.length > 0) this.tick();
    this.stopped = true;
    const goodbye = new SqlError('57P01', 'terminating connection due to administrator command');
    this.#readers.failAll(goodbye);
    this.#finite.failAll(goodbye);
    const { relations, options } = this.state;
    if (options.dataDirectory !== null && this.#fatal === null)
      saveCheckpoint(options.dataDirectory, this.state);
    for (const { query } of relations.views.values()) query.close();
    for (const { query, sink } of relations.sinks.values()) {
      query.close();
      sink?.close();
    }
    for (const stream of relations.streams.values()) stream.close();
    for (const table of relations.tables.values()) table.close();
    return Promise.resolve();
  }

  /** One turn of the clock, then a slice of the finite queries. */
  tick(): void {
    if (this.#fatal !== null || this.stopped) return;
    try {
      this.#turn();
      this.#finite.slice();
    } catch (error) {
      // ours, not the user's: the pipeline stops rather than go on with a wrong state
      this.#fatal = error as Error;
      const failure = internalError(error);
      this.#finite.failAll(failure);
      this.#readers.failAll(failure);
      for (const { reject } of [...this.#starting, ...this.#writing]) reject(failure);
      throw error;
    }
  }

  #turn(): void {
    const started = performance.now();
    const waitedSince = this.state.wokenAt ?? started;
    this.state.wokenAt = null;
    const tick = this.state.nextTick();
    const waiting = [...this.#starting, ...this.#writing];
    this.#starting = [];
    this.#writing = [];
    const settle = waiting.map(({ run }) => run(tick));
    const rows = this.#admit(tick);
    this.#step(tick);
    this.#commit();
    for (const done of settle) done();
    this.#readers.endTick(tick);
    this.#endTick(tick);
    if (rows > 0 || waiting.length > 0) {
      const processingMs = performance.now() - started;
      this.#rate.observe(processingMs, this.waits);
      const processingMicros = Math.round(processingMs * 1000);
      this.state.ticks.add({
        tick: tick.number,
        at: tick.time,
        rowsIn: rows,
        schedulingDelayMicros: Math.round(Math.max(0, started - waitedSince) * 1000),
        processingMicros,
      });
    }
    this.state.watchMemory();
  }

  #admit(tick: Tick): number {
    const { streams, tables } = this.state.relations;
    const share = this.#rate.shareOf(tick.number, this.state.memoryPressure);
    let rows = 0;
    for (const stream of streams.values()) rows += stream.admit(tick.number, tick.time, share);
    for (const table of tables.values()) table.seal(tick.number, tick.time);
    for (const feed of this.#factory.privateFeeds) rows += feed.poll(tick.time, share);
    this.#rowsAdmitted += rows;
    return rows;
  }

  #step(tick: Tick): void {
    for (const running of this.state.relations.views.values()) this.#stepView(running, tick);
    for (const running of this.state.relations.sinks.values()) this.#stepSink(running, tick);
    this.#readers.step(tick);
  }

  /** An error of ours in a view's query stops this view: reads give the error, the others go on. */
  #stepView(running: RunningView, tick: Tick): void {
    if (running.failed !== null) return;
    try {
      for (const { batches, watermarks, ended } of running.query.step(tick)) {
        running.view.apply(tick.number, tick.time, batches, watermarks, ended);
      }
      running.failed = running.query.failed;
    } catch (error) {
      running.failed = internalError(error);
      this.state.reject(running.view.name, running.failed, null, null);
    }
  }

  #stepSink(running: RunningSink, tick: Tick): void {
    const { query } = running;
    if (query.failed !== null) return;
    try {
      writeToSink(running, query.step(tick), tick, this.state.relations);
      running.lastError = failureOf(query)?.message ?? null;
    } catch (error) {
      running.lastError = (error as Error).message;
      if (!(error instanceof ExternalError)) query.failed = internalError(error);
    }
  }

  #commit(): void {
    const sync = this.#syncs();
    for (const stream of this.state.relations.streams.values()) stream.commit(sync);
    for (const table of this.state.relations.tables.values()) table.commit(sync);
  }

  #syncs(): boolean {
    const { walSync } = this.state.options;
    const now = performance.now();
    if (walSync === 'off' || (walSync === 'interval' && now - this.#syncedAt < WAL_SYNC_INTERVAL_MS))
      return false;
    this.#syncedAt = now;
    return true;
  }

  #endTick(tick: Tick): void {
    for (const stream of this.state.relations.streams.values()) stream.endTick(tick.time);
    for (const table of this.state.relations.tables.values()) table.endTick(tick.time);
    for (const { view } of this.state.relations.views.values()) view.endTick(tick.number, tick.time);
  }

  #create(changes: readonly CatalogChange[], tick: Tick): void {
    for (const change of changes) {
      if (change.kind === 'create') this.#nextOid = Math.max(this.#nextOid, change.object.oid + 1);
    }
    this.#changes.createAll(changes, tick);
  }

  #finish(
    changes: readonly CatalogChange[],
    block: number | undefined,
    tick: Tick,
  ): { tick: number; version: number } {
    try {
      if (block !== undefined) this.#blocks.commit(block);
    } catch (error) {
      this.#changes.undo(changes);
      throw error;
    }
    this.#changes.finish(changes);
    this.#version++;
    const { dataDirectory } = this.state.options;
    if (dataDirectory !== null) writeCatalog(dataDirectory, this.catalog);
    return { tick: tick.number, version: this.#version };
  }

  /** All of the operations, or none. */
  #write(
    operations: readonly WriteOperation[],
    now: number,
    tick: Tick,
  ): Readonly<{ rowCounts: readonly number[]; returned: readonly (readonly Batch[])[] }> {
    this.state.requireMemory();
    const { relations } = this.state;
    const start = (plan: QueryPlan): FiniteRun => this.#finite.start(plan, now, null, null);
    const written = writeInTick(operations, { relations, now, start, timeMicros: tick.time });
    return { rowCounts: written.map((w) => w.rows), returned: written.map((w) => w.returned) };
  }

  /** Runs `work` in the next tick; the promise settles when that tick is committed. LATER: in the one after, first. */
  #inTick<T>(queue: () => Waiting[], work: (tick: Tick) => T | typeof LATER): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#fatal !== null) {
        reject(internalError(this.#fatal));
        return;
      }
      const run = (tick: Tick): (() => void) => {
        try {
          const result = work(tick);
          if (result !== LATER) return () => resolve(result);
          queue().push({ run, reject });
          return () => undefined;
        } catch (error) {
          const outside = error instanceof ExternalError ? new SqlError('58030', error.message) : null;
          return () => reject(outside ?? internalError(error));
        }
      };
      queue().push({ run, reject });
      this.state.wake();
    });
  }

  /** Starts a reader in the next tick; errors go to it. */
  #begin(start: (channel: ResultChannel) => void): ResultChannel {
    const channel = new ResultChannel();
    this.#inTick(
      () => this.#starting,
      () => {
        if (channel.canceled) return;
        this.state.requireMemory();
        start(channel);
      },
    ).catch((error: unknown) => channel.fail(internalError(error)));
    return channel;
  }
}

/** A step may have set it (on_error = 'fail'). */
const failureOf = (query: RunningSink['query']): SqlError | null => query.failed;
