/** Collects the bytes of a column of text, json, uuid or bytea, row by row. */
import type { SqlType } from '../../common/types.ts';
import { datumBytes } from '../batch/datum.ts';
import type { BytesColumn, Validity } from '../batch/column.ts';
import { resultTooLarge } from './expression-error.ts';

const INITIAL_BYTES_PER_ROW = 16;
/** Of all columns of one batch: beyond it the row that does not fit fails. */
export const BATCH_TEXT_BYTES_MAX = 2 ** 29;

/** What the columns of one batch may still take. */
export type TextRoom = { left: number };
/** Shorter ASCII strings are written character by character: cheaper than a call into the encoder. */
const SHORT = 24;

export class TextWriter {
  #bytes: Buffer;
  #length = 0;
  readonly #starts: Uint32Array;
  readonly #ends: Uint32Array;
  readonly #type: SqlType;
  readonly #room: TextRoom;

  constructor(type: SqlType, rows: number, room: TextRoom) {
    this.#type = type;
    this.#room = room;
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(64, rows * INITIAL_BYTES_PER_ROW));
    this.#starts = new Uint32Array(rows);
    this.#ends = new Uint32Array(rows);
  }

  text(row: number, text: string): void {
    const { length } = text;
    // A UTF-16 unit takes at most three bytes.
    if (this.#length + length * 3 > this.#bytes.length) this.#grow(length * 3);
    const start = this.#length;
    this.#starts[row] = start;
    this.#length += length <= SHORT ? this.#writeShort(text, start) : this.#bytes.write(text, start);
    this.#ends[row] = this.#length;
  }

  #writeShort(text: string, start: number): number {
    const bytes = this.#bytes;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 127) return bytes.write(text, start);
      bytes[start + i] = unit;
    }
    return text.length;
  }

  /** bytea and uuid. */
  datum(row: number, datum: unknown): void {
    const bytes = datumBytes(this.#type, datum);
    if (this.#length + bytes.length > this.#bytes.length) this.#grow(bytes.length);
    this.#starts[row] = this.#length;
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    this.#ends[row] = this.#length;
  }

  #grow(more: number): void {
    if (this.#length + more > this.#room.left) throw resultTooLarge();
    const next = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.#length + more));
    this.#bytes.copy(next, 0, 0, this.#length);
    this.#bytes = next;
  }

  finish(valid: Validity): BytesColumn {
    this.#room.left -= this.#length;
    return {
      kind: 'bytes',
      bytes: new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset, this.#length),
      starts: this.#starts,
      ends: this.#ends,
      valid,
    };
  }
}
