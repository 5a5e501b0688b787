/** The four output styles of interval (IntervalStyle). */
import { MICROS_PER_HOUR, MICROS_PER_MINUTE, MICROS_PER_SECOND } from './calendar.ts';
import { type Interval, isFiniteInterval } from './interval.ts';

export type IntervalStyle = 'postgres' | 'postgres_verbose' | 'sql_standard' | 'iso_8601';

type Parts = Readonly<{
  years: number;
  months: number;
  days: number;
  hours: number;
  minutes: number;
  seconds: number;
  /** 0 to ±999,999 beside whole seconds. */
  fraction: number;
}>;

function partsOf(i: Interval): Parts {
  return {
    years: Math.trunc(i.months / 12) + 0,
    months: (i.months % 12) + 0,
    days: i.days,
    hours: Math.trunc(i.micros / MICROS_PER_HOUR) + 0,
    minutes: (Math.trunc(i.micros / MICROS_PER_MINUTE) % 60) + 0,
    seconds: (Math.trunc(i.micros / MICROS_PER_SECOND) % 60) + 0,
    fraction: (i.micros % MICROS_PER_SECOND) + 0,
  };
}

const two = (n: number): string => String(Math.abs(n)).padStart(2, '0');

/** `.25`, without trailing zeros; empty for 0. */
export function formatFraction(micros: number): string {
  if (micros === 0) return '';
  return `.${String(Math.abs(micros)).padStart(6, '0').replace(/0+$/, '')}`;
}

export function formatInterval(i: Interval, style: IntervalStyle): string {
  if (!isFiniteInterval(i)) return i.micros > 0 ? 'infinity' : '-infinity';
  const parts = partsOf(i);
  switch (style) {
    case 'postgres':
      return formatPostgres(parts, i.micros);
    case 'postgres_verbose':
      return formatVerbose(parts);
    case 'iso_8601':
      return formatIso(parts);
    case 'sql_standard':
      return formatStandard(parts, i);
  }
}

function formatPostgres(p: Parts, micros: number): string {
  const out: string[] = [];
  let before = false;
  for (const [value, unit] of [
    [p.years, 'year'],
    [p.months, 'mon'],
    [p.days, 'day'],
  ] as const) {
    if (value === 0) continue;
    out.push(`${before && value > 0 ? '+' : ''}${value} ${unit}${value === 1 ? '' : 's'}`);
    before = value < 0;
  }
  if (out.length === 0 || micros !== 0) {
    const sign = micros < 0 ? '-' : before ? '+' : '';
    out.push(`${sign}${two(p.hours)}:${two(p.minutes)}:${two(p.seconds)}${formatFraction(p.fraction)}`);
  }
  return out.join(' ');
}

function formatVerbose(p: Parts): string {
  let out = '@';
  let before = false;
  let zero = true;
  const push = (value: number, unit: string): void => {
    if (value === 0) return;
    // The first field that is not 0 decides the sign of all: `ago` at the end.
    let shown = value;
    if (zero) {
      before = value < 0;
      shown = Math.abs(value);
    } else if (before) shown = -value;
    out += ` ${shown} ${unit}${shown === 1 ? '' : 's'}`;
    zero = false;
  };
  push(p.years, 'year');
  push(p.months, 'mon');
  push(p.days, 'day');
  push(p.hours, 'hour');
  push(p.minutes, 'min');
  if (p.seconds !== 0 || p.fraction !== 0) {
    const negative = p.seconds < 0 || p.fraction < 0;
    if (zero) before = negative;
    const sign = negative !== before ? '-' : '';
    const plural = Math.abs(p.seconds) !== 1 || p.fraction !== 0;
    out += ` ${sign}${Math.abs(p.seconds)}${formatFraction(p.fraction)} sec${plural ? 's' : ''}`;
    zero = false;
  }
  if (zero) out += ' 0';
  return before ? `${out} ago` : out;
}

function formatIso(p: Parts): string {
  const part = (value: number, unit: string): string => (value === 0 ? '' : `${value}${unit}`);
  const date = part(p.years, 'Y') + part(p.months, 'M') + part(p.days, 'D');
  let time = part(p.hours, 'H') + part(p.minutes, 'M');
  if (p.seconds !== 0 || p.fraction !== 0) {
    const sign = p.seconds < 0 || p.fraction < 0 ? '-' : '';
    time += `${sign}${Math.abs(p.seconds)}${formatFraction(p.fraction)}S`;
  }
  if (date === '' && time === '') return 'PT0S';
  return `P${date}${time === '' ? '' : `T${time}`}`;
}

function formatStandard(p: Parts, i: Interval): string {
  const values = [p.years, p.months, p.days, p.hours, p.minutes, p.seconds, p.fraction];
  const negative = values.some((v) => v < 0);
  const positive = values.some((v) => v > 0);
  const hasYears = i.months !== 0;
  const hasDays = p.days !== 0;
  const hasTime = i.micros !== 0;
  const time = `${two(p.minutes)}:${two(p.seconds)}${formatFraction(p.fraction)}`;
  if (!negative && !positive) return '0';
  if ((negative && positive) || (hasYears && (hasDays || hasTime))) {
    const sign = (n: number): string => (n < 0 ? '-' : '+');
    const years = `${sign(i.months)}${Math.abs(p.years)}-${Math.abs(p.months)}`;
    const days = `${sign(p.days)}${Math.abs(p.days)}`;
    return `${years} ${days} ${sign(i.micros)}${Math.abs(p.hours)}:${time}`;
  }
  const minus = negative ? '-' : '';
  if (hasYears) return `${minus}${Math.abs(p.years)}-${Math.abs(p.months)}`;
  if (hasDays) return `${minus}${Math.abs(p.days)} ${Math.abs(p.hours)}:${time}`;
  return `${minus}${Math.abs(p.hours)}:${time}`;
}
