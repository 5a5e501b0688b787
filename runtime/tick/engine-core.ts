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
import { WAL_SYNC_INTERVAL_MS } from '../../common/limits.ts';
import { SqlError } from '../../common/sql-error.ts';
import type { Batch } from '../batch/column.ts';
import type { Tick } from '../dstream/dstream.ts';
import type {
  BlockScope,
  CatalogSnapshot,
  Engine,
  EngineMetrics,
  RelationSize,
  EngineOptions,
  Ingest,
  IngestOptions,
  OperatorStatistics,
  RelationChanges,
  ResultStream,
  RunOptions,
  SilenceCause,
  SubscribeOptions,
  WriteOperation,
  WriteResult,
} from '../engine-client.ts';
import { FIRST_USER_OID, type CatalogChange, type Oid } from '../plan/relation.ts';
import type { QueryPlan } from '../plan/query-plan.ts';
import { writeCatalogAside } from '../storage/catalog-file.ts';
import { TickNumbers } from '../storage/tick-numbers.ts';
import { saveCheckpoint } from '../storage/checkpoint.ts';
import { AdmissionRate } from './admission-rate.ts';
import { BlockSet } from './block/block-set.ts';
import { CatalogChanges } from './catalog-changes.ts';
import { EngineState, internalError } from './engine-state.ts';
import { relationSizes } from './relation-sizes.ts';
import { metricsOf } from './engine-metrics.ts';
import { FiniteQueue } from './finite/finite-queue.ts';
import type { FiniteRun } from './finite/finite-run.ts';
import { openIngest } from './open-ingest.ts';
import { inputRow } from './input-row.ts';
import { type Polled, PolledQueries } from './polled-queries.ts';
import { QueryFactory } from './query-factory.ts';
import { Readers } from './readers.ts';
import { recover } from './recovery.ts';
import { ResultChannel } from './result-channel.ts';
import { causesOfSilence } from './silence.ts';
import { commitSink, stepSink, stepView } from './step-relation.ts';
import { LATER, TickQueue } from './tick-queue.ts';
import { readsStaleViews, writeInTick } from './write-in-tick.ts';

export class EngineCore implements Engine {
  readonly state: EngineState;
  readonly #factory: QueryFactory;
  readonly #readers: Readers;
  readonly #rate: AdmissionRate;
  #syncedAt = Number.NEGATIVE_INFINITY;
  readonly #changes: CatalogChanges;
  readonly #finite: FiniteQueue;
  readonly #blocks: BlockSet;
  readonly polled: PolledQueries;
  readonly #queue: TickQueue;
  readonly #numbers: TickNumbers | null;
  #version = 0;
  #nextOid = FIRST_USER_OID;
  #rowsAdmitted = 0;
  #fatal: Error | null = null;
  stopped = false;
  /** Called at the end of a tick that changed something, before anything that it answered can be heard of. */
  onChange: (tick: number, changed: ReadonlyMap<Oid, number>) => void = () => {};

  constructor(options: EngineOptions) {
    this.state = new EngineState(options);
    this.#queue = new TickQueue(() => this.state.wake());
    this.#factory = new QueryFactory(this.state);
    this.#readers = new Readers(this.state, this.#factory);
    this.#changes = new CatalogChanges(this.state, this.#factory, this.#readers);
    this.#rate = new AdmissionRate(options.backpressure);
    this.#finite = new FiniteQueue(this.state);
    this.#blocks = new BlockSet(this.state, this.#finite);
    this.polled = new PolledQueries((plan) => this.#finite.start(plan, this.state.tick.time, null, null));
    const { dataDirectory } = options;
    const found =
      dataDirectory === null ? null : recover(dataDirectory, this.state, this.#changes, this.#factory);
    if (found !== null) {
      this.#nextOid = found.nextOid;
      this.#version = found.version;
    }
    this.#numbers = dataDirectory === null ? null : new TickNumbers(dataDirectory);
    this.#numbers?.reserve(this.state.tick.number);
  }

  get catalog(): CatalogSnapshot {
    const objects = [...this.state.relations.objects.values()];
    return { objects, nextOid: this.#nextOid, version: this.#version };
  }

  /** Rows, writes or slices of finite queries wait. */
  get waits(): boolean {
    if (this.#queue.length > 0 || this.#finite.waits) return true;
    if (this.state.memoryPressure >= 1 || this.state.disk.isFull) return false;
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
    void this.#queue.start(create);
    return this.#queue.write((tick) => {
      if (failure !== null) throw failure.error;
      return this.#finish(changes, block, tick);
    });
  }

  write(operations: readonly WriteOperation[], { now }: Readonly<{ now: number }>): Promise<WriteResult> {
    return this.#queue.write((tick) =>
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
    return this.#queue.write((tick) => {
      this.#blocks.commit(block);
      return { tick: tick.number };
    });
  }

  endBlock(block: number): Promise<void> {
    this.#blocks.end(block);
    return Promise.resolve();
  }

