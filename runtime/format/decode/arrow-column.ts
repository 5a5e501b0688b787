/** Columns of Arrow that have our layout already, or nearly: copied without a datum a row. null: not one of those. */
import { isUtf8 } from 'node:buffer';
import type { Data } from 'apache-arrow';
import type { SqlType } from '../../../common/types.ts';
import { DATE_MIN, TIMESTAMP_END_DAY } from '../../../common/timestamp.ts';
import type { Column, Validity } from '../../batch/column.ts';
import { allNull, copyValidity } from '../../batch/validity.ts';
import { arrowLibrary } from '../arrow/arrow-library.ts';
import { hasValidity } from './arrow-value.ts';

const MICROS_PER_DAY = 86_400_000_000;
const MICROSECOND = 2;
const UNSIGNED_32 = 2;

/** The rows from ≤ row < to. A value that needs a second look (out of range, not UTF-8) leaves all to the casts. */
export function arrowColumn(data: Data, type: SqlType, from: number, to: number): Column | null {
  const { Type } = arrowLibrary();
  if (!hasValidity(data)) return null;
  const { values } = data;
  switch (data.typeId) {
    case Type.Int:
      if (values instanceof BigInt64Array) {
        return type.name === 'int8' && values.length >= data.length ? wide(values, data, from, to) : null;
      }
      return narrow(values as Int32Array, data, type, from, to);
    case Type.Float:
      if (type.name !== 'float8' || values instanceof Uint16Array || values.length < data.length) return null;
      return {
        kind: 'float64',
        values: Float64Array.from(values.subarray(from, to) as Float64Array),
        valid: validity(data, from, to),
      };
    case Type.Timestamp:
      if (type.name !== 'timestamp' && type.name !== 'timestamptz') return null;
      if ((data.type as { unit?: number }).unit !== MICROSECOND || values.length < data.length) return null;
      return instants(values as BigInt64Array, data, from, to);
    case Type.Utf8:
      if ((type.name !== 'text' && type.name !== 'varchar') || type.length !== undefined) return null;
      return texts(data, from, to);
    default:
      return null;
  }
}

function validity(data: Data, from: number, to: number): Validity {
  if (data.nullCount === 0) return null;
  const bits = allNull(to - from);
  copyValidity(data.nullBitmap, from, to - from, bits, 0);
  return bits;
}

/** Integers of up to 32 bits. */
function narrow(values: Int32Array, data: Data, type: SqlType, from: number, to: number): Column | null {
  if (values.length < data.length || values.BYTES_PER_ELEMENT === 8) return null;
  const part = values.subarray(from, to);
  const valid = validity(data, from, to);
  if (type.name === 'int8') return { kind: 'int64', values: Float64Array.from(part), wide: null, valid };
  if (type.name === 'float8') return { kind: 'float64', values: Float64Array.from(part), valid };
  // int2 looks at every value
  if (type.name !== 'int4' || (values.BYTES_PER_ELEMENT === 4 && !(values instanceof Int32Array)))
    return null;
  return { kind: 'int32', values: Int32Array.from(part), valid };
}

function wide(values: BigInt64Array, data: Data, from: number, to: number): Column {
  const rows = to - from;
  const valid = validity(data, from, to);
  const halves = new Int32Array(values.buffer, values.byteOffset + from * 8, rows * UNSIGNED_32);
  const doubles = new Float64Array(rows);
  return safeIntegers(halves, doubles)
    ? { kind: 'int64', values: doubles, wide: null, valid }
    : { kind: 'int64', values: new Float64Array(0), wide: values.slice(from, to), valid };
}

/** False where one of them is beyond 2^53. */
function safeIntegers(halves: Int32Array, out: Float64Array): boolean {
  for (let row = 0; row < out.length; row++) {
    const value = halves[row * 2 + 1]! * 4_294_967_296 + (halves[row * 2]! >>> 0);
    if (!Number.isSafeInteger(value)) return false;
    out[row] = value;
  }
  return true;
}

const LEAST = DATE_MIN * MICROS_PER_DAY;
const END = TIMESTAMP_END_DAY * MICROS_PER_DAY;

function instants(values: BigInt64Array, data: Data, from: number, to: number): Column | null {
  const halves = new Int32Array(values.buffer, values.byteOffset + from * 8, (to - from) * 2);
  const micros = new Float64Array(to - from);
  // beyond 2^53 an instant is ±infinity or out of range: rare either way
  if (!safeIntegers(halves, micros)) return null;
  for (let row = 0; row < micros.length; row++) {
    if (!(micros[row]! >= LEAST && micros[row]! < END)) return null;
  }
  return { kind: 'float64', values: micros, valid: validity(data, from, to) };
}

/** Text stays where it lies in the stream. */
function texts(data: Data, from: number, to: number): Column | null {
  const offsets = data.valueOffsets as Int32Array;
  const bytes = data.values as Uint8Array;
  if (offsets.length <= data.length) return null;
  const starts = new Uint32Array(to - from);
  const ends = new Uint32Array(to - from);
  const valid = validity(data, from, to);
  let last = offsets[from]!;
  if (last < 0) return null;
  for (let row = 0; row < starts.length; row++) {
    const end = offsets[from + row + 1]!;
    if (end < last || end > bytes.length) return null;
    // a value begins with a whole character
    if (last < bytes.length && (bytes[last]! & 0xc0) === 0x80) return null;
    starts[row] = last;
    ends[row] = end;
    last = end;
  }
  const all = bytes.subarray(offsets[from], last);
  if (!isUtf8(all) || all.includes(0)) return null;
  if (valid !== null) blank(starts, ends, valid);
  return { kind: 'bytes', bytes, starts, ends, valid };
}

/** The slot of a NULL is an empty range. */
function blank(starts: Uint32Array, ends: Uint32Array, valid: Uint8Array): void {
  for (let row = 0; row < starts.length; row++) {
    if (((valid[row >> 3]! >> (row & 7)) & 1) === 0) {
      starts[row] = 0;
      ends[row] = 0;
    }
  }
}
