/** Text of integers and floats as PostgreSQL reads and prints them. */
import { SqlError } from './sql-error.ts';

type IntegerType = 'int2' | 'int4' | 'int8';
type FloatType = 'float4' | 'float8';

const INTEGERS = {
  int2: { name: 'smallint', min: -32768n, max: 32767n },
  int4: { name: 'integer', min: -2147483648n, max: 2147483647n },
  int8: { name: 'bigint', min: -(2n ** 63n), max: 2n ** 63n - 1n },
} as const;

const FLOAT_NAMES = { float4: 'real', float8: 'double precision' } as const;

const DECIMAL_INTEGER = /^[ \t\n\r\f\v]*([+-]?)(\d+(?:_\d+)*)[ \t\n\r\f\v]*$/;
const RADIX_INTEGER =
  /^[ \t\n\r\f\v]*([+-]?)(0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+)[ \t\n\r\f\v]*$/;

/** 22P02, 22003. */
export function parseInteger(text: string, type: IntegerType): bigint {
  const { name, min, max } = INTEGERS[type];
  const match = DECIMAL_INTEGER.exec(text) ?? RADIX_INTEGER.exec(text);
  if (match === null) throw new SqlError('22P02', `invalid input syntax for type ${name}: "${text}"`);
  const size = BigInt(match[2]!.replaceAll('_', ''));
  const value = match[1] === '-' ? -size : size;
  if (value < min || value > max) {
    throw new SqlError('22003', `value "${text}" is out of range for type ${name}`);
  }
  return value;
}

const FLOAT = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const FLOAT_WORDS: ReadonlyMap<string, number> = new Map([
  ['nan', Number.NaN],
  ...['inf', '+inf', 'infinity', '+infinity'].map((w): [string, number] => [w, Number.POSITIVE_INFINITY]),
  ...['-inf', '-infinity'].map((w): [string, number] => [w, Number.NEGATIVE_INFINITY]),
]);

/** 22P02; 22003 where it overflows, or underflows to 0. */
export function parseFloatText(text: string, type: FloatType): number {
  const body = text.trim();
  if (!FLOAT.test(body)) {
    const word = FLOAT_WORDS.get(body.toLowerCase());
    if (word !== undefined) return word;
    throw new SqlError('22P02', `invalid input syntax for type ${FLOAT_NAMES[type]}: "${text}"`);
  }
  const double = Number(body);
  const value = type === 'float4' ? Math.fround(double) : double;
  const vanished = value === 0 && /[1-9]/.test(body.replace(/[eE].*$/, ''));
  if (!Number.isFinite(value) || vanished) {
    throw new SqlError('22003', `"${body}" is out of range for type ${FLOAT_NAMES[type]}`);
  }
  return value;
}

const floatWord = (value: number): string =>
  Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity';

