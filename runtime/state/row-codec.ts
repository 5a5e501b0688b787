/**
 * Rows as byte strings, for hash tables and stores.
 *
 *   column:  0 (NULL)  |  1 payload
 *   payload: bool 1 byte · int32 4 · int64 8 · float64 8 · text u32 length, bytes · boxed as text of its type
 *
 * Little-endian. A *row* is exact (−0, numeric scale and all); a *key* is the same for values that SQL calls equal:
 * −0 becomes 0, every NaN one NaN, character(n) loses trailing spaces, the rest as key-datum.ts says.
 */
import type { SqlType } from '../../common/types.ts';
import type { Batch, Column } from '../batch/column.ts';
import { readColumn } from './row-reader.ts';
import { addSizes, writeColumn, writtenColumn } from './row-writer.ts';

export type EncodedRows = Readonly<{ bytes: Uint8Array; starts: Uint32Array; ends: Uint32Array }>;

export class RowCodec {
  readonly types: readonly SqlType[];
  readonly #asKey: boolean;
  #bytes = new Uint8Array(4096);
  #view = new DataView(this.#bytes.buffer);
  #starts = new Uint32Array(256);
  #ends = new Uint32Array(256);
  #positions = new Uint32Array(256);

  constructor(types: readonly SqlType[], mode: 'key' | 'row') {
    this.types = types;
    this.#asKey = mode === 'key';
  }

  /** Valid until the next call. `ordinals`: which columns of the batch, in the codec's order. */
  encode(batch: Batch, ordinals: readonly number[]): EncodedRows {
    const { rows } = batch;
    if (this.#starts.length < rows) {
      this.#starts = new Uint32Array(rows);
      this.#ends = new Uint32Array(rows);
      this.#positions = new Uint32Array(rows);
    }
    const starts = this.#starts;
    const ends = this.#ends;
    const columns = ordinals.map((ordinal, i) =>
      writtenColumn(batch.columns[ordinal]!, this.types[i]!, rows, this.#asKey),
    );
    ends.fill(0, 0, rows);
    for (const column of columns) addSizes(column, rows, ends);
    const size = placeRows(rows, starts, ends, this.#positions);
    if (size > this.#bytes.length) {
      this.#bytes = new Uint8Array(Math.max(2 * this.#bytes.length, size));
      this.#view = new DataView(this.#bytes.buffer);
    }
    for (const column of columns) {
      writeColumn(column, rows, this.#asKey, this.#bytes, this.#view, this.#positions);
    }
    return { bytes: this.#bytes, starts, ends };
  }

  /** Columns of the rows bytes[starts[ids[i]], …). Text is a view into `bytes`. */
  decode(bytes: Uint8Array, starts: Uint32Array, ids: Uint32Array, count: number): Column[] {
    const positions = new Uint32Array(count);
    for (let i = 0; i < count; i++) positions[i] = starts[ids[i]!]!;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return this.types.map((type) => readColumn(bytes, view, positions, count, type, this.#asKey));
  }
}

/** Sizes in `ends` become places; returns the bytes of all rows. */
function placeRows(rows: number, starts: Uint32Array, ends: Uint32Array, positions: Uint32Array): number {
  let at = 0;
  for (let i = 0; i < rows; i++) {
    starts[i] = at;
    positions[i] = at;
    at += ends[i]!;
    ends[i] = at;
  }
  return at;
}
