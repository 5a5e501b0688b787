/** interval: months, days and microseconds, kept apart as PostgreSQL does. ±infinity has micros ±Infinity. */
import { MICROS_PER_DAY, MICROS_PER_SECOND } from './calendar.ts';
import { SqlError } from './sql-error.ts';

export type Interval = Readonly<{ months: number; days: number; micros: number }>;

const INT32_MIN = -(2 ** 31);
const INT32_MAX = 2 ** 31 - 1;
const DAYS_PER_MONTH = 30;
const SECONDS_PER_DAY = 86_400;

export const INTERVAL_INFINITY: Interval = {
  months: INT32_MAX,
  days: INT32_MAX,
  micros: Number.POSITIVE_INFINITY,
};
export const INTERVAL_NEGATIVE_INFINITY: Interval = {
  months: INT32_MIN,
  days: INT32_MIN,
  micros: Number.NEGATIVE_INFINITY,
};

const outOfRange = (): SqlError => new SqlError('22008', 'interval out of range');

/** 22008 where a field leaves its range; microseconds are exact within ±2^53 (285 years). */
export function interval(months: number, days: number, micros: number): Interval {
  const fits =
    months >= INT32_MIN &&
    months <= INT32_MAX &&
    days >= INT32_MIN &&
    days <= INT32_MAX &&
    Number.isSafeInteger(micros);
  if (!fits) throw outOfRange();
  // −0 would show in text and comparisons of bits.
  return { months: months + 0, days: days + 0, micros: micros + 0 };
}

export const isFiniteInterval = (i: Interval): boolean => Number.isFinite(i.micros);

export function negateInterval(i: Interval): Interval {
  if (i.micros === Number.POSITIVE_INFINITY) return INTERVAL_NEGATIVE_INFINITY;
  if (i.micros === Number.NEGATIVE_INFINITY) return INTERVAL_INFINITY;
  return interval(0 - i.months, 0 - i.days, 0 - i.micros);
}

export function addIntervals(a: Interval, b: Interval): Interval {
  if (isFiniteInterval(a) && isFiniteInterval(b)) {
    return interval(a.months + b.months, a.days + b.days, a.micros + b.micros);
  }
  if (!isFiniteInterval(a) && !isFiniteInterval(b) && a.micros !== b.micros) throw outOfRange();
  return isFiniteInterval(a) ? b : a;
}

export const subtractIntervals = (a: Interval, b: Interval): Interval => addIntervals(a, negateInterval(b));

/** A month counts as 30 days, a day as 24 hours. */
export function compareIntervals(a: Interval, b: Interval): number {
  if (!isFiniteInterval(a) || !isFiniteInterval(b)) {
    return a.micros === b.micros ? 0 : a.micros < b.micros || b.micros === Number.POSITIVE_INFINITY ? -1 : 1;
  }
  const carryA = Math.floor(a.micros / MICROS_PER_DAY);
  const carryB = Math.floor(b.micros / MICROS_PER_DAY);
  const days = a.months * DAYS_PER_MONTH + a.days + carryA - (b.months * DAYS_PER_MONTH + b.days + carryB);
  if (days !== 0) return Math.sign(days);
  return Math.sign(a.micros - carryA * MICROS_PER_DAY - (b.micros - carryB * MICROS_PER_DAY));
}

/** Half to even, as rint. */
export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

const roundToMicros = (seconds: number): number => roundHalfEven(seconds * 1e6) / 1e6;

/** Months and days that do not come out whole cascade down to days and time. */
function scaled(months: number, days: number, micros: number): Interval {
  const wholeMonths = Math.trunc(months);
  let wholeDays = Math.trunc(days);
  if (!(Math.abs(wholeMonths) <= INT32_MAX) || !(Math.abs(wholeDays) <= INT32_MAX)) throw outOfRange();
  const monthDays = roundToMicros((months - wholeMonths) * DAYS_PER_MONTH);
  let seconds = roundToMicros((days - wholeDays + monthDays - Math.trunc(monthDays)) * SECONDS_PER_DAY);
  if (Math.abs(seconds) >= SECONDS_PER_DAY) {
    wholeDays += Math.trunc(seconds / SECONDS_PER_DAY);
    seconds -= Math.trunc(seconds / SECONDS_PER_DAY) * SECONDS_PER_DAY;
  }
  wholeDays += Math.trunc(monthDays);
  return interval(wholeMonths, wholeDays, roundHalfEven(micros + seconds * MICROS_PER_SECOND));
}

const signOfInterval = (i: Interval): number =>
  isFiniteInterval(i) ? compareIntervals(i, { months: 0, days: 0, micros: 0 }) : Math.sign(i.micros);

export function multiplyInterval(i: Interval, factor: number): Interval {
  if (Number.isNaN(factor)) throw outOfRange();
  if (!isFiniteInterval(i) || !Number.isFinite(factor)) {
    const sign = signOfInterval(i) * Math.sign(factor);
    if (sign === 0) throw outOfRange();
    return sign > 0 ? INTERVAL_INFINITY : INTERVAL_NEGATIVE_INFINITY;
  }
  return scaled(i.months * factor, i.days * factor, i.micros * factor);
}

export function divideInterval(i: Interval, divisor: number): Interval {
  if (divisor === 0) throw new SqlError('22012', 'division by zero');
  if (Number.isNaN(divisor)) throw outOfRange();
  if (!isFiniteInterval(i)) {
    if (!Number.isFinite(divisor)) throw outOfRange();
    return divisor > 0 ? i : negateInterval(i);
  }
  return scaled(i.months / divisor, i.days / divisor, i.micros / divisor);
}

/** Where the two differ in sign, one of the larger unit is taken apart into the smaller. */
function ofOneSign(large: number, small: number, unit: number): readonly [number, number] {
  if (large > 0 && small < 0) return [large - 1, small + unit];
  if (large < 0 && small > 0) return [large + 1, small - unit];
  return [large, small];
}

/** Days of 24 hours out of the time. */
export function justifyHours(i: Interval): Interval {
  if (!isFiniteInterval(i)) return i;
  const carried = i.days + Math.trunc(i.micros / MICROS_PER_DAY);
  const [days, micros] = ofOneSign(carried, i.micros % MICROS_PER_DAY, MICROS_PER_DAY);
  return interval(i.months, days, micros);
}

/** Months of 30 days out of the days. */
export function justifyDays(i: Interval): Interval {
  if (!isFiniteInterval(i)) return i;
  const carried = i.months + Math.trunc(i.days / DAYS_PER_MONTH);
  const [months, days] = ofOneSign(carried, i.days % DAYS_PER_MONTH, DAYS_PER_MONTH);
  return interval(months, days, i.micros);
}

/** Both, and all fields of one sign. */
export function justifyInterval(i: Interval): Interval {
  if (!isFiniteInterval(i)) return i;
  let days = i.days + Math.trunc(i.micros / MICROS_PER_DAY);
  let micros = i.micros % MICROS_PER_DAY;
  let months = i.months + Math.trunc(days / DAYS_PER_MONTH);
  days %= DAYS_PER_MONTH;
  if (months > 0 && (days < 0 || (days === 0 && micros < 0))) {
    days += DAYS_PER_MONTH;
    months--;
  } else if (months < 0 && (days > 0 || (days === 0 && micros > 0))) {
    days -= DAYS_PER_MONTH;
    months++;
  }
  if (days > 0 && micros < 0) {
    micros += MICROS_PER_DAY;
    days--;
  } else if (days < 0 && micros > 0) {
    micros -= MICROS_PER_DAY;
    days++;
  }
  return interval(months, days, micros);
}
