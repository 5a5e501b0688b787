/**
 * A table as a transaction block sees it, and what the block does to it.
 *
 *   what the block sees  =  committed rows of now  −  what others committed since the snapshot  +  the block's own changes
 *                                                  └──────────────── one store of signed rows ────────────────┘
 *
 * Per key the two signed sums are kept apart, so that whether a key is taken costs a look-up. COMMIT is judged by key:
 * whole rows where there is no primary key. Others' changes are read from the table's changelog when the block looks
 * again; what it no longer holds makes reads fail (55000) and changes of rows that were there conflict (40001).
 */
import type { Schema } from '../../../common/types.ts';
import type { Batch } from '../../batch/column.ts';
import { batchBytes, compactBatch, concatBatches } from '../../batch/concat.ts';
import { consolidate, negated } from '../../batch/consolidate.ts';
import { gatherBatch } from '../../batch/gather.ts';
import type { TableDefinition } from '../../plan/relation.ts';
import { grown } from '../../state/grow.ts';
import { KeyTable, NO_ID } from '../../state/key-table.ts';
import { RowStore } from '../../view/row-store.ts';
import { schemaOf } from '../admission.ts';
import { contentWith } from '../content.ts';
import { tooOld } from '../subscription.ts';
import {
  type ChangeableTable,
  duplicateKey,
  FREE,
  HELD,
  HELD_UNSEEN,
  serializationFailure,
} from '../table-changes.ts';
import { TableKeys } from '../table-keys.ts';
import type { TableRuntime } from '../table-runtime.ts';

export class BlockTable implements ChangeableTable {
  readonly definition: TableDefinition;
  readonly schema: Schema;
  readonly keys: TableKeys;
  /** null: created by the block itself */
  readonly base: TableRuntime | null;
  readonly #net: RowStore;
  readonly #ids = new KeyTable();
  /** by key: signed sum of the block's own rows; of others' rows, taken back; whether others touched it */
  #own: Int32Array = new Int32Array(256);
  #others: Int32Array = new Int32Array(256);
  #changed: Uint8Array = new Uint8Array(256);
  /** by key: the row of the net store that has it, where one does */
  #rowOf: Uint32Array = new Uint32Array(256);
  /** the block's changes, in order */
  readonly #log: { batch: Batch; careful: boolean }[] = [];
  readonly #onChange: (table: BlockTable, batch: Batch) => void;
  /** others' changes are known up to this tick */
  #seen: number;
  /** some that came after it are no longer kept */
  #lost = false;
  /** What comes now comes under ON CONFLICT, which promises that no 23505 follows. */
  careful = false;

  /** `onChange` hears of each change before it is made, and may refuse it. */
  constructor(
    definition: TableDefinition,
    base: TableRuntime | null,
    snapshot: number,
    onChange: (table: BlockTable, batch: Batch) => void,
  ) {
    this.definition = definition;
    this.schema = schemaOf(definition.columns);
    this.keys = new TableKeys(definition, this.schema);
    this.base = base;
    this.#net = new RowStore(this.schema);
    this.#onChange = onChange;
    this.#seen = snapshot;
  }

  /** The block changed it. */
  get written(): boolean {
    return this.#log.length > 0;
  }

  memoryBytes(): number {
    const arrays = this.#own.byteLength * 3 + this.#changed.byteLength;
    return this.#net.memoryBytes() + this.#ids.memoryBytes() + arrays;
  }

