/** extract, date_trunc and date_bin. Fields are named as PostgreSQL reads them; numbers come out exact. */
import {
  civilFromDays,
  dayOfWeek,
  dayOfYear,
  daysFromCivil,
  isoWeek,
  isoWeekStart,
  JULIAN_EPOCH,
  MICROS_PER_DAY,
  MICROS_PER_HOUR,
  MICROS_PER_MINUTE,
  MICROS_PER_SECOND,
} from './calendar.ts';
import { add, type Decimal, decimal, divide, fromInteger, INFINITY, NEGATIVE_INFINITY } from './decimal.ts';
import { type Interval, interval, isFiniteInterval } from './interval.ts';
import { SqlError } from './sql-error.ts';
import { addMicros, splitTimestamp, timestampFromParts } from './timestamp.ts';
import { type TimeZone, toLocal, toUtc } from './time-zone.ts';
import { formatType, type ScalarTypeName } from './types.ts';

const FIELD_WORDS: Readonly<Record<string, string>> = {
  microsecond: 'us usec usecs microsecond microseconds',
  millisecond: 'ms msec msecs millisecond milliseconds',
  second: 's sec secs second seconds',
  minute: 'm min mins minute minutes',
  hour: 'h hr hrs hour hours',
  day: 'd day days',
  week: 'w week weeks',
  month: 'mon mons month months',
  quarter: 'qtr quarter',
  year: 'y yr yrs year years',
  decade: 'dec decs decade decades',
  century: 'c cent century centuries',
  millennium: 'mil mils millennium millennia',
  isoyear: 'isoyear',
  dow: 'dow',
  isodow: 'isodow',
  doy: 'doy',
  julian: 'j jd julian',
  epoch: 'epoch',
  timezone: 'timezone',
  timezone_hour: 'timezone_h timezone_hour',
  timezone_minute: 'timezone_m timezone_minute',
};

const FIELDS: ReadonlyMap<string, string> = new Map(
  Object.entries(FIELD_WORDS).flatMap(([field, words]) =>
    words.split(' ').map((word): [string, string] => [word, field]),
  ),
);

const notRecognized = (unit: string, type: ScalarTypeName): SqlError =>
  new SqlError('22023', `unit "${unit.toLowerCase()}" not recognized for type ${formatType({ name: type })}`);
const notSupported = (unit: string, type: ScalarTypeName): SqlError =>
  new SqlError('0A000', `unit "${unit.toLowerCase()}" not supported for type ${formatType({ name: type })}`);

function fieldOf(unit: string, type: ScalarTypeName): string {
  const field = FIELDS.get(unit.toLowerCase());
  if (field === undefined) throw notRecognized(unit, type);
  return field;
}

/** Years count from 1; there is no year 0, no century 0. */
const shownYear = (year: number): number => (year > 0 ? year : year - 1);
const centuryOf = (year: number, length: number): number =>
  year > 0 ? Math.ceil(year / length) : 0 - Math.floor((length - year) / length);

function dateField(field: string, day: number): number | null {
  const { year, month, day: date } = civilFromDays(day);
  switch (field) {
    case 'day':
      return date;
    case 'month':
      return month;
    case 'quarter':
      return Math.ceil(month / 3);
    case 'week':
      return isoWeek(day).week;
    case 'isoyear':
      return shownYear(isoWeek(day).year);
    case 'year':
      return shownYear(year);
    case 'decade':
      return Math.floor(year / 10);
    case 'century':
      return centuryOf(year, 100);
    case 'millennium':
      return centuryOf(year, 1000);
    case 'dow':
      return dayOfWeek(day);
    case 'isodow':
      return dayOfWeek(day) || 7;
    case 'doy':
      return dayOfYear(day);
    default:
      return null;
  }
}

const millis = (micros: number): Decimal => decimal(BigInt(micros), 3);
const seconds = (micros: number): Decimal => decimal(BigInt(micros), 6);

function timeField(field: string, micros: number): Decimal | null {
  switch (field) {
    case 'microsecond':
      return fromInteger(micros % MICROS_PER_MINUTE);
    case 'millisecond':
      return millis(micros % MICROS_PER_MINUTE);
    case 'second':
      return seconds(micros % MICROS_PER_MINUTE);
    case 'minute':
      return fromInteger(Math.floor(micros / MICROS_PER_MINUTE) % 60);
    case 'hour':
      return fromInteger(Math.floor(micros / MICROS_PER_HOUR));
    default:
      return null;
  }
}

/** Fields that grow with time are infinite for ±infinity, the others NULL. */
const GROWING: ReadonlySet<string> = new Set([
  'year',
  'decade',
  'century',
  'millennium',
  'julian',
  'isoyear',
  'epoch',
]);

function infiniteField(field: string, value: number): Decimal | null {
  if (!GROWING.has(field)) return null;
  return value > 0 ? INFINITY : NEGATIVE_INFINITY;
}

