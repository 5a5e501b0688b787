/** Casts. Through text where PostgreSQL has no function for the pair; arrays element by element. */
import { type Decimal, fromBigInt, fromInteger, formatDecimal } from '../../../common/decimal.ts';
import {
  applyPrecision,
  decimalFromDouble,
  decimalToDouble,
  decimalToInteger,
} from '../../../common/decimal-convert.ts';
import { interval, type Interval, isFiniteInterval } from '../../../common/interval.ts';
import { canonicalJsonb, jsonTypeof } from '../../../common/json.ts';
import { assert } from '../../../common/assert.ts';
import { MICROS_PER_DAY } from '../../../common/calendar.ts';
import { SqlError } from '../../../common/sql-error.ts';
import { trimBlanks } from '../../../common/text.ts';
import {
  dateFromTimestamp,
  localFromZoned,
  timeFromTimestamp,
  timestampFromDate,
  zonedFromLocal,
} from '../../../common/timestamp.ts';
import { elementTypeName, formatType, isArrayType, type TypeName } from '../../../common/types.ts';
import { encodeBinary } from '../../../common/value-binary.ts';
import { fitBpchar, fitVarchar, formatWith, parseWith } from '../../../common/value-text.ts';
import { CASTS as SIGNATURES } from '../../plan/functions/casts.ts';
import { type Entry, type Implementation, pure } from '../implementation.ts';
import { floatToInt2, floatToInt4, floatToInt8, toFloat4, toInt2, toInt4 } from '../overflow.ts';

type Cast = (value: never) => unknown;

const same = (value: unknown): unknown => value;
const toBig = (value: number): bigint => BigInt(value);

function decimalToFloat(d: Decimal, type: 'float4' | 'float8'): number {
  const double = decimalToDouble(d);
  if (d.kind !== 'finite') return double;
  const value = type === 'float4' ? Math.fround(double) : double;
  if (!Number.isFinite(value) || (value === 0 && d.coefficient !== 0n)) {
    const name = type === 'float4' ? 'real' : 'double precision';
    throw new SqlError('22003', `"${formatDecimal(d)}" is out of range for type ${name}`);
  }
  return value;
}

const NUMBER_CASTS: Readonly<Record<string, Cast>> = {
  'int2,int4': same,
  'int2,int8': toBig,
  'int4,int8': toBig,
  'int4,int2': toInt2,
  'int8,int2': (v: bigint) => toInt2(Number(v)),
  'int8,int4': (v: bigint) => toInt4(Number(v)),
  'int2,numeric': fromInteger,
  'int4,numeric': fromInteger,
  'int8,numeric': fromBigInt,
  'int2,float4': same,
  'int2,float8': same,
  'int4,float4': Math.fround,
  'int4,float8': same,
  'int8,float4': (v: bigint) => bigToFloat4(v),
  'int8,float8': Number,
  'numeric,int2': (d: Decimal) => Number(decimalToInteger(d, 'int2')),
  'numeric,int4': (d: Decimal) => Number(decimalToInteger(d, 'int4')),
  'numeric,int8': (d: Decimal) => decimalToInteger(d, 'int8'),
  'numeric,float4': (d: Decimal) => decimalToFloat(d, 'float4'),
  'numeric,float8': (d: Decimal) => decimalToFloat(d, 'float8'),
  'float4,float8': same,
  'float8,float4': toFloat4,
  'float4,int2': floatToInt2,
  'float8,int2': floatToInt2,
  'float4,int4': floatToInt4,
  'float8,int4': floatToInt4,
  'float4,int8': floatToInt8,
  'float8,int8': floatToInt8,
  'float4,numeric': (v: number) => decimalFromDouble(v, 6),
  'float8,numeric': (v: number) => decimalFromDouble(v, 15),
  'bool,int4': (v: boolean) => (v ? 1 : 0),
  'int4,bool': (v: number) => v !== 0,
};

/** Rounded once: through a double the halfway cases would be rounded twice. */
function bigToFloat4(value: bigint): number {
  const double = Number(value);
  const single = Math.fround(double);
  const error = value - BigInt(double);
  if (error === 0n || single === double) return single;
  // The double lies half way between two float4 only if it was itself rounded to there.
  const nudged = error > 0n ? double * (1 + Number.EPSILON) : double * (1 - Number.EPSILON);
  return Math.fround(nudged);
}

/** Bytes of an integer, big-endian. */
function bytesToInteger(bytes: Uint8Array, size: 2 | 4 | 8): bigint {
  const name = { 2: 'smallint', 4: 'integer', 8: 'bigint' }[size];
  if (bytes.length > size) throw new SqlError('22003', `${name} out of range`);
  let value = 0n;
  for (const byte of bytes) value = value * 256n + BigInt(byte);
  return bytes.length === size ? BigInt.asIntN(size * 8, value) : value;
}

