/** From values of Arrow's types to datums of SQL's: by the value itself where the types fit, else by its text. */
import type { Data, Vector } from 'apache-arrow';
import { applyPrecision } from '../../../common/decimal-convert.ts';
import { type Decimal, formatDecimal, fromBigInt, trimScale } from '../../../common/decimal.ts';
import { SqlError } from '../../../common/sql-error.ts';
import { dateFromTimestamp, timestampFromDate } from '../../../common/timestamp.ts';
import { elementTypeName, formatType, isArrayType, type SqlType } from '../../../common/types.ts';
import { formatUuidBytes } from '../../../common/value-binary.ts';
import { formatFloat4, formatFloat8 } from '../../../common/value-number.ts';
import { formatDatum, parseDatum } from '../../../common/value-text.ts';
import { arrowLibrary } from '../arrow/arrow-library.ts';
import { malformedArrow } from '../arrow/flat-table.ts';
import { type ArrowReader, arrowReader, hasValidity, isNullAt, tooShort } from './arrow-value.ts';
import { scaleEpoch, type TimestampUnit } from './epoch.ts';

/** The datum at a row, null for NULL. Throws SqlError where the value is none of the column's type. */
export type ArrowCast = (row: number) => unknown;

export type CastTarget = Readonly<{ name: string; type: SqlType; unit: TimestampUnit | null }>;

/** 42804 where no value of the one type is one of the other. */
export function arrowCast(data: Data, target: CastTarget): ArrowCast {
  if (data.typeId === arrowLibrary().Type.Dictionary) return dictionaryCast(data, target);
  const reader = arrowReader(data);
  const cast = readerCast(reader, target);
  if (cast === null) {
    throw new SqlError(
      '42804',
      `column "${target.name}" is of type ${formatType(target.type)} but the stream's is ${String(data.type)}`,
    );
  }
  if (reader.kind === 'null') return cast;
  return (row) => (isNullAt(data, row) ? null : cast(row));
}

/** Each value of a dictionary is cast once, whatever comes of it. */
function dictionaryCast(data: Data, target: CastTarget): ArrowCast {
  const indexes = data.values as ArrayLike<number | bigint>;
  if (indexes.length < data.length || !hasValidity(data)) throw tooShort();
  const casts: { cast: ArrowCast; from: number; to: number }[] = [];
  let count = 0;
  for (const chunk of (data.dictionary as Vector | undefined)?.data ?? []) {
    casts.push({ cast: arrowCast(chunk, target), from: count, to: count + chunk.length });
    count += chunk.length;
  }
  const known = new Map<number, Readonly<{ datum: unknown } | { error: unknown }>>();
  const read = (index: number): Readonly<{ datum: unknown } | { error: unknown }> => {
    const part = casts.find(({ from, to }) => index >= from && index < to);
    if (part === undefined) throw malformedArrow('an index lies outside of its dictionary');
    try {
      return { datum: part.cast(index - part.from) };
    } catch (error) {
      return { error };
    }
  };
  return (row) => {
    if (isNullAt(data, row)) return null;
    const index = Number(indexes[row]!);
    let value = known.get(index);
    if (value === undefined) {
      value = read(index);
      known.set(index, value);
    }
    if ('error' in value) throw value.error;
    return value.datum;
  };
}

function readerCast(reader: ArrowReader, target: CastTarget): ArrowCast | null {
  const { type } = target;
  if (reader.kind === 'null') return () => null;
  if (reader.kind === 'unknown') return null;
  if (reader.kind === 'list') return listCast(reader, target);
  if (isArrayType(type.name)) return reader.kind === 'text' ? textCast(reader, type) : null;
  if (reader.kind === 'bytes') return bytesCast(reader, type);
  return directCast(reader, target) ?? textCast(reader, type);
}

function listCast(reader: ArrowReader & { kind: 'list' }, target: CastTarget): ArrowCast | null {
  const { type } = target;
  if (!isArrayType(type.name)) return null;
  const item = arrowCast(reader.items, { ...target, type: { ...type, name: elementTypeName(type.name) } });
  return (row) => {
    const [from, to] = reader.read(row);
    return Array.from({ length: to - from }, (_, i) => item(from + i));
  };
}

function bytesCast(reader: ArrowReader & { kind: 'bytes' }, type: SqlType): ArrowCast | null {
  if (type.name === 'bytea') return (row) => reader.read(row).slice();
  if (type.name !== 'uuid') return null;
  return (row) => {
    const bytes = reader.read(row);
    if (bytes.length !== 16) throw new SqlError('22P03', 'incorrect binary data format');
    return formatUuidBytes(bytes, 0);
  };
}

type Plain = Exclude<ArrowReader, { kind: 'list' | 'bytes' | 'null' | 'unknown' }>;

