/**
 * What an encoder needs of one column, in one shape for every type, so that the row loops stay monomorphic.
 *
 * A column whose text can't be written straight from its array (numeric, interval, arrays; any type under settings
 * other than the default ones) is formatted first and then passes as bytes.
 */
import type { Column, Validity } from '../../batch/column.ts';
import { isValid } from '../../batch/column.ts';
import { readDatum } from '../../batch/datum.ts';
import { assert } from '../../../common/assert.ts';
import { encodeBinary } from '../../../common/value-binary.ts';
import { datumToJson } from '../../../common/value-json.ts';
import { formatWith, textFormat, type TextSettings } from '../../../common/value-text.ts';
import type { Schema, SqlType } from '../../../common/types.ts';
import { ByteWriter } from './byte-writer.ts';

/** Which writer a field's values take. */
export const FIELD = {
  bool: 0,
  int32: 1,
  int64: 2,
  wideInt64: 3,
  float8: 4,
  float4: 5,
  date: 6,
  time: 7,
  timestamp: 8,
  timestamptz: 9,
  bytes: 10,
  uuid: 11,
  bytea: 12,
  int16: 13,
  jsonb: 14,
  /** JSON text that needs no quotes. */
  json: 15,
} as const;

export type OutputField = Readonly<{
  code: number;
  binary: boolean;
  valid: Validity;
  doubles: Float64Array;
  integers: Int32Array;
  wide: BigInt64Array;
  flags: Uint8Array;
  bytes: Uint8Array;
  starts: Uint32Array;
  ends: Uint32Array;
  /** Bytes that a value takes at the most: width + expansion × its length in `bytes`. */
  width: number;
  expansion: number;
}>;

const NO_DOUBLES = new Float64Array(0);
const NO_INTEGERS = new Int32Array(0);
const NO_WIDE = new BigInt64Array(0);
const NO_BYTES = new Uint8Array(0);
const NO_OFFSETS = new Uint32Array(0);

/** Fields for text output; `growth` is the factor by which escaping may lengthen a value's bytes. */
export function textFields(
  columns: readonly Column[],
  schema: Schema,
  rows: number,
  settings: TextSettings,
  growth: number,
): readonly OutputField[] {
  return columns.map((column, i) => textField(column, schema[i]!.type, rows, settings, growth));
}

export function textField(
  column: Column,
  type: SqlType,
  rows: number,
  settings: TextSettings,
  growth: number,
): OutputField {
  const code = isPlainText(type, settings) ? codeOf(column, type) : null;
  if (code !== null && code !== FIELD.jsonb) return field(column, code, growth);
  if (code === FIELD.jsonb) return field(column, FIELD.bytes, growth);
  const format = textFormat(settings);
  const formatted = formatColumn(column, type, rows, (datum) => formatWith(format, datum, type));
  return field(formatted, FIELD.bytes, growth);
}

export function binaryField(column: Column, type: SqlType, rows: number): OutputField {
  const code = codeOf(column, type);
  if (code !== null) return { ...field(column, code, 1), binary: true };
  return {
    ...field(
      formatColumn(column, type, rows, (d) => encodeBinary(d, type)),
      FIELD.bytes,
      1,
    ),
    binary: true,
  };
}

/** Fields for sql.md's JSON mapping: what is not a plain number, instant or text is formatted first. */
export function jsonField(column: Column, type: SqlType, rows: number): OutputField {
  const code = codeOf(column, type);
  switch (code) {
    case null:
      return field(
        formatColumn(column, type, rows, (d) => datumToJson(d, type)),
        FIELD.json,
        1,
      );
    case FIELD.bytea:
    case FIELD.jsonb:
    case FIELD.date:
    case FIELD.time:
      return field(
        formatColumn(column, type, rows, (d) => datumToJson(d, type)),
        FIELD.json,
        1,
      );
    default:
      if (type.name === 'json') {
        return field(
          formatColumn(column, type, rows, (d) => datumToJson(d, type)),
          FIELD.json,
          1,
        );
      }
      return field(column, code, 6);
  }
}

/** Whether the settings leave this type's text as the writers of number-text.ts and time-text.ts give it. */
function isPlainText(type: SqlType, settings: TextSettings): boolean {
  switch (type.name) {
    case 'float4':
    case 'float8':
      return settings.extraFloatDigits > 0;
    case 'date':
    case 'timestamp':
      return settings.dateStyle.startsWith('ISO');
    case 'timestamptz':
      return settings.dateStyle.startsWith('ISO') && isUtc(settings.timeZone);
    case 'bytea':
      return settings.byteaOutput === 'hex';
    default:
      return true;
  }
}

const isUtc = (zone: string): boolean => zone === 'UTC' || zone === 'Etc/UTC' || zone === 'GMT';

/** The writer for the column's own array; null where values must be formatted one by one. */
function codeOf(column: Column, type: SqlType): number | null {
  switch (type.name) {
    case 'bool':
      return FIELD.bool;
    case 'int2':
      return FIELD.int16;
    case 'int4':
      return FIELD.int32;
    case 'int8':
      return column.kind === 'int64' && column.wide !== null ? FIELD.wideInt64 : FIELD.int64;
    case 'float4':
      return FIELD.float4;
    case 'float8':
      return FIELD.float8;
    case 'date':
      return FIELD.date;
    case 'time':
      return FIELD.time;
    case 'timestamp':
      return FIELD.timestamp;
    case 'timestamptz':
      return FIELD.timestamptz;
    case 'text':
    case 'varchar':
    case 'bpchar':
    case 'json':
      return FIELD.bytes;
    case 'jsonb':
      return FIELD.jsonb;
    case 'uuid':
      return FIELD.uuid;
    case 'bytea':
      return FIELD.bytea;
    default:
      return null;
  }
}

/** Room for one value without its bytes; timestamps far from now are the longest. */
const SCALAR_WIDTH = 48;

function field(column: Column, code: number, growth: number): OutputField {
  return {
    code,
    binary: false,
    valid: column.valid,
    doubles: column.kind === 'float64' || column.kind === 'int64' ? column.values : NO_DOUBLES,
    integers: column.kind === 'int32' ? column.values : NO_INTEGERS,
    wide: column.kind === 'int64' && column.wide !== null ? column.wide : NO_WIDE,
    flags: column.kind === 'bool' ? column.values : NO_BYTES,
    bytes: column.kind === 'bytes' ? column.bytes : NO_BYTES,
    starts: column.kind === 'bytes' ? column.starts : NO_OFFSETS,
    ends: column.kind === 'bytes' ? column.ends : NO_OFFSETS,
    width: SCALAR_WIDTH,
    expansion: column.kind !== 'bytes' ? 0 : code === FIELD.bytea ? 2 * growth : growth,
  };
}

function formatColumn(
  column: Column,
  type: SqlType,
  rows: number,
  format: (datum: unknown) => string | Uint8Array,
): Column {
  const writer = new ByteWriter(rows * 16 + 64);
  const starts = new Uint32Array(rows);
  const ends = new Uint32Array(rows);
  for (let row = 0; row < rows; row++) {
    starts[row] = writer.length;
    if (isValid(column.valid, row)) {
      const formatted = format(readDatum(column, row, type));
      if (typeof formatted === 'string') writer.writeText(formatted);
      else writer.writeBytes(formatted);
    }
    ends[row] = writer.length;
  }
  assert(writer.length < 2 ** 32, 'a formatted column has 32-bit offsets');
  return { kind: 'bytes', bytes: writer.take(), starts, ends, valid: column.valid };
}
