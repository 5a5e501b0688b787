/** Datums from and to PostgreSQL's text form. */
import { type Decimal, formatDecimal, parseDecimal } from './decimal.ts';
import { applyPrecision } from './decimal-convert.ts';
import type { Interval } from './interval.ts';
import { formatInterval, type IntervalStyle } from './interval-format.ts';
import { parseInterval } from './interval-parse.ts';
import { canonicalJsonb } from './json.ts';
import { parseJson } from './json-parse.ts';
import { SqlError } from './sql-error.ts';
import { characterCount, sliceCharacters, trimBlanks } from './text.ts';
import { type TimeZone, timeZone } from './time-zone.ts';
import {
  type DateStyle,
  formatDate,
  formatTime,
  formatTimestamp,
  formatTimestamptz,
} from './timestamp-format.ts';
import { parseDate, parseTime, parseTimestamp, parseTimestamptz } from './timestamp-parse.ts';
import { elementTypeName, isArrayType, type SqlType } from './types.ts';
import { formatArray, parseArray } from './value-array.ts';
import { formatBytea, parseBytea } from './value-bytea.ts';
import {
  formatFloat4,
  formatFloat8,
  formatFloatRounded,
  parseFloatText,
  parseInteger,
} from './value-number.ts';

export type TextSettings = Readonly<{
  timeZone: string;
  /** As SHOW DateStyle prints it: `ISO, MDY`. */
  dateStyle: string;
  intervalStyle: IntervalStyle;
  byteaOutput: 'hex' | 'escape';
  extraFloatDigits: number;
  /** µs; what 'now' and 'today' mean. */
  now: () => number;
}>;

export const DEFAULT_TEXT_SETTINGS: TextSettings = {
  timeZone: 'UTC',
  dateStyle: 'ISO, MDY',
  intervalStyle: 'postgres',
  byteaOutput: 'hex',
  extraFloatDigits: 1,
  now: () => Date.now() * 1000,
};

/** Settings with names looked up, so that one value after the other is read without. */
export type TextFormat = Readonly<{
  zone: TimeZone;
  style: DateStyle;
  settings: TextSettings;
}>;

const FORMATS: Readonly<Record<string, DateStyle['format']>> = {
  iso: 'iso',
  sql: 'sql',
  postgres: 'postgres',
  postgresql: 'postgres',
  german: 'german',
};
const ORDERS: Readonly<Record<string, DateStyle['order']>> = {
  mdy: 'mdy',
  us: 'mdy',
  noneuro: 'mdy',
  noneuropean: 'mdy',
  dmy: 'dmy',
  euro: 'dmy',
  european: 'dmy',
  ymd: 'ymd',
};

export function parseDateStyle(text: string): DateStyle {
  let format: DateStyle['format'] = 'iso';
  let order: DateStyle['order'] | null = null;
  for (const word of text.toLowerCase().split(/[\s,]+/)) {
    format = FORMATS[word] ?? format;
    order = ORDERS[word] ?? order;
  }
  return { format, order: order ?? (format === 'german' ? 'dmy' : 'mdy') };
}

export function textFormat(settings: Partial<TextSettings> = {}): TextFormat {
  const full = { ...DEFAULT_TEXT_SETTINGS, ...settings };
  return { zone: timeZone(full.timeZone), style: parseDateStyle(full.dateStyle), settings: full };
}

const DEFAULT_FORMAT = textFormat();

/** 22P02, 22003, 22007, 22008 … with PostgreSQL's words. The type's modifier is applied as on assignment. */
export function parseDatum(text: string, type: SqlType, settings?: Partial<TextSettings>): unknown {
  return parseWith(settings === undefined ? DEFAULT_FORMAT : textFormat(settings), text, type);
}

export function formatDatum(datum: unknown, type: SqlType, settings?: Partial<TextSettings>): string {
  return formatWith(settings === undefined ? DEFAULT_FORMAT : textFormat(settings), datum, type);
}

