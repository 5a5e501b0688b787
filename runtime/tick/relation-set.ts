/** All relations at run time, by OID, and the objects of the catalog. */
import { SqlError } from '../../common/sql-error.ts';
import type { Tick } from '../dstream/dstream.ts';
import type { CatalogObject, IndexDefinition, Oid, SinkDefinition } from '../plan/relation.ts';
import type { Sink } from '../sink/sink.ts';
import type { ContinuousQuery } from './continuous-query.ts';
import type { RelationIndexes } from './relation-indexes.ts';
import type { StreamRuntime } from './stream-runtime.ts';
import type { TableRuntime } from './table-runtime.ts';
import type { ViewRuntime } from './view-runtime.ts';

export type RunningView = { readonly view: ViewRuntime; query: ContinuousQuery; failed: SqlError | null };
export type RunningSink = {
  readonly definition: SinkDefinition;
  readonly query: ContinuousQuery;
  /** null: INSERT INTO a stream */
  readonly sink: Sink | null;
  tick: number;
  rows: number;
  lastError: string | null;
};

export class RelationSet {
  readonly objects = new Map<Oid, CatalogObject>();
  readonly streams = new Map<Oid, StreamRuntime>();
  readonly tables = new Map<Oid, TableRuntime>();
  /** in the order of their creation: a view reads only older ones */
  readonly views = new Map<Oid, RunningView>();
  readonly sinks = new Map<Oid, RunningSink>();

  stream(oid: Oid): StreamRuntime {
    const stream = this.streams.get(oid);
    if (stream === undefined) throw this.#gone(oid);
    return stream;
  }

  table(oid: Oid): TableRuntime {
    const table = this.tables.get(oid);
    if (table === undefined) throw this.#gone(oid);
    return table;
  }

  view(oid: Oid): RunningView {
    const view = this.views.get(oid);
    if (view === undefined) throw this.#gone(oid);
    return view;
  }

  /** Of the table or materialized view. */
  indexesOf(oid: Oid): RelationIndexes {
    return (this.tables.get(oid) ?? this.view(oid).view).indexes;
  }

  /** Its relation may be gone before it. */
  dropIndex({ oid, relation }: IndexDefinition): void {
    (this.tables.get(relation) ?? this.views.get(relation)?.view)?.indexes.drop(oid);
  }

  nameOf(oid: Oid): string {
    return this.objects.get(oid)?.name ?? `oid ${oid}`;
  }

  endTick({ number, time }: Tick): void {
    for (const stream of this.streams.values()) stream.endTick(time);
    for (const table of this.tables.values()) table.endTick(time);
    for (const { view } of this.views.values()) view.endTick(number, time);
  }

  /** What each holds open: files, sockets, operators. */
  close(): void {
    for (const { query } of this.views.values()) query.close();
    for (const { query, sink } of this.sinks.values()) {
      query.close();
      sink?.close();
    }
    for (const stream of this.streams.values()) stream.close();
    for (const table of this.tables.values()) table.close();
  }

  /** A view that stopped with an error differs from what it last showed: its number is negative. */
  lastChange(oid: Oid): number {
    const view = this.views.get(oid);
    if (view !== undefined && view.failed !== null) return -1 - view.view.lastChange;
    return (
      this.streams.get(oid)?.lastChange ?? this.tables.get(oid)?.lastChange ?? view?.view.lastChange ?? 0
    );
  }

  /** What changed in this tick (all: whenever), with its last change. */
  changedSince(tick: number): ReadonlyMap<Oid, number> {
    const changed = new Map<Oid, number>();
    for (const [oid, stream] of this.streams)
      if (stream.lastChange >= tick) changed.set(oid, stream.lastChange);
    for (const [oid, table] of this.tables) if (table.lastChange >= tick) changed.set(oid, table.lastChange);
    for (const [oid, { view, failed }] of this.views) {
      if (view.lastChange >= tick || failed !== null) changed.set(oid, this.lastChange(oid));
    }
    return changed;
  }

  #gone(oid: Oid): SqlError {
    return new SqlError('42P01', `relation with OID ${oid} does not exist`, {
      hint: 'It was dropped meanwhile.',
    });
  }
}
