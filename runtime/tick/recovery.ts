/** What a data directory holds becomes the state of a new engine: after a clean stop from its checkpoint, else from the logs. */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { SqlError } from '../../common/sql-error.ts';
import type { Tick } from '../dstream/dstream.ts';
import type { CatalogObject, Oid } from '../plan/relation.ts';
import { readCatalog } from '../storage/catalog-file.ts';
import { loadCheckpoint, removeCheckpoint } from '../storage/checkpoint.ts';
import { lastReserved } from '../storage/tick-numbers.ts';
import { cutTornTick } from '../storage/torn-tick.ts';
import type { CatalogChanges } from './catalog-changes.ts';
import type { EngineState } from './engine-state.ts';
import type { QueryFactory } from './query-factory.ts';

export type Recovered = Readonly<{ nextOid: Oid; version: number }>;

/** Null: the directory is new. */
export function recover(
  directory: string,
  state: EngineState,
  changes: CatalogChanges,
  factory: QueryFactory,
): Recovered | null {
  mkdirSync(directory, { recursive: true });
  if (!existsSync(join(directory, 'catalog.json'))) return null;
  const { objects, nextOid, version, tick: definedAt } = readCatalog(directory);
  const checkpoint = loadCheckpoint(directory);
  if (checkpoint === null) cutTornTick(logDirectories(directory, objects), definedAt);
  const tick: Tick = { number: checkpoint?.tick ?? definedAt, time: checkpoint?.time ?? 0 };
  state.tick = tick;
  const absent: NonNullable<QueryFactory['absent']> = [];
  factory.absent = absent;
  factory.savedSource = (oid) => checkpoint?.sourceOf(oid) ?? null;
  for (const object of objects) {
    if (!isDerived(object)) changes.create(object, tick);
  }
  if (checkpoint === null) followLogs(state);
  else checkpoint.restoreStreams(state.relations);
  for (const object of objects) {
    if (object.kind !== 'materialized-view' && object.kind !== 'sink') continue;
    const saved = checkpoint?.stateOf(object.oid) ?? null;
    if (saved === null) changes.create(object, state.tick);
    else changes.restore(object, saved);
  }
  for (const object of objects) if (object.kind === 'index') changes.create(object, state.tick);
  if (checkpoint === null)
    state.tick = { ...state.tick, number: Math.max(state.tick.number, lastReserved(directory)) };
  checkpoint?.restoreKept(state.late, state.rejected);
  factory.savedSource = () => null;
  factory.absent = null;
  for (const { stream, error } of absent) {
    const failure = error instanceof SqlError ? error : new SqlError('58030', error.message);
    state.reject(stream, failure, null, null);
  }
  removeCheckpoint(directory);
  return { nextOid, version };
}

const logDirectories = (directory: string, objects: readonly CatalogObject[]): string[] =>
  objects.flatMap(({ kind, oid }) =>
    kind === 'stream' || kind === 'table' ? [join(directory, `${kind}s`, String(oid))] : [],
  );

/** It stands on what other objects hold. */
const isDerived = ({ kind }: CatalogObject): boolean =>
  kind === 'materialized-view' || kind === 'sink' || kind === 'index';

/** After a crash: ticks, times and watermarks go on where the logs end. */
function followLogs(state: EngineState): void {
  const { streams, tables } = state.relations;
  let { number, time } = state.tick;
  for (const stream of streams.values()) {
    for (const part of stream.history(Number.NEGATIVE_INFINITY)) {
      stream.follow(part);
      number = Math.max(number, part.tick);
      time = Math.max(time, part.arrivedAt);
    }
  }
  for (const table of tables.values()) number = Math.max(number, table.lastChange);
  state.tick = { number, time };
}
