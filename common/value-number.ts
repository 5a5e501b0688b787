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

export function formatFloat8(value: number): string {
  if (!Number.isFinite(value)) return floatWord(value);
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  // Within these bounds JavaScript prints the same.
  const size = Math.abs(value);
  if (size >= 1e-4 && size < 1e15) return String(value);
  const { digits, exponent } = digitsOf(value.toExponential());
  return layOut(digits, exponent, value < 0, 15);
}

export function formatFloat4(value: number): string {
  if (!Number.isFinite(value)) return floatWord(value);
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  let text = '';
  for (let precision = 1; precision <= 9; precision++) {
    text = value.toExponential(precision - 1);
    if (Math.fround(Number(text)) === value) break;
  }
  const { digits, exponent } = digitsOf(text);
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
