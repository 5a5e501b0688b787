/**
 * The rows of a table or of a view that retracts: a multiset under signed changes, each distinct row once with its
 * count, in a hash table over the encoded row.
 */
import type { Schema } from '../../common/types.ts';
import { gatherBatch } from '../batch/gather.ts';
import type { Batch } from '../batch/column.ts';
import { grown } from '../state/grow.ts';
import { KeyTable, NO_ID } from '../state/key-table.ts';
import { RowCodec } from '../state/row-codec.ts';
import type { RowIndex } from '../state/row-index.ts';
import type { StateReader, StateWriter } from '../state/state-codec.ts';

/** Rows decoded into one batch of a read. */
const READ_ROWS = 4096;

export class RowStore {
  readonly schema: Schema;
  readonly #codec: RowCodec;
  readonly #rows = new KeyTable();
  readonly #ordinals: readonly number[];
  #counts = new Int32Array(256);
  #ids = new Uint32Array(4096);
  #cache: readonly Batch[] | null = null;
  #size = 0;
  #indexes: readonly RowIndex[] = [];

  constructor(schema: Schema) {
    this.schema = schema;
    this.#codec = new RowCodec(
      schema.map((f) => f.type),
      'row',
    );
    this.#ordinals = schema.map((_, i) => i);
  }

  /** Rows, each as often as it is there. */
  get size(): number {
    return this.#size;
  }

  apply(batch: Batch): void {
    this.#cache = null;
    if (this.#ids.length < batch.rows) this.#ids = new Uint32Array(batch.rows);
    const encoded = this.#codec.encode(batch, this.#ordinals);
    this.#rows.intern(encoded.bytes, encoded.starts, encoded.ends, batch.rows, this.#ids);
    if (this.#counts.length < this.#rows.limit) this.#counts = grown(this.#counts, this.#rows.starts.length);
    for (let i = 0; i < batch.rows; i++) {
      const weight = batch.weights === null ? 1 : batch.weights[i]!;
      this.#counts[this.#ids[i]!]! += weight;
      this.#size += weight;
    }
    for (const index of this.#indexes) index.add(batch, this.#ids);
    // what came and went; a row may leave and come back within one batch
    for (let i = 0; i < batch.rows; i++) {
      const id = this.#ids[i]!;
      if (this.#counts[id] === 0 && this.#rows.ends[id] !== 0) this.#release(id);
    }
  }

  /** The numbers of the rows applied last, until the next time. A row keeps its number while it is there. */
  get applied(): Uint32Array {
    return this.#ids;
  }

  /** How often the row of this number is there; below 0: in a store of changes, how often it was taken away. */
  countOf(id: number): number {
    return this.#counts[id]!;
  }

  /** Rows by their numbers, each once. */
  rowsAt(ids: Uint32Array): Batch {
    const { arena, starts } = this.#rows;
    return {
      rows: ids.length,
      columns: this.#codec.decode(arena, starts, ids, ids.length),
      weights: null,
    };
  }

  /** The numbers of these rows, NO_ID where there is none. */
  find(batch: Batch): Uint32Array {
    const { bytes, starts, ends } = this.#codec.encode(batch, this.#ordinals);
    const ids = new Uint32Array(batch.rows);
    this.#rows.lookup(bytes, starts, ends, batch.rows, ids);
    return ids;
  }

  /** How often each of these rows is there. */
  counts(batch: Batch): Int32Array {
    return Int32Array.from(this.find(batch), (id) => (id === NO_ID ? 0 : this.#counts[id]!));
  }

  /** The batch without rows that are here: each that is left out is taken from here. */
  takeFrom(batch: Batch): Batch {
    const ids = this.find(batch);
    const kept = new Uint32Array(batch.rows);
    let count = 0;
    for (let i = 0; i < batch.rows; i++) {
      const id = ids[i]!;
      if (id === NO_ID || this.#counts[id]! <= 0) kept[count++] = i;
      else {
        this.#counts[id]!--;
        this.#size--;
      }
    }
    return count === batch.rows ? batch : gatherBatch(batch, kept, count);
  }

  /** All rows as batches that later changes do not touch. */
  read(): readonly Batch[] {
    this.#cache ??= this.#read(1);
    return this.#cache;
  }

  /** In a store of changes: what they take away. */
  readTaken(): readonly Batch[] {
    return this.#read(-1);
  }

  #read(sign: 1 | -1): readonly Batch[] {
    return [...this.#numbers(sign)].map((ids) => this.#decode(ids, ids.length, sign));
  }

  /** The numbers of the rows whose count has this sign; 0: of all. */
  *#numbers(sign: 1 | -1 | 0): Generator<Uint32Array> {
    const ids = new Uint32Array(READ_ROWS);
    let count = 0;
    const limit = this.#rows.limit;
    for (let id = 0; id < limit; id++) {
      const weight = this.#counts[id]!;
      if (sign === 0 ? weight !== 0 : weight * sign > 0) ids[count++] = id;
      if (count === READ_ROWS || (id === limit - 1 && count > 0)) {
        yield ids.slice(0, count);
        count = 0;
      }
    }
  }

  /** It is kept from now on. */
  addIndex(index: RowIndex): void {
    for (const ids of this.#numbers(0)) index.add(this.rowsAt(ids), ids);
    this.#indexes = [...this.#indexes, index];
  }

  dropIndex(index: RowIndex): void {
    this.#indexes = this.#indexes.filter((other) => other !== index);
  }

  /** The rows of these keys, each as often as it is there; null: more than `rowsMax` of the distinct ones. */
  rowsOf(index: RowIndex, keys: Batch, rowsMax: number): readonly Batch[] | null {
    const found = index.find(keys, rowsMax)?.filter((id) => this.#counts[id]! > 0);
    if (found === undefined) return null;
    const out: Batch[] = [];
    for (let at = 0; at < found.length; at += READ_ROWS) {
      const ids = found.subarray(at, at + READ_ROWS);
      out.push(this.#decode(ids, ids.length, 1));
    }
    return out;
  }

  clear(): readonly Batch[] {
    const all = this.read();
    for (const batch of all) this.apply({ ...batch, weights: new Int32Array(batch.rows).fill(-1) });
    return all;
  }

  memoryBytes(): number {
    const indexes = this.#indexes.reduce((sum, index) => sum + index.memoryBytes(), 0);
    return this.#rows.memoryBytes() + this.#counts.byteLength + indexes;
  }

  save(w: StateWriter): void {
    this.#rows.save(w);
    w.array(this.#counts.subarray(0, this.#rows.limit));
    w.number(this.#size);
  }

  load(r: StateReader): void {
    this.#rows.load(r);
    this.#counts = grown(r.array(Int32Array), this.#rows.starts.length);
    this.#size = r.number();
    this.#cache = null;
  }

  #release(id: number): void {
    for (const index of this.#indexes) index.remove(id);
    this.#rows.release(id);
  }

  #decode(ids: Uint32Array, count: number, sign: 1 | -1): Batch {
    const { arena, starts } = this.#rows;
    const batch: Batch = {
      rows: count,
      columns: this.#codec.decode(arena, starts, ids, count),
      weights: null,
    };
    if (ids.every((id) => this.#counts[id] === sign)) return batch;
    const repeated: number[] = [];
    ids.forEach((id, i) => {
      for (let k = this.#counts[id]! * sign; k > 0; k--) repeated.push(i);
    });
    return gatherBatch(batch, Uint32Array.from(repeated), repeated.length);
  }
}