export function extractFromDate(unit: string, date: number): Decimal | null {
  const field = fieldOf(unit, 'date');
  const ofTime = ['microsecond', 'millisecond', 'second', 'minute', 'hour'];
  if (ofTime.includes(field) || field.startsWith('timezone')) throw notSupported(unit, 'date');
  if (!Number.isFinite(date)) return infiniteField(field, date);
  if (field === 'julian') return fromInteger(date + JULIAN_EPOCH);
  if (field === 'epoch') return fromInteger(date * 86_400);
  return fromInteger(dateField(field, date)!);
}

export function extractFromTime(unit: string, time: number): Decimal {
  const field = fieldOf(unit, 'time');
  const value = field === 'epoch' ? seconds(time) : timeField(field, time);
  if (value === null) throw notSupported(unit, 'time');
  return value;
}

const MICROS_OF_DAY = fromInteger(MICROS_PER_DAY);

/** `offset`: seconds east of UTC for a timestamptz, null for a timestamp; `local` is wall time. */
function extractFrom(unit: string, local: number, offset: number | null): Decimal | null {
  const type = offset === null ? 'timestamp' : 'timestamptz';
  const field = fieldOf(unit, type);
  if (field.startsWith('timezone')) {
    if (!Number.isFinite(local)) return null;
    if (offset === null) throw notSupported(unit, type);
    if (field === 'timezone') return fromInteger(offset);
    return fromInteger(Math.trunc(field === 'timezone_hour' ? offset / 3600 : (offset / 60) % 60) + 0);
  }
  if (!Number.isFinite(local)) return infiniteField(field, local);
  const { day, micros } = splitTimestamp(local);
  if (field === 'epoch') {
    return decimal(BigInt(local) - BigInt(offset ?? 0) * 1_000_000n, 6);
  }
  if (field === 'julian')
    return add(fromInteger(day + JULIAN_EPOCH), divide(fromInteger(micros), MICROS_OF_DAY));
  const ofDate = dateField(field, day);
  if (ofDate !== null) return fromInteger(ofDate);
  const value = timeField(field, micros);
  if (value === null) throw notSupported(unit, type);
  return value;
}

export const extractFromTimestamp = (unit: string, timestamp: number): Decimal | null =>
  extractFrom(unit, timestamp, null);

export function extractFromTimestamptz(unit: string, timestamp: number, zone: TimeZone): Decimal | null {
  if (!Number.isFinite(timestamp)) return extractFrom(unit, timestamp, 0);
  return extractFrom(unit, toLocal(zone, timestamp), zone.offsetAt(timestamp));
}

const INTERVAL_SPANS: Readonly<Record<string, number>> = {
  year: 12,
  decade: 120,
  century: 1200,
  millennium: 12_000,
};
const SECONDS_PER_YEAR = 31_557_600n;

export function extractFromInterval(unit: string, i: Interval): Decimal | null {
  const field = fieldOf(unit, 'interval');
  const { months, days, micros } = i;
  if (!isFiniteInterval(i)) {
    if (['year', 'decade', 'century', 'millennium', 'epoch', 'day', 'hour'].includes(field)) {
      return micros > 0 ? INFINITY : NEGATIVE_INFINITY;
    }
    if (['microsecond', 'millisecond', 'second', 'minute', 'month', 'quarter', 'week'].includes(field)) {
      return null;
    }
    throw notSupported(unit, 'interval');
  }
  const span = INTERVAL_SPANS[field];
  if (span !== undefined) return fromInteger(Math.trunc(months / span) + 0);
  switch (field) {
    case 'epoch': {
      const whole =
        BigInt(Math.trunc(months / 12)) * SECONDS_PER_YEAR +
        BigInt(months % 12) * 2_592_000n +
        BigInt(days) * 86_400n;
      return decimal(whole * 1_000_000n + BigInt(micros), 6);
    }
    case 'month':
      return fromInteger((months % 12) + 0);
    case 'quarter':
      return fromInteger(months >= 0 ? Math.trunc((months % 12) / 3) + 1 : Math.trunc((months % 12) / 3) - 1);
    case 'week':
      return fromInteger(Math.trunc(days / 7) + 0);
    case 'day':
      return fromInteger(days);
    case 'hour':
      return fromInteger(Math.trunc(micros / MICROS_PER_HOUR) + 0);
    case 'minute':
      return fromInteger((Math.trunc(micros / MICROS_PER_MINUTE) % 60) + 0);
    case 'second':
    case 'millisecond':
    case 'microsecond': {
      const rest = (micros % MICROS_PER_MINUTE) + 0;
      return field === 'second' ? seconds(rest) : field === 'millisecond' ? millis(rest) : fromInteger(rest);
    }
    default:
      throw notSupported(unit, 'interval');
  }
}

