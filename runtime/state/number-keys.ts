/**
 * A key of one number: its bytes as they stand in memory, little-endian, no mark for NULL (which has a group of its
 * own). bool 1 byte · int32 4 · int64 8 · float64 8, −0 as 0 and every NaN as one.
 */
import { physicalKind, type SqlType } from '../../common/types.ts';
import { type BytesColumn, type Column, isValid, type Validity } from '../batch/column.ts';
import { safeOrWide } from './int64-words.ts';

const WIDTHS: Readonly<Record<string, number>> = { bool: 1, int32: 4, int64: 8, float64: 8 };

export const isNumberKey = (type: SqlType): boolean => physicalKind(type) in WIDTHS;

export class NumberKeys {
  readonly #type: SqlType;
  readonly #width: number;
  #floats = new Float64Array(0);
  #ints = new Int32Array(0);
  #bytes = new Uint8Array(0);
  #starts = new Uint32Array(0);
  #ends = new Uint32Array(0);

  constructor(type: SqlType) {
    this.#type = type;
    this.#width = WIDTHS[physicalKind(type)]!;
  }

  /** The column's values as keys; valid until the next call. */
  encode(column: Column, rows: number): BytesColumn {
    if (this.#starts.length < rows) this.#grow(rows);
    switch (column.kind) {
      case 'bool':
        this.#bytes.set(column.values.subarray(0, rows));
        break;
      case 'int32':
        this.#ints.set(column.values.subarray(0, rows));
        break;
      case 'int64':
        if (column.wide === null) splitInts(column.values, Math.min(rows, column.values.length), this.#ints);
        else new BigInt64Array(this.#floats.buffer).set(column.wide.subarray(0, rows));
        break;
      case 'float64':
        normaliseFloats(column.values, Math.min(rows, column.values.length), this.#floats);
        break;
      default:
        throw new TypeError('number key in another layout');
    }
    return { kind: 'bytes', bytes: this.#bytes, starts: this.#starts, ends: this.#ends, valid: column.valid };
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

  #grow(rows: number): void {
    this.#floats = new Float64Array(rows);
    this.#ints = new Int32Array(this.#floats.buffer);
    this.#bytes = new Uint8Array(this.#floats.buffer);
    this.#starts = new Uint32Array(rows).map((_, i) => i * this.#width);
    this.#ends = this.#starts.map((start) => start + this.#width);
  }
}

function splitInts(values: Float64Array, rows: number, halves: Int32Array): void {
  for (let i = 0; i < rows; i++) {
    const value = values[i]!;
    const high = Math.floor(value / 4294967296);
    halves[2 * i] = value - high * 4294967296;
    halves[2 * i + 1] = high;
  }
}

function normaliseFloats(values: Float64Array, rows: number, out: Float64Array): void {
  for (let i = 0; i < rows; i++) {
    const value = values[i]!;
    out[i] = value === value ? value + 0 : Number.NaN;
  }
}
