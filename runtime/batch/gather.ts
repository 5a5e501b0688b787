/** Choosing rows of columns: the result shares text bytes with its input and owns the rest. */
import type { Batch, Column } from './column.ts';
import { gatherValidity } from './validity.ts';

export function gatherColumn(column: Column, rows: Uint32Array, count: number): Column {
  const valid = gatherValidity(column.valid, rows, count);
  switch (column.kind) {
    case 'bool':
      return { kind: 'bool', values: gatherBytes(column.values, rows, count), valid };
    case 'int32':
      return { kind: 'int32', values: gatherInt32(column.values, rows, count), valid };
    case 'int64':
      return column.wide === null
        ? { kind: 'int64', values: gatherFloat64(column.values, rows, count), wide: null, valid }
        : { kind: 'int64', values: NO_FLOATS, wide: gatherBigInt64(column.wide, rows, count), valid };
    case 'float64':
      return { kind: 'float64', values: gatherFloat64(column.values, rows, count), valid };
    case 'bytes':
      return {
        kind: 'bytes',
        bytes: column.bytes,
        starts: gatherUint32(column.starts, rows, count),
        ends: gatherUint32(column.ends, rows, count),
        valid,
      };
    case 'boxed': {
      const values = new Array<unknown>(count);
      for (let i = 0; i < count; i++) values[i] = column.values[rows[i]!];
      return { kind: 'boxed', values, valid };
    }
  }
}

export function gatherBatch(batch: Batch, rows: Uint32Array, count: number): Batch {
  return {
    rows: count,
    columns: batch.columns.map((column) => gatherColumn(column, rows, count)),
    weights: batch.weights === null ? null : gatherInt32(batch.weights, rows, count),
  };
}

const NO_FLOATS = new Float64Array(0);

function gatherBytes(values: Uint8Array, rows: Uint32Array, count: number): Uint8Array {
  const out = new Uint8Array(count);
  for (let i = 0; i < count; i++) out[i] = values[rows[i]!]!;
  return out;
}
export function gatherInt32(values: Int32Array, rows: Uint32Array, count: number): Int32Array {
  const out = new Int32Array(count);
  for (let i = 0; i < count; i++) out[i] = values[rows[i]!]!;
  return out;
}
export function gatherUint32(values: Uint32Array, rows: Uint32Array, count: number): Uint32Array {
  const out = new Uint32Array(count);
  for (let i = 0; i < count; i++) out[i] = values[rows[i]!]!;
  return out;
}
export function gatherFloat64(values: Float64Array, rows: Uint32Array, count: number): Float64Array {
  const out = new Float64Array(count);
  for (let i = 0; i < count; i++) out[i] = values[rows[i]!]!;
  return out;
}
function gatherBigInt64(values: BigInt64Array, rows: Uint32Array, count: number): BigInt64Array {
  const out = new BigInt64Array(count);
  for (let i = 0; i < count; i++) out[i] = values[rows[i]!]!;
  return out;
}
