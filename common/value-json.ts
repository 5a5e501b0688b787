/**
 * The one JSON mapping of SQL values (HTTP, events, WebSocket, notifications, files): int8 and numeric as strings,
 * NaN and infinities as strings, timestamps in ISO 8601 UTC, bytea in base64, intervals in PostgreSQL's text.
 */
import { MICROS_PER_DAY } from './calendar.ts';
import { type Decimal, formatDecimal } from './decimal.ts';
import type { Interval } from './interval.ts';
import { formatInterval } from './interval-format.ts';
import { quoteJson } from './json.ts';
import { formatDate, formatTime } from './timestamp-format.ts';
import { elementTypeName, isArrayType, type SqlType } from './types.ts';
import { formatFloat4, formatFloat8 } from './value-number.ts';

const ISO = { format: 'iso', order: 'mdy' } as const;

/** JSON text of one value. */
export function datumToJson(datum: unknown, type: SqlType): string {
  if (datum === null) return 'null';
  if (isArrayType(type.name)) {
    const element: SqlType = { name: elementTypeName(type.name) };
    return `[${(datum as readonly unknown[]).map((item) => datumToJson(item, element)).join(',')}]`;
  }
  switch (elementTypeName(type.name)) {
    case 'bool':
      return datum === true ? 'true' : 'false';
    case 'int2':
    case 'int4':
      return String(datum);
    case 'int8':
      return `"${String(datum)}"`;
    case 'numeric':
      return `"${formatDecimal(datum as Decimal)}"`;
    case 'float4':
      return number(datum as number, formatFloat4);
    case 'float8':
      return number(datum as number, formatFloat8);
    case 'text':
    case 'varchar':
    case 'bpchar':
    case 'uuid':
      return quoteJson(datum as string);
    case 'json':
    case 'jsonb':
      return datum as string;
    case 'bytea': {
      const bytes = datum as Uint8Array;
      return `"${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')}"`;
    }
    case 'date':
      return `"${formatDate(datum as number, ISO)}"`;
    case 'time':
      return `"${formatTime(datum as number)}"`;
    case 'timestamp':
      return `"${isoTimestamp(datum as number, '')}"`;
    case 'timestamptz':
      return `"${isoTimestamp(datum as number, 'Z')}"`;
    case 'interval':
      return quoteJson(formatInterval(datum as Interval, 'postgres'));
  }
}

function number(value: number, format: (value: number) => string): string {
  return Number.isFinite(value) ? format(value) : `"${format(value)}"`;
}

/** `2024-05-01T10:00:00.25Z`; before year 1 with ` BC`, as PostgreSQL writes it. */
function isoTimestamp(micros: number, zone: string): string {
  if (!Number.isFinite(micros)) return micros > 0 ? 'infinity' : '-infinity';
  const day = Math.floor(micros / MICROS_PER_DAY);
  const [date = '', era = ''] = formatDate(day, ISO).split(/(?= BC)/);
  return `${date}T${formatTime(micros - day * MICROS_PER_DAY)}${zone}${era}`;
}
