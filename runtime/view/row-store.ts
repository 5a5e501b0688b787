/**
 * The rows of a table or of a view that retracts: a multiset under signed changes, each distinct row once with its
 * count, in a hash table over the encoded row.
 */
import type { Schema } from '../../common/types.ts';
import { gatherBatch } from '../batch/gather.ts';
import type { Batch } from '../batch/column.ts';
import { grown } from '../state/grow.ts';
import { KeyTable } from '../state/key-table.ts';
import { RowCodec } from '../state/row-codec.ts';
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
    // what came and went; a row may leave and come back within one batch
    for (let i = 0; i < batch.rows; i++) {
      const id = this.#ids[i]!;
      if (this.#counts[id] === 0 && this.#rows.ends[id] !== 0) this.#release(id);
    }
  }

  /** All rows as batches that later changes do not touch. */
  read(): readonly Batch[] {
    if (this.#cache !== null) return this.#cache;
    const out: Batch[] = [];
    const ids = new Uint32Array(READ_ROWS);
    let count = 0;
    const limit = this.#rows.limit;
    for (let id = 0; id < limit; id++) {
      if (this.#counts[id]! > 0) ids[count++] = id;
      if (count === READ_ROWS || (id === limit - 1 && count > 0)) {
        out.push(this.#decode(ids.slice(0, count), count));
        count = 0;
      }
    }
    this.#cache = out;
    return out;
  }

  clear(): readonly Batch[] {
    const all = this.read();
    for (const batch of all) this.apply({ ...batch, weights: new Int32Array(batch.rows).fill(-1) });
    return all;
  }

  memoryBytes(): number {
    return this.#rows.memoryBytes() + this.#counts.byteLength;
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
    this.#rows.release(id);
  }

  #decode(ids: Uint32Array, count: number): Batch {
    const { arena, starts, ends } = this.#rows;
    const batch: Batch = {
      rows: count,
      columns: this.#codec.decode(arena, starts, ends, ids, count),
      weights: null,
    };
    if (ids.every((id) => this.#counts[id] === 1)) return batch;
    const repeated: number[] = [];
    ids.forEach((id, i) => {
      for (let k = this.#counts[id]!; k > 0; k--) repeated.push(i);
    });
    return gatherBatch(batch, Uint32Array.from(repeated), repeated.length);
  }
}
