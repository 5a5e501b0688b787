/**
 * The values of an Arrow array, one at a time. Lengths of buffers are checked when a reader is made, offsets when a
 * value is read: whatever the bytes say, nothing outside of the buffers is taken.
 */
import type { Data } from 'apache-arrow';
import { type Decimal, decimal } from '../../../common/decimal.ts';
import {
  INTERVAL_INFINITY,
  INTERVAL_NEGATIVE_INFINITY,
  type Interval,
  interval,
} from '../../../common/interval.ts';
import { SqlError } from '../../../common/sql-error.ts';
import { DATE_MAX, DATE_MIN, TIMESTAMP_END_DAY } from '../../../common/timestamp.ts';
import { dateFromInt32 } from '../../batch/datum.ts';
import { arrowLibrary } from '../arrow/arrow-library.ts';
import { malformedArrow } from '../arrow/flat-table.ts';
import { invalidUtf8 } from './line-decoder.ts';

type Read<T> = (row: number) => T;

export type ArrowReader =
  | Readonly<{ kind: 'integer'; read: Read<number | bigint> }>
  /** `single`: of 32 bits or fewer, printed as such */
  | Readonly<{ kind: 'float'; single: boolean; read: Read<number> }>
  | Readonly<{ kind: 'decimal'; read: Read<Decimal> }>
  | Readonly<{ kind: 'boolean'; read: Read<boolean> }>
  | Readonly<{ kind: 'text'; read: Read<string> }>
  | Readonly<{ kind: 'bytes'; read: Read<Uint8Array> }>
  /** days since 1970, ±Infinity */
  | Readonly<{ kind: 'date'; read: Read<number> }>
  /** µs since 1970, ±Infinity; `zoned`: an instant, else a wall clock's time */
  | Readonly<{ kind: 'timestamp'; zoned: boolean; read: Read<number> }>
  /** µs since midnight */
  | Readonly<{ kind: 'time'; read: Read<number> }>
  | Readonly<{ kind: 'interval'; read: Read<Interval> }>
  /** Rows of the child that are the items, half-open. */
  | Readonly<{ kind: 'list'; items: Data; read: Read<readonly [number, number]> }>
  | Readonly<{ kind: 'null' }>
  | Readonly<{ kind: 'unknown'; name: string }>;

const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);
const MICROS_PER_DAY = 86_400_000_000;
const MILLIS_PER_DAY = 86_400_000n;
/** Multiplied by for seconds, milliseconds, microseconds; nanoseconds are rounded. */
const MICROS_PER_UNIT = [1_000_000n, 1_000n, 1n] as const;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Whether the validity bits are there, where some value is NULL. */
export function hasValidity(data: Data): boolean {
  if (data.nullCount === 0 || data.typeId === arrowLibrary().Type.Null) return true;
  const bits = data.nullBitmap as Uint8Array | undefined;
  return bits !== undefined && bits.length * 8 >= data.length;
}

export function isNullAt(data: Data, row: number): boolean {
  return data.nullCount > 0 && ((data.nullBitmap[row >> 3]! >> (row & 7)) & 1) === 0;
}

