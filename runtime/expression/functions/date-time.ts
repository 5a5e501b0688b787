/** Functions and operators of dates, times and intervals. */
import {
  binTimestamp,
  extractFromDate,
  extractFromInterval,
  extractFromTime,
  extractFromTimestamp,
  extractFromTimestamptz,
  truncateInterval,
  truncateTimestamp,
  truncateTimestamptz,
} from '../../../common/date-fields.ts';
import { daysFromCivil, daysInMonth, MICROS_PER_DAY, MICROS_PER_HOUR } from '../../../common/calendar.ts';
import { MICROS_PER_MINUTE, MICROS_PER_SECOND } from '../../../common/calendar.ts';
import type { Decimal } from '../../../common/decimal.ts';
import { decimalToDouble } from '../../../common/decimal-convert.ts';
import * as spans from '../../../common/interval.ts';
import type { Interval } from '../../../common/interval.ts';
import { SqlError } from '../../../common/sql-error.ts';
import * as times from '../../../common/timestamp.ts';
import { fixedOffsetZone, type TimeZone, timeZone, toLocal } from '../../../common/time-zone.ts';
import { formatFloat8 } from '../../../common/value-number.ts';
import { type Entry, pure, pureAll } from '../implementation.ts';
import { overflowed } from '../overflow.ts';

function atTime(date: number, time: number): number {
  const midnight = times.timestampFromDate(date);
  return Number.isFinite(midnight) ? times.addMicros(midnight, time) : midnight;
}

const OPERATORS: readonly Entry[] = [
  pure('+(date,int4)', times.addDaysToDate),
  pure('+(int4,date)', (days: number, date: number) => times.addDaysToDate(date, days)),
  pure('-(date,int4)', (date: number, days: number) => times.addDaysToDate(date, -days)),
  pure('-(date,date)', times.dateDifference),
  pure('+(date,interval)', (date: number, i: Interval) =>
    times.addToTimestamp(times.timestampFromDate(date), i),
  ),
  pure('+(interval,date)', (i: Interval, date: number) =>
    times.addToTimestamp(times.timestampFromDate(date), i),
  ),
  pure('-(date,interval)', (date: number, i: Interval) =>
    times.subtractFromTimestamp(times.timestampFromDate(date), i),
  ),
  pure('+(date,time)', atTime),
  pure('+(time,date)', (time: number, date: number) => atTime(date, time)),
  pure('+(interval,interval)', spans.addIntervals),
  pure('-(interval,interval)', spans.subtractIntervals),
  pure('-(interval)', spans.negateInterval),
  pure('*(interval,float8)', spans.multiplyInterval),
  pure('*(float8,interval)', (factor: number, i: Interval) => spans.multiplyInterval(i, factor)),
  pure('/(interval,float8)', spans.divideInterval),
  pure('+(time,interval)', times.addToTime),
  pure('+(interval,time)', (i: Interval, time: number) => times.addToTime(time, i)),
  pure('-(time,interval)', (time: number, i: Interval) => times.addToTime(time, spans.negateInterval(i))),
  pure('-(time,time)', (a: number, b: number) => spans.interval(0, 0, a - b)),
  pure('+(timestamp,interval)', times.addToTimestamp),
  pure('+(interval,timestamp)', (i: Interval, at: number) => times.addToTimestamp(at, i)),
  pure('-(timestamp,interval)', times.subtractFromTimestamp),
  ...pureAll(['-(timestamp,timestamp)', '-(timestamptz,timestamptz)'], times.timestampDifference),
  [
    '+(timestamptz,interval)',
    ({ format }) =>
      (at: number, i: Interval) =>
        times.addToTimestamptz(at, i, format.zone),
  ],
  [
    '+(interval,timestamptz)',
    ({ format }) =>
      (i: Interval, at: number) =>
        times.addToTimestamptz(at, i, format.zone),
  ],
  [
    '-(timestamptz,interval)',
    ({ format }) =>
      (at: number, i: Interval) =>
        times.addToTimestamptz(at, spans.negateInterval(i), format.zone),
  ],
];

/** A zone by name, the last one remembered. */
function zoneByName(): (name: string) => TimeZone {
  let last: TimeZone | null = null;
  let lastName: string | null = null;
  return (name) => {
    if (name !== lastName || last === null) {
      last = timeZone(name);
      lastName = name;
    }
    return last;
  };
}

function zoneOfInterval(i: Interval): TimeZone {
  if (i.months !== 0 || i.days !== 0 || !spans.isFiniteInterval(i)) {
    throw new SqlError('22023', 'interval time zone must not include months or days');
  }
  return fixedOffsetZone(Math.trunc(i.micros / MICROS_PER_SECOND));
}