export function parseWith(format: TextFormat, text: string, type: SqlType): unknown {
  if (isArrayType(type.name)) {
    const element: SqlType = { ...type, name: elementTypeName(type.name) };
    return parseArray(text, (item) => parseWith(format, item, element));
  }
  const dateTime = { zone: format.zone, order: format.style.order, now: format.settings.now };
  switch (elementTypeName(type.name)) {
    case 'bool':
      return parseBool(text);
    case 'int2':
      return Number(parseInteger(text, 'int2'));
    case 'int4':
      return Number(parseInteger(text, 'int4'));
    case 'int8':
      return parseInteger(text, 'int8');
    case 'float4':
      return parseFloatText(text, 'float4');
    case 'float8':
      return parseFloatText(text, 'float8');
    case 'numeric': {
      const value = parseDecimal(text);
      return type.precision === undefined ? value : applyPrecision(value, type.precision, type.scale ?? 0);
    }
    case 'text':
      return text;
    case 'varchar':
      return type.length === undefined ? text : fitVarchar(text, type.length, false);
    case 'bpchar':
      return type.length === undefined ? text : fitBpchar(text, type.length, false);
    case 'bytea':
      return parseBytea(text);
    case 'uuid':
      return parseUuid(text);
    case 'json':
      parseJson(text, { nul: true });
      return text;
    case 'jsonb':
      return canonicalJsonb(text);
    case 'date':
      return parseDate(text, dateTime);
    case 'time':
      return parseTime(text, dateTime);
    case 'timestamp':
      return parseTimestamp(text, dateTime);
    case 'timestamptz':
      return parseTimestamptz(text, dateTime);
    case 'interval':
      return parseInterval(text);
  }
}

export function formatWith(format: TextFormat, datum: unknown, type: SqlType): string {
  if (isArrayType(type.name)) {
    const element: SqlType = { ...type, name: elementTypeName(type.name) };
    return formatArray(datum as readonly unknown[], (item) => formatWith(format, item, element));
  }
  const { settings, style, zone } = format;
  switch (elementTypeName(type.name)) {
    case 'bool':
      return datum === true ? 't' : 'f';
    case 'int2':
    case 'int4':
    case 'int8':
      return String(datum);
    case 'float4':
      if (settings.extraFloatDigits <= 0)
        return formatFloatRounded(datum as number, 'float4', settings.extraFloatDigits);
      return formatFloat4(datum as number);
    case 'float8':
      if (settings.extraFloatDigits <= 0)
        return formatFloatRounded(datum as number, 'float8', settings.extraFloatDigits);
      return formatFloat8(datum as number);
    case 'numeric':
      return formatDecimal(datum as Decimal);
    case 'text':
    case 'varchar':
    case 'bpchar':
    case 'uuid':
    case 'json':
    case 'jsonb':
      return datum as string;
    case 'bytea':
      return formatBytea(datum as Uint8Array, settings.byteaOutput);
    case 'date':
      return formatDate(datum as number, style);
    case 'time':
      return formatTime(datum as number);
    case 'timestamp':
      return formatTimestamp(datum as number, style);
    case 'timestamptz':
      return formatTimestamptz(datum as number, style, zone);
    case 'interval':
      return formatInterval(datum as Interval, settings.intervalStyle);
  }
}

const TRUE_WORDS = ['true', 'yes', 'on', '1'];
const FALSE_WORDS = ['false', 'no', 'off', '0'];

/** Beginnings of true, yes, false, no; on, off as far as they are clear. */
export function parseBool(text: string): boolean {
  const word = text.trim().toLowerCase();
  if (word !== '' && word !== 'o') {
    if (TRUE_WORDS.some((w) => w.startsWith(word))) return true;
    if (FALSE_WORDS.some((w) => w.startsWith(word))) return false;
  }
  throw new SqlError('22P02', `invalid input syntax for type boolean: "${text}"`);
}

const UUID = /^(?:[0-9a-f]{4}-?){7}[0-9a-f]{4}$/;

export function parseUuid(text: string): string {
  const lower = text.toLowerCase();
  const bare = lower.startsWith('{') && lower.endsWith('}') ? lower.slice(1, -1) : lower;
  if (!UUID.test(bare)) throw new SqlError('22P02', `invalid input syntax for type uuid: "${text}"`);
  const hex = bare.replaceAll('-', '');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** varchar(n): blanks beyond the length go silently; an explicit cast cuts, else 22001. */
export function fitVarchar(text: string, length: number, explicit: boolean): string {
  if (text.length <= length || characterCount(text) <= length) return text;
  if (!explicit && trimBlanks(sliceCharacters(text, length, Number.POSITIVE_INFINITY)) !== '') {
    throw new SqlError('22001', `value too long for type character varying(${length})`);
  }
  return sliceCharacters(text, 0, length);
}

/** character(n): likewise, and padded with blanks. */
export function fitBpchar(text: string, length: number, explicit: boolean): string {
  const count = characterCount(text);
  if (count <= length) return text + ' '.repeat(length - count);
  if (!explicit && trimBlanks(sliceCharacters(text, length, Number.POSITIVE_INFINITY)) !== '') {
    throw new SqlError('22001', `value too long for type character(${length})`);
  }
  return sliceCharacters(text, 0, length);
}
