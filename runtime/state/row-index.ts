/**
 * Which rows of a store have a key: an index for reads of single rows. The store numbers its rows.
 *
 *   keys             bytes of the indexed columns → number of the key (key-table.ts)
 *   heads            key → its youngest row + 1
 *   nexts, previous  row → the older, the younger row of its key, + 1; 0: none
 *   keyOf            row → its key + 1; 0: the row is not in the index
 *
 * A row with NULL in one of the columns is not in it: no equality finds it. A change costs the look-up of its key, a row
 * that leaves a few words.
 */
import type { SqlType } from '../../common/types.ts';
import { type Batch, isValid } from '../batch/column.ts';
import { gatherBatch } from '../batch/gather.ts';
import { grown } from './grow.ts';
import { KeyTable, NO_ID } from './key-table.ts';
import { isNumberKey, NumberKeys } from './number-keys.ts';
import { type EncodedRows, RowCodec } from './row-codec.ts';

export class RowIndex {
  /** ordinals of the relation's columns */
  readonly columns: readonly number[];
  readonly #codec: RowCodec;
  readonly #ordinals: readonly number[];
  /** where the key is one number */
  readonly #numbers: NumberKeys | null;
  readonly #keys = new KeyTable();
  #heads: Uint32Array = new Uint32Array(64);
  #nexts: Uint32Array = new Uint32Array(64);
  #previous: Uint32Array = new Uint32Array(64);
  #keyOf: Uint32Array = new Uint32Array(64);
  #ids: Uint32Array = new Uint32Array(64);

  constructor(columns: readonly number[], types: readonly SqlType[]) {
    const keyTypes = columns.map((c) => types[c]!);
    const [first] = keyTypes;
    this.columns = columns;
    this.#ordinals = columns.map((_, i) => i);
    this.#codec = new RowCodec(keyTypes, 'key');
    this.#numbers =
      first !== undefined && keyTypes.length === 1 && isNumberKey(first) ? new NumberKeys(first) : null;
  }

  /** Rows of the relation with their numbers; those that are in it stay as they are. */
  add(batch: Batch, rows: Uint32Array): void {
    let most = 0;
    for (let i = 0; i < batch.rows; i++) most = Math.max(most, rows[i]!);
    this.#reach(most);
    const keys: Batch = {
      rows: batch.rows,
      columns: this.columns.map((c) => batch.columns[c]!),
      weights: null,
    };
    const chosen = new Uint32Array(batch.rows);
    let count = 0;
    for (let i = 0; i < batch.rows; i++)
      if (this.#keyOf[rows[i]!] === 0 && isWhole(keys, i)) chosen[count++] = i;
    if (count === 0) return;
    const { bytes, starts, ends } = this.#encode(
      count === batch.rows ? keys : gatherBatch(keys, chosen, count),
    );
    if (this.#ids.length < count) this.#ids = new Uint32Array(count);
    this.#keys.intern(bytes, starts, ends, count, this.#ids);
    if (this.#heads.length < this.#keys.limit) this.#heads = grown(this.#heads, this.#keys.starts.length);
    for (let i = 0; i < count; i++) this.#link(rows[chosen[i]!]!, this.#ids[i]!);
  }

  /** The row leaves; its number may be given to another. */
  remove(row: number): void {
    const key = row < this.#keyOf.length ? this.#keyOf[row]! : 0;
    if (key === 0) return;
    const next = this.#nexts[row]!;
    const previous = this.#previous[row]!;
    if (next !== 0) this.#previous[next - 1] = previous;
    if (previous !== 0) this.#nexts[previous - 1] = next;
    else this.#heads[key - 1] = next;
    this.#keyOf[row] = 0;
    if (next === 0 && previous === 0) this.#keys.release(key - 1);
  }

  /**
   * The rows of these keys, each once, in ascending order of their numbers. `keys` holds the indexed columns, in their
   * order. null: there are more than `rowsMax`.
   */
  find(keys: Batch, rowsMax: number): Uint32Array | null {
    const { bytes, starts, ends } = this.#encode(keys);
    const ids = new Uint32Array(keys.rows);
    this.#keys.lookup(bytes, starts, ends, keys.rows, ids);
    const asked = new Set<number>();
    for (let i = 0; i < keys.rows; i++) if (ids[i] !== NO_ID && isWhole(keys, i)) asked.add(ids[i]!);
    const found: number[] = [];
    for (const key of asked) {
      for (let row = this.#heads[key]!; row !== 0; row = this.#nexts[row - 1]!) {
        if (found.length === rowsMax) return null;
        found.push(row - 1);
      }
    }
    return Uint32Array.from(found).sort();
  }

  /** Rows get other numbers: `placeOf` tells the new one of each row that is there, below `limit`. */
  renumber(limit: number, placeOf: (row: number) => number): void {
    const [nexts, previous, keyOf] = [this.#nexts, this.#previous, this.#keyOf];
    this.#nexts = new Uint32Array(limit);
    this.#previous = new Uint32Array(limit);
    this.#keyOf = new Uint32Array(limit);
    for (let row = 0; row < keyOf.length; row++) {
      if (keyOf[row] === 0) continue;
      const place = placeOf(row);
      this.#keyOf[place] = keyOf[row]!;
      if (nexts[row] !== 0) this.#nexts[place] = placeOf(nexts[row]! - 1) + 1;
      if (previous[row] !== 0) this.#previous[place] = placeOf(previous[row]! - 1) + 1;
      else this.#heads[keyOf[row]! - 1] = place + 1;
    }
  }

  memoryBytes(): number {
    return this.#keys.memoryBytes() + this.#heads.byteLength + 3 * this.#nexts.byteLength;
  }

  #link(row: number, key: number): void {
    // the same row may come twice in a batch
    if (this.#keyOf[row] !== 0) return;
    const head = this.#heads[key]!;
    this.#keyOf[row] = key + 1;
    this.#nexts[row] = head;
    this.#previous[row] = 0;
    if (head !== 0) this.#previous[head - 1] = row + 1;
    this.#heads[key] = row + 1;
  }

  #reach(row: number): void {
    if (row < this.#keyOf.length) return;
    const length = Math.max(2 * this.#keyOf.length, row + 1);
    this.#nexts = grown(this.#nexts, length);
    this.#previous = grown(this.#previous, length);
    this.#keyOf = grown(this.#keyOf, length);
  }

  #encode(keys: Batch): EncodedRows {
    if (this.#numbers === null) return this.#codec.encode(keys, this.#ordinals);
    return this.#numbers.encode(keys.columns[0]!, keys.rows);
  }
}

const isWhole = (keys: Batch, row: number): boolean =>
  keys.columns.every(({ valid }) => valid === null || isValid(valid, row));