const ZONES: readonly Entry[] = [
  [
    'timezone(text,timestamp)',
    () => {
      const zone = zoneByName();
      return (name: string, local: number) =>
        Number.isFinite(local) ? times.zonedFromLocal(local, zone(name)) : local;
    },
  ],
  [
    'timezone(text,timestamptz)',
    () => {
      const zone = zoneByName();
      return (name: string, at: number) => (Number.isFinite(at) ? times.localFromZoned(at, zone(name)) : at);
    },
  ],
  pure('timezone(interval,timestamp)', (i: Interval, local: number) =>
    Number.isFinite(local) ? times.zonedFromLocal(local, zoneOfInterval(i)) : local,
  ),
  pure('timezone(interval,timestamptz)', (i: Interval, at: number) =>
    Number.isFinite(at) ? times.localFromZoned(at, zoneOfInterval(i)) : at,
  ),
  [
    'timezone(timestamp)',
    ({ format }) =>
      (local: number) =>
        times.zonedFromLocal(local, format.zone),
  ],
  [
    'timezone(timestamptz)',
    ({ format }) =>
      (at: number) =>
        times.localFromZoned(at, format.zone),
  ],
];

type Extract = (unit: string, value: never) => Decimal | null;

/** extract gives numeric, date_part the same as float8. */
function extractEntries(type: string, extract: Extract): readonly Entry[] {
  return [
    pure(`extract(text,${type})`, extract),
    pure(`date_part(text,${type})`, (unit: string, value: never) => {
      const exact = extract(unit, value);
      return exact === null ? null : decimalToDouble(exact);
    }),
  ];
}

const FIELDS: readonly Entry[] = [
  pure('extract(text,date)', extractFromDate),
  // As of the timestamp at midnight: hours and the like are 0, not an error.
  pure('date_part(text,date)', (unit: string, date: number) => {
    const exact = extractFromTimestamp(unit, times.timestampFromDate(date));
    return exact === null ? null : decimalToDouble(exact);
  }),
  ...extractEntries('time', extractFromTime),
  ...extractEntries('timestamp', extractFromTimestamp),
  ...extractEntries('interval', extractFromInterval),
  [
    'extract(text,timestamptz)',
    ({ format }) =>
      (unit: string, at: number) =>
        extractFromTimestamptz(unit, at, format.zone),
  ],
  [
    'date_part(text,timestamptz)',
    ({ format }) =>
      (unit: string, at: number) => {
        const exact = extractFromTimestamptz(unit, at, format.zone);
        return exact === null ? null : decimalToDouble(exact);
      },
  ],
  pure('date_trunc(text,timestamp)', truncateTimestamp),
  pure('date_trunc(text,interval)', truncateInterval),
  [
    'date_trunc(text,timestamptz)',
    ({ format }) =>
      (unit: string, at: number) =>
        truncateTimestamptz(unit, at, format.zone),
  ],
  [
    'date_trunc(text,timestamptz,text)',
    () => {
      const zone = zoneByName();
      return (unit: string, at: number, name: string) => truncateTimestamptz(unit, at, zone(name));
    },
  ],
  ...pureAll(
    ['date_bin(interval,timestamp,timestamp)', 'date_bin(interval,timestamptz,timestamptz)'],
    binTimestamp,
  ),
];

/** Seconds from 1970 to 2000, where PostgreSQL counts from: its rounding happens there. */
const EPOCH_SECONDS = 946_684_800;

function timestampFromSeconds(seconds: number): number {
  if (Number.isNaN(seconds)) throw new SqlError('22008', 'timestamp cannot be NaN');
  if (!Number.isFinite(seconds)) return seconds;
  const outOfRange = (): SqlError =>
    new SqlError('22008', `timestamp out of range: "${formatFloat8(seconds)}"`);
  if (seconds < times.DATE_MIN * 86_400 || seconds >= times.TIMESTAMP_END_DAY * 86_400) throw outOfRange();
  const micros = spans.roundHalfEven((seconds - EPOCH_SECONDS) * 1e6);
  return times.addMicros(micros, EPOCH_SECONDS * 1e6);
}

const two = (n: number): string => String(n).padStart(2, '0');

function makeDate(year: number, month: number, day: number): number {
  const astronomical = year < 0 ? year + 1 : year;
  if (year === 0 || month < 1 || month > 12 || day < 1 || day > daysInMonth(astronomical, month)) {
    throw new SqlError('22008', `date field value out of range: ${year}-${two(month)}-${two(day)}`);
  }
  const date = daysFromCivil(astronomical, month, day);
  if (date < times.DATE_MIN || date > times.DATE_MAX) {
    throw new SqlError('22008', `date out of range: ${year}-${two(month)}-${two(day)}`);
  }
  return date;
}