/** Throws 22P04 where a buffer is shorter than the array. Dictionaries are not read here (arrow-cast.ts). */
export function arrowReader(data: Data): ArrowReader {
  const { Type } = arrowLibrary();
  if (!hasValidity(data)) throw tooShort();
  const type = data.type as { unit?: number; scale?: number; bitWidth?: number; timezone?: string | null };
  switch (data.typeId) {
    case Type.Null:
      return { kind: 'null' };
    case Type.Int: {
      const values = elements<ArrayLike<number | bigint>>(data, 1);
      return { kind: 'integer', read: (row) => values[row]! };
    }
    case Type.Float: {
      const values = elements<ArrayLike<number>>(data, 1);
      if (values instanceof Uint16Array) {
        return { kind: 'float', single: true, read: (row) => halfFloat(values[row]!) };
      }
      return { kind: 'float', single: values instanceof Float32Array, read: (row) => values[row]! };
    }
    case Type.Decimal:
      return decimals(data, (type.bitWidth ?? 128) / 32, type.scale ?? 0);
    case Type.Bool: {
      const values = data.values as Uint8Array;
      requireLength(values.length * 8, data.length);
      return { kind: 'boolean', read: (row) => ((values[row >> 3]! >> (row & 7)) & 1) === 1 };
    }
    case Type.Utf8:
    case Type.LargeUtf8:
    case Type.Utf8View: {
      const read = ranges(data);
      return { kind: 'text', read: (row) => decodeText(read(row)) };
    }
    case Type.Binary:
    case Type.LargeBinary:
    case Type.BinaryView:
      return { kind: 'bytes', read: ranges(data) };
    case Type.FixedSizeBinary: {
      const width = (data.type as { byteWidth?: number }).byteWidth ?? 0;
      const values = elements<Uint8Array>(data, width);
      return { kind: 'bytes', read: (row) => values.slice(row * width, row * width + width) };
    }
    case Type.Date: {
      const values = elements<Int32Array | BigInt64Array>(data, 1);
      return { kind: 'date', read: (row) => dateOf(values[row]!) };
    }
    case Type.Timestamp: {
      const values = elements<BigInt64Array>(data, 1);
      const unit = type.unit ?? 0;
      return {
        kind: 'timestamp',
        zoned: (type.timezone ?? '') !== '',
        read: (row) => timestampOf(values[row]!, unit),
      };
    }
    case Type.Time: {
      const values = elements<Int32Array | BigInt64Array>(data, 1);
      const unit = type.unit ?? 0;
      return { kind: 'time', read: (row) => timeOf(microsOf(BigInt(values[row]!), unit)) };
    }
    case Type.Duration: {
      const values = elements<BigInt64Array>(data, 1);
      const unit = type.unit ?? 0;
      return { kind: 'interval', read: (row) => interval(0, 0, Number(microsOf(values[row]!, unit))) };
    }
    case Type.Interval:
      return { kind: 'interval', read: intervals(data, type.unit ?? 0) };
    case Type.List:
    case Type.LargeList: {
      const items = child(data);
      const read = offsets(data, items.length);
      return { kind: 'list', items, read };
    }
    case Type.FixedSizeList: {
      const size = (data.type as { listSize?: number }).listSize ?? 0;
      const items = child(data);
      requireLength(items.length, data.length * size);
      return { kind: 'list', items, read: (row) => [row * size, row * size + size] };
    }
    default:
      return { kind: 'unknown', name: String(data.type) };
  }
}

export const tooShort = (): SqlError => malformedArrow('a buffer is shorter than its column');

function requireLength(there: number, needed: number): void {
  if (!(there >= needed)) throw tooShort();
}

function elements<A extends Readonly<{ length: number }>>(data: Data, stride: number): A {
  const values = data.values as unknown as A;
  requireLength(values.length, data.length * stride);
  return values;
}

function child(data: Data): Data {
  const [items] = data.children;
  if (items === undefined) throw malformedArrow('a list has no items');
  return items;
}

function offsets(data: Data, end: number): Read<readonly [number, number]> {
  const places = data.valueOffsets as unknown as Int32Array | BigInt64Array;
  if (data.length > 0) requireLength(places.length, data.length + 1);
  return (row) => {
    const from = Number(places[row]!);
    const to = Number(places[row + 1]!);
    if (!(from >= 0 && from <= to && to <= end)) throw malformedArrow('an offset lies outside of its buffer');
    return [from, to];
  };
}

/** The bytes of a text or binary value, in the buffer they came in. */
function ranges(data: Data): Read<Uint8Array> {
  const { Type } = arrowLibrary();
  const bytes = data.values as Uint8Array;
  if (data.typeId === Type.Utf8View || data.typeId === Type.BinaryView) return views(data, bytes);
  const read = offsets(data, bytes.length);
  return (row) => {
    const [from, to] = read(row);
    return bytes.subarray(from, to);
  };
}

const INLINE_BYTES = 12;

/** A view: int32 length | up to 12 bytes themselves, or their first 4, int32 buffer, int32 offset in it. */
function views(data: Data, bytes: Uint8Array): Read<Uint8Array> {
  requireLength(bytes.length, data.length * 16);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return (row) => {
    const at = row * 16;
    const length = view.getInt32(at, true);
    if (length >= 0 && length <= INLINE_BYTES) return bytes.subarray(at + 4, at + 4 + length);
    const buffer = data.variadicBuffers[view.getInt32(at + 8, true)];
    const from = view.getInt32(at + 12, true);
    if (length < 0 || buffer === undefined || from < 0 || from + length > buffer.length) {
      throw malformedArrow('a view lies outside of its buffer');
    }
    return buffer.subarray(from, from + length);
  };
}