  /** 55000 where the snapshot can't be told any more. Later changes do not touch the answer. */
  rows(): Iterable<Batch> {
    this.refresh();
    return contentWith(this.schema, this.base?.store.read() ?? [], this.#net);
  }

  held(batch: Batch): Uint8Array {
    this.refresh();
    const committed = this.base?.held(batch) ?? new Uint8Array(batch.rows);
    const ids = this.#find(batch);
    for (let i = 0; i < batch.rows; i++) {
      const id = ids[i]!;
      if (id === NO_ID) continue;
      const own = this.#own[id]!;
      const sees = committed[i]! + this.#others[id]! + own > 0;
      committed[i] = sees ? HELD : committed[i] === HELD && own === 0 ? HELD_UNSEEN : FREE;
    }
    return committed;
  }

  holders(batch: Batch): Batch {
    const { base } = this;
    const ids = this.#find(batch);
    const committed = base?.held(batch);
    // a committed row is seen unless it is among what is taken away
    const ofBase: number[] = [];
    for (let i = 0; i < batch.rows; i++) if (committed?.[i] === HELD) ofBase.push(i);
    const rows = base === null || ofBase.length === 0 ? null : base.holders(picked(batch, ofBase));
    const counts = rows === null ? [] : this.#net.counts(rows);
    const place = new Int32Array(batch.rows).fill(-1);
    ofBase.forEach((row, i) => {
      if (counts[i]! >= 0) place[row] = i;
    });
    const ofNet: number[] = [];
    place.forEach((at, row) => {
      if (at >= 0) return;
      place[row] = (rows?.rows ?? 0) + ofNet.length;
      ofNet.push(this.#rowOf[ids[row]!]!);
    });
    const found = [...(rows === null ? [] : [rows]), this.#net.rowsAt(Uint32Array.from(ofNet))];
    return gatherBatch(concatBatches(this.schema, found), new Uint32Array(place), batch.rows);
  }

  counts(batch: Batch): Int32Array {
    const committed = this.base?.counts(batch) ?? new Int32Array(batch.rows);
    const net = this.#net.counts(batch);
    return committed.map((count, i) => count + net[i]!);
  }

  change(batch: Batch): void {
    const kept = compactBatch(this.schema, batch);
    this.#onChange(this, kept);
    this.#applyOwn(kept);
    this.#log.push({ batch: kept, careful: this.careful });
  }

  /** Takes the last change back; gives it. */
  undoLast(): Batch {
    const { batch } = this.#log.pop()!;
    this.#applyOwn(negated(batch));
    return batch;
  }

  /** What others committed since it was looked at last. */
  refresh(): void {
    if (!this.#catchUp()) throw tooOld(this.definition.name, this.#seen, this.base!.changelog.trimmedTick);
  }

  /** At COMMIT: 23505 and 40001, as rows stand now, this tick's earlier commits included. */
  requireNoConflict(): void {
    const { base } = this;
    if (base === null) return;
    this.#catchUp();
    for (const batch of base.pending) this.#applyOthers(batch);
    const keyed = this.definition.primaryKey.length > 0;
    for (const { batch, careful } of this.#log) {
      const ids = this.#find(batch);
      const held = base.held(batch);
      for (let i = 0; i < batch.rows; i++) {
        const id = ids[i]!;
        const goes = batch.weights !== null && batch.weights[i]! < 0;
        if (this.#lost && goes) throw serializationFailure();
        if (!keyed) {
          if (goes && this.#changed[id] === 1) throw serializationFailure();
          continue;
        }
        if (this.#changed[id] === 0 && !this.#lost) continue;
        const existed = held[i]! + this.#others[id]! > 0;
        if (existed && !this.#lost) throw serializationFailure();
        if (held[i] === FREE || this.#own[id]! <= 0) continue;
        throw careful ? serializationFailure() : duplicateKey(this, batch, i);
      }
    }
  }

  /** The block's changes land. */
  commitTo(table: TableRuntime): void {
    for (const batch of consolidate(
      this.schema,
      this.#log.map((change) => change.batch),
    ))
      table.change(batch);
  }

  /** False where changes were lost. */
  #catchUp(): boolean {
    const { base } = this;
    if (base === null || this.#lost || base.lastChange <= this.#seen) return !this.#lost;
    if (base.changelog.trimmedTick > this.#seen) {
      this.#lost = true;
      return false;
    }
    for (const { batch } of base.changelog.since(this.#seen)) this.#applyOthers(batch);
    this.#seen = base.lastChange;
    return true;
  }

  #find(batch: Batch): Uint32Array {
    const { bytes, starts, ends } = this.keys.encode(batch);
    const ids = new Uint32Array(batch.rows);
    this.#ids.lookup(bytes, starts, ends, batch.rows, ids);
    return ids;
  }

  #applyOwn(batch: Batch): void {
    const ids = this.#apply(batch);
    for (let i = 0; i < batch.rows; i++)
      this.#own[ids[i]!]! += batch.weights === null ? 1 : batch.weights[i]!;
  }

  /** What others added is taken away, what they took away is there. */
  #applyOthers(batch: Batch): void {
    const back = negated(batch);
    const ids = this.#apply(back);
    for (let i = 0; i < batch.rows; i++) {
      this.#others[ids[i]!]! += back.weights![i]!;
      this.#changed[ids[i]!] = 1;
    }
  }

  #apply(batch: Batch): Uint32Array {
    this.#net.apply(batch);
    const { bytes, starts, ends } = this.keys.encode(batch);
    const ids = new Uint32Array(batch.rows);
    this.#ids.intern(bytes, starts, ends, batch.rows, ids);
    this.#grow();
    const { applied } = this.#net;
    for (let i = 0; i < batch.rows; i++) {
      if (this.#net.countOf(applied[i]!) > 0) this.#rowOf[ids[i]!] = applied[i]!;
    }
    return ids;
  }

  #grow(): void {
    if (this.#own.length >= this.#ids.limit) return;
    const length = this.#ids.starts.length;
    this.#own = grown(this.#own, length);
    this.#others = grown(this.#others, length);
    this.#changed = grown(this.#changed, length);
    this.#rowOf = grown(this.#rowOf, length);
  }
}

function picked(batch: Batch, rows: readonly number[]): Batch {
  return gatherBatch(batch, Uint32Array.from(rows), rows.length);
}

/** About what a change holds in memory: small batches are mostly arrays. */
export const changeBytes = (batch: Batch): number => batchBytes(batch) + 64 * batch.columns.length;
