/**
 * A column of numbers as the words they take in memory, little-endian: int32 one word a row, int64 and float64 two. Where
 * the column's array is that already, it is a view of it.
 */
import {
  type Float64Column,
  type Int32Column,
  type Int64Column,
  isValid,
  type Validity,
} from '../batch/column.ts';

export type NumberColumn = Int32Column | Int64Column | Float64Column;

export const wordsOf = (column: NumberColumn): 1 | 2 => (column.kind === 'int32' ? 1 : 2);

/** `asKey`: equal values have equal words, −0 is 0 and every NaN is one. `room`: for words that are made. */
export function numberWords(column: NumberColumn, rows: number, asKey: boolean, room: WordRoom): Int32Array {
  switch (column.kind) {
    case 'int32':
      return column.values;
    case 'int64':
      if (column.wide !== null) return viewOf(column.wide);
      return splitInts(column.values, rows, room.words(rows));
    case 'float64':
      return asKey ? normaliseFloats(column.values, rows, room) : viewOf(column.values);
  }
}

/** Memory that is used again. */
export class WordRoom {
  #floats = new Float64Array(0);
  #words: Int32Array = new Int32Array(0);

  words(rows: number): Int32Array {
    this.floats(rows);
    return this.#words;
  }

  floats(rows: number): Float64Array {
    if (this.#floats.length < rows) {
      this.#floats = new Float64Array(rows);
      this.#words = viewOf(this.#floats);
    }
    return this.#floats;
  }
}

const viewOf = (values: Float64Array | BigInt64Array): Int32Array =>
  new Int32Array(values.buffer, values.byteOffset, 2 * values.length);

/** Rows that nobody reads have no values. */
function splitInts(values: Float64Array, rows: number, words: Int32Array): Int32Array {
  const count = Math.min(rows, values.length);
  for (let i = 0; i < count; i++) {
    const value = values[i]!;
    const high = Math.floor(value / 4294967296);
    words[2 * i] = value - high * 4294967296;
    words[2 * i + 1] = high;
  }
  return words;
}

function normaliseFloats(values: Float64Array, rows: number, room: WordRoom): Int32Array {
  const count = Math.min(rows, values.length);
  const out = room.floats(rows);
  for (let i = 0; i < count; i++) {
    const value = values[i]!;
    out[i] = value === value ? value + 0 : Number.NaN;
  }
  return room.words(rows);
}

/** The int8 values at these places: numbers while all are safe integers, else 64 bits each. */
export function safeOrWide(view: DataView, places: Uint32Array, count: number, valid: Validity): Int64Column {
  const values = new Float64Array(count);
  let safe = true;
  for (let i = 0; i < count; i++) {
    if (valid !== null && !isValid(valid, i)) continue;
    const at = places[i]!;
    const value = view.getInt32(at + 4, true) * 4294967296 + view.getUint32(at, true);
    values[i] = value;
    safe &&= value <= Number.MAX_SAFE_INTEGER && value >= Number.MIN_SAFE_INTEGER;
  }
  if (safe) return { kind: 'int64', values, wide: null, valid };
  const wide = new BigInt64Array(count);
  for (let i = 0; i < count; i++) {
    if (valid === null || isValid(valid, i)) wide[i] = view.getBigInt64(places[i]!, true);
  }
  return { kind: 'int64', values: new Float64Array(0), wide, valid };
}
