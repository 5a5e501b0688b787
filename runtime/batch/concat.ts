/**
 * Joining batches into one that owns all its memory: typed arrays of exact size, text bytes packed. What is kept
 * (views, logs, buffers of windows) or sent to another thread goes through here, so that no batch pins the chunk of
 * input it was decoded from.
 */
import { physicalKind, type Schema } from '../../common/types.ts';
import type { Batch, BytesColumn, Column, Int64Column, Validity } from './column.ts';
import { allValid, copyValidity } from './validity.ts';

export function compactBatch(schema: Schema, batch: Batch): Batch {
  return concatBatches(schema, [batch]);
}

/** Rows of all, in order. The weights are all +1 (null) only if every batch's are. */
export function concatBatches(schema: Schema, batches: readonly Batch[]): Batch {
  const rows = batches.reduce((sum, batch) => sum + batch.rows, 0);
  const columns = schema.map((field, c) =>
    concatColumns(
      physicalKind(field.type),
      batches.map((b) => b.columns[c]!),
      batches.map((b) => b.rows),
      rows,
    ),
  );
  return { rows, columns, weights: concatWeights(batches, rows) };
}

function concatWeights(batches: readonly Batch[], rows: number): Int32Array | null {
  if (batches.every((b) => b.weights === null)) return null;
  const weights = new Int32Array(rows);
  let at = 0;
  for (const batch of batches) {
    if (batch.weights === null) weights.fill(1, at, at + batch.rows);
    else weights.set(batch.weights.subarray(0, batch.rows), at);
    at += batch.rows;
  }
  return weights;
}

function concatColumns(
  kind: Column['kind'],
  columns: readonly Column[],
  counts: readonly number[],
  rows: number,
): Column {
  const valid = concatValidity(columns, counts, rows);
  switch (kind) {
    case 'bool':
      return {
        kind,
        values: concatArrays(new Uint8Array(rows), columns as readonly { values: Uint8Array }[], counts),
        valid,
      };
    case 'int32':
      return {
        kind,
        values: concatArrays(new Int32Array(rows), columns as readonly { values: Int32Array }[], counts),
        valid,
      };
    case 'float64':
      return {
        kind,
        values: concatArrays(new Float64Array(rows), columns as readonly { values: Float64Array }[], counts),
        valid,
      };
    case 'int64':
      return concatInt64(columns as readonly Int64Column[], counts, rows, valid);
    case 'bytes':
      return concatBytes(columns as readonly BytesColumn[], counts, rows, valid);
    case 'boxed': {
      const values: unknown[] = [];
      columns.forEach((column, i) => {
        const source = (column as { values: readonly unknown[] }).values;
        for (let r = 0; r < counts[i]!; r++) values.push(source[r]);
      });
      return { kind, values, valid };
    }
  }
}

function concatArrays<A extends Uint8Array | Int32Array | Float64Array>(
  out: A,
  columns: readonly { values: A }[],
  counts: readonly number[],
): A {
  let at = 0;
  columns.forEach((column, i) => {
    out.set(column.values.subarray(0, counts[i]!), at);
    at += counts[i]!;
  });
  return out;
}

function concatInt64(
  columns: readonly Int64Column[],
  counts: readonly number[],
  rows: number,
  valid: Validity,
): Int64Column {
  if (columns.every((c) => c.wide === null)) {
    return {
      kind: 'int64',
      values: concatArrays(new Float64Array(rows), columns, counts),
      wide: null,
      valid,
    };
  }
  const wide = new BigInt64Array(rows);
  let at = 0;
  columns.forEach((column, i) => {
    const count = counts[i]!;
    if (column.wide !== null) wide.set(column.wide.subarray(0, count), at);
    else for (let r = 0; r < count; r++) wide[at + r] = BigInt(column.values[r]!);
    at += count;
  });
  return { kind: 'int64', values: new Float64Array(0), wide, valid };
}

function concatBytes(
  columns: readonly BytesColumn[],
  counts: readonly number[],
  rows: number,
  valid: Validity,
): BytesColumn {
  let total = 0;
  columns.forEach((column, i) => {
    total += lengthOf(column.starts, column.ends, counts[i]!);
  });
  const bytes = new Uint8Array(total);
  // one array of offsets seen twice is Arrow's layout
  const offsets = new Uint32Array(rows + 1);
  let row = 0;
  columns.forEach((column, i) => {
    copyTexts(column.bytes, column.starts, column.ends, counts[i]!, bytes, offsets, row);
    row += counts[i]!;
  });
  return { kind: 'bytes', bytes, starts: offsets.subarray(0, rows), ends: offsets.subarray(1), valid };
}

function lengthOf(starts: Uint32Array, ends: Uint32Array, count: number): number {
  let length = 0;
  for (let r = 0; r < count; r++) length += ends[r]! - starts[r]!;
  return length;
}

/** Texts after those that end at offsets[row]; what lies packed already is copied in one piece. */
function copyTexts(
  source: Uint8Array,
  starts: Uint32Array,
  ends: Uint32Array,
  count: number,
  bytes: Uint8Array,
  offsets: Uint32Array,
  row: number,
): void {
  let at = offsets[row]!;
  const first = count === 0 ? 0 : starts[0]!;
  let packed = 1;
  while (packed < count && starts[packed] === ends[packed - 1]) packed++;
  if (packed >= count) {
    const shift = at - first;
    if (count > 0) bytes.set(source.subarray(first, ends[count - 1]!), at);
    for (let r = 0; r < count; r++) offsets[row + r + 1] = ends[r]! + shift;
    return;
  }
  for (let r = 0; r < count; r++) {
    const start = starts[r]!;
    const length = ends[r]! - start;
    if (length < 48) for (let p = 0; p < length; p++) bytes[at + p] = source[start + p]!;
    else bytes.set(source.subarray(start, start + length), at);
    at += length;
    offsets[row + r + 1] = at;
  }
}

function concatValidity(columns: readonly Column[], counts: readonly number[], rows: number): Validity {
  if (columns.every((c) => c.valid === null)) return null;
  const bits = allValid(rows);
  let at = 0;
  columns.forEach((column, i) => {
    if (column.valid !== null) copyValidity(column.valid, 0, counts[i]!, bits, at);
    at += counts[i]!;
  });
  return bits;
}

/** Memory that a compact batch holds, in bytes (boxed values are estimated). */
export function batchBytes(batch: Batch): number {
  let bytes = batch.weights === null ? 64 : 64 + batch.weights.byteLength;
  for (const column of batch.columns) {
    bytes += column.valid?.byteLength ?? 0;
    switch (column.kind) {
      case 'int64':
        bytes += column.wide === null ? column.values.byteLength : column.wide.byteLength;
        break;
      case 'bytes':
        bytes += column.bytes.byteLength + 8 * batch.rows;
        break;
      case 'boxed':
        bytes += 64 * batch.rows;
        break;
      default:
        bytes += column.values.byteLength;
    }
  }
  return bytes;
}
