/**
 * A key of one number: its bytes as they stand in memory, little-endian, no mark for NULL (which has a group of its
 * own). bool 1 byte · int32 4 · int64 8 · float64 8, −0 as 0 and every NaN as one.
 */
import { physicalKind, type SqlType } from '../../common/types.ts';
import { type BytesColumn, type Column, isValid, type Validity } from '../batch/column.ts';
import { numberWords, safeOrWide, WordRoom } from './number-words.ts';

const WIDTHS: Readonly<Record<string, number>> = { bool: 1, int32: 4, int64: 8, float64: 8 };

export const isNumberKey = (type: SqlType): boolean => physicalKind(type) in WIDTHS;

export class NumberKeys {
  readonly #type: SqlType;
  readonly #width: number;
  readonly #room = new WordRoom();
  #starts = new Uint32Array(0);
  #ends = new Uint32Array(0);

  constructor(type: SqlType) {
    this.#type = type;
    this.#width = WIDTHS[physicalKind(type)]!;
  }

  /** The column's values as keys; valid until the next call. */
  encode(column: Column, rows: number): BytesColumn {
    if (this.#starts.length < rows) this.#grow(rows);
    const starts = this.#starts;
    const ends = this.#ends;
    return { kind: 'bytes', bytes: this.#bytesOf(column, rows), starts, ends, valid: column.valid };
  }

  /** The values of these keys: starts[ids[i]] in the arena. */
  decode(
    arena: Uint8Array,
    starts: Uint32Array,
    ids: Uint32Array,
    count: number,
    valid: Validity,
    floats: (length: number) => Float64Array,
  ): Column {
    const view = new DataView(arena.buffer, arena.byteOffset, arena.byteLength);
    const kind = physicalKind(this.#type);
    switch (kind) {
      case 'bool': {
        const values = new Uint8Array(count);
        for (let i = 0; i < count; i++) values[i] = arena[starts[ids[i]!]!]!;
        return { kind, values, valid };
      }
      case 'int32': {
        const values = new Int32Array(count);
        for (let i = 0; i < count; i++)
          if (valid === null || isValid(valid, i)) values[i] = view.getInt32(starts[ids[i]!]!, true);
        return { kind, values, valid };
      }
      case 'float64': {
        const values = floats(count);
        for (let i = 0; i < count; i++)
          values[i] = valid === null || isValid(valid, i) ? view.getFloat64(starts[ids[i]!]!, true) : 0;
        return { kind, values, valid };
      }
      default: {
        const places = new Uint32Array(count);
        for (let i = 0; i < count; i++) places[i] = starts[ids[i]!]!;
        return safeOrWide(view, places, count, valid);
      }
    }
  }

  #bytesOf(column: Column, rows: number): Uint8Array {
    if (column.kind === 'bool') return column.values;
    if (column.kind === 'bytes' || column.kind === 'boxed')
      throw new TypeError('number key in another layout');
    const words = numberWords(column, rows, true, this.#room);
    return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
  }

  #grow(rows: number): void {
    this.#starts = new Uint32Array(rows).map((_, i) => i * this.#width);
    this.#ends = this.#starts.map((start) => start + this.#width);
  }
}