/** Where no text is needed; null: by text. */
function directCast(reader: Plain, { type, unit }: CastTarget): ArrowCast | null {
  switch (type.name) {
    case 'bool':
      return reader.kind === 'boolean' ? reader.read : null;
    case 'int2':
      return integerCast(reader, -32_768, 32_767, type);
    case 'int4':
      return integerCast(reader, -2_147_483_648, 2_147_483_647, type);
    case 'int8':
      return wideCast(reader, type);
    case 'float8':
      if (reader.kind === 'float') return reader.read;
      return reader.kind === 'integer' ? (row) => Number(reader.read(row)) : null;
    case 'float4':
      return reader.kind === 'float' ? (row) => realOf(reader.read(row), type) : null;
    case 'numeric':
      if (reader.kind === 'decimal') return (row) => numericOf(reader.read(row), type);
      if (reader.kind !== 'integer') return null;
      return (row) => numericOf(fromBigInt(BigInt(reader.read(row))), type);
    case 'date':
      if (reader.kind === 'date') return reader.read;
      return reader.kind === 'timestamp' ? (row) => dateFromTimestamp(reader.read(row)) : null;
    case 'timestamp':
    case 'timestamptz':
      // The server's TimeZone is UTC: a wall clock's time and the instant are one number.
      if (reader.kind === 'timestamp') return reader.read;
      if (reader.kind === 'date') return (row) => timestampFromDate(reader.read(row));
      if (reader.kind === 'integer' || reader.kind === 'float') {
        return (row) => scaleEpoch(Number(reader.read(row)), unit);
      }
      return null;
    case 'time':
      return reader.kind === 'time' ? reader.read : null;
    case 'interval':
      return reader.kind === 'interval' ? reader.read : null;
    default:
      return null;
  }
}

const INTEGERS: ReadonlySet<string> = new Set(['int2', 'int4', 'int8']);

/** int2 and int4. */
function integerCast(reader: Plain, least: number, most: number, type: SqlType): ArrowCast | null {
  if (reader.kind !== 'integer') return null;
  return (row) => {
    const value = reader.read(row);
    return value >= least && value <= most ? Number(value) : parseDatum(String(value), type);
  };
}

function wideCast(reader: Plain, type: SqlType): ArrowCast | null {
  if (reader.kind !== 'integer') return null;
  return (row) => {
    const value = BigInt(reader.read(row));
    return BigInt.asIntN(64, value) === value ? value : parseDatum(String(value), type);
  };
}

/** An overflow or underflow is refused in the words of the text. */
function realOf(value: number, type: SqlType): unknown {
  const real = Math.fround(value);
  const lost = (!Number.isFinite(real) && Number.isFinite(value)) || (real === 0 && value !== 0);
  return lost ? parseDatum(formatFloat8(value), type) : real;
}

const numericOf = (value: Decimal, { precision, scale }: SqlType): Decimal =>
  precision === undefined ? value : applyPrecision(value, precision, scale ?? 0);

function textCast(reader: Plain, type: SqlType): ArrowCast {
  if (reader.kind === 'decimal' && INTEGERS.has(type.name)) {
    return (row) => parseDatum(formatDecimal(trimScale(reader.read(row))), type);
  }
  const text = readerText(reader);
  return (row) => parseDatum(text(row), type);
}

/** A value as PostgreSQL prints it. */
function readerText(reader: Plain): (row: number) => string {
  switch (reader.kind) {
    case 'text':
      return reader.read;
    case 'integer':
      return (row) => String(reader.read(row));
    case 'boolean':
      return (row) => String(reader.read(row));
    case 'float':
      if (reader.single) return (row) => formatFloat4(reader.read(row));
      return (row) => formatFloat8(reader.read(row));
    case 'decimal':
      return (row) => formatDecimal(reader.read(row));
    case 'timestamp': {
      const type: SqlType = { name: reader.zoned ? 'timestamptz' : 'timestamp' };
      return (row) => formatDatum(reader.read(row), type);
    }
    case 'date':
    case 'time':
    case 'interval': {
      const type: SqlType = { name: reader.kind };
      return (row) => formatDatum(reader.read(row), type);
    }
  }
}

/** Any value as text, for the payload of a rejected row. */
export function arrowText(data: Data): (row: number) => string | null {
  const cast = textOrNull(data);
  return (row) => {
    try {
      return cast(row);
    } catch {
      return null;
    }
  };
}

function textOrNull(data: Data): (row: number) => string | null {
  if (data.typeId === arrowLibrary().Type.Dictionary) {
    const cast = dictionaryCast(data, { name: '', type: { name: 'text' }, unit: null });
    return (row) => cast(row) as string | null;
  }
  const reader = arrowReader(data);
  switch (reader.kind) {
    case 'null':
    case 'unknown':
      return () => null;
    case 'bytes':
      return (row) => (isNullAt(data, row) ? null : formatDatum(reader.read(row), { name: 'bytea' }));
    case 'list': {
      const item = textOrNull(reader.items);
      return (row) => {
        if (isNullAt(data, row)) return null;
        const [from, to] = reader.read(row);
        return `{${Array.from({ length: to - from }, (_, i) => item(from + i) ?? 'NULL').join(',')}}`;
      };
    }
    default: {
      const text = readerText(reader);
      return (row) => (isNullAt(data, row) ? null : text(row));
    }
  }
}
