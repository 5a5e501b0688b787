/**
 * numeric: an exact decimal number, coefficient × 10^−scale, or NaN or ±Infinity. Plain data, never changed.
 *
 * The scale is what PostgreSQL calls the display scale: 1.50 and 1.5 are equal, and print differently. Rounding is
 * half away from zero. Result scales follow src/backend/utils/adt/numeric.c of PostgreSQL 18.
 */
import { SqlError } from './sql-error.ts';

export type Decimal = Readonly<{
  kind: 'finite' | 'nan' | 'infinity' | '-infinity';
  coefficient: bigint;
  scale: number;
}>;

/** Digits before the point at the most. */
const INTEGER_DIGITS_MAX = 131072;
export const SCALE_MAX = 16383;
/** The greatest scale that a division or function chooses. */
export const DISPLAY_SCALE_MAX = 1000;
export const SIGNIFICANT_DIGITS_MIN = 16;
/** PostgreSQL computes in groups of four decimal digits; some result scales depend on it. */
export const GROUP_DIGITS = 4;

export const NAN: Decimal = { kind: 'nan', coefficient: 0n, scale: 0 };
export const INFINITY: Decimal = { kind: 'infinity', coefficient: 0n, scale: 0 };
export const NEGATIVE_INFINITY: Decimal = { kind: '-infinity', coefficient: 0n, scale: 0 };

const POWERS: bigint[] = Array.from({ length: 64 }, (_, i) => 10n ** BigInt(i));

/** 10^n for n ≥ 0. */
export function powerOfTen(n: number): bigint {
  return POWERS[n] ?? 10n ** BigInt(n);
}

export const overflow = (): SqlError => new SqlError('22003', 'value overflows numeric format');
export const divisionByZero = (): SqlError => new SqlError('22012', 'division by zero');

/** A finite value; 22003 where it has too many digits. */
export function decimal(coefficient: bigint, scale: number): Decimal {
  // 3.3 bits a digit: no value of fewer bits can be too long.
  if (scale < 0) return decimal(coefficient * powerOfTen(-scale), 0);
  if (scale > SCALE_MAX)
    return { kind: 'finite', coefficient: rescale(coefficient, scale, SCALE_MAX), scale: SCALE_MAX };
  if (coefficient > LONG || coefficient < -LONG) {
    if (integerDigits(coefficient, scale) > INTEGER_DIGITS_MAX) throw overflow();
  }
  return { kind: 'finite', coefficient, scale };
}

const LONG = 10n ** 4000n;

const absolute = (n: bigint): bigint => (n < 0n ? -n : n);

/** Number of decimal digits; 0 for 0. */
export function digitCount(n: bigint): number {
  return n === 0n ? 0 : absolute(n).toString().length;
}

/** Digits before the point; ≤ 0 where the first digit that is not 0 comes after it. */
export function integerDigits(coefficient: bigint, scale: number): number {
  return digitCount(coefficient) - scale;
}

/** n ÷ d rounded half away from zero; d > 0. */
export function divideRounded(n: bigint, d: bigint): bigint {
  const quotient = n / d;
  const remainder = absolute(n % d);
  if (remainder * 2n < d) return quotient;
  return n < 0n ? quotient - 1n : quotient + 1n;
}

/** The coefficient at another scale, rounded where digits go. */
export function rescale(coefficient: bigint, from: number, to: number): bigint {
  if (to >= from) return to === from ? coefficient : coefficient * powerOfTen(to - from);
  return divideRounded(coefficient, powerOfTen(from - to));
}

export const fromBigInt = (n: bigint): Decimal => ({ kind: 'finite', coefficient: n, scale: 0 });
/** An integer; for other numbers see decimalFromDouble. */
export const fromInteger = (n: number): Decimal => ({ kind: 'finite', coefficient: BigInt(n), scale: 0 });

export const isZero = (d: Decimal): boolean => d.kind === 'finite' && d.coefficient === 0n;

/** −1, 0 or 1; NaN counts as positive. */
export function signOf(d: Decimal): number {
  if (d.kind === 'finite') return d.coefficient > 0n ? 1 : d.coefficient < 0n ? -1 : 0;
  return d.kind === '-infinity' ? -1 : 1;
}

const SYNTAX = /^([+-]?)(\d+(?:_\d+)*)?(?:\.(\d+(?:_\d+)*)?)?(?:[eE]([+-]?\d+(?:_\d+)*))?$/;
const RADIX_SYNTAX = /^([+-]?)(0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+)$/;
const BLANK = /^[ \t\n\r\f\v]+|[ \t\n\r\f\v]+$/g;

