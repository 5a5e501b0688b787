/**
 * Reads dates, times and timestamps in the forms that PostgreSQL takes. Fields are read from the left; what a plain
 * number means depends on the fields before it and on the order of the DateStyle.
 */
import { MICROS_PER_DAY } from './calendar.ts';
import { tokenize } from './date-time-tokens.ts';
import { SqlError } from './sql-error.ts';
import { findTimeZone, fixedOffsetZone, type TimeZone, toLocal, toUtc } from './time-zone.ts';
import { DATE_MAX, DATE_MIN, splitTimestamp, TIMESTAMP_END_DAY, timestampFromParts } from './timestamp.ts';
import {
  beginsWithMonth,
  type DateOrder,
  DateTimeReader,
  fail,
  FieldError,
  isDateTimeWord,
} from './timestamp-reader.ts';

export type DateTimeSettings = Readonly<{ zone: TimeZone; order: DateOrder; now: () => number }>;

type TypeLabel = 'date' | 'time' | 'timestamp' | 'timestamp with time zone';

function read(text: string, settings: DateTimeSettings, timeOnly: boolean): DateTimeReader {
  const tokens = tokenize(text, isDateTimeWord);
  if (tokens === null || tokens.length === 0 || tokens.length > 25) return fail('syntax');
  const reader = new DateTimeReader(settings.order, settings.zone);
  for (const [index, token] of tokens.entries()) {
    const expects = reader.expects;
    switch (token.kind) {
      case 'time':
        reader.setClock(token.text);
        break;
      case 'signed':
        reader.setOffset(token.text);
        break;
      case 'word':
      case 'special':
        reader.setWord(token.text);
        continue;
      case 'number':
        readNumber(reader, token.text, index, timeOnly);
        break;
      case 'date':
        readDate(reader, token.text);
        break;
    }
    if (expects !== null) reader.expects = null;
  }
  if (reader.expects !== null) return fail('syntax');
  return reader;
}

function readNumber(reader: DateTimeReader, text: string, index: number, timeOnly: boolean): void {
  if (reader.expects === 'julian') {
    reader.julian = Number(text);
    if (!Number.isInteger(reader.julian)) fail('syntax');
    return;
  }
  if (reader.expects === 'time') {
    reader.setRun(text);
    return;
  }
  const digits = text.split('.')[0]!.length;
  const dotted = text.includes('.');
  if (timeOnly && index === 0 && (digits === 6 || digits === 4)) {
    reader.expects = 'time';
    reader.setRun(text);
    reader.expects = null;
    return;
  }
  if (dotted && !reader.hasDate) {
    const dayOfYear = /^(\d{4,})\.(\d{3})$/.exec(text);
    if (dayOfYear === null || reader.year !== null) {
      reader.setRun(text);
      return;
    }
    reader.setYear(Number(dayOfYear[1]), dayOfYear[1]!.length);
    reader.setNumber(dayOfYear[2]!);
    return;
  }
  if (digits >= 6 && (!reader.hasDate || reader.hours === null)) {
    reader.setRun(text);
    return;
  }
  reader.setNumber(text);
}

function readDate(reader: DateTimeReader, text: string): void {
  if (!reader.hasDate && (/^\d/.test(text) || beginsWithMonth(text))) {
    reader.setDate(text);
    return;
  }
  if (/^\d/.test(text)) {
    // A run-together time with its zone: 040506-08.
    const split = text.indexOf('-');
    if (split < 0) fail('syntax');
    reader.setRun(text.slice(0, split));
    reader.setOffset(text.slice(split));
    return;
  }
  const zone = findTimeZone(text);
  if (zone === undefined) fail('zone-name');
  reader.setZone(zone);
}

