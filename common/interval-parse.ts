/** Reads an interval: PostgreSQL's units, SQL's `1-2 3 4:05:06`, ISO 8601's `P1Y2M3DT4H5M6S`. */
import { MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE, MICROS_PER_SECOND } from './calendar.ts';
import { readClock, type Token, tokenize } from './date-time-tokens.ts';
import {
  INTERVAL_INFINITY,
  INTERVAL_NEGATIVE_INFINITY,
  type Interval,
  interval,
  negateInterval,
  roundHalfEven,
} from './interval.ts';
import { SqlError } from './sql-error.ts';

type Unit =
  | 'microsecond'
  | 'millisecond'
  | 'second'
  | 'minute'
  | 'hour'
  | 'day'
  | 'week'
  | 'month'
  | 'year'
  | 'decade'
  | 'century'
  | 'millennium';

const UNIT_WORDS: Readonly<Record<Unit, string>> = {
  microsecond: 'us usec usecs microsecond microseconds usecond useconds',
  millisecond: 'ms msec msecs millisecond milliseconds msecond mseconds',
  second: 's sec secs second seconds',
  minute: 'm min mins minute minutes',
  hour: 'h hr hrs hour hours',
  day: 'd day days',
  week: 'w week weeks',
  month: 'mon mons month months',
  year: 'y yr yrs year years',
  decade: 'dec decs decade decades',
  century: 'c cent century centuries',
  millennium: 'mil mils millennium millennia millenniums',
};

/** Words count by their first ten letters. */
const WORD_LENGTH_MAX = 10;

const UNITS: ReadonlyMap<string, Unit> = new Map(
  Object.entries(UNIT_WORDS).flatMap(([unit, words]) =>
    words.split(' ').map((word): [string, Unit] => [word.slice(0, WORD_LENGTH_MAX), unit as Unit]),
  ),
);

const YEARS: Readonly<Partial<Record<Unit, number>>> = {
  year: 1,
  decade: 10,
  century: 100,
  millennium: 1000,
};
const MICROS: Readonly<Partial<Record<Unit, number>>> = {
  microsecond: 1,
  millisecond: 1000,
  second: MICROS_PER_SECOND,
  minute: MICROS_PER_MINUTE,
  hour: MICROS_PER_HOUR,
};

const badSyntax = (text: string): SqlError =>
  new SqlError('22007', `invalid input syntax for type interval: "${text}"`);
const outOfRange = (text: string): SqlError =>
  new SqlError('22015', `interval field value out of range: "${text}"`);

class Sum {
  months = 0;
  days = 0;
  micros = 0;

  addDays(days: number): void {
    const whole = Math.trunc(days);
    this.days += whole;
    this.micros += roundHalfEven((days - whole) * MICROS_PER_DAY);
  }

  /** `fraction` has the sign of `whole`. */
  add(unit: Unit, whole: number, fraction: number): void {
    const years = YEARS[unit];
    const micros = MICROS[unit];
    if (years !== undefined) this.months += whole * years * 12 + roundHalfEven(fraction * years * 12);
    else if (micros !== undefined) this.micros += whole * micros + roundHalfEven(fraction * micros);
    else if (unit === 'month') {
      this.months += whole;
      this.addDays(fraction * 30);
    } else if (unit === 'week') {
      this.days += whole * 7;
      this.addDays(fraction * 7);
    } else {
      this.days += whole;
      this.addDays(fraction);
    }
  }

  result(text: string): Interval {
    const fits = (n: number): boolean => n >= -(2 ** 31) && n < 2 ** 31;
    if (!fits(this.months) || !fits(this.days)) throw outOfRange(text);
    return interval(this.months, this.days, this.micros);
  }
}

/** 22007 for bad syntax, 22015 for a field beyond its range. */
export function parseInterval(text: string): Interval {
  const trimmed = text.trim();
  if (/^[pP][^\s]/.test(trimmed) && trimmed[1] !== undefined) return parseIso(trimmed, text);
  const tokens = tokenize(text, (word) => UNITS.has(word.slice(0, WORD_LENGTH_MAX)));
  if (tokens === null || tokens.length === 0) throw badSyntax(text);
  return readTokens(tokens, text);
}