/** The text forms that PostgreSQL's numeric takes; 22P02, 22003. */
export function parseDecimal(text: string): Decimal {
  const body = text.replace(BLANK, '');
  const match = SYNTAX.exec(body);
  if (match === null || (match[2] === undefined && match[3] === undefined)) return parseSpecial(body, text);
  const fraction = (match[3] ?? '').replaceAll('_', '');
  const digits = `${(match[2] ?? '').replaceAll('_', '')}${fraction}`;
  const exponent = match[4] === undefined ? 0 : Number(match[4].replaceAll('_', ''));
  if (Math.abs(exponent) > 0x3fffffff) throw overflow();
  const scale = fraction.length - exponent;
  if (digits.length - scale > INTEGER_DIGITS_MAX && /[1-9]/.test(digits)) throw overflow();
  let coefficient = BigInt(digits);
  if (match[1] === '-') coefficient = -coefficient;
  if (coefficient === 0n && scale < 0) return decimal(0n, 0);
  if (scale > SCALE_MAX) throw overflow();
  return decimal(coefficient, scale);
}

function parseSpecial(body: string, text: string): Decimal {
  const radix = RADIX_SYNTAX.exec(body);
  if (radix !== null) {
    const value = BigInt(radix[2]!.replaceAll('_', '').toLowerCase());
    return decimal(radix[1] === '-' ? -value : value, 0);
  }
  const special = NUMERIC_WORDS.get(body.toLowerCase());
  if (special === undefined) throw new SqlError('22P02', `invalid input syntax for type numeric: "${text}"`);
  return special;
}

const NUMERIC_WORDS: ReadonlyMap<string, Decimal> = new Map([
  ['nan', NAN],
  ...['inf', '+inf', 'infinity', '+infinity'].map((word): [string, Decimal] => [word, INFINITY]),
  ...['-inf', '-infinity'].map((word): [string, Decimal] => [word, NEGATIVE_INFINITY]),
]);

/** As PostgreSQL prints it: never with an exponent, with `scale` digits after the point. */
export function formatDecimal(d: Decimal): string {
  if (d.kind !== 'finite') return d.kind === 'nan' ? 'NaN' : d.kind === 'infinity' ? 'Infinity' : '-Infinity';
  if (d.scale === 0) return d.coefficient.toString();
  const negative = d.coefficient < 0n;
  const digits = absolute(d.coefficient)
    .toString()
    .padStart(d.scale + 1, '0');
  const point = digits.length - d.scale;
  return `${negative ? '-' : ''}${digits.slice(0, point)}.${digits.slice(point)}`;
}

/** NaN is the greatest and equal to itself; −1, 0 or 1. */
export function compareDecimals(a: Decimal, b: Decimal): number {
  if (a.kind !== 'finite' || b.kind !== 'finite') return Math.sign(rank(a) - rank(b));
  let x = a.coefficient;
  let y = b.coefficient;
  if (a.scale < b.scale) x *= powerOfTen(b.scale - a.scale);
  else if (b.scale < a.scale) y *= powerOfTen(a.scale - b.scale);
  return x < y ? -1 : x > y ? 1 : 0;
}

const rank = (d: Decimal): number =>
  d.kind === 'finite' ? 0 : d.kind === 'nan' ? 2 : d.kind === 'infinity' ? 1 : -1;

export function negate(d: Decimal): Decimal {
  switch (d.kind) {
    case 'finite':
      return { kind: 'finite', coefficient: -d.coefficient, scale: d.scale };
    case 'infinity':
      return NEGATIVE_INFINITY;
    case '-infinity':
      return INFINITY;
    case 'nan':
      return d;
  }
}

export const absoluteValue = (d: Decimal): Decimal => (signOf(d) < 0 ? negate(d) : d);

export function add(a: Decimal, b: Decimal): Decimal {
  if (a.kind !== 'finite' || b.kind !== 'finite') {
    if (a.kind === 'nan' || b.kind === 'nan') return NAN;
    if (a.kind === 'finite') return b;
    return b.kind === 'finite' || a.kind === b.kind ? a : NAN;
  }
  const scale = Math.max(a.scale, b.scale);
  return decimal(rescale(a.coefficient, a.scale, scale) + rescale(b.coefficient, b.scale, scale), scale);
}

export const subtract = (a: Decimal, b: Decimal): Decimal => add(a, negate(b));

const signed = (sign: number): Decimal => (sign === 0 ? NAN : sign < 0 ? NEGATIVE_INFINITY : INFINITY);

export function multiply(a: Decimal, b: Decimal): Decimal {
  if (a.kind === 'finite' && b.kind === 'finite') {
    return decimal(a.coefficient * b.coefficient, a.scale + b.scale);
  }
  if (a.kind === 'nan' || b.kind === 'nan') return NAN;
  return signed(signOf(a) * signOf(b));
}

/** Weight of the first group of four digits, and its value: what the scale of a quotient depends on. */
function leadingGroup(d: Decimal): { weight: number; first: number } {
  if (d.coefficient === 0n) return { weight: 0, first: 0 };
  const digits = absolute(d.coefficient).toString();
  const before = digits.length - d.scale;
  const weight = Math.floor((before - 1) / GROUP_DIGITS);
  const width = before - weight * GROUP_DIGITS;
  return { weight, first: Number(digits.slice(0, width).padEnd(width, '0')) };
}

