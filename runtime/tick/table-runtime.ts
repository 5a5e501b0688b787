/** A table at run time: its rows, the index of its primary key, the changes of the current tick with their undo. */
import { SqlError } from '../../common/sql-error.ts';
import { formatDatum } from '../../common/value-text.ts';
import type { Schema } from '../../common/types.ts';
import { isValid, type Batch } from '../batch/column.ts';
import { compactBatch } from '../batch/concat.ts';
import { consolidate, negated } from '../batch/consolidate.ts';
import { readDatum } from '../batch/datum.ts';
import { gatherBatch } from '../batch/gather.ts';
import { nullViolation } from '../format/decode/decoded-columns.ts';
import type { TableDefinition } from '../plan/relation.ts';
import { relationDelta, type RelationDelta } from '../source/admitted.ts';
import { KeyTable, NO_ID } from '../state/key-table.ts';
import { RowCodec } from '../state/row-codec.ts';
import type { StreamLog } from '../storage/stream-log.ts';
import { AppendStore } from '../view/append-store.ts';
import { RowStore } from '../view/row-store.ts';
import { schemaOf } from './admission.ts';

export class TableRuntime {
  readonly definition: TableDefinition;
  readonly schema: Schema;
  readonly store: RowStore;
  readonly changelog: AppendStore;
  readonly #log: StreamLog | null;
  readonly #keys = new KeyTable();
  readonly #keyCodec: RowCodec;
  /** of the current tick, in order; one entry an operation */
  #changes: Batch[] = [];
  delta: RelationDelta | null = null;
  lastChange = 0;

  constructor(definition: TableDefinition, log: StreamLog | null) {
    this.definition = definition;
    this.schema = schemaOf(definition.columns);
    this.store = new RowStore(this.schema);
    this.changelog = new AppendStore(this.schema, definition.changelog);
    this.#log = log;
    this.#keyCodec = new RowCodec(
      definition.primaryKey.map((c) => this.schema[c]!.type),
      'key',
    );
    if (log === null) return;
    for (const { tick, batch } of log.read(0, -1)) {
      this.#apply(batch);
      this.lastChange = tick;
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
    this.#checkNulls(batch);
    const rows = this.#newKeys(batch, onConflict);
    const fresh = rows.length === batch.rows ? batch : gatherBatch(batch, rows, rows.length);
    if (fresh.rows > 0) this.#change(fresh);
    return fresh.rows;
  }

  /** Replaces these rows (of `store.read()`); `fresh` has a row for each. */
  replace(old: Batch, fresh: Batch): void {
    this.#checkNulls(fresh);
    this.#change(negated(old));
    try {
      this.#newKeys(fresh, 'error');
    } catch (error) {
      this.undo(this.mark - 1);
      throw error;
    }
    this.#change(fresh);
  }

  delete(rows: Batch): void {
    if (rows.rows > 0) this.#change(negated(rows));
  }

  /** Takes back everything since the mark. */
  undo(mark: number): void {
    while (this.#changes.length > mark) this.#apply(negated(this.#changes.pop()!));
  }

  /** The tick's changes become its delta. */
  seal(tick: number, time: number): void {
    if (this.#changes.length === 0) return;
    const changes = consolidate(this.schema, this.#changes);
    this.#changes = [];
    if (changes.length === 0) return;
    this.delta = relationDelta(changes, new Map(), false);
    this.lastChange = tick;
    for (const batch of changes) {
      this.changelog.append(tick, time, 0, batch, true);
      this.#log?.append(tick, { batch, arrivedAt: time, firstArrival: 0 });
    }
  }

  commit(sync: boolean): void {
    this.#log?.flush(sync);
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

  #change(batch: Batch): void {
    const kept = compactBatch(this.schema, batch);
    this.#apply(kept);
    this.#changes.push(kept);
  }

  #apply(batch: Batch): void {
    this.store.apply(batch);
    if (this.definition.primaryKey.length === 0) return;
    const { bytes, starts, ends } = this.#keyCodec.encode(batch, this.definition.primaryKey);
    const ids = new Uint32Array(batch.rows);
    this.#keys.intern(bytes, starts, ends, batch.rows, ids);
    for (let i = 0; i < batch.rows; i++) if ((batch.weights?.[i] ?? 1) < 0) this.#keys.release(ids[i]!);
  }

  #checkNulls(batch: Batch): void {
    this.definition.columns.forEach((column, c) => {
      const { valid } = batch.columns[c]!;
      const required = column.notNull || this.definition.primaryKey.includes(c);
      if (!required || valid === null) return;
      for (let i = 0; i < batch.rows; i++)
        if (!isValid(valid, i)) throw this.#nullError(column.name, batch, i);
    });
  }

  #nullError(column: string, batch: Batch, row: number): SqlError {
    const { message } = nullViolation(column, this.name);
    return new SqlError('23502', message, {
      detail: `Failing row contains (${this.#rowText(batch, row)}).`,
    });
  }

  #rowText(batch: Batch, row: number): string {
    const values = this.schema.map((field, c) => {
      const datum = readDatum(batch.columns[c]!, row, field.type);
      return datum === null ? 'null' : formatDatum(datum, field.type);
    });
    return values.join(', ');
  }

  /** Rows whose key is free, also within the batch. */
  #newKeys(batch: Batch, onConflict: 'error' | 'nothing'): Uint32Array {
    const all = Uint32Array.from({ length: batch.rows }, (_, i) => i);
    const { primaryKey } = this.definition;
    if (primaryKey.length === 0) return all;
    const { bytes, starts, ends } = this.#keyCodec.encode(batch, primaryKey);
    const held = new Uint32Array(batch.rows);
    this.#keys.lookup(bytes, starts, ends, batch.rows, held);
    const seen = new Set<string>();
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return all.filter((i) => {
      const key = text.toString('latin1', starts[i]!, ends[i]!);
      const free = held[i] === NO_ID && !seen.has(key);
      seen.add(key);
      if (!free && onConflict === 'error') throw this.#duplicate(batch, i);
      return free;
    });
  }

  #duplicate(batch: Batch, row: number): SqlError {
    const { primaryKey } = this.definition;
    const names = primaryKey.map((c) => this.schema[c]!.name).join(', ');
    const values = primaryKey
      .map((c) => formatDatum(readDatum(batch.columns[c]!, row, this.schema[c]!.type), this.schema[c]!.type))
      .join(', ');
    return new SqlError('23505', `duplicate key value violates unique constraint "${this.name}_pkey"`, {
      detail: `Key (${names})=(${values}) already exists.`,
    });
  }
}
