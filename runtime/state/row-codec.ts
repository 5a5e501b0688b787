/**
 * Rows as byte strings, for hash tables and stores.
 *
 *   column:  0 (NULL)  |  1 payload
 *   payload: bool 1 byte · int32 4 · int64 8 · float64 8 · text u32 length, bytes · boxed as text of its type
 *
 * Little-endian. A *row* is exact (−0, numeric scale and all); a *key* is the same for values that SQL calls equal:
 * −0 becomes 0, every NaN one NaN, character(n) loses trailing spaces, the rest as key-datum.ts says.
 */
import { physicalKind, type SqlType } from '../../common/types.ts';
import { formatDatum, parseDatum } from '../../common/value-text.ts';
import type { Batch, Column } from '../batch/column.ts';
import { isValid } from '../batch/column.ts';
import { allNull, setValid } from '../batch/validity.ts';
import { grown } from './grow.ts';
import { keyDatum, keyJsonb } from './key-datum.ts';

export type EncodedRows = { bytes: Uint8Array; starts: Uint32Array; ends: Uint32Array };

export class RowCodec {
  readonly types: readonly SqlType[];
  readonly #normalise: boolean;
  readonly #out: EncodedRows = {
    bytes: new Uint8Array(4096),
    starts: new Uint32Array(256),
    ends: new Uint32Array(256),
  };

  constructor(types: readonly SqlType[], mode: 'key' | 'row') {
    this.types = types;
    this.#normalise = mode === 'key';
  }

  /** Valid until the next call. `ordinals`: which columns of the batch, in the codec's order. */
  encode(batch: Batch, ordinals: readonly number[]): EncodedRows {
    const out = this.#out;
    const rows = batch.rows;
    if (out.starts.length < rows) {
      out.starts = new Uint32Array(rows);
      out.ends = new Uint32Array(rows);
    }
    const writers = ordinals.map((ordinal, i) => this.#writer(batch.columns[ordinal]!, this.types[i]!));
    let at = 0;
    for (let row = 0; row < rows; row++) {
      out.starts[row] = at;
      for (let c = 0; c < writers.length; c++) at = writers[c]!(row, at);
      out.ends[row] = at;
    }
    return out;
  }

  /** Columns of the rows bytes[starts[ids[i]], ends[ids[i]]). Text is a view into `bytes`. */
  decode(
    bytes: Uint8Array,
    starts: Uint32Array,
    ends: Uint32Array,
    ids: Uint32Array,
    count: number,
  ): Column[] {
    const at = new Uint32Array(count);
    for (let i = 0; i < count; i++) at[i] = starts[ids[i]!]!;
    void ends;
    return this.types.map((type) => decodeColumn(bytes, at, count, type, this.#normalise));
  }

  #room(at: number, bytes: number): void {
    if (at + bytes > this.#out.bytes.length) {
      this.#out.bytes = grown(this.#out.bytes, Math.max(2 * this.#out.bytes.length, at + bytes));
    }
  }

  #writer(column: Column, type: SqlType): (row: number, at: number) => number {
    const write = this.#payloadWriter(column, type);
    const valid = column.valid;
    return (row, at) => {
      this.#room(at, 9);
      if (valid !== null && !isValid(valid, row)) {
        this.#out.bytes[at] = 0;
        return at + 1;
      }
      this.#out.bytes[at] = 1;
      return write(row, at + 1);
    };
  }

  #payloadWriter(column: Column, type: SqlType): (row: number, at: number) => number {
    const out = this.#out;
    switch (column.kind) {
      case 'bool':
        return (row, at) => {
          out.bytes[at] = column.values[row]!;
          return at + 1;
        };
      case 'int32':
        return (row, at) => writeInt32(out.bytes, at, column.values[row]!);
      case 'int64':
        return column.wide === null
          ? (row, at) => writeInteger(out.bytes, at, column.values[row]!)
          : (row, at) => {
              const value = column.wide![row]!;
              writeInt32(out.bytes, at, Number(BigInt.asIntN(32, value)));
              return writeInt32(out.bytes, at + 4, Number(value >> 32n));
            };
      case 'float64': {
        const normalise = this.#normalise;
        return (row, at) => {
          const value = column.values[row]!;
          return writeFloat64(out.bytes, at, normalise ? (value === value ? value + 0 : Number.NaN) : value);
        };
      }
      case 'bytes': {
        const trim = this.#normalise && type.name === 'bpchar';
        if (this.#normalise && type.name === 'jsonb') return this.#jsonbWriter(column);
        return (row, at) => {
          const start = column.starts[row]!;
          let end = column.ends[row]!;
          if (trim) while (end > start && column.bytes[end - 1] === 32) end--;
          this.#room(at, end - start + 4);
          return writeBlock(out.bytes, at, column.bytes, start, end);
        };
      }
      case 'boxed':
        return (row, at) => {
          const value = column.values[row];
          const block = Buffer.from(formatDatum(this.#normalise ? keyDatum(value, type) : value, type));
          this.#room(at, block.length + 4);
          return writeBlock(out.bytes, at, block, 0, block.length);
        };
    }
  }

  #jsonbWriter(column: Column & { kind: 'bytes' }): (row: number, at: number) => number {
    const out = this.#out;
    const text = Buffer.from(column.bytes.buffer, column.bytes.byteOffset, column.bytes.byteLength);
    return (row, at) => {
      const block = Buffer.from(keyJsonb(text.toString('utf8', column.starts[row]!, column.ends[row]!)));
      this.#room(at, block.length + 4);
      return writeBlock(out.bytes, at, block, 0, block.length);
    };
  }
}

const scratch = new DataView(new ArrayBuffer(8));
const scratchBytes = new Uint8Array(scratch.buffer);

function writeInt32(bytes: Uint8Array, at: number, value: number): number {
  bytes[at] = value;
  bytes[at + 1] = value >> 8;
  bytes[at + 2] = value >> 16;
  bytes[at + 3] = value >> 24;
  return at + 4;
}

function writeInteger(bytes: Uint8Array, at: number, value: number): number {
  const high = Math.floor(value / 4294967296);
  writeInt32(bytes, at, (value - high * 4294967296) | 0);
  return writeInt32(bytes, at + 4, high);
}

function writeFloat64(bytes: Uint8Array, at: number, value: number): number {
  scratch.setFloat64(0, value, true);
  for (let i = 0; i < 8; i++) bytes[at + i] = scratchBytes[i]!;
  return at + 8;
}

function writeBlock(bytes: Uint8Array, at: number, block: Uint8Array, start: number, end: number): number {
  at = writeInt32(bytes, at, end - start);
  for (let p = start; p < end; p++) bytes[at++] = block[p]!;
  return at;
}

const readInt32 = (bytes: Uint8Array, at: number): number =>
  bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);

