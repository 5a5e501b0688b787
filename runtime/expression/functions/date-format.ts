/** to_char of timestamps and intervals. */
import {
  civilFromDays,
  dayOfWeek,
  dayOfYear,
  isoWeek,
  JULIAN_EPOCH,
  MICROS_PER_HOUR,
  MICROS_PER_MINUTE,
  MICROS_PER_SECOND,
} from '../../../common/calendar.ts';
import { type Interval, isFiniteInterval } from '../../../common/interval.ts';
import { SqlError } from '../../../common/sql-error.ts';
import { splitTimestamp } from '../../../common/timestamp.ts';
import { type TimeZone, toLocal } from '../../../common/time-zone.ts';
import { dateTemplate } from './date-template.ts';

export const MONTHS =
  'January February March April May June July August September October November December'.split(' ');
export const DAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');
export const ROMAN_MONTHS = 'I II III IV V VI VII VIII IX X XI XII'.split(' ');
const NAME_WIDTH = 9;

type Moment = Readonly<{
  /** Days since 1970-01-01; null for an interval. */
  day: number | null;
  year: number;
  month: number;
  date: number;
  hours: number;
  minutes: number;
  seconds: number;
  micros: number;
  zone: Readonly<{ offset: number; abbreviation: string | null }> | null;
}>;

/** Null for ±infinity: to_char gives NULL there. */
export function formatTimestampBy(
  local: number,
  template: string,
  zone: Moment['zone'] = null,
): string | null {
  if (!Number.isFinite(local)) return null;
  const { day, micros } = splitTimestamp(local);
  const civil = civilFromDays(day);
  return format(template, {
    day,
    year: civil.year,
    month: civil.month,
    date: civil.day,
    hours: Math.floor(micros / MICROS_PER_HOUR),
    minutes: Math.floor(micros / MICROS_PER_MINUTE) % 60,
    seconds: Math.floor(micros / MICROS_PER_SECOND) % 60,
    micros: micros % MICROS_PER_SECOND,
    zone,
  });
}

export function formatTimestamptzBy(at: number, template: string, zone: TimeZone): string | null {
  if (!Number.isFinite(at)) return null;
  const abbreviation = zone.abbreviationAt(at);
  return formatTimestampBy(toLocal(zone, at), template, { offset: zone.offsetAt(at), abbreviation });
}

export function formatIntervalBy(i: Interval, template: string): string | null {
  if (!isFiniteInterval(i)) return null;
  return format(template, {
    day: null,
    year: Math.trunc(i.months / 12) + 0,
    month: (i.months % 12) + 0,
    date: i.days,
    hours: Math.trunc(i.micros / MICROS_PER_HOUR) + 0,
    minutes: (Math.trunc(i.micros / MICROS_PER_MINUTE) % 60) + 0,
    seconds: (Math.trunc(i.micros / MICROS_PER_SECOND) % 60) + 0,
    micros: (i.micros % MICROS_PER_SECOND) + 0,
    zone: null,
  });
}

function format(templateText: string, m: Moment): string {
  let out = '';
  for (const node of dateTemplate(templateText).nodes) {
    if (node.kind !== 'field') {
      out += node.text;
      continue;
    }
    const value = fieldText(node.field, node.word, m, node.fill);
    out += typeof value === 'string' ? value : withSuffix(value, node.suffix);
  }
  return out;
}

const ENDINGS: Readonly<Record<string, string>> = { 1: 'st', 2: 'nd', 3: 'rd' };

/** `1st`, `12TH`; of the digits as they are shown. */
function withSuffix(number: Readonly<{ digits: string }>, suffix: 'TH' | 'th' | null): string {
  if (suffix === null) return number.digits;
  const lastTwo = Number(number.digits.slice(-2));
  const ending = lastTwo >= 11 && lastTwo <= 13 ? 'th' : (ENDINGS[number.digits.slice(-1)] ?? 'th');
  return number.digits + (suffix === 'TH' ? ending.toUpperCase() : ending);
}

/** A number with leading zeros up to `width`, the sign not counted; FM leaves them out. */
function padded(value: number, width: number, fill: boolean): Readonly<{ digits: string }> {
  const size = String(Math.abs(value)).padStart(fill ? 0 : width, '0');
  return { digits: (value < 0 || Object.is(value, -0) ? '-' : '') + size };
}

/** A name as the template's word is written: MONTH, Month, month. */
function cased(name: string, word: string): string {
  if (word[0] === word[0]?.toLowerCase()) return name.toLowerCase();
  return word[1] === word[1]?.toUpperCase() ? name.toUpperCase() : name;
}

const likeWord = (upper: string, word: string): string =>
  word === word.toLowerCase() ? upper.toLowerCase() : upper;

const yearShown = (year: number, ofInterval: boolean): number => (ofInterval || year > 0 ? year : 1 - year);

function fieldText(
  field: string,
  word: string,
  m: Moment,
  fill: boolean,
): string | Readonly<{ digits: string }> {
  const isInterval = m.day === null;
  switch (field) {
    case 'HH24':
      return padded(m.hours, 2, fill);
    case 'HH':
    case 'HH12': {
      const rest = m.hours % 12;
      return padded(rest === 0 ? 12 : rest, 2, fill);
    }
    case 'MI':
      return padded(m.minutes, 2, fill);
    case 'SS':
      return padded(m.seconds, 2, fill);
    case 'MS':
      return padded(Math.trunc(m.micros / 1000), 3, false);
    case 'US':
      return padded(m.micros, 6, false);
    case 'SSSS':
    case 'SSSSS':
      return padded(m.hours * 3600 + m.minutes * 60 + m.seconds, 0, fill);
    case 'AM':
    case 'PM':
    case 'A.M.':
    case 'P.M.': {
      const half = m.hours % 24 >= 12 ? 'PM' : 'AM';
      return likeWord(field.includes('.') ? `${half[0]}.M.` : half, word);
    }
    case 'J':
      if (m.day === null) throw notForIntervals();
      return padded(m.day + JULIAN_EPOCH, 0, fill);
    default:
      if (field.startsWith('FF')) {
        const width = Number(field[2]);
        return padded(Math.trunc(m.micros / 10 ** (6 - width)), width, false);
      }
      return dateField(field, word, m, fill, isInterval);
  }
}