function decodeText(bytes: Uint8Array): string {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    throw invalidUtf8();
  }
  if (bytes.includes(0)) throw new SqlError('22021', 'invalid byte sequence for encoding "UTF8": 0x00');
  return text;
}

/** Little-endian words of a two's complement integer, and a scale. */
function decimals(data: Data, stride: number, scale: number): ArrowReader {
  const words = elements<Uint32Array>(data, stride);
  const bits = stride * 32;
  const read = (row: number): Decimal => {
    let value = 0n;
    for (let i = stride - 1; i >= 0; i--) value = (value << 32n) | BigInt(words[row * stride + i]!);
    const signed = BigInt.asIntN(bits, value);
    return scale >= 0 ? decimal(signed, scale) : decimal(signed * 10n ** BigInt(-scale), 0);
  };
  return { kind: 'decimal', read };
}

function halfFloat(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const sign = bits >> 15 === 0 ? 1 : -1;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** Days, or milliseconds in 64 bits. */
function dateOf(value: number | bigint): number {
  if (typeof value === 'bigint' && (value === INT64_MAX || value === INT64_MIN)) {
    return value > 0n ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
  }
  const day = typeof value === 'bigint' ? Number(floorDivide(value, MILLIS_PER_DAY)) : dateFromInt32(value);
  if (Number.isFinite(day) && !(day >= DATE_MIN && day <= DATE_MAX)) {
    throw new SqlError('22008', 'date out of range');
  }
  return day;
}

const floorDivide = (a: bigint, b: bigint): bigint => (a >= 0n ? a / b : -((b - 1n - a) / b));

function microsOf(value: bigint, unit: number): bigint {
  const factor = MICROS_PER_UNIT[unit];
  return factor === undefined ? floorDivide(value + 500n, 1_000n) : value * factor;
}

function timestampOf(value: bigint, unit: number): number {
  if (value === INT64_MAX) return Number.POSITIVE_INFINITY;
  if (value === INT64_MIN) return Number.NEGATIVE_INFINITY;
  const wide = microsOf(value, unit);
  const micros = Number(wide);
  const day = Math.floor(micros / MICROS_PER_DAY);
  if (BigInt(micros) !== wide || day < DATE_MIN || day >= TIMESTAMP_END_DAY) {
    throw new SqlError('22008', 'timestamp out of range');
  }
  return micros;
}

function timeOf(micros: bigint): number {
  if (micros < 0n || micros > BigInt(MICROS_PER_DAY)) throw new SqlError('22008', 'time out of range');
  return Number(micros);
}

const YEAR_MONTH = 0;
const DAY_TIME = 1;

/** Months; days and milliseconds; or months, days and nanoseconds in 64 bits. */
function intervals(data: Data, unit: number): Read<Interval> {
  const stride = unit === YEAR_MONTH ? 1 : unit === DAY_TIME ? 2 : 4;
  const words = elements<Int32Array>(data, stride);
  if (unit === YEAR_MONTH) return (row) => interval(words[row]!, 0, 0);
  if (unit === DAY_TIME) return (row) => interval(0, words[row * 2]!, words[row * 2 + 1]! * 1_000);
  return (row) => {
    const at = row * 4;
    const nanos = (BigInt(words[at + 3]!) << 32n) | BigInt(words[at + 2]! >>> 0);
    const [months, days] = [words[at]!, words[at + 1]!];
    if (nanos === INT64_MAX && months === INTERVAL_INFINITY.months && days === INTERVAL_INFINITY.days) {
      return INTERVAL_INFINITY;
    }
    const { months: least, days: earliest } = INTERVAL_NEGATIVE_INFINITY;
    if (nanos === INT64_MIN && months === least && days === earliest) return INTERVAL_NEGATIVE_INFINITY;
    return interval(months, days, Number(microsOf(nanos, 3)));
  };
}
