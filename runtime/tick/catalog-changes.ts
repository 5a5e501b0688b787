/** Creating, altering and dropping objects at run time, and bringing them back at a start. */
import { join } from 'node:path';
import type { Tick } from '../dstream/dstream.ts';
import { compileExpressions } from '../expression/compile.ts';
import {
  type CatalogChange,
  type CatalogObject,
  isRelation,
  type Oid,
  type RelationDefinition,
  type Retention,
  shownName,
  type StreamDefinition,
} from '../plan/relation.ts';
import { createSink } from '../sink/create-sink.ts';
import { checkReach } from '../source/create-source.ts';
import type { StateReader } from '../state/state-codec.ts';
import { StreamLog } from '../storage/stream-log.ts';
import { schemaOf } from './admission.ts';
import type { EngineState } from './engine-state.ts';
import type { QueryFactory } from './query-factory.ts';
import type { Readers } from './readers.ts';
import type { RunningSink } from './relation-set.ts';
import { StreamRuntime } from './stream-runtime.ts';
import { TableRuntime } from './table-runtime.ts';
import { ViewRuntime } from './view-runtime.ts';
import { writeToSink } from './write-to-sink.ts';

const UNBOUNDED: Retention = { ageMicros: null, bytes: null, none: false };

export class CatalogChanges {
  readonly #state: EngineState;
  readonly #factory: QueryFactory;
  readonly #readers: Readers;

  constructor(state: EngineState, factory: QueryFactory, readers: Readers) {
    this.#state = state;
    this.#factory = factory;
    this.#readers = readers;
  }

  /** Makes what the changes create; all of it, or none. What fails after that is taken back by `undo`. */
  createAll(changes: readonly CatalogChange[], tick: Tick): void {
    try {
      for (const change of changes) {
        if (change.kind !== 'create') continue;
        // at a start it is not asked: what the server may no longer reach fails where it is read
        if (change.object.kind === 'stream') this.#checkSource(change.object);
        if (change.object.kind === 'index') this.#state.requireMemory();
        // before it reads what is there, of which rows may be rejected
        if (isRelation(change.object)) this.#forgetNamesakes(change.object);
        this.create(change.object, tick);
      }
    } catch (error) {
      this.undo(changes);
      throw error;
    }
  }

  /** That it may go where it goes, and that it has what it shall send. */
  #checkSource({ source }: StreamDefinition): void {
    checkReach(source, this.#state.options);
    if (source.connector === 'tcp' && source.greeting != null) this.#state.secrets.bytesOf(source.greeting);
  }

  undo(changes: readonly CatalogChange[]): void {
    for (const change of changes) if (change.kind === 'create') this.#drop(change.object.oid);
  }