  ingest(options: IngestOptions): Ingest {
    return openIngest(options, this.state, (work) => this.#queue.write(work));
  }

  run(plan: QueryPlan, options: RunOptions): ResultStream {
    // what came before it and waits for a tick is carried out before it
    const alone = this.#queue.length === 0;
    if (plan.emit.kind === 'finite') return this.#finite.add(plan, options, alone);
    return this.#begin((channel) => this.#readers.select(plan, options, channel));
  }

  poll(plan: QueryPlan, relations: readonly Oid[]): Polled {
    return this.polled.add(plan, relations);
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

  sizes(): Promise<readonly RelationSize[]> {
    return Promise.resolve(relationSizes(this.state.relations));
  }

  metrics(): Promise<EngineMetrics> {
    return Promise.resolve(metricsOf(this.state, this.#rowsAdmitted));
  }

  get changes(): RelationChanges {
    const { relations, tick } = this.state;
    return { committed: tick.number, of: (relation) => relations.lastChange(relation) };
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
    while (this.#fatal === null && this.#queue.length > 0) this.tick();
    this.stopped = true;
    const goodbye = new SqlError('57P01', 'terminating connection due to administrator command');
    this.#readers.failAll(goodbye);
    this.#finite.failAll(goodbye);
    const { relations, options } = this.state;
    if (options.dataDirectory !== null && this.#fatal === null)
      saveCheckpoint(options.dataDirectory, this.state);
    relations.close();
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
      this.#queue.failAll(failure);
      throw error;
    }
  }

  #turn(): void {
    const started = performance.now();
    const waitedSince = this.state.wokenAt ?? started;
    this.state.wokenAt = null;
    const tick = this.state.nextTick();
    this.#numbers?.reserve(tick.number);
    const settle = this.#queue.run(tick);
    const rows = this.#admit(tick);
    this.#step(tick);
    this.#commit(tick);
    for (const done of settle) done();
    this.#readers.endTick(tick);
    this.#endTick(tick);
    this.#tellChanges(tick);
    if (rows > 0 || settle.length > 0) {
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

  #tellChanges(tick: Tick): void {
    const changed = this.state.relations.changedSince(tick.number);
    if (changed.size === 0) return;
    this.polled.evaluate(tick.number, changed);
    this.onChange(tick.number, changed);
  }

  #admit(tick: Tick): number {
    const { streams, tables } = this.state.relations;
    const room = !this.state.disk.isFull;
    const share = room ? this.#rate.shareOf(tick.number, this.state.memoryPressure) : 0;
    let rows = 0;
    for (const stream of streams.values()) rows += stream.admit(tick.number, tick.time, share);
    for (const table of tables.values()) table.seal(tick.number, tick.time);
    for (const feed of this.#factory.privateFeeds) rows += feed.poll(tick.time, share);
    this.#rowsAdmitted += rows;
    return rows;
  }

  #step(tick: Tick): void {
    const { relations } = this.state;
    for (const running of relations.views.values()) stepView(running, tick, this.state);
    for (const running of relations.sinks.values()) stepSink(running, tick, relations);
    this.#readers.step(tick);
  }

  /** The logs first: what sinks let go can't be taken back (I2). */
  #commit(tick: Tick): void {
    const sync = this.#syncs();
    const { streams, tables, sinks } = this.state.relations;
    const kept = [...streams.values(), ...tables.values()];
    const frames = kept.reduce((sum, { pendingFrames }) => sum + pendingFrames, 0);
    for (const relation of kept) relation.commit(sync, frames);
    this.state.disk.endTick();
    for (const running of sinks.values()) commitSink(running, tick);
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
    const { relations } = this.state;
    this.state.late.settle((schema, batch, row) => inputRow(relations, schema, batch, row));
    relations.endTick(tick);
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
    const version = this.#version + 1;
    const { dataDirectory } = this.state.options;
    try {
      const objects = this.#changes.objectsAfter(changes);
      const file =
        dataDirectory === null
          ? null
          : writeCatalogAside(dataDirectory, { objects, nextOid: this.#nextOid, version, tick: tick.number });
      try {
        if (block !== undefined) this.#blocks.commit(block);
      } catch (error) {
        file?.drop();
        throw error;
      }
      // before anything goes: a crash must not leave a relation without its rows
      file?.take();
    } catch (error) {
      this.#changes.undo(changes);
      throw error;
    }
    this.#changes.finish(changes);
    this.#version = version;
    return { tick: tick.number, version };
  }

  /** All of the operations, or none. */
  #write(
    operations: readonly WriteOperation[],
    now: number,
    tick: Tick,
  ): Readonly<{ rowCounts: readonly number[]; returned: readonly (readonly Batch[])[] }> {
    this.state.requireMemory();
    this.state.disk.require();
    const { relations } = this.state;
    const start = (plan: QueryPlan): FiniteRun => this.#finite.start(plan, now, null, null);
    const written = writeInTick(operations, { relations, now, start, timeMicros: tick.time });
    return { rowCounts: written.map((w) => w.rows), returned: written.map((w) => w.returned) };
  }

  /** Starts a reader in the next tick; errors go to it. */
  #begin(start: (channel: ResultChannel) => void): ResultChannel {
    const channel = new ResultChannel();
    this.#queue
      .start(() => {
        if (channel.canceled) return;
        this.state.requireMemory();
        start(channel);
      })
      .catch((error: unknown) => channel.fail(internalError(error)));
    return channel;
  }
}
