/**
 * date (days), time (µs since midnight), timestamp and timestamptz (µs since 1970-01-01 UTC), ±Infinity for ±infinity.
 *
 * A double holds whole microseconds up to 2^53, years 1685 to 2255; beyond, those times that are multiples of a
 * power of two. One that can't be held exactly is refused with 22008, never rounded.
 */
import { civilFromDays, daysFromCivil, daysInMonth, MICROS_PER_DAY } from './calendar.ts';
import { type Interval, interval, isFiniteInterval, negateInterval } from './interval.ts';
import { SqlError } from './sql-error.ts';
import { type TimeZone, toLocal, toUtc } from './time-zone.ts';

/** 4714-11-24 BC. */
export const DATE_MIN = daysFromCivil(-4713, 11, 24);
/** 5874897-12-31. */
export const DATE_MAX = daysFromCivil(5_874_897, 12, 31);
/** 294277-01-01, the first day that is out of range. */
export const TIMESTAMP_END_DAY = daysFromCivil(294_277, 1, 1);

export const timestampOutOfRange = (): SqlError => new SqlError('22008', 'timestamp out of range');
export const dateOutOfRange = (): SqlError => new SqlError('22008', 'date out of range');

/** a + b in µs where a double holds the sum exactly and it is in range; else 22008. */
export function addMicros(a: number, b: number): number {
  const sum = a + b;
  const lost = a - (sum - (sum - a)) + (b - (sum - a));
  if (lost !== 0) {
    throw new SqlError('22008', 'timestamp out of range', {
      detail: 'Before 1685 and after 2255 not every microsecond can be held.',
      hint: 'Round the time to whole seconds.',
    });
  }
  checkTimestamp(sum);
  return sum;
}

function checkTimestamp(micros: number): void {
  const day = Math.floor(micros / MICROS_PER_DAY);
  if (day < DATE_MIN || day >= TIMESTAMP_END_DAY) throw timestampOutOfRange();
}

export function timestampFromParts(day: number, microsOfDay: number): number {
  return addMicros(day * MICROS_PER_DAY, microsOfDay);
}

export type DayAndTime = Readonly<{ day: number; micros: number }>;

export function splitTimestamp(timestamp: number): DayAndTime {
  const day = Math.floor(timestamp / MICROS_PER_DAY);
  return { day, micros: timestamp - day * MICROS_PER_DAY };
}

export function timestampFromDate(date: number): number {
  if (!Number.isFinite(date)) return date;
  if (date >= TIMESTAMP_END_DAY) throw new SqlError('22008', 'date out of range for timestamp');
  return date * MICROS_PER_DAY;
}

export const dateFromTimestamp = (timestamp: number): number => Math.floor(timestamp / MICROS_PER_DAY);

export function timeFromTimestamp(timestamp: number): number | null {
  return Number.isFinite(timestamp) ? splitTimestamp(timestamp).micros : null;
}

/** timestamp (wall time in the zone) → timestamptz. */
export function zonedFromLocal(local: number, zone: TimeZone): number {
  if (!Number.isFinite(local)) return local;
  const utc = toUtc(zone, local);
  checkTimestamp(utc);
  return utc;
}

/** timestamptz → timestamp, the wall time in the zone. */
export function localFromZoned(zoned: number, zone: TimeZone): number {
  if (!Number.isFinite(zoned)) return zoned;
  const local = toLocal(zone, zoned);
  checkTimestamp(local);
  return local;
}

function infiniteSum(timestamp: number, span: Interval): number {
  if (Number.isFinite(timestamp)) return span.micros;
  if (!isFiniteInterval(span) && span.micros !== timestamp) throw timestampOutOfRange();
  return timestamp;
}

