/** A table at run time: its rows, the index of its primary key, the changes of the current tick with their undo. */
import type { Schema } from '../../common/types.ts';
import type { Batch } from '../batch/column.ts';
import { compactBatch } from '../batch/concat.ts';
import { consolidate, negated } from '../batch/consolidate.ts';
import type { TableDefinition } from '../plan/relation.ts';
import { relationDelta, type RelationDelta } from '../source/admitted.ts';
import { grown } from '../state/grow.ts';
import { KeyTable, NO_ID } from '../state/key-table.ts';
import type { StreamLog } from '../storage/stream-log.ts';
import { AppendStore } from '../view/append-store.ts';
import { RowStore } from '../view/row-store.ts';
import { schemaOf } from './admission.ts';
import { RelationIndexes } from './relation-indexes.ts';
import { type ChangeableTable, FREE, HELD, insertRows } from './table-changes.ts';
import { TableKeys } from './table-keys.ts';

export class TableRuntime implements ChangeableTable {
  readonly definition: TableDefinition;
  readonly schema: Schema;
  readonly keys: TableKeys;
  readonly store: RowStore;
  readonly indexes: RelationIndexes;
  readonly changelog: AppendStore;
  readonly #log: StreamLog | null;
  /** the keys that are taken, and by which row of the store */
  readonly #held = new KeyTable();
  #rowOf: Uint32Array = new Uint32Array(256);
  /** of the current tick, in order; one entry an operation */
  #changes: Batch[] = [];
  delta: RelationDelta | null = null;
  lastChange = 0;

  constructor(definition: TableDefinition, log: StreamLog | null) {
    this.definition = definition;
    this.schema = schemaOf(definition.columns);
    this.store = new RowStore(this.schema);
    this.indexes = new RelationIndexes(this.schema, this.store);
    this.changelog = new AppendStore(this.schema, definition.changelog);
    this.#log = log;
    this.keys = new TableKeys(definition, this.schema);
    if (log === null) return;
    for (const { tick, arrivedAt, batch } of log.read(0, -1)) {
      this.#apply(batch);
      this.lastChange = tick;
      this.changelog.append(tick, arrivedAt, 0, batch, true);
    }
  }

  get name(): string {
    return this.definition.name;
  }

  /** A mark to undo to. */
  get mark(): number {
    return this.#changes.length;
  }

  /** 23502, 23505; nothing is changed then. Returns how many rows came. */
  insert(batch: Batch, onConflict: 'error' | 'nothing'): number {
    return insertRows(this, batch, onConflict).rows;
  }

  /** All rows; later changes do not touch the answer. */
  read(): readonly Batch[] {
    return this.store.read();
  }

  rows(): Iterable<Batch> {
    return this.store.read();
  }

  /** What this tick has changed so far, and no changelog holds yet. */
  get pending(): readonly Batch[] {
    return this.#changes;
  }

  /** HELD or FREE; of a table without a primary key every key is free. */
  held(batch: Batch): Uint8Array {
    const ids = this.#find(batch);
    const out = new Uint8Array(batch.rows);
    for (let i = 0; i < batch.rows; i++) out[i] = ids[i] === NO_ID ? FREE : HELD;
    return out;
  }

  holders(batch: Batch): Batch {
    const ids = this.#find(batch);
    for (let i = 0; i < batch.rows; i++) ids[i] = this.#rowOf[ids[i]!]!;
    return this.store.rowsAt(ids);
  }

  counts(batch: Batch): Int32Array {
    return this.store.counts(batch);
  }

  change(batch: Batch): void {
    const kept = compactBatch(this.schema, batch);
    this.#apply(kept);
    this.#changes.push(kept);
  }

  /** Takes back everything since the mark. */
  undo(mark: number): void {
    while (this.#changes.length > mark) this.#apply(negated(this.#changes.pop()!));
  }

  /** The tick's changes become its delta. */
  seal(tick: number, time: number): void {
    if (this.#changes.length === 0) return;
    // where nothing left, nothing cancels out
    const onlyCame = this.#changes.every(({ weights }) => weights === null);
    const changes = onlyCame ? this.#changes : consolidate(this.schema, this.#changes);
    this.#changes = [];
    if (changes.length === 0) return;
    this.delta = relationDelta(changes, new Map(), false);
    this.lastChange = tick;
    for (const batch of changes) {
      this.changelog.append(tick, time, 0, batch, true);
      this.#log?.append(tick, { batch, arrivedAt: time, firstArrival: 0 });
    }
  }

  /** What its log gets at the end of the tick. */
  get pendingFrames(): number {
    return this.#log?.pendingFrames ?? 0;
  }

  commit(sync: boolean, tickFrames: number): void {
    this.#log?.flush(sync, tickFrames);
  }

  endTick(now: number): void {
    this.delta = null;
    this.changelog.trim(now);
  }

  close(): void {
    this.#log?.close();
  }

  remove(): void {
    this.#log?.remove();
  }

  /** Numbers of the rows' keys, NO_ID where no row has it. */
  #find(batch: Batch): Uint32Array {
    const ids = new Uint32Array(batch.rows).fill(NO_ID);
    if (this.definition.primaryKey.length === 0) return ids;
    const { bytes, starts, ends } = this.keys.encode(batch);
    this.#held.lookup(bytes, starts, ends, batch.rows, ids);
    return ids;
  }

  #apply(batch: Batch): void {
    this.store.apply(batch);
    if (this.definition.primaryKey.length === 0) return;
    const { bytes, starts, ends } = this.keys.encode(batch);
    const ids = new Uint32Array(batch.rows);
    this.#held.intern(bytes, starts, ends, batch.rows, ids);
    if (this.#rowOf.length < this.#held.limit) this.#rowOf = grown(this.#rowOf, this.#held.starts.length);
    const { applied } = this.store;
    for (let i = 0; i < batch.rows; i++) {
      if ((batch.weights?.[i] ?? 1) < 0) this.#held.release(ids[i]!);
      else this.#rowOf[ids[i]!] = applied[i]!;
    }
  }
}
