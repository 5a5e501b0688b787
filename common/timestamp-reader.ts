/** The fields of a date and time as they are read, one after the other. */
import { daysFromCivil, daysInMonth, JULIAN_EPOCH, MICROS_PER_DAY, MICROS_PER_HOUR } from './calendar.ts';
import { MICROS_PER_MINUTE, MICROS_PER_SECOND } from './calendar.ts';
import { fractionMicros, readClock } from './date-time-tokens.ts';
import { findTimeZone, fixedOffsetZone, type TimeZone } from './time-zone.ts';

export type DateOrder = 'mdy' | 'dmy' | 'ymd';

/** Thrown and turned into an SqlError that names the input. */
type Failure = 'syntax' | 'field' | 'date-field' | 'zone' | 'zone-name';
export class FieldError extends Error {
  readonly failure: Failure;
  constructor(failure: Failure) {
    super(failure);
    this.failure = failure;
  }
}
export function fail(failure: Failure): never {
  throw new FieldError(failure);
}

const MONTH_NAMES =
  'january february march april may june july august september october november december'.split(' ');
const DAY_NAMES = 'sunday monday tuesday wednesday thursday friday saturday'.split(' ');

type Word = Readonly<{ kind: string; value: number }>;
const words = (names: readonly string[], kind: string, value: number): [string, Word][] =>
  names.map((name) => [name, { kind, value }]);

const PLAIN_WORDS = 't am pm ad bc now today tomorrow yesterday epoch allballs'.split(' ');

const WORDS: ReadonlyMap<string, Word> = new Map([
  ...MONTH_NAMES.flatMap((name, i) => words([name, name.slice(0, 3)], 'month', i + 1)),
  ...words(['sept'], 'month', 9),
  ...DAY_NAMES.flatMap((name, i) => words([name, name.slice(0, 3)], 'weekday', i)),
  ...words(['tues', 'wednes', 'weds', 'thur', 'thurs'], 'weekday', 0),
  ...words(['at', 'on'], 'ignored', 0),
  ...PLAIN_WORDS.flatMap((name) => words([name], name, 0)),
  ...words(['infinity', 'inf', '+infinity', '+inf'], 'infinity', 1),
  ...words(['-infinity', '-inf'], 'infinity', -1),
  ...words(['j', 'jd', 'julian'], 'julian', 0),
]);

/** Zones are not among them: `UTC+5` is one field. */
export const isDateTimeWord = (word: string): boolean => WORDS.has(word);

/** Winter and summer. */
const SAMPLE_TIMES = [Date.UTC(2024, 0, 1) * 1000, Date.UTC(2024, 6, 1) * 1000];

function ownAbbreviation(zone: TimeZone, word: string): TimeZone | undefined {
  if (zone.fixedSeconds !== null || !/^[a-z]{3,5}$/.test(word)) return undefined;
  const at = SAMPLE_TIMES.find((micros) => zone.abbreviationAt(micros)?.toLowerCase() === word);
  return at === undefined ? undefined : fixedOffsetZone(zone.offsetAt(at));
}

/** What has been read so far. */
export class DateTimeReader {
  readonly order: DateOrder;
  year: number | null = null;
  month: number | null = null;
  dayOfMonth: number | null = null;
  dayOfYear: number | null = null;
  julian: number | null = null;
  shortYear = false;
  textMonth = false;
  era: 'bc' | 'ad' | null = null;
  hours: number | null = null;
  minutes = 0;
  seconds = 0;
  micros = 0;
  half: 'am' | 'pm' | null = null;
  zone: TimeZone | null = null;
  special: string | null = null;
  specialValue = 0;
  readonly #sessionZone: TimeZone;
  /** A 't' or 'j' has announced what the next number is. */
  expects: 'time' | 'julian' | null = null;

  constructor(order: DateOrder, sessionZone: TimeZone) {
    this.order = order;
    this.#sessionZone = sessionZone;
  }

  get hasDate(): boolean {
    return (
      this.julian !== null ||
      (this.year !== null && ((this.month !== null && this.dayOfMonth !== null) || this.dayOfYear !== null))
    );
  }

  setClock(text: string): void {
    const clock = readClock(text);
    if (clock === null || this.hours !== null) fail('syntax');
    this.hours = clock.hours;
    this.minutes = clock.minutes;
    this.seconds = clock.seconds;
    this.micros = clock.micros;
  }

  setZone(zone: TimeZone): void {
    if (this.zone !== null) fail('syntax');
    this.zone = zone;
  }

  /** `+5`, `-04:30`, `+053000`, `+0530`. */
  setOffset(text: string): void {
    const match = /^([+-])(\d+)(?::(\d+)(?::(\d+))?)?$/.exec(text);
    if (match === null) fail('syntax');
    const digits = match[2]!;
    const packed = match[3] === undefined && digits.length > 2;
    const hours = packed ? Math.floor(Number(digits) / 100) : Number(digits);
    const minutes = packed ? Number(digits) % 100 : Number(match[3] ?? 0);
    const seconds = Number(match[4] ?? 0);
    if (hours > 15 || minutes > 59 || seconds > 59) fail('zone');
    const size = hours * 3600 + minutes * 60 + seconds;
    this.setZone(fixedOffsetZone(match[1] === '-' ? 0 - size : size));
  }

  setYear(value: number, digits: number): void {
    this.year = value;
    this.shortYear = digits <= 2;
  }

