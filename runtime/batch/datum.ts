/** Between datums (common/types.ts) and columns, one value at a time: for results, constants, state and tests. */
import { elementTypeName, physicalKind, type SqlType } from '../../common/types.ts';
import { formatUuidBytes } from '../../common/value-binary.ts';
import { type BytesColumn, type Column, isValid, type Validity } from './column.ts';

/** ±infinity of a date in an int32 column. */
export const DATE_INFINITY = 2 ** 31 - 1;
export const DATE_NEGATIVE_INFINITY = -(2 ** 31);

/** The value at a row; null for NULL. */
export function readDatum(column: Column, row: number, type: SqlType): unknown {
  if (!isValid(column.valid, row)) return null;
  switch (column.kind) {
    case 'bool':
      return column.values[row] === 1;
    case 'int32': {
      const value = column.values[row]!;
      return type.name === 'date' ? dateFromInt32(value) : value;
    }
    case 'int64':
      return column.wide === null ? BigInt(column.values[row]!) : column.wide[row]!;
    case 'float64':
      return column.values[row]!;
    case 'bytes':
      return readBytes(column, row, type);
    case 'boxed':
      return column.values[row];
  }
}

export function dateFromInt32(value: number): number {
  if (value === DATE_INFINITY) return Number.POSITIVE_INFINITY;
  return value === DATE_NEGATIVE_INFINITY ? Number.NEGATIVE_INFINITY : value;
}

export function dateToInt32(date: number): number {
  if (date === Number.POSITIVE_INFINITY) return DATE_INFINITY;
  return date === Number.NEGATIVE_INFINITY ? DATE_NEGATIVE_INFINITY : date;
}

function readBytes(column: BytesColumn, row: number, type: SqlType): unknown {
  const [start, end] = [column.starts[row]!, column.ends[row]!];
  if (type.name === 'uuid') return formatUuidBytes(column.bytes, start);
  if (type.name === 'bytea') return column.bytes.slice(start, end);
  const { buffer, byteOffset } = column.bytes;
  return Buffer.from(buffer, byteOffset + start, end - start).toString('utf8');
}

/** One bit a row, or null where no datum is NULL. */
function validityOf(datums: readonly unknown[]): Validity {
  if (!datums.includes(null)) return null;
  const bits = new Uint8Array((datums.length + 7) >> 3);
  for (let row = 0; row < datums.length; row++) {
    if (datums[row] !== null) bits[row >> 3]! |= 1 << (row & 7);
  }
  return bits;
}

/** int8 goes wide only where a value is no safe integer. */
export function buildColumn(type: SqlType, datums: readonly unknown[]): Column {
  const valid = validityOf(datums);
  switch (physicalKind(type)) {
    case 'bool':
      return { kind: 'bool', values: Uint8Array.from(datums, (d) => (d === true ? 1 : 0)), valid };
    case 'int32': {
      const read =
        type.name === 'date' ? (d: unknown) => dateToInt32(d as number) : (d: unknown) => d as number;
      return { kind: 'int32', values: Int32Array.from(datums, (d) => (d === null ? 0 : read(d))), valid };
    }
    case 'int64':
      return buildInt64(datums as readonly (bigint | null)[], valid);
    case 'float64':
      return {
        kind: 'float64',
        values: Float64Array.from(datums, (d) => (d === null ? 0 : (d as number))),
        valid,
      };
    case 'bytes':
      return buildBytes(type, datums, valid);
    case 'boxed':
      return { kind: 'boxed', values: datums, valid };
  }
}

const SAFE_MAX = BigInt(Number.MAX_SAFE_INTEGER);

function buildInt64(datums: readonly (bigint | null)[], valid: Validity): Column {
  const safe = datums.every((d) => d === null || (d <= SAFE_MAX && d >= -SAFE_MAX));
  if (safe)
    return { kind: 'int64', values: Float64Array.from(datums, (d) => Number(d ?? 0n)), wide: null, valid };
  const wide = BigInt64Array.from(datums, (d) => d ?? 0n);
  return { kind: 'int64', values: new Float64Array(0), wide, valid };
}

function buildBytes(type: SqlType, datums: readonly unknown[], valid: Validity): Column {
  const starts = new Uint32Array(datums.length);
  const ends = new Uint32Array(datums.length);
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const [row, datum] of datums.entries()) {
    const part = datum === null ? null : datumBytes(type, datum);
    starts[row] = at;
    if (part !== null) {
      parts.push(part);
      at += part.length;
    }
    ends[row] = at;
  }
  return { kind: 'bytes', bytes: new Uint8Array(Buffer.concat(parts)), starts, ends, valid };
}

/** The bytes that a text, json, uuid or bytea value has in a column. */
export function datumBytes(type: SqlType, datum: unknown): Uint8Array {
  if (type.name === 'bytea') return datum as Uint8Array;
  if (elementTypeName(type.name) === 'uuid') return Buffer.from((datum as string).replaceAll('-', ''), 'hex');
  return Buffer.from(datum as string);
}