/** The weight in groups of four digits: 1..9999 have 0, 0.9999 has −1. */
export const groupWeight = (d: Decimal): number => leadingGroup(d).weight;

function quotientScale(a: Decimal, b: Decimal): number {
  const x = leadingGroup(a);
  const y = leadingGroup(b);
  let weight = x.weight - y.weight;
  if (x.first <= y.first) weight--;
  const scale = Math.max(SIGNIFICANT_DIGITS_MIN - weight * GROUP_DIGITS, a.scale, b.scale, 0);
  return Math.min(scale, DISPLAY_SCALE_MAX);
}

/** The quotient at a given scale; b finite and not 0. */
export function divideToScale(a: Decimal, b: Decimal, scale: number): Decimal {
  // a/10^sa ÷ b/10^sb × 10^scale
  const shift = scale - a.scale + b.scale;
  let numerator = a.coefficient;
  let denominator = b.coefficient;
  if (shift >= 0) numerator *= powerOfTen(shift);
  else denominator *= powerOfTen(-shift);
  if (denominator < 0n) {
    numerator = -numerator;
    denominator = -denominator;
  }
  return decimal(divideRounded(numerator, denominator), scale);
}

/** 22012 for 0, also for NaN ÷ 0 where PostgreSQL gives NaN. */
export function divide(a: Decimal, b: Decimal): Decimal {
  if (a.kind === 'finite' && b.kind === 'finite') {
    if (b.coefficient === 0n) throw divisionByZero();
    return divideToScale(a, b, quotientScale(a, b));
  }
  if (a.kind === 'nan' || b.kind === 'nan') return NAN;
  if (a.kind !== 'finite') {
    if (b.kind !== 'finite') return NAN;
    if (b.coefficient === 0n) throw divisionByZero();
    return signed(signOf(a) * signOf(b));
  }
  return fromBigInt(0n);
}

/** The quotient cut to an integer: PostgreSQL's div. */
export function divideTruncated(a: Decimal, b: Decimal): Decimal {
  if (a.kind !== 'finite' || b.kind !== 'finite') return divide(a, b);
  if (b.coefficient === 0n) throw divisionByZero();
  const scale = Math.max(a.scale, b.scale);
  const quotient = rescale(a.coefficient, a.scale, scale) / rescale(b.coefficient, b.scale, scale);
  return decimal(quotient, 0);
}

export function modulo(a: Decimal, b: Decimal): Decimal {
  if (a.kind === 'nan' || b.kind === 'nan') return NAN;
  if (a.kind !== 'finite') {
    if (isZero(b)) throw divisionByZero();
    return NAN;
  }
  if (b.kind !== 'finite') return a;
  if (b.coefficient === 0n) throw divisionByZero();
  const scale = Math.max(a.scale, b.scale);
  return decimal(rescale(a.coefficient, a.scale, scale) % rescale(b.coefficient, b.scale, scale), scale);
}

/** Rounds at `places` after the point; a negative number of places rounds before it. */
export function roundTo(d: Decimal, places: number): Decimal {
  if (d.kind !== 'finite') return d;
  const scale = Math.min(Math.max(places, -INTEGER_DIGITS_MAX), SCALE_MAX);
  if (scale >= 0) return decimal(rescale(d.coefficient, d.scale, scale), scale);
  if (integerDigits(d.coefficient, d.scale) < -scale) return fromBigInt(0n);
  return decimal(rescale(d.coefficient, d.scale, scale) * powerOfTen(-scale), 0);
}

export function truncateTo(d: Decimal, places: number): Decimal {
  if (d.kind !== 'finite') return d;
  const scale = Math.min(Math.max(places, -INTEGER_DIGITS_MAX), SCALE_MAX);
  if (scale >= d.scale) return decimal(rescale(d.coefficient, d.scale, scale), scale);
  if (scale < 0 && integerDigits(d.coefficient, d.scale) <= -scale) return fromBigInt(0n);
  const cut = d.coefficient / powerOfTen(d.scale - scale);
  return scale >= 0 ? decimal(cut, scale) : decimal(cut * powerOfTen(-scale), 0);
}

export function floor(d: Decimal): Decimal {
  if (d.kind !== 'finite' || d.scale === 0) return d;
  const unit = powerOfTen(d.scale);
  const whole = d.coefficient / unit;
  return decimal(d.coefficient < 0n && d.coefficient % unit !== 0n ? whole - 1n : whole, 0);
}

export const ceiling = (d: Decimal): Decimal => negate(floor(negate(d)));

/** The least scale that holds the value. */
export function minimalScale(d: Decimal): number {
  let { coefficient, scale } = d;
  while (scale > 0 && coefficient % 10n === 0n) {
    coefficient /= 10n;
    scale--;
  }
  return scale;
}

export function trimScale(d: Decimal): Decimal {
  return d.kind === 'finite' ? roundTo(d, minimalScale(d)) : d;
}
