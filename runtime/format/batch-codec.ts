/**
 * A batch as bytes: for the log, checkpoints and whatever else keeps rows on disk. Little-endian.
 *
 *   u32 rows · u8 weights? [i32 × rows] · per column:
 *     u8 kind   0 bool  1 int32  2 int64 as float64  3 int64 wide  4 float64  5 bytes  6 boxed
 *     u8 nulls? [bitmap of ⌈rows/8⌉ bytes]
 *     values    bool u8 · int32 i32 · float64 f64 · wide i64
 *               bytes and boxed (as text of the type): u32 offset × (rows + 1), then the bytes
 */
import { assert } from '../../common/assert.ts';
import type { Schema, SqlType } from '../../common/types.ts';
import { formatDatum, parseDatum } from '../../common/value-text.ts';
import type { Batch, BytesColumn, Column, Validity } from '../batch/column.ts';
import { isValid } from '../batch/column.ts';
import { concatBatches } from '../batch/concat.ts';

export function encodeBatch(schema: Schema, batch: Batch): Uint8Array {
  const compact = concatBatches(schema, [batch]);
  const parts: Uint8Array[] = [head(compact)];
  if (compact.weights !== null) parts.push(bytesOf(compact.weights));
  compact.columns.forEach((column, c) => {
    parts.push(Uint8Array.of(kindOf(column), column.valid === null ? 0 : 1));
    if (column.valid !== null) parts.push(column.valid.subarray(0, (compact.rows + 7) >> 3));
    parts.push(...valueParts(column, schema[c]!.type, compact.rows));
  });
  return Buffer.concat(parts);
}

export function decodeBatch(schema: Schema, bytes: Uint8Array): Batch {
  const reader = new Cursor(bytes);
  const rows = reader.uint32();
  const weights = reader.byte() === 1 ? new Int32Array(reader.copy(4 * rows)) : null;
  const columns = schema.map((field): Column => {
    const kind = reader.byte();
    const valid: Validity = reader.byte() === 1 ? new Uint8Array(reader.copy((rows + 7) >> 3)) : null;
    switch (kind) {
      case 0:
        return { kind: 'bool', values: new Uint8Array(reader.copy(rows)), valid };
      case 1:
        return { kind: 'int32', values: new Int32Array(reader.copy(4 * rows)), valid };
      case 2:
        return { kind: 'int64', values: new Float64Array(reader.copy(8 * rows)), wide: null, valid };
      case 3:
        return {
          kind: 'int64',
          values: new Float64Array(0),
          wide: new BigInt64Array(reader.copy(8 * rows)),
          valid,
        };
      case 4:
        return { kind: 'float64', values: new Float64Array(reader.copy(8 * rows)), valid };
      case 5:
        return textColumn(reader, rows, valid);
      default:
        assert(kind === 6, 'batch in another format');
        return boxedColumn(textColumn(reader, rows, valid), rows, field.type);
    }
  });
  return { rows, columns, weights };
}

function head(batch: Batch): Uint8Array {
  const out = new DataView(new ArrayBuffer(5));
  out.setUint32(0, batch.rows, true);
  out.setUint8(4, batch.weights === null ? 0 : 1);
  return new Uint8Array(out.buffer);
}

function kindOf(column: Column): number {
  switch (column.kind) {
    case 'bool':
      return 0;
    case 'int32':
      return 1;
    case 'int64':
      return column.wide === null ? 2 : 3;
    case 'float64':
      return 4;
    case 'bytes':
      return 5;
    case 'boxed':
      return 6;
  }
}

const bytesOf = (array: { buffer: ArrayBufferLike; byteOffset: number; byteLength: number }): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

function valueParts(column: Column, type: SqlType, rows: number): Uint8Array[] {
  switch (column.kind) {
    case 'int64':
      return [bytesOf(column.wide ?? column.values)];
    case 'bytes': {
      const offsets = new Uint32Array(rows + 1);
      for (let i = 0; i < rows; i++) offsets[i + 1] = column.ends[i]!;
      return [bytesOf(offsets), column.bytes];
    }
    case 'boxed': {
      const offsets = new Uint32Array(rows + 1);
      const texts: Uint8Array[] = [];
      for (let i = 0; i < rows; i++) {
        const text = isValid(column.valid, i)
          ? Buffer.from(formatDatum(column.values[i], type))
          : Buffer.alloc(0);
        texts.push(text);
        offsets[i + 1] = offsets[i]! + text.length;
      }
      return [bytesOf(offsets), ...texts];
    }
    default:
      return [bytesOf(column.values)];
  }
}

function textColumn(reader: Cursor, rows: number, valid: Validity): BytesColumn {
  const offsets = new Uint32Array(reader.copy(4 * (rows + 1)));
  const bytes = new Uint8Array(reader.copy(offsets[rows]!));
  return { kind: 'bytes', bytes, starts: offsets.subarray(0, rows), ends: offsets.subarray(1), valid };
}

function boxedColumn(text: BytesColumn, rows: number, type: SqlType): Column {
  const all = Buffer.from(text.bytes.buffer, text.bytes.byteOffset, text.bytes.byteLength);
  const values: unknown[] = [];
  for (let i = 0; i < rows; i++) {
    values.push(
      isValid(text.valid, i) ? parseDatum(all.toString('utf8', text.starts[i]!, text.ends[i]!), type) : null,
    );
  }
  return { kind: 'boxed', values, valid: text.valid };
}

class Cursor {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  byte(): number {
    assert(this.#at < this.#bytes.length, 'batch ends early');
    return this.#bytes[this.#at++]!;
  }

  uint32(): number {
    return new DataView(this.copy(4)).getUint32(0, true);
  }

  /** An own copy, aligned for typed arrays. */
  copy(length: number): ArrayBuffer {
    assert(this.#at + length <= this.#bytes.length, 'batch ends early');
    const out = new Uint8Array(length);
    out.set(this.#bytes.subarray(this.#at, this.#at + length));
    this.#at += length;
    return out.buffer;
  }
}