  /** A lone number: its place decides. */
  setNumber(text: string): void {
    const [whole = '', fraction] = text.split('.');
    const value = Number(whole);
    if (fraction !== undefined && whole.length > 2) {
      this.setRun(text);
      return;
    }
    const longEnough = whole.length >= 3;
    if (whole.length === 3 && this.year !== null && this.month === null && this.dayOfMonth === null) {
      if (value >= 1 && value <= 366) {
        this.dayOfYear = value;
        return;
      }
    }
    if (this.hasDate) {
      this.setRun(text);
      return;
    }
    if (fraction !== undefined) fail('syntax');
    const [y, m, d] = [this.year !== null, this.month !== null, this.dayOfMonth !== null];
    if (!y && !m && !d) {
      if (longEnough || this.order === 'ymd') this.setYear(value, whole.length);
      else if (this.order === 'dmy') this.dayOfMonth = value;
      else this.month = value;
    } else if (y && !m && !d) this.month = value;
    else if (!y && m && !d) {
      if (this.textMonth && (longEnough || this.order === 'ymd')) this.setYear(value, whole.length);
      else this.dayOfMonth = value;
    } else if (y && m) {
      if (this.textMonth && longEnough && this.shortYear) {
        this.dayOfMonth = this.year;
        this.setYear(value, whole.length);
      } else this.dayOfMonth = value;
    } else if (!y && !m && d) this.month = value;
    else if (!y && m && d) this.setYear(value, whole.length);
    else fail('syntax');
  }

  /** Digits without separators: yyyymmdd, yymmdd, hhmmss[.fff], hhmm. */
  setRun(text: string): void {
    const [whole = '', fraction] = text.split('.');
    if (fraction === undefined && !this.hasDate && this.expects !== 'time') {
      if (whole.length < 6) fail('syntax');
      const head = whole.slice(0, -4);
      this.setYear(Number(head), head.length);
      this.month = Number(whole.slice(-4, -2));
      this.dayOfMonth = Number(whole.slice(-2));
      return;
    }
    if (this.hours !== null || (whole.length !== 6 && whole.length !== 4)) fail('syntax');
    this.hours = Number(whole.slice(0, 2));
    this.minutes = Number(whole.slice(2, 4));
    this.seconds = Number(whole.slice(4, 6) || 0);
    this.micros = fraction === undefined ? 0 : fractionMicros(`.${fraction}`);
  }

  /** A date with separators; a month's name anywhere in it. */
  setDate(text: string): void {
    const parts = text.match(/[a-z]+|\d+/g) ?? [];
    if (parts.length > 4) fail('syntax');
    const numbers: string[] = [];
    for (const part of parts) {
      const word = WORDS.get(part);
      if (/^\d/.test(part)) numbers.push(part);
      else if (word?.kind === 'month' && this.month === null) {
        this.month = word.value;
        this.textMonth = true;
      } else fail('syntax');
    }
    for (const part of numbers) {
      if (this.hasDate) fail('syntax');
      this.setNumber(part);
    }
    if (!this.hasDate) fail('syntax');
  }

  setWord(text: string): void {
    const word = WORDS.get(text);
    switch (word?.kind) {
      case 'month':
        // `Jan` after a number taken for a month: that was the day.
        if (this.month !== null && !this.textMonth && this.dayOfMonth === null && this.month <= 31) {
          this.dayOfMonth = this.month;
        } else if (this.month !== null) fail('syntax');
        this.month = word.value;
        this.textMonth = true;
        return;
      case 'weekday':
      case 'ignored':
        return;
      case 't':
        this.expects = 'time';
        return;
      case 'julian':
        this.expects = 'julian';
        return;
      case 'am':
      case 'pm':
        this.half = word.kind;
        return;
      case 'bc':
      case 'ad':
        if (this.era !== null) fail('syntax');
        this.era = word.kind;
        return;
      case 'infinity':
      case 'now':
      case 'today':
      case 'tomorrow':
      case 'yesterday':
      case 'epoch':
      case 'allballs':
        if (this.special !== null) fail('syntax');
        this.special = word.kind;
        this.specialValue = word.value;
        return;
      default: {
        // The session's own abbreviations come first: IST is India's there.
        const zone = ownAbbreviation(this.#sessionZone, text) ?? findTimeZone(text);
        if (zone === undefined) fail('syntax');
        this.setZone(zone);
        return;
      }
    }
  }

  /** Days since 1970-01-01. */
  day(): number {
    if (this.julian !== null) return this.julian - JULIAN_EPOCH;
    let year = this.year ?? fail('syntax');
    if (this.era === 'bc') {
      if (year <= 0) fail('field');
      year = 1 - year;
    } else if (this.shortYear) year += year < 70 ? 2000 : year < 100 ? 1900 : 0;
    else if (year <= 0) fail('field');
    if (this.dayOfYear !== null) return daysFromCivil(year, 1, 1) + this.dayOfYear - 1;
    const month = this.month ?? fail('syntax');
    const day = this.dayOfMonth ?? fail('syntax');
    if (month < 1 || month > 12) fail('date-field');
    if (day < 1 || day > 31) fail('date-field');
    if (day > daysInMonth(year, month)) fail('field');
    return daysFromCivil(year, month, day);
  }

  /** µs since midnight, up to and with 24:00. */
  clock(): number {
    if (this.hours === null) return 0;
    let hours = this.hours;
    if (this.half !== null && hours > 12) fail('field');
    if (this.half === 'pm' && hours !== 12) hours += 12;
    if (this.half === 'am' && hours === 12) hours = 0;
    const total =
      hours * MICROS_PER_HOUR +
      this.minutes * MICROS_PER_MINUTE +
      this.seconds * MICROS_PER_SECOND +
      this.micros;
    if (hours > 24 || this.minutes > 59 || this.seconds > 60 || total > MICROS_PER_DAY) fail('field');
    return total;
  }
}

/** Whether the text begins with a month's name. */
export const beginsWithMonth = (text: string): boolean =>
  WORDS.get(/^[a-z]+/.exec(text)?.[0] ?? '')?.kind === 'month';