/** Whole months keep the day of the month, cut to the month's last day; then days, then time. */
function addMonthsAndDays(local: number, span: Interval): number {
  let { day, micros } = splitTimestamp(local);
  if (span.months !== 0) {
    const civil = civilFromDays(day);
    const index = civil.year * 12 + civil.month - 1 + span.months;
    const year = Math.floor(index / 12);
    const month = index - year * 12 + 1;
    day = daysFromCivil(year, month, Math.min(civil.day, daysInMonth(year, month)));
  }
  day += span.days;
  if (day < DATE_MIN || day >= TIMESTAMP_END_DAY) throw timestampOutOfRange();
  return timestampFromParts(day, micros);
}

export function addToTimestamp(timestamp: number, span: Interval): number {
  if (!Number.isFinite(timestamp) || !isFiniteInterval(span)) return infiniteSum(timestamp, span);
  const shifted = span.months === 0 && span.days === 0 ? timestamp : addMonthsAndDays(timestamp, span);
  return addMicros(shifted, span.micros);
}

/** Months and days are added to the wall time of the zone. */
export function addToTimestamptz(timestamp: number, span: Interval, zone: TimeZone): number {
  if (!Number.isFinite(timestamp) || !isFiniteInterval(span)) return infiniteSum(timestamp, span);
  if (span.months === 0 && span.days === 0) return addMicros(timestamp, span.micros);
  const shifted = toUtc(zone, addMonthsAndDays(toLocal(zone, timestamp), span));
  return addMicros(shifted, span.micros);
}

export const subtractFromTimestamp = (timestamp: number, span: Interval): number =>
  addToTimestamp(timestamp, negateInterval(span));

/** a − b in days of 24 hours and time. */
export function timestampDifference(a: number, b: number): Interval {
  if (!Number.isFinite(a) || !Number.isFinite(b)) {
    if (a === b) throw new SqlError('22008', 'interval out of range');
    const micros = Number.isFinite(a) ? -b : a;
    return micros > 0
      ? { months: 2 ** 31 - 1, days: 2 ** 31 - 1, micros }
      : { months: -(2 ** 31), days: -(2 ** 31), micros };
  }
  const x = splitTimestamp(a);
  const y = splitTimestamp(b);
  let days = x.day - y.day;
  let micros = x.micros - y.micros;
  if (days > 0 && micros < 0) {
    days--;
    micros += MICROS_PER_DAY;
  } else if (days < 0 && micros > 0) {
    days++;
    micros -= MICROS_PER_DAY;
  }
  return interval(0, days, micros);
}

/** a − b in years, months, days and time. */
export function age(a: number, b: number): Interval {
  if (!Number.isFinite(a) || !Number.isFinite(b)) return timestampDifference(a, b);
  if (a < b) return negateInterval(age0(b, a));
  return age0(a, b);
}

/** For a ≥ b: what is missing is borrowed from b's month. */
function age0(a: number, b: number): Interval {
  const x = splitTimestamp(a);
  const y = splitTimestamp(b);
  const from = civilFromDays(y.day);
  const to = civilFromDays(x.day);
  let micros = x.micros - y.micros;
  let days = to.day - from.day;
  let months = (to.year - from.year) * 12 + to.month - from.month;
  if (micros < 0) {
    micros += MICROS_PER_DAY;
    days--;
  }
  if (days < 0) {
    days += daysInMonth(from.year, from.month);
    months--;
  }
  return interval(months, days, micros);
}

export function addDaysToDate(date: number, days: number): number {
  if (!Number.isFinite(date)) return date;
  const sum = date + days;
  if (sum < DATE_MIN || sum > DATE_MAX) throw dateOutOfRange();
  return sum;
}

export function dateDifference(a: number, b: number): number {
  if (!Number.isFinite(a) || !Number.isFinite(b))
    throw new SqlError('22008', 'cannot subtract infinite dates');
  return a - b;
}

/** time ± interval wraps around midnight; only the interval's time counts. */
export function addToTime(time: number, span: Interval): number {
  if (!isFiniteInterval(span)) throw new SqlError('22008', 'cannot add infinite interval to time');
  const sum = (time + (span.micros % MICROS_PER_DAY)) % MICROS_PER_DAY;
  return sum < 0 ? sum + MICROS_PER_DAY : sum;
}