const notForIntervals = (): SqlError =>
  new SqlError('22007', 'invalid format specification for an interval value', {
    hint: 'Intervals are not tied to specific calendar dates.',
  });

function dateField(
  field: string,
  word: string,
  m: Moment,
  fill: boolean,
  isInterval: boolean,
): string | Readonly<{ digits: string }> {
  const year = yearShown(m.year, isInterval);
  switch (field) {
    case 'YYYY':
      return padded(year, 4, fill);
    case 'Y,YYY': {
      const thousands = Math.trunc(year / 1000);
      return { digits: `${thousands},${String(year % 1000).padStart(3, '0')}` };
    }
    case 'YYY':
      return padded(year % 1000, 3, fill);
    case 'YY':
      return padded(year % 100, 2, fill);
    case 'Y':
      return padded(year % 10, 1, fill);
    case 'CC':
      return padded(isInterval ? Math.trunc(m.year / 100) : century(m.year), 2, fill);
    case 'MM':
      return padded(m.month, 2, fill);
    case 'DD':
      // The width counts the sign.
      return padded(m.date, m.date < 0 ? 1 : 2, fill);
    case 'Q':
      if (m.month === 0) return '';
      if (m.month < 0) throw new SqlError('0A000', 'quarter of a negative interval is not supported');
      return padded(Math.floor((m.month - 1) / 3) + 1, 0, fill);
    case 'RM':
      return romanMonth(m, word, fill, isInterval);
    default:
      // An interval has no calendar.
      if (m.day === null) throw notForIntervals();
      return calendarField(field, word, m.day, m, fill);
  }
}

const century = (year: number): number =>
  year > 0 ? Math.ceil(year / 100) : 0 - Math.floor((100 - year) / 100);

function romanMonth(m: Moment, word: string, fill: boolean, isInterval: boolean): string {
  if (isInterval && m.month === 0 && m.year === 0) return '';
  // An interval's months count back from December where they are negative; 0 months are a whole year.
  const index = m.month > 0 ? m.month : m.month < 0 ? 13 + m.month : m.year >= 0 ? 12 : 1;
  const roman = ROMAN_MONTHS[index - 1] ?? '';
  return likeWord(fill ? roman : roman.padEnd(4), word);
}

function calendarField(
  field: string,
  word: string,
  day: number,
  m: Moment,
  fill: boolean,
): string | Readonly<{ digits: string }> {
  switch (field) {
    case 'MONTH':
    case 'DAY': {
      const name = field === 'MONTH' ? MONTHS[m.month - 1]! : DAYS[dayOfWeek(day)]!;
      const text = cased(name, word);
      return fill ? text : text.padEnd(NAME_WIDTH);
    }
    case 'MON':
      return cased(MONTHS[m.month - 1]!.slice(0, 3), word);
    case 'DY':
      return cased(DAYS[dayOfWeek(day)]!.slice(0, 3), word);
    case 'DDD':
      return padded(dayOfYear(day), 3, fill);
    case 'D':
      return padded(dayOfWeek(day) + 1, 0, fill);
    case 'ID':
      return padded(dayOfWeek(day) || 7, 0, fill);
    case 'W':
      return padded(Math.floor((m.date - 1) / 7) + 1, 0, fill);
    case 'WW':
      return padded(Math.floor((dayOfYear(day) - 1) / 7) + 1, 2, fill);
    case 'IW':
      return padded(isoWeek(day).week, 2, fill);
    case 'IDDD':
      return padded((isoWeek(day).week - 1) * 7 + (dayOfWeek(day) || 7), 3, fill);
    case 'IYYY':
      return padded(yearShown(isoWeek(day).year, false), 4, fill);
    case 'IYY':
      return padded(yearShown(isoWeek(day).year, false) % 1000, 3, fill);
    case 'IY':
      return padded(yearShown(isoWeek(day).year, false) % 100, 2, fill);
    case 'I':
      return padded(yearShown(isoWeek(day).year, false) % 10, 1, fill);
    case 'BC':
    case 'AD':
    case 'B.C.':
    case 'A.D.': {
      const era = m.year <= 0 ? 'BC' : 'AD';
      return likeWord(field.includes('.') ? `${era[0]}.${era[1]}.` : era, word);
    }
    default:
      return zoneField(field, word, m);
  }
}

function zoneField(field: string, word: string, m: Moment): string {
  const offset = m.zone?.offset ?? 0;
  const sign = offset < 0 ? '-' : '+';
  const hours = String(Math.floor(Math.abs(offset) / 3600)).padStart(2, '0');
  const minutes = String(Math.floor(Math.abs(offset) / 60) % 60).padStart(2, '0');
  switch (field) {
    case 'TZ':
      if (m.zone === null) return '';
      return likeWord(m.zone.abbreviation ?? `${sign}${hours}${minutes === '00' ? '' : `:${minutes}`}`, word);
    case 'TZH':
      return `${sign}${hours}`;
    case 'TZM':
      return minutes;
    case 'OF':
      return `${sign}${hours}${minutes === '00' ? '' : `:${minutes}`}`;
    default:
      throw new SqlError('0A000', `date format pattern "${field}" is not supported`);
  }
}