function readFloat64(bytes: Uint8Array, at: number): number {
  for (let i = 0; i < 8; i++) scratchBytes[i] = bytes[at + i]!;
  return scratch.getFloat64(0, true);
}

/** Reads one column of every row and moves each row's offset past it. */
function decodeColumn(
  bytes: Uint8Array,
  at: Uint32Array,
  count: number,
  type: SqlType,
  normalised: boolean,
): Column {
  const valid = allNull(count);
  let nulls = 0;
  const present = (row: number): boolean => {
    const set = bytes[at[row]!] === 1;
    at[row] = at[row]! + 1;
    if (set) setValid(valid, row);
    else nulls++;
    return set;
  };
  const kind = physicalKind(type);
  switch (kind) {
    case 'bool': {
      const values = new Uint8Array(count);
      for (let i = 0; i < count; i++) {
        if (!present(i)) continue;
        values[i] = bytes[at[i]!]!;
        at[i] = at[i]! + 1;
      }
      return { kind, values, valid: nulls === 0 ? null : valid };
    }
    case 'int32': {
      const values = new Int32Array(count);
      for (let i = 0; i < count; i++) {
        if (!present(i)) continue;
        values[i] = readInt32(bytes, at[i]!);
        at[i] = at[i]! + 4;
      }
      return { kind, values, valid: nulls === 0 ? null : valid };
    }
    case 'float64': {
      const values = new Float64Array(count);
      for (let i = 0; i < count; i++) {
        if (!present(i)) continue;
        values[i] = readFloat64(bytes, at[i]!);
        at[i] = at[i]! + 8;
      }
      return { kind, values, valid: nulls === 0 ? null : valid };
    }
    case 'int64': {
      const values = new Float64Array(count);
      let wide: BigInt64Array | null = null;
      for (let i = 0; i < count; i++) {
        if (!present(i)) continue;
        const low = readInt32(bytes, at[i]!) >>> 0;
        const high = readInt32(bytes, at[i]! + 4);
        at[i] = at[i]! + 8;
        const value = high * 4294967296 + low;
        if (wide === null && !Number.isSafeInteger(value)) {
          wide = new BigInt64Array(count);
          for (let j = 0; j < i; j++) wide[j] = BigInt(values[j]!);
        }
        if (wide === null) values[i] = value;
        else wide[i] = (BigInt(high) << 32n) | BigInt(low);
      }
      return {
        kind,
        values: wide === null ? values : new Float64Array(0),
        wide,
        valid: nulls === 0 ? null : valid,
      };
    }
    case 'bytes': {
      const starts = new Uint32Array(count);
      const ends = new Uint32Array(count);
      for (let i = 0; i < count; i++) {
        if (!present(i)) continue;
        const start = at[i]! + 4;
        const end = start + (readInt32(bytes, at[i]!) >>> 0);
        starts[i] = start;
        ends[i] = end;
        at[i] = end;
      }
      const column = { kind, bytes, starts, ends, valid: nulls === 0 ? null : valid } as const;
      return normalised && type.name === 'bpchar' ? padded(column, count, type.length ?? 0) : column;
    }
    case 'boxed': {
      const values = new Array<unknown>(count).fill(null);
      for (let i = 0; i < count; i++) {
        if (!present(i)) continue;
        const start = at[i]! + 4;
        const end = start + (readInt32(bytes, at[i]!) >>> 0);
        at[i] = end;
        const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString();
        values[i] = parseDatum(normalised ? withScale(text, type) : text, type);
      }
      return { kind, values, valid: nulls === 0 ? null : valid };
    }
  }
}