function withErrors<T>(text: string, type: TypeLabel, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof FieldError)) throw error;
    switch (error.failure) {
      case 'field':
        throw new SqlError('22008', `date/time field value out of range: "${text}"`);
      case 'date-field':
        throw new SqlError('22008', `date/time field value out of range: "${text}"`, {
          hint: 'Perhaps you need a different "DateStyle" setting.',
        });
      case 'zone':
        throw new SqlError('22009', `time zone displacement out of range: "${text}"`);
      case 'syntax':
        throw new SqlError('22007', `invalid input syntax for type ${type}: "${text}"`);
      case 'zone-name': {
        const name = /[A-Za-z][A-Za-z0-9_+-]*[/_][A-Za-z0-9_/+-]*/.exec(text)?.[0] ?? text;
        throw new SqlError('22023', `time zone "${name.toLowerCase()}" not recognized`);
      }
    }
  }
}

/** Words that stand for a day in the session's zone. */
const DAY_SHIFTS: Readonly<Record<string, number>> = { yesterday: -1, today: 0, tomorrow: 1 };

type WallTime = Readonly<{ day: number; micros: number; zone: TimeZone | null }>;

/** Infinity, or wall time; `epoch` and `now` are instants, given in UTC. */
function wallTime(reader: DateTimeReader, settings: DateTimeSettings): number | WallTime {
  const { special } = reader;
  if (special === null) {
    const micros = reader.clock();
    return { day: reader.day(), micros, zone: reader.zone };
  }
  if (special === 'infinity') {
    if (reader.year !== null || reader.hours !== null) return fail('syntax');
    return reader.specialValue * Number.POSITIVE_INFINITY;
  }
  if (special === 'epoch') return { day: 0, micros: 0, zone: fixedOffsetZone(0) };
  if (special === 'now') return { ...splitTimestamp(settings.now()), zone: fixedOffsetZone(0) };
  const shift = DAY_SHIFTS[special];
  if (shift === undefined) return fail('syntax');
  const today = splitTimestamp(toLocal(settings.zone, settings.now())).day;
  return { day: today + shift, micros: reader.clock(), zone: reader.zone };
}

/** Days since 1970-01-01, or ±Infinity. */
export function parseDate(text: string, settings: DateTimeSettings): number {
  const wall = withErrors(text, 'date', () => wallTime(read(text, settings, false), settings));
  if (typeof wall === 'number') return wall;
  const local = wall.zone !== null && isInstant(text) ? localDay(wall, settings) : wall.day;
  if (local < DATE_MIN || local > DATE_MAX) throw new SqlError('22008', `date out of range: "${text}"`);
  return local;
}

const isInstant = (text: string): boolean => text.trim().toLowerCase() === 'now';

const localDay = (wall: WallTime, settings: DateTimeSettings): number =>
  splitTimestamp(toLocal(settings.zone, wall.day * MICROS_PER_DAY + wall.micros)).day;

/** timestamp without time zone: a zone in the text is read and not used. */
export function parseTimestamp(text: string, settings: DateTimeSettings): number {
  const type = 'timestamp';
  const wall = withErrors(text, type, () => wallTime(read(text, settings, false), settings));
  if (typeof wall === 'number') return wall;
  checkDay(wall.day, text);
  const timestamp = timestampFromParts(wall.day, wall.micros);
  return isInstant(text) ? toLocal(settings.zone, timestamp) : timestamp;
}

function checkDay(day: number, text: string): void {
  if (day < DATE_MIN || day >= TIMESTAMP_END_DAY) {
    throw new SqlError('22008', `timestamp out of range: "${text}"`);
  }
}

export function parseTimestamptz(text: string, settings: DateTimeSettings): number {
  const type = 'timestamp with time zone';
  const wall = withErrors(text, type, () => wallTime(read(text, settings, false), settings));
  if (typeof wall === 'number') return wall;
  checkDay(wall.day, text);
  return toUtc(wall.zone ?? settings.zone, timestampFromParts(wall.day, wall.micros));
}

/** µs since midnight; a date in the text is read and not used. */
export function parseTime(text: string, settings: DateTimeSettings): number {
  return withErrors(text, 'time', () => {
    const reader = read(text, settings, true);
    if (reader.special === 'allballs') return 0;
    if (reader.special === 'now') return splitTimestamp(toLocal(settings.zone, settings.now())).micros;
    if (reader.special !== null || reader.hours === null) return fail('syntax');
    if (reader.year !== null || reader.julian !== null) reader.day();
    return reader.clock();
  });
}