/** Seconds with their fraction; 60 and 24:00:00 are allowed as in text. */
function makeTime(hours: number, minutes: number, seconds: number): number {
  const micros =
    hours * MICROS_PER_HOUR + minutes * MICROS_PER_MINUTE + spans.roundHalfEven(seconds * MICROS_PER_SECOND);
  const inRange =
    hours >= 0 && minutes >= 0 && minutes <= 59 && seconds >= 0 && seconds <= 60 && micros <= MICROS_PER_DAY;
  if (!inRange || Number.isNaN(seconds)) {
    const shown = formatFloat8(seconds);
    throw new SqlError(
      '22008',
      `time field value out of range: ${hours}:${two(minutes)}:${/^\d(\.|$)/.test(shown) ? `0${shown}` : shown}`,
    );
  }
  return micros;
}

function makeTimestamp(
  year: number,
  month: number,
  day: number,
  hours: number,
  minutes: number,
  seconds: number,
): number {
  return times.timestampFromParts(makeDate(year, month, day), makeTime(hours, minutes, seconds));
}

function makeInterval(
  years = 0,
  months = 0,
  weeks = 0,
  days = 0,
  hours = 0,
  minutes = 0,
  seconds = 0,
): Interval {
  if (!Number.isFinite(seconds)) throw new SqlError('22008', 'interval out of range');
  if (!Number.isFinite(seconds * 1e6)) overflowed();
  const micros = hours * MICROS_PER_HOUR + minutes * MICROS_PER_MINUTE + spans.roundHalfEven(seconds * 1e6);
  return spans.interval(years * 12 + months, weeks * 7 + days, micros);
}

const MAKE_INTERVAL_TYPES = ['int4', 'int4', 'int4', 'int4', 'int4', 'int4', 'float8'];

/** Midnight of the current day, of the wall time in the zone. */
const startOfDay = (local: number): number => times.splitTimestamp(local).day * MICROS_PER_DAY;

const OTHERS: readonly Entry[] = [
  ...['now()', 'transaction_timestamp()', 'statement_timestamp()'].map(
    (key): Entry => [key, (context) => () => context.now()],
  ),
  pure('to_timestamp(float8)', timestampFromSeconds),
  pure('age(timestamp,timestamp)', times.age),
  [
    'age(timestamptz,timestamptz)',
    ({ format }) =>
      (a: number, b: number) =>
        times.age(times.localFromZoned(a, format.zone), times.localFromZoned(b, format.zone)),
  ],
  [
    'age(timestamp)',
    ({ format, now }) =>
      (at: number) =>
        times.age(startOfDay(toLocal(format.zone, now())), at),
  ],
  [
    'age(timestamptz)',
    ({ format, now }) =>
      (at: number) =>
        times.age(startOfDay(toLocal(format.zone, now())), times.localFromZoned(at, format.zone)),
  ],
  ...pureAll(['isfinite(date)', 'isfinite(timestamp)', 'isfinite(timestamptz)'], Number.isFinite),
  pure('isfinite(interval)', spans.isFiniteInterval),
  pure('justify_days(interval)', spans.justifyDays),
  pure('justify_hours(interval)', spans.justifyHours),
  pure('justify_interval(interval)', spans.justifyInterval),
  ...[0, 1, 2, 3, 4, 5, 6, 7].map((count) =>
    pure(`make_interval(${MAKE_INTERVAL_TYPES.slice(0, count).join(',')})`, makeInterval),
  ),
  pure('make_date(int4,int4,int4)', makeDate),
  pure('make_time(int4,int4,float8)', makeTime),
  pure('make_timestamp(int4,int4,int4,int4,int4,float8)', makeTimestamp),
  [
    'make_timestamptz(int4,int4,int4,int4,int4,float8)',
    ({ format }) =>
      (...args: Parameters<typeof makeTimestamp>) =>
        times.zonedFromLocal(makeTimestamp(...args), format.zone),
  ],
  pure(
    'make_timestamptz(int4,int4,int4,int4,int4,float8,text)',
    (y: number, mo: number, d: number, h: number, mi: number, s: number, zone: string) =>
      times.zonedFromLocal(makeTimestamp(y, mo, d, h, mi, s), timeZone(zone)),
  ),
];

export const DATE_TIME_FUNCTIONS: readonly Entry[] = [...OPERATORS, ...ZONES, ...FIELDS, ...OTHERS];
