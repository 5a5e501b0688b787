/** Rows as an Arrow IPC stream: the schema, a record batch for each of ours, the end mark. */
import type { Data, Schema as ArrowSchema } from 'apache-arrow';
import { type Decimal, formatDecimal } from '../../../common/decimal.ts';
import type { Interval } from '../../../common/interval.ts';
import { isArrayType, type Schema, type SqlType } from '../../../common/types.ts';
import { type ArrowLibrary, arrowLibrary } from '../arrow/arrow-library.ts';
import { arrowField, arrowType, elementType } from '../arrow/arrow-type.ts';
import type { Batch, BytesColumn, Column, Validity } from '../../batch/column.ts';
import { isValid } from '../../batch/column.ts';
import { buildColumn } from '../../batch/datum.ts';

const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);

/** `bytes` is what was written so far, about. */
export class ArrowStream {
  readonly #library: ArrowLibrary = arrowLibrary();
  readonly #columns: Schema;
  readonly #schema: ArrowSchema;
  readonly #writer: InstanceType<ArrowLibrary['RecordBatchStreamWriter']>;
  bytes = 0;

  constructor(columns: Schema) {
    this.#columns = columns;
    this.#schema = new this.#library.Schema(columns.map((column) => arrowField(this.#library, column)));
    this.#writer = new this.#library.RecordBatchStreamWriter();
    this.#writer.reset(undefined, this.#schema);
  }

  write({ rows, columns }: Batch): void {
    const library = this.#library;
    const children = columns.map((column, i) => arrowData(library, column, this.#columns[i]!.type, rows));
    const type = new library.Struct(this.#schema.fields);
    const data = library.makeData({ type, length: rows, nullCount: 0, children });
    this.bytes += children.reduce((sum, child) => sum + child.byteLength, 0);
    this.#writer.write(new library.RecordBatch(this.#schema, data));
  }

  finish(): Buffer {
    this.#writer.finish();
    const bytes = this.#writer.toUint8Array(true);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
}

function arrowData(library: ArrowLibrary, column: Column, type: SqlType, rows: number): Data {
  const nullBitmap = column.valid === null ? null : column.valid.slice(0, (rows + 7) >> 3);
  const common = { length: rows, nullBitmap, nullCount: countNulls(column.valid, rows) };
  const of = (members: object): Data =>
    library.makeData({ ...common, type: arrowType(library, type), ...members } as never);
  switch (column.kind) {
    case 'bool':
      return of({ data: packBits(column.values, rows) });
    case 'int32':
      return of({
        data:
          type.name === 'int2'
            ? Int16Array.from(column.values.subarray(0, rows))
            : column.values.slice(0, rows),
      });
    case 'int64':
      return of({ data: column.wide === null ? integers(column.values, rows) : column.wide.slice(0, rows) });
    case 'float64':
      if (type.name === 'float8') return of({ data: column.values.slice(0, rows) });
      if (type.name === 'float4') return of({ data: Float32Array.from(column.values.subarray(0, rows)) });
      return of({ data: instants(column.values, rows) });
    case 'bytes':
      if (type.name === 'uuid') return of({ data: packUuids(column, rows) });
      return of(packBytes(column, rows));
    case 'boxed':
      if (isArrayType(type.name)) return of(listMembers(library, column.values, column.valid, type, rows));
      if (type.name === 'interval') return of({ data: packIntervals(column.values, column.valid, rows) });
      return of(packTexts(column.values as readonly Decimal[], column.valid, rows));
  }
}

function countNulls(valid: Validity, rows: number): number {
  let nulls = 0;
  if (valid !== null) for (let row = 0; row < rows; row++) if (!isValid(valid, row)) nulls++;
  return nulls;
}

function packBits(values: Uint8Array, rows: number): Uint8Array {
  const bits = new Uint8Array((rows + 7) >> 3);
  for (let row = 0; row < rows; row++) bits[row >> 3]! |= values[row]! << (row & 7);
  return bits;
}

function integers(values: Float64Array, rows: number): BigInt64Array {
  const wide = new BigInt64Array(rows);
  for (let row = 0; row < rows; row++) wide[row] = BigInt(values[row]!);
  return wide;
}

/** µs; slots of NULLs may hold anything, but a NaN is no integer. */
function instants(values: Float64Array, rows: number): BigInt64Array {
  const wide = new BigInt64Array(rows);
  for (let row = 0; row < rows; row++) {
    const micros = values[row]!;
    if (Number.isFinite(micros)) wide[row] = BigInt(Math.trunc(micros));
    else wide[row] = micros > 0 ? INT64_MAX : INT64_MIN;
  }
  return wide;
}

function packBytes({ bytes, starts, ends }: BytesColumn, rows: number): object {
  const valueOffsets = new Int32Array(rows + 1);
  for (let row = 0; row < rows; row++) valueOffsets[row + 1] = valueOffsets[row]! + ends[row]! - starts[row]!;
  const data = new Uint8Array(valueOffsets[rows]!);
  for (let row = 0; row < rows; row++) data.set(bytes.subarray(starts[row], ends[row]), valueOffsets[row]);
  return { valueOffsets, data };
}

function packUuids({ bytes, starts, ends }: BytesColumn, rows: number): Uint8Array {
  const data = new Uint8Array(rows * 16);
  for (let row = 0; row < rows; row++) data.set(bytes.subarray(starts[row], ends[row]), row * 16);
  return data;
}

function packTexts(values: readonly Decimal[], valid: Validity, rows: number): object {
  const texts: string[] = [];
  const valueOffsets = new Int32Array(rows + 1);
  for (let row = 0; row < rows; row++) {
    const text = isValid(valid, row) ? formatDecimal(values[row]!) : '';
    texts.push(text);
    valueOffsets[row + 1] = valueOffsets[row]! + text.length;
  }
  return { valueOffsets, data: new Uint8Array(Buffer.from(texts.join(''), 'latin1')) };
}

function packIntervals(values: readonly unknown[], valid: Validity, rows: number): Int32Array {
  const words = new Int32Array(rows * 4);
  const nanos = new BigInt64Array(words.buffer);
  for (let row = 0; row < rows; row++) {
    if (!isValid(valid, row)) continue;
    const { months, days, micros } = values[row] as Interval;
    words[row * 4] = months;
    words[row * 4 + 1] = days;
    // microseconds are safe integers (common/interval.ts): a thousand times that fits
    nanos[row * 2 + 1] = Number.isFinite(micros)
      ? BigInt(micros) * 1_000n
      : micros > 0
        ? INT64_MAX
        : INT64_MIN;
  }
  return words;
}

function listMembers(
  library: ArrowLibrary,
  values: readonly unknown[],
  valid: Validity,
  type: SqlType,
  rows: number,
): object {
  const valueOffsets = new Int32Array(rows + 1);
  const items: unknown[] = [];
  for (let row = 0; row < rows; row++) {
    if (isValid(valid, row)) for (const item of values[row] as readonly unknown[]) items.push(item);
    valueOffsets[row + 1] = items.length;
  }
  const element = elementType(type);
  return { valueOffsets, child: arrowData(library, buildColumn(element, items), element, items.length) };
}
