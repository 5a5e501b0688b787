/** Range checks of results: small enough to be inlined into the generated loops. */
import { SqlError } from '../../common/sql-error.ts';

/** A narrow int8 result left ±(2^53 − 1): the batch is evaluated again over 64-bit integers. */
export const LEAVES_NARROW = new Error('an int8 result is no safe integer');

/** As a double, it is exact. */
const TWO_63 = 2 ** 63;
const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);

function outOfRange(type: string): never {
  throw new SqlError('22003', `${type} out of range`);
}

export function divisionByZero(): never {
  throw new SqlError('22012', 'division by zero');
}

/** + 0 makes −0 a 0: integers have one zero. */
export function toInt2(value: number): number {
  if (value > 32767 || value < -32768) outOfRange('smallint');
  return value + 0;
}

export function toInt4(value: number): number {
  if (value > 2147483647 || value < -2147483648) outOfRange('integer');
  return value + 0;
}

export function toNarrow(value: number): number {
  if (value > 9007199254740991 || value < -9007199254740991) throw LEAVES_NARROW;
  return value + 0;
}

export function toWide(value: bigint): bigint {
  if (value > INT64_MAX || value < INT64_MIN) outOfRange('bigint');
  return value;
}

/** A datum of int8 as the narrow loops hold it. */
export function narrowFromWide(value: bigint): number {
  return toNarrow(Number(value));
}

export function overflowed(): never {
  throw new SqlError('22003', 'value out of range: overflow');
}

export function underflowed(): never {
  throw new SqlError('22003', 'value out of range: underflow');
}

/** A sum or difference: infinite only if an operand was. */
export function checkSum(result: number, a: number, b: number): number {
  if (!Number.isFinite(result) && Number.isFinite(a) && Number.isFinite(b)) overflowed();
  return result;
}

export function checkProduct(result: number, a: number, b: number): number {
  if (!Number.isFinite(result) && Number.isFinite(a) && Number.isFinite(b)) overflowed();
  if (result === 0 && a !== 0 && b !== 0) underflowed();
  return result;
}

export function checkQuotient(result: number, a: number, b: number): number {
  if ((result === Infinity || result === -Infinity) && Number.isFinite(a)) overflowed();
  if (result === 0 && a !== 0 && Number.isFinite(b)) underflowed();
  return result;
}

export function divideFloats(a: number, b: number): number {
  if (b === 0 && !Number.isNaN(a)) divisionByZero();
  return checkQuotient(a / b, a, b);
}

export function divideFloats4(a: number, b: number): number {
  if (b === 0 && !Number.isNaN(a)) divisionByZero();
  return checkQuotient(Math.fround(a / b), a, b);
}

/** Integer division cuts towards zero; the caller checks the range. */
export function quotient(a: number, b: number): number {
  if (b === 0) divisionByZero();
  return Math.trunc(a / b) + 0;
}

export function remainder(a: number, b: number): number {
  if (b === 0) divisionByZero();
  return (a % b) + 0;
}

export function quotientWide(a: bigint, b: bigint): bigint {
  if (b === 0n) divisionByZero();
  return toWide(a / b);
}

export function remainderWide(a: bigint, b: bigint): bigint {
  if (b === 0n) divisionByZero();
  return a % b;
}

/** float8 → float4. */
export function toFloat4(value: number): number {
  const result = Math.fround(value);
  if (!Number.isFinite(result) && Number.isFinite(value)) overflowed();
  if (result === 0 && value !== 0) underflowed();
  return result;
}

/** Half to even, as rint. */
export function roundToEven(value: number): number {
  const rounded = Math.round(value);
  return (Math.abs(value % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded) + 0;
}

/** float → int2, int4: NaN and what does not fit are 22003. */
export function floatToInt2(value: number): number {
  const result = roundToEven(value);
  if (!(result >= -32768 && result <= 32767)) outOfRange('smallint');
  return result;
}

export function floatToInt4(value: number): number {
  const result = roundToEven(value);
  if (!(result >= -2147483648 && result <= 2147483647)) outOfRange('integer');
  return result;
}

export function floatToInt8(value: number): bigint {
  const result = roundToEven(value);
  if (!(result >= -TWO_63 && result < TWO_63)) outOfRange('bigint');
  return BigInt(result);
}

export function floatToNarrow(value: number): number {
  if (!(Math.abs(value) <= 9007199254740991)) return narrowFromWide(floatToInt8(value));
  return roundToEven(value);
}