function readTokens(tokens: readonly Token[], text: string): Interval {
  const sum = new Sum();
  const seen = new Set<string>();
  const mark = (field: string): void => {
    if (seen.has(field)) throw badSyntax(text);
    seen.add(field);
  };
  let unit: Unit | null = null;
  let ago = false;
  // From the right: a unit stands after its number, and time without a unit says that a number before it is days.
  for (let i = tokens.length - 1; i >= 0; i--) {
    const token = tokens[i]!;
    const sign = token.kind === 'signed' && token.text.startsWith('-') ? -1 : 1;
    const body = token.kind === 'signed' ? token.text.slice(1) : token.text;
    if (token.kind === 'word' || token.kind === 'special') {
      if (token.text === 'ago' && i === tokens.length - 1) {
        ago = true;
        continue;
      }
      const infinite = infinity(token.text);
      if (infinite !== null && tokens.length === 1) return infinite;
      const named = token.kind === 'word' ? UNITS.get(token.text.slice(0, WORD_LENGTH_MAX)) : undefined;
      if (named === undefined) throw badSyntax(text);
      unit = named;
      continue;
    }
    if (body.includes(':')) {
      const clock = readClock(body);
      if (clock === null) throw badSyntax(text);
      if (clock.minutes > 59 || clock.seconds > 60) throw outOfRange(text);
      mark('time');
      const { hours, minutes, seconds, micros } = clock;
      sum.micros +=
        sign * (hours * MICROS_PER_HOUR + minutes * MICROS_PER_MINUTE + seconds * MICROS_PER_SECOND + micros);
      unit = 'day';
      continue;
    }
    unit = readNumber(sum, sign, body, unit, mark, text);
  }
  if (seen.size === 0) throw badSyntax(text);
  const result = sum.result(text);
  return ago ? negateInterval(result) : result;
}

/** Adds one number with its unit; gives the unit that an unmarked number before it has. */
function readNumber(
  sum: Sum,
  sign: number,
  body: string,
  unit: Unit | null,
  mark: (field: string) => void,
  text: string,
): Unit | null {
  const yearMonth = /^(\d+)-(\d+)$/.exec(body);
  if (yearMonth !== null) {
    if (Number(yearMonth[2]) > 11) throw outOfRange(text);
    mark('month');
    sum.months += sign * (Number(yearMonth[1]) * 12 + Number(yearMonth[2]));
    return 'month';
  }
  const match = /^(\d*)(\.\d*)?$/.exec(body);
  if (match === null || body === '.') throw badSyntax(text);
  const whole = sign * Number(match[1] === '' ? 0 : match[1]);
  const fraction = match[2] === undefined || match[2] === '.' ? 0 : sign * Number(`0${match[2]}`);
  if (!Number.isSafeInteger(whole)) throw outOfRange(text);
  const field = unit ?? 'second';
  mark(field);
  if (field === 'second' && fraction !== 0) {
    // Seconds with a fraction take the places of milliseconds and microseconds, too.
    mark('millisecond');
    mark('microsecond');
  }
  sum.add(field, whole, fraction);
  return unit;
}

function infinity(word: string): Interval | null {
  if (['infinity', '+infinity', 'inf', '+inf'].includes(word)) return INTERVAL_INFINITY;
  if (['-infinity', '-inf'].includes(word)) return INTERVAL_NEGATIVE_INFINITY;
  return null;
}

const ISO_UNITS: Readonly<Record<string, Unit>> = { Y: 'year', M: 'month', W: 'week', D: 'day' };
const ISO_TIME_UNITS: Readonly<Record<string, Unit>> = { H: 'hour', M: 'minute', S: 'second' };

function parseIso(body: string, text: string): Interval {
  const sum = new Sum();
  const [, date = '', time] = /^[pP]([^tT]*)(?:[tT](.*))?$/.exec(body) ?? [];
  if (date === '' && time === undefined) throw badSyntax(text);
  const alternative = /^(-?\d+)-(-?\d+)-(-?\d+)$/.exec(date);
  if (alternative !== null) {
    sum.months = Number(alternative[1]) * 12 + Number(alternative[2]);
    sum.days = Number(alternative[3]);
  } else readIsoFields(sum, date, ISO_UNITS, text);
  if (time !== undefined) {
    const clock = /^(-?\d+):(-?\d+)(?::(-?\d+)(\.\d*)?)?$/.exec(time);
    if (clock !== null) {
      sum.add('hour', Number(clock[1]), 0);
      sum.add('minute', Number(clock[2]), 0);
      sum.add('second', Number(clock[3] ?? 0), Number(clock[4] === undefined ? 0 : `0${clock[4]}`));
    } else readIsoFields(sum, time, ISO_TIME_UNITS, text);
  }
  return sum.result(text);
}

function readIsoFields(sum: Sum, fields: string, units: Readonly<Record<string, Unit>>, text: string): void {
  const pattern = /(-?)(\d*)(\.\d*)?([A-Za-z])/y;
  let at = 0;
  while (at < fields.length) {
    pattern.lastIndex = at;
    const match = pattern.exec(fields);
    const unit = match === null ? undefined : units[match[4]!.toUpperCase()];
    if (match === null || unit === undefined || (match[2] === '' && match[3] === undefined))
      throw badSyntax(text);
    const sign = match[1] === '-' ? -1 : 1;
    const fraction = match[3] === undefined || match[3] === '.' ? 0 : Number(`0${match[3]}`);
    sum.add(unit, sign * Number(match[2] === '' ? 0 : match[2]), sign * fraction);
    at = pattern.lastIndex;
  }
}