  /** The catalog once the changes are finished, of which those that create are made. */
  objectsAfter(changes: readonly CatalogChange[]): readonly CatalogObject[] {
    const objects = new Map(this.#state.relations.objects);
    for (const change of changes) if (change.kind === 'alter') objects.set(change.object.oid, change.object);
    for (const oid of goneBy(changes)) forget(objects, oid);
    return [...objects.values()];
  }

  /** The rest of the changes: renames, and what goes. It can't fail. */
  finish(changes: readonly CatalogChange[]): void {
    for (const change of changes) if (change.kind === 'alter') this.#alter(change.object);
    for (const oid of goneBy(changes)) this.#drop(oid);
  }

  create(object: CatalogObject, tick: Tick): void {
    const { relations } = this.#state;
    switch (object.kind) {
      case 'database':
      case 'schema':
      case 'role':
      case 'secret':
      case 'token':
      case 'view':
        break;
      case 'stream':
        this.#createStream(object);
        break;
      case 'table':
        relations.tables.set(object.oid, new TableRuntime(object, this.#log('tables', object, UNBOUNDED)));
        break;
      case 'materialized-view':
        this.#createView(object, tick);
        break;
      case 'sink':
        this.#createSink(object, tick);
        break;
      case 'index':
        relations.indexesOf(object.relation).add(object);
        break;
    }
    relations.objects.set(object.oid, object);
  }

  /** A view or sink as the checkpoint left it. */
  restore(object: CatalogObject & { kind: 'materialized-view' | 'sink' }, saved: StateReader): void {
    const { relations } = this.#state;
    const query = this.#factory.create(object.plan, object.name, null);
    query.load(saved);
    relations.objects.set(object.oid, object);
    if (object.kind === 'materialized-view') {
      const view = new ViewRuntime(object, query.timeColumns);
      view.load(saved);
      relations.views.set(object.oid, { view, query, failed: query.failed });
      return;
    }
    const counters = saved.value() as { tick: number; rows: number };
    relations.sinks.set(object.oid, {
      definition: object,
      query,
      sink: this.#sinkOf(object),
      ...counters,
      lastError: null,
    });
  }

  #createStream(object: StreamDefinition): void {
    const options = { now: () => this.#state.tick.time, timeZone: 'UTC' };
    const generated = new Map(
      object.columns.flatMap((column, i) =>
        column.generated === null ? [] : [[i, compileExpressions([column.generated], options)] as const],
      ),
    );
    const log = object.retention.none ? null : this.#log('streams', object, object.retention);
    const stream = new StreamRuntime(object, log, generated, this.#state.reject, this.#maxRateOf(object));
    this.#state.relations.streams.set(object.oid, stream);
    if (object.source.connector !== 'log' && stream.retains) this.#factory.attach(stream);
  }

  /** The lower one of the stream's and the server's. */
  #maxRateOf({ source }: StreamDefinition): number | null {
    const rates = [this.#state.options.maxRate, source.connector === 'file' ? source.maxRate : null];
    const set = rates.filter((rate) => rate !== null);
    return set.length === 0 ? null : Math.min(...set);
  }

  #createView(object: CatalogObject & { kind: 'materialized-view' }, tick: Tick): void {
    const query = this.#factory.create(object.plan, object.name, null);
    const view = new ViewRuntime(object, query.timeColumns);
    for (const { batches, watermarks, ended } of query.backfill(tick)) {
      view.apply(tick.number, tick.time, batches, watermarks, ended);
    }
    // readers that come in this tick find the rows in the view
    view.delta = null;
    this.#state.relations.views.set(object.oid, { view, query, failed: null });
  }

  #createSink(object: CatalogObject & { kind: 'sink' }, tick: Tick): void {
    const query = this.#factory.create(object.plan, object.name, null);
    const sink = this.#sinkOf(object);
    const running: RunningSink = { definition: object, query, sink, tick: 0, rows: 0, lastError: null };
    writeToSink(running, query.backfill(tick), tick, this.#state.relations);
    sink?.commit(tick.number);
    this.#state.relations.sinks.set(object.oid, running);
  }

  #sinkOf(object: CatalogObject & { kind: 'sink' }): RunningSink['sink'] {
    if (object.into !== null) return null;
    return createSink(object, object.plan.emit.kind !== 'close', this.#state.options.filesDirectory);
  }

  #drop(oid: Oid): void {
    const { relations } = this.#state;
    const dropped = relations.objects.get(oid);
    if (dropped?.kind === 'index') relations.dropIndex(dropped);
    forget(relations.objects, oid);
    relations.streams.get(oid)?.remove();
    relations.streams.delete(oid);
    relations.tables.get(oid)?.remove();
    relations.tables.delete(oid);
    relations.views.get(oid)?.query.close();
    relations.views.delete(oid);
    relations.sinks.get(oid)?.query.close();
    relations.sinks.get(oid)?.sink?.close();
    relations.sinks.delete(oid);
    this.#readers.dropped(oid);
  }

  /** Other words, the same object: its state stays. */
  #alter(object: CatalogObject): void {
    const { objects, streams, tables, views, sinks } = this.#state.relations;
    const before = objects.get(object.oid);
    if (isRelation(object) && before?.name !== object.name) this.#forgetNamesakes(object);
    objects.set(object.oid, object);
    const runtimes = [
      streams.get(object.oid),
      tables.get(object.oid),
      views.get(object.oid)?.view,
      sinks.get(object.oid),
    ];
    for (const runtime of runtimes) if (runtime !== undefined) Object.assign(runtime, { definition: object });
  }

  /** Late and rejected rows tell their relation by its name: those of another one of that name are not this one's. */
  #forgetNamesakes(relation: RelationDefinition): void {
    const names = new Set([relation.name, shownName(relation)]);
    this.#state.late.forget((row) => row.view !== null && names.has(row.view));
    this.#state.rejected.forget((row) => names.has(row.relation));
  }

  #log(
    kind: 'streams' | 'tables',
    object: CatalogObject & { kind: 'stream' | 'table' },
    retention: Retention,
  ): StreamLog | null {
    const { dataDirectory } = this.#state.options;
    if (dataDirectory === null) return null;
    return new StreamLog(join(dataDirectory, kind, String(object.oid)), schemaOf(object.columns), retention);
  }
}

const goneBy = (changes: readonly CatalogChange[]): readonly Oid[] =>
  changes.flatMap((change) => {
    if (change.kind === 'drop') return change.oids;
    return change.kind === 'create' && change.replaces !== null ? [change.replaces] : [];
  });

/** An object and the indexes on it. */
function forget(objects: Map<Oid, CatalogObject>, oid: Oid): void {
  objects.delete(oid);
  for (const object of objects.values())
    if (object.kind === 'index' && object.relation === oid) objects.delete(object.oid);
}