const OTHER_CASTS: Readonly<Record<string, Cast>> = {
  'text,varchar': same,
  'text,bpchar': same,
  'varchar,text': same,
  'varchar,bpchar': same,
  'bpchar,text': trimBlanks,
  'bpchar,varchar': trimBlanks,
  ...Object.fromEntries(['text', 'varchar', 'bpchar'].map((type) => [`bool,${type}`, String])),
  'date,timestamp': timestampFromDate,
  'timestamp,date': dateFromTimestamp,
  'timestamp,time': timeFromTimestamp,
  'time,interval': (micros: number) => interval(0, 0, micros),
  'interval,time': (i: Interval) => {
    if (!isFiniteInterval(i)) throw new SqlError('22008', 'cannot convert infinite interval to time');
    return ((i.micros % MICROS_PER_DAY) + MICROS_PER_DAY) % MICROS_PER_DAY;
  },
  'json,jsonb': canonicalJsonb,
  'jsonb,json': same,
  ...Object.fromEntries(
    (['int2', 'int4', 'int8'] as const).map((type) => [
      `${type},bytea`,
      (v: unknown) => encodeBinary(v, { name: type }),
    ]),
  ),
  'bytea,int2': (v: Uint8Array) => Number(bytesToInteger(v, 2)),
  'bytea,int4': (v: Uint8Array) => Number(bytesToInteger(v, 4)),
  'bytea,int8': (v: Uint8Array) => bytesToInteger(v, 8),
};

const ZONED_CASTS: Readonly<Record<string, Implementation>> = {
  'timestamp,timestamptz':
    ({ format }) =>
    (v: number) =>
      zonedFromLocal(v, format.zone),
  'timestamptz,timestamp':
    ({ format }) =>
    (v: number) =>
      localFromZoned(v, format.zone),
  'date,timestamptz':
    ({ format }) =>
    (v: number) =>
      zonedFromLocal(timestampFromDate(v), format.zone),
  'timestamptz,date':
    ({ format }) =>
    (v: number) =>
      dateFromTimestamp(localFromZoned(v, format.zone)),
  'timestamptz,time':
    ({ format }) =>
    (v: number) =>
      timeFromTimestamp(localFromZoned(v, format.zone)),
};

/** A number or boolean out of jsonb; null for JSON null. */
function jsonbCast(target: TypeName): Implementation {
  const wanted = target === 'bool' ? 'boolean' : 'number';
  const numeric: Implementation =
    target === 'numeric' || target === 'bool' ? () => same : castOf('numeric', target);
  return (context) => {
    const convert = numeric(context) as (value: unknown) => unknown;
    return (json: string) => {
      const kind = jsonTypeof(json);
      if (kind === 'null') return null;
      if (kind !== wanted) {
        throw new SqlError('22023', `cannot cast jsonb ${kind} to type ${formatType({ name: target })}`);
      }
      if (target === 'bool') return json === 'true';
      return convert(parseWith(context.format, json, { name: 'numeric' }));
    };
  };
}

const STRINGS: readonly TypeName[] = ['text', 'varchar', 'bpchar'];

function castOf(source: TypeName, target: TypeName): Implementation {
  const pair = `${source},${target}`;
  const plain = NUMBER_CASTS[pair] ?? OTHER_CASTS[pair];
  if (plain !== undefined) return () => plain;
  const zoned = ZONED_CASTS[pair];
  if (zoned !== undefined) return zoned;
  if (source === 'jsonb' && !STRINGS.includes(target)) return jsonbCast(target);
  if (STRINGS.includes(target))
    return ({ format }) =>
      (v: unknown) =>
        formatWith(format, v, { name: source });
  // Blanks of bpchar are part of its text here.
  if (STRINGS.includes(source))
    return ({ format }) =>
      (v: string) =>
        parseWith(format, v, { name: target });
  assert(isArrayType(source) && isArrayType(target), `no cast from ${source} to ${target}`);
  return arrayCast(source, target);
}

function arrayCast(source: TypeName, target: TypeName): Implementation {
  const element = castOf(elementTypeName(source), elementTypeName(target));
  return (context) => {
    const convert = element(context) as (value: unknown) => unknown;
    return (items: readonly unknown[]) => items.map((item) => (item === null ? null : convert(item)));
  };
}

export const CAST_FUNCTIONS: readonly Entry[] = [
  ...SIGNATURES.filter((s) => s.kind === 'cast').map((s): Entry => [s.key, castOf(s.args[0]!, s.args[1]!)]),
  pure('varchar(varchar,int4,bool)', fitVarchar),
  pure('bpchar(bpchar,int4,bool)', fitBpchar),
  pure('numeric(numeric,int4,int4)', applyPrecision),
  pure('output(bool)', (v: boolean) => (v ? 't' : 'f')),
  pure('output(bpchar)', same),
];
