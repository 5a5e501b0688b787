/**
 * How the types of SQL travel in Arrow:
 *
 *   bool → Bool · int2, int4, int8 → Int16, Int32, Int64 · float4, float8 → Float32, Float64
 *   numeric → Utf8 (Decimal128 has no NaN or ∞, and no place for numeric without a scale)
 *   text, varchar, bpchar → Utf8 · json, jsonb → Utf8, extension arrow.json · bytea → Binary
 *   uuid → FixedSizeBinary(16), extension arrow.uuid
 *   date → Date32 · time → Time64(µs) · timestamp → Timestamp(µs) · timestamptz → Timestamp(µs, UTC)
 *   interval → Interval(MonthDayNano) · arrays → List of the element
 *
 * ±infinity of dates and timestamps are the extreme integers, as in PostgreSQL's binary format. Every field says its
 * SQL type in its metadata (`millrace.type`).
 */
import type { DataType, Field } from 'apache-arrow';
import { unreachable } from '../../../common/assert.ts';
import {
  elementTypeName,
  type Field as SqlField,
  formatType,
  isArrayType,
  type SqlType,
} from '../../../common/types.ts';
import type { ArrowLibrary } from './arrow-library.ts';

export function arrowField(library: ArrowLibrary, { name, type }: SqlField): Field {
  const metadata = new Map([['millrace.type', formatType(type)]]);
  const extension = EXTENSIONS[type.name];
  if (extension !== undefined) {
    metadata.set('ARROW:extension:name', extension);
    metadata.set('ARROW:extension:metadata', '');
  }
  return new library.Field(name, arrowType(library, type), true, metadata);
}

const EXTENSIONS: Readonly<Record<string, string>> = {
  uuid: 'arrow.uuid',
  json: 'arrow.json',
  jsonb: 'arrow.json',
};

export const elementType = (type: SqlType): SqlType => ({ ...type, name: elementTypeName(type.name) });

export function arrowType(library: ArrowLibrary, type: SqlType): DataType {
  if (isArrayType(type.name)) {
    return new library.List(arrowField(library, { name: 'item', type: elementType(type) }));
  }
  const name = elementTypeName(type.name);
  switch (name) {
    case 'bool':
      return new library.Bool();
    case 'int2':
      return new library.Int16();
    case 'int4':
      return new library.Int32();
    case 'int8':
      return new library.Int64();
    case 'float4':
      return new library.Float32();
    case 'float8':
      return new library.Float64();
    case 'numeric':
    case 'text':
    case 'varchar':
    case 'bpchar':
    case 'json':
    case 'jsonb':
      return new library.Utf8();
    case 'bytea':
      return new library.Binary();
    case 'uuid':
      return new library.FixedSizeBinary(16);
    case 'date':
      return new library.DateDay();
    case 'time':
      return new library.TimeMicrosecond();
    case 'timestamp':
      return new library.TimestampMicrosecond();
    case 'timestamptz':
      return new library.TimestampMicrosecond('UTC');
    case 'interval':
      return new library.IntervalMonthDayNano();
    default:
      return unreachable(name);
  }
}