const UNIT_MICROS: Readonly<Record<string, number>> = {
  microsecond: 1,
  millisecond: 1000,
  second: MICROS_PER_SECOND,
  minute: MICROS_PER_MINUTE,
  hour: MICROS_PER_HOUR,
};

/** First year of the decade, century or millennium; the latter begin with year 1. */
function firstYear(field: string, year: number): number {
  if (field === 'year') return year;
  if (field === 'decade') return Math.floor(year / 10) * 10;
  const length = field === 'century' ? 100 : 1000;
  return Math.floor((year - 1) / length) * length + 1;
}

/** The day on which the unit that holds `day` begins; null for units that are no dates. */
function truncateDay(field: string, day: number): number | null {
  const { year, month } = civilFromDays(day);
  switch (field) {
    case 'day':
      return day;
    case 'week': {
      const iso = isoWeek(day);
      return isoWeekStart(iso.year, iso.week);
    }
    case 'month':
      return daysFromCivil(year, month, 1);
    case 'quarter':
      return daysFromCivil(year, month - ((month - 1) % 3), 1);
    case 'year':
    case 'decade':
    case 'century':
    case 'millennium':
      return daysFromCivil(firstYear(field, year), 1, 1);
    default:
      return null;
  }
}

/** Fields that extract alone knows. */
const ONLY_EXTRACTED: ReadonlySet<string> = new Set(['dow', 'isodow', 'doy', 'isoyear', 'julian', 'epoch']);

function truncatedField(unit: string, type: ScalarTypeName): string {
  const field = fieldOf(unit, type);
  if (ONLY_EXTRACTED.has(field)) throw notRecognized(unit, type);
  return field;
}

function truncateLocal(unit: string, local: number, type: 'timestamp' | 'timestamptz'): number {
  const field = truncatedField(unit, type);
  const size = UNIT_MICROS[field];
  if (size !== undefined) {
    if (!Number.isFinite(local)) return local;
    const { day, micros } = splitTimestamp(local);
    return timestampFromParts(day, micros - (micros % size));
  }
  if (truncateDay(field, 0) === null) throw notSupported(unit, type);
  if (!Number.isFinite(local)) return local;
  return timestampFromParts(truncateDay(field, splitTimestamp(local).day)!, 0);
}

export const truncateTimestamp = (unit: string, timestamp: number): number =>
  truncateLocal(unit, timestamp, 'timestamp');

/** Units from a day on begin at the zone's wall time; smaller ones keep the offset of the moment. */
export function truncateTimestamptz(unit: string, timestamp: number, zone: TimeZone): number {
  if (!Number.isFinite(timestamp)) return truncateLocal(unit, timestamp, 'timestamptz');
  const local = toLocal(zone, timestamp);
  const truncated = truncateLocal(unit, local, 'timestamptz');
  if (UNIT_MICROS[fieldOf(unit, 'timestamptz')] !== undefined) return truncated - (local - timestamp);
  return toUtc(zone, truncated);
}

export function truncateInterval(unit: string, i: Interval): Interval {
  const field = truncatedField(unit, 'interval');
  const size = UNIT_MICROS[field];
  const span = field === 'month' ? 1 : field === 'quarter' ? 3 : INTERVAL_SPANS[field];
  if (field === 'week') {
    throw new SqlError('0A000', 'unit "week" not supported for type interval', {
      detail: 'Months usually have fractional weeks.',
    });
  }
  if (size === undefined && span === undefined && field !== 'day') throw notSupported(unit, 'interval');
  if (!isFiniteInterval(i)) return i;
  if (size !== undefined) return interval(i.months, i.days, i.micros - (i.micros % size));
  if (span === undefined) return interval(i.months, i.days, 0);
  return interval(i.months - (i.months % span), 0, 0);
}

/** The start of the bin of width `stride`, counted from `origin`, that holds the timestamp. */
export function binTimestamp(stride: Interval, timestamp: number, origin: number): number {
  if (!Number.isFinite(timestamp)) return timestamp;
  if (!Number.isFinite(origin)) throw new SqlError('22008', 'origin out of range');
  if (!isFiniteInterval(stride)) {
    throw new SqlError('22008', 'timestamps cannot be binned into infinite intervals');
  }
  if (stride.months !== 0) {
    throw new SqlError('0A000', 'timestamps cannot be binned into intervals containing months or years');
  }
  const width = stride.days * MICROS_PER_DAY + stride.micros;
  if (width <= 0) throw new SqlError('22008', 'stride must be greater than zero');
  if (!Number.isSafeInteger(width)) throw new SqlError('22008', 'interval out of range');
  const distance = addMicros(timestamp, 0) - origin;
  const rest = Number.isSafeInteger(distance)
    ? distance % width
    : Number((BigInt(timestamp) - BigInt(origin)) % BigInt(width));
  return addMicros(timestamp, -(rest < 0 ? rest + width : rest));
}
