/**
 * PostgreSQL's binary format (the send and receive functions of each type). Integers and floats are big-endian;
 * dates count from 2000-01-01; numeric is groups of four digits:
 *
 *   int16 groups | int16 weight of the first | uint16 sign (0, 0x4000 −, 0xC000 NaN, 0xD000 ∞, 0xF000 −∞) | uint16 scale | int16 …
 *   array: int32 dimensions | int32 has NULLs | int32 element oid | per dimension int32 size, int32 lower bound | per element int32 length, bytes
 */
import { type Decimal, decimal, INFINITY, NAN, NEGATIVE_INFINITY, powerOfTen, rescale } from './decimal.ts';
import { INTERVAL_INFINITY, INTERVAL_NEGATIVE_INFINITY, type Interval, interval } from './interval.ts';
import { canonicalJsonb } from './json.ts';
import { parseJson } from './json-parse.ts';
import { MICROS_PER_DAY } from './calendar.ts';
import { SqlError } from './sql-error.ts';
import { DATE_MAX, DATE_MIN, TIMESTAMP_END_DAY } from './timestamp.ts';
import { severalDimensions } from './value-array.ts';
import { elementTypeName, isArrayType, type SqlType, type TypeName, typeOid } from './types.ts';

/** Days from 1970-01-01 to 2000-01-01. */
const EPOCH_DAYS = 10_957;
const EPOCH_MICROS = BigInt(EPOCH_DAYS) * BigInt(MICROS_PER_DAY);
const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);
const INT32_MAX = 2 ** 31 - 1;
const INT32_MIN = -(2 ** 31);
const JSONB_VERSION = 1;

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function fixed(size: number, write: (target: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(size);
  write(view(bytes));
  return bytes;
}

export function encodeBinary(datum: unknown, type: SqlType): Uint8Array {
  if (isArrayType(type.name))
    return encodeArray(datum as readonly unknown[], { name: elementTypeName(type.name) });
  switch (elementTypeName(type.name)) {
    case 'bool':
      return Uint8Array.of(datum === true ? 1 : 0);
    case 'int2':
      return fixed(2, (v) => v.setInt16(0, datum as number));
    case 'int4':
      return fixed(4, (v) => v.setInt32(0, datum as number));
    case 'int8':
      return fixed(8, (v) => v.setBigInt64(0, datum as bigint));
    case 'float4':
      return fixed(4, (v) => v.setFloat32(0, datum as number));
    case 'float8':
      return fixed(8, (v) => v.setFloat64(0, datum as number));
    case 'numeric':
      return encodeNumeric(datum as Decimal);
    case 'text':
    case 'varchar':
    case 'bpchar':
    case 'json':
      return new Uint8Array(Buffer.from(datum as string));
    case 'jsonb':
      return new Uint8Array(Buffer.concat([Buffer.of(JSONB_VERSION), Buffer.from(datum as string)]));
    case 'uuid':
      return new Uint8Array(Buffer.from((datum as string).replaceAll('-', ''), 'hex'));
    case 'bytea':
      return datum as Uint8Array;
    case 'date':
      return fixed(4, (v) => v.setInt32(0, clampInfinity(datum as number, INT32_MIN, INT32_MAX, EPOCH_DAYS)));
    case 'time':
      return fixed(8, (v) => v.setBigInt64(0, BigInt(datum as number)));
    case 'timestamp':
    case 'timestamptz':
      return fixed(8, (v) => v.setBigInt64(0, timestampToWire(datum as number)));
    case 'interval':
      return encodeInterval(datum as Interval);
  }
}

const clampInfinity = (value: number, low: number, high: number, offset: number): number =>
  Number.isFinite(value) ? value - offset : value > 0 ? high : low;

function timestampToWire(micros: number): bigint {
  if (!Number.isFinite(micros)) return micros > 0 ? INT64_MAX : INT64_MIN;
  return BigInt(micros) - EPOCH_MICROS;
}

function encodeInterval(i: Interval): Uint8Array {
  const finite = Number.isFinite(i.micros);
  return fixed(16, (v) => {
    v.setBigInt64(0, finite ? BigInt(i.micros) : i.micros > 0 ? INT64_MAX : INT64_MIN);
    v.setInt32(8, i.days);
    v.setInt32(12, i.months);
  });
}

const SIGNS = { nan: 0xc000, infinity: 0xd000, '-infinity': 0xf000 } as const;

function encodeNumeric(d: Decimal): Uint8Array {
  if (d.kind !== 'finite') {
    const sign = SIGNS[d.kind];
    return fixed(8, (v) => {
      v.setUint16(4, sign);
      // PostgreSQL's own infinities carry a scale.
      v.setUint16(6, d.kind === 'nan' ? 0 : 0x20);
    });
  }
  // Whole groups of four digits on both sides of the point.
  const scale = Math.ceil(d.scale / 4) * 4;
  let rest = rescale(d.coefficient < 0n ? -d.coefficient : d.coefficient, d.scale, scale);
  const groups: number[] = [];
  for (; rest > 0n; rest /= 10_000n) groups.push(Number(rest % 10_000n));
  let weight = groups.length - 1 - scale / 4;
  groups.reverse();
  while (groups.at(-1) === 0) groups.pop();
  if (groups.length === 0) weight = 0;
  return fixed(8 + groups.length * 2, (v) => {
    v.setInt16(0, groups.length);
    v.setInt16(2, weight);
    v.setUint16(4, d.coefficient < 0n ? 0x4000 : 0);
    v.setUint16(6, d.scale);
    for (const [i, group] of groups.entries()) v.setInt16(8 + i * 2, group);
  });
}

function encodeArray(items: readonly unknown[], element: SqlType): Uint8Array {
  const parts: Uint8Array[] = [];
  const hasNulls = items.includes(null);
  parts.push(
    fixed(items.length === 0 ? 12 : 20, (v) => {
      v.setInt32(0, items.length === 0 ? 0 : 1);
      v.setInt32(4, hasNulls ? 1 : 0);
      v.setInt32(8, typeOid(element.name));
      if (items.length === 0) return;
      v.setInt32(12, items.length);
      v.setInt32(16, 1);
    }),
  );
  for (const item of items) {
    const bytes = item === null ? null : encodeBinary(item, element);
    parts.push(fixed(4, (v) => v.setInt32(0, bytes === null ? -1 : bytes.length)));
    if (bytes !== null) parts.push(bytes);
  }
  return new Uint8Array(Buffer.concat(parts));
}

const malformed = (message: string): SqlError => new SqlError('22P03', message);

function text(bytes: Uint8Array): string {
  let decoded: string;
  try {
    decoded = utf8.decode(bytes);
  } catch {
    throw new SqlError('22021', 'invalid byte sequence for encoding "UTF8"');
  }
  if (decoded.includes('\u0000')) {
    throw new SqlError('22021', 'invalid byte sequence for encoding "UTF8": 0x00');
  }
  return decoded;
}

const SIZES: Readonly<Partial<Record<TypeName, number>>> = {
  bool: 1,
  int2: 2,
  int4: 4,
  int8: 8,
  float4: 4,
  float8: 8,
  date: 4,
  time: 8,
  timestamp: 8,
  timestamptz: 8,
  interval: 16,
  uuid: 16,
};

/** 22P03 where the bytes are not this type's, 22008 and 22021 for values that are out of range. */
export function decodeBinary(bytes: Uint8Array, type: SqlType): unknown {
  if (isArrayType(type.name)) return decodeArray(bytes, { name: elementTypeName(type.name) });
  const size = SIZES[type.name];
  if (size !== undefined && bytes.length < size)
    throw new SqlError('08P01', 'insufficient data left in message');
  if (size !== undefined && bytes.length > size) throw malformed('incorrect binary data format');
  const v = view(bytes);
  switch (elementTypeName(type.name)) {
    case 'bool':
      return bytes[0] !== 0;
    case 'int2':
      return v.getInt16(0);
    case 'int4':
      return v.getInt32(0);
    case 'int8':
      return v.getBigInt64(0);
    case 'float4':
      return v.getFloat32(0);
    case 'float8':
      return v.getFloat64(0);
    case 'numeric':
      return decodeNumeric(bytes);
    case 'text':
    case 'varchar':
    case 'bpchar':
      return text(bytes);
    case 'json': {
      const json = text(bytes);
      parseJson(json, { nul: true });
      return json;
    }
    case 'jsonb':
      if (bytes[0] !== JSONB_VERSION) throw malformed(`unsupported jsonb version number ${bytes[0] ?? 0}`);
      return canonicalJsonb(text(bytes.subarray(1)));
    case 'uuid':
      return formatUuidBytes(bytes, 0);
    case 'bytea':
      return bytes.slice();
    case 'date':
      return decodeDate(v.getInt32(0));
    case 'time':
      return decodeTime(v.getBigInt64(0));
    case 'timestamp':
    case 'timestamptz':
      return decodeTimestamp(v.getBigInt64(0));
    case 'interval':
      return decodeInterval(v);
  }
}

/** 16 bytes as 8-4-4-4-12 digits. */
export function formatUuidBytes(bytes: Uint8Array, start: number): string {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset + start, 16).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

function decodeDate(days: number): number {
  if (days === INT32_MAX) return Number.POSITIVE_INFINITY;
  if (days === INT32_MIN) return Number.NEGATIVE_INFINITY;
  const date = days + EPOCH_DAYS;
  if (date < DATE_MIN || date > DATE_MAX) throw new SqlError('22008', 'date out of range');
  return date;
}

function decodeTime(micros: bigint): number {
  if (micros < 0n || micros > BigInt(MICROS_PER_DAY)) throw new SqlError('22008', 'time out of range');
  return Number(micros);
}

function decodeTimestamp(wire: bigint): number {
  if (wire === INT64_MAX) return Number.POSITIVE_INFINITY;
  if (wire === INT64_MIN) return Number.NEGATIVE_INFINITY;
  const micros = wire + EPOCH_MICROS;
  const value = Number(micros);
  const day = Math.floor(value / MICROS_PER_DAY);
  if (BigInt(value) !== micros || day < DATE_MIN || day >= TIMESTAMP_END_DAY) {
    throw new SqlError('22008', 'timestamp out of range');
  }
  return value;
}

function decodeInterval(v: DataView): Interval {
  const micros = v.getBigInt64(0);
  const [days, months] = [v.getInt32(8), v.getInt32(12)];
  if (micros === INT64_MAX && days === INT32_MAX && months === INT32_MAX) return INTERVAL_INFINITY;
  if (micros === INT64_MIN && days === INT32_MIN && months === INT32_MIN) return INTERVAL_NEGATIVE_INFINITY;
  return interval(months, days, Number(micros));
}

function decodeNumeric(bytes: Uint8Array): Decimal {
  if (bytes.length < 8) throw new SqlError('08P01', 'insufficient data left in message');
  const v = view(bytes);
  const count = v.getInt16(0);
  const weight = v.getInt16(2);
  const sign = v.getUint16(4);
  const scale = v.getUint16(6);
  if (count < 0 || bytes.length !== 8 + count * 2) throw malformed('incorrect binary data format');
  if (sign === SIGNS.nan) return NAN;
  if (sign === SIGNS.infinity) return INFINITY;
  if (sign === SIGNS['-infinity']) return NEGATIVE_INFINITY;
  if (sign !== 0 && sign !== 0x4000) throw malformed('invalid sign in external "numeric" value');
  if (scale > 0x3fff) throw malformed('invalid scale in external "numeric" value');
  let digits = 0n;
  for (let i = 0; i < count; i++) {
    const group = v.getInt16(8 + i * 2);
    if (group < 0 || group > 9999) throw malformed('invalid digit in external "numeric" value');
    digits = digits * 10_000n + BigInt(group);
  }
  // The last group's weight says where the point is; digits beyond the scale are cut, as PostgreSQL does.
  const shift = scale + (weight - count + 1) * 4;
  const coefficient = shift >= 0 ? digits * powerOfTen(shift) : digits / powerOfTen(-shift);
  return decimal(sign === 0 ? coefficient : -coefficient, scale);
}

function decodeArray(bytes: Uint8Array, element: SqlType): readonly unknown[] {
  const v = view(bytes);
  let at = 0;
  const int = (): number => {
    if (at + 4 > bytes.length) throw new SqlError('08P01', 'insufficient data left in message');
    at += 4;
    return v.getInt32(at - 4);
  };
  const dimensions = int();
  const flags = int();
  const oid = int();
  if (dimensions < 0 || dimensions > 6) throw malformed(`invalid number of dimensions: ${dimensions}`);
  if (dimensions > 1) throw severalDimensions();
  if (flags !== 0 && flags !== 1) throw malformed('invalid array flags');
  if (oid !== typeOid(element.name)) {
    throw new SqlError(
      '42804',
      `binary data has array element type ${oid} instead of expected ${typeOid(element.name)}`,
    );
  }
  if (dimensions === 0) {
    if (at !== bytes.length) throw malformed('incorrect binary data format');
    return [];
  }
  const length = int();
  if (int() !== 1) {
    throw new SqlError('0A000', 'array bounds other than 1 are not supported', {
      hint: 'Send the array with the lower bound 1.',
    });
  }
  if (length < 0 || length > bytes.length) throw malformed('invalid array length');
  const items: unknown[] = [];
  for (let i = 0; i < length; i++) {
    const size = int();
    if (size === -1) {
      items.push(null);
      continue;
    }
    if (size < 0 || at + size > bytes.length) throw malformed('insufficient data left in message');
    items.push(decodeBinary(bytes.subarray(at, at + size), element));
    at += size;
  }
  if (at !== bytes.length) throw malformed('incorrect binary data format');
  return items;
}