/** The shortest digits that read back as the same value; an exponent below 1e-4 and from 10^`limit`. */
function layOut(digits: string, exponent: number, negative: boolean, limit: number): string {
  const sign = negative ? '-' : '';
  if (exponent < -4 || exponent >= limit) {
    const mantissa = digits.length === 1 ? digits : `${digits[0]}.${digits.slice(1)}`;
    const size = String(Math.abs(exponent)).padStart(2, '0');
    return `${sign}${mantissa}e${exponent < 0 ? '-' : '+'}${size}`;
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  if (digits.length <= exponent + 1) return sign + digits.padEnd(exponent + 1, '0');
  return `${sign}${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`;
}

function digitsOf(scientific: string): Readonly<{ digits: string; exponent: number }> {
  const [mantissa = '', exponent = '0'] = scientific.split('e');
  const digits = mantissa.replace(/[-.]/g, '').replace(/0+$/, '');
  return { digits: digits === '' ? '0' : digits, exponent: Number(exponent) };
}

const bits = new DataView(new ArrayBuffer(8));

/** The next double away from 0 (1) or towards it (−1). */
function neighbour(size: number, step: bigint): number {
  bits.setFloat64(0, size);
  bits.setBigUint64(0, bits.getBigUint64(0) + step);
  return bits.getFloat64(0);
}

function nextSingle(size: number): number {
  bits.setFloat32(0, size);
  bits.setUint32(0, bits.getUint32(0) + 1);
  return bits.getFloat32(0);
}

function previousSingle(size: number): number {
  bits.setFloat32(0, size);
  bits.setUint32(0, bits.getUint32(0) - 1);
  return bits.getFloat32(0);
}

/**
 * PostgreSQL never prints digits that lie exactly half way to the next double, though they would be read back right;
 * JavaScript does. A half way has 54 bits; so few decimal digits can make it only from 2^52 on, where twice the value
 * is whole, and not beyond 10^40, where it would be divisible by too high a power of five.
 */
function isHalfWay(text: string, value: number): boolean {
  const size = Math.abs(value);
  const [mantissa = '', exponent = '0'] = text.replace('-', '').split('e');
  const digits = mantissa.replace('.', '');
  const shift = Number(exponent) - (digits.length - 1);
  if (shift < -1 || size < 2 ** 52 || size > 1e40) return false;
  const doubled = shift >= 0 ? BigInt(digits) * 10n ** BigInt(shift) * 2n : BigInt(digits) / 5n;
  if (shift === -1 && BigInt(digits) % 5n !== 0n) return false;
  const exact = BigInt(size * 2);
  const gap = doubled > exact ? neighbour(size, 1n) - size : size - neighbour(size, -1n);
  return Number(doubled > exact ? doubled - exact : exact - doubled) === gap;
}

const DOUBLE_DIGITS_MAX = 17;

function shortestDouble(value: number): string {
  let text = value.toExponential();
  if (Math.abs(value) < 1e15) return text;
  for (
    let precision = digitsOf(text).digits.length;
    isHalfWay(text, value) && precision < DOUBLE_DIGITS_MAX;
    precision++
  ) {
    text = value.toExponential(precision);
  }
  return text;
}

export function formatFloat8(value: number): string {
  if (!Number.isFinite(value)) return floatWord(value);
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  // Within these bounds JavaScript prints the same.
  const size = Math.abs(value);
  if (size >= 1e-4 && size < 1e15) return String(value);
  const { digits, exponent } = digitsOf(shortestDouble(value));
  return layOut(digits, exponent, value < 0, 15);
}

const SINGLE_DIGITS_MAX = 9;

/** Whether the exact digits after the first `precision` are a 5 alone. */
function isTie(size: number, precision: number): boolean {
  const exact = size.toExponential(100).split('e')[0]!.replace('.', '');
  return /^50*$/.test(exact.slice(precision));
}

function shortestSingle(value: number): string {
  const size = Math.abs(value);
  // Digits must lie strictly between the half ways to both neighbours.
  const low = (size + previousSingle(size)) / 2;
  const next = nextSingle(size);
  const high = Number.isFinite(next) ? (size + next) / 2 : size + (size - low);
  for (let precision = 1; precision < SINGLE_DIGITS_MAX; precision++) {
    const nearest = size.toExponential(precision - 1);
    const [mantissa = '', exponent = '0'] = nearest.split('e');
    const digits = Number(mantissa.replace('.', ''));
    const scaled = (n: number): number => Number(`${n}e${Number(exponent) - precision + 1}`);
    // Of two that are equally near the even one; toExponential takes the greater.
    const tie = digits % 2 === 1 && isTie(size, precision);
    // At a power of two the nearest digits may lie outside below, and others inside above.
    for (const candidate of [tie ? digits - 1 : digits, digits + 1]) {
      const read = scaled(candidate);
      if (read > low && read < high) return read.toExponential(precision - 1);
    }
  }
  return size.toExponential(SINGLE_DIGITS_MAX - 1);
}

export function formatFloat4(value: number): string {
  if (!Number.isFinite(value)) return floatWord(value);
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const { digits, exponent } = digitsOf(shortestSingle(value));
  return layOut(digits, exponent, value < 0, 6);
}

/** extra_float_digits ≤ 0: %g with 15 (float8) or 6 (float4) digits plus the setting. */
export function formatFloatRounded(value: number, type: FloatType, extraFloatDigits: number): string {
  if (!Number.isFinite(value)) return floatWord(value);
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const precision = Math.max((type === 'float8' ? 15 : 6) + extraFloatDigits, 1);
  const { digits, exponent } = digitsOf(value.toExponential(precision - 1));
  return layOut(digits, exponent, value < 0, precision);
}