/** Gives character(n) keys their blanks back: each value has `length` characters. */
function padded(column: Column & { kind: 'bytes' }, count: number, length: number): Column {
  const starts = new Uint32Array(count);
  const ends = new Uint32Array(count);
  let most = 0;
  for (let i = 0; i < count; i++) most += column.ends[i]! - column.starts[i]! + length;
  const bytes = new Uint8Array(most);
  let at = 0;
  for (let i = 0; i < count; i++) {
    starts[i] = at;
    let characters = 0;
    for (let p = column.starts[i]!; p < column.ends[i]!; p++) {
      const byte = column.bytes[p]!;
      bytes[at++] = byte;
      // a UTF-8 continuation byte starts no character
      if ((byte & 0xc0) !== 0x80) characters++;
    }
    if (isPresent(column, i)) for (; characters < length; characters++) bytes[at++] = 32;
    ends[i] = at;
  }
  return { ...column, bytes, starts, ends };
}

const isPresent = (column: Column, row: number): boolean =>
  column.valid === null || isValid(column.valid, row);

/** Gives a numeric(p,s) key its scale back. */
function withScale(text: string, type: SqlType): string {
  const scale = type.name === 'numeric' ? (type.scale ?? 0) : 0;
  if (scale === 0 || !/^-?\d/.test(text)) return text;
  const point = text.indexOf('.');
  const digits = point < 0 ? 0 : text.length - point - 1;
  return (point < 0 ? `${text}.` : text) + '0'.repeat(scale - digits);
}
