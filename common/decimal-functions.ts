/**
 * sqrt, exp, ln, log and power of numeric. Each is computed in fixed point with guard digits beyond the result's
 * scale and rounded once; the scale of the result is the one that PostgreSQL chooses.
 */
import {
  add,
  type Decimal,
  compareDecimals,
  DISPLAY_SCALE_MAX,
  decimal,
  digitCount,
  divide,
  divideRounded,
  divisionByZero,
  fromBigInt,
  GROUP_DIGITS,
  groupWeight,
  INFINITY,
  isZero,
  multiply,
  NAN,
  negate,
  NEGATIVE_INFINITY,
  overflow,
  powerOfTen,
  rescale,
  roundTo,
  SIGNIFICANT_DIGITS_MIN,
  signOf,
  subtract,
  truncateTo,
} from './decimal.ts';
import { decimalToDouble } from './decimal-convert.ts';
import { SqlError } from './sql-error.ts';

/** More digits than this before the point of exp's argument never fit. */
const RESULT_SCALE_MAX = 2000;
const GUARD_DIGITS = 15;
const ONE = fromBigInt(1n);
const ZERO = fromBigInt(0n);

const clampScale = (scale: number, ...inputs: readonly Decimal[]): number =>
  Math.min(Math.max(scale, 0, ...inputs.map((d) => d.scale)), DISPLAY_SCALE_MAX);

/** Integer square root, rounded down. */
function integerSqrt(n: bigint): bigint {
  if (n < 2n) return n;
  let x = 1n << BigInt(Math.ceil(n.toString(2).length / 2));
  for (;;) {
    const next = (x + n / x) >> 1n;
    if (next >= x) return x;
    x = next;
  }
}

export function sqrt(d: Decimal): Decimal {
  if (d.kind === 'nan' || d.kind === 'infinity') return d;
  if (signOf(d) < 0) throw new SqlError('2201F', 'cannot take square root of a negative number');
  const weight = groupWeight(d) * GROUP_DIGITS;
  const digits = weight >= 0 ? Math.trunc(weight / 2) + 1 : 1 - Math.trunc((1 - weight) / 2);
  const scale = clampScale(SIGNIFICANT_DIGITS_MIN - digits, d);
  // One digit more than wanted decides the rounding: a root is never exactly half way unless it is exact.
  const wide =
    d.coefficient * powerOfTen(2 * (scale + 1) - d.scale + (d.scale > 2 * (scale + 1) ? d.scale : 0));
  const extra = d.scale > 2 * (scale + 1) ? d.scale : 0;
  const root = extra % 2 === 0 ? integerSqrt(wide) : integerSqrt(wide * 10n);
  const rootScale = scale + 1 + Math.ceil(extra / 2);
  return decimal(rescale(root, rootScale, scale), scale);
}

/** e^x × 10^digits for |x| given as x × 10^digits, by halving the argument and Taylor's series. */
function fixedExp(x: bigint, digits: number): bigint {
  const halvings = 12 + Math.max(0, digitCount(x) - digits) * 4;
  const work = digits + Math.ceil(halvings * 0.302) + 10;
  const one = powerOfTen(work);
  const small = (x * powerOfTen(work - digits)) >> BigInt(halvings);
  let sum = one;
  let term = one;
  for (let n = 1n; term !== 0n; n++) {
    term = (term * small) / (one * n);
    sum += term;
    if (term === -1n) break;
  }
  for (let i = 0; i < halvings; i++) sum = (sum * sum) / one;
  return divideRounded(sum, powerOfTen(work - digits));
}

/** e^d at the given scale; 22003 where it overflows. */
function expToScale(d: Decimal, scale: number): Decimal {
  const value = decimalToDouble(d);
  if (Math.abs(value) >= RESULT_SCALE_MAX * 3) {
    if (value > 0) throw overflow();
    return decimal(0n, scale);
  }
  // A relative error of 10^-digits in a result with `value / ln 10` digits before the point.
  const digits = scale + GUARD_DIGITS + Math.max(0, Math.ceil(value * Math.LOG10E)) + 5;
  if (value >= 0)
    return decimal(rescale(fixedExp(rescale(d.coefficient, d.scale, digits), digits), digits, scale), scale);
  // e^−x = 1 / e^x keeps the digits of small results.
  const inverse = fixedExp(rescale(-d.coefficient, d.scale, digits), digits);
  return decimal(rescale(divideRounded(powerOfTen(2 * digits), inverse), digits, scale), scale);
}

export function exp(d: Decimal): Decimal {
  if (d.kind === 'nan' || d.kind === 'infinity') return d;
  if (d.kind === '-infinity') return ZERO;
  const limited = Math.min(Math.max(decimalToDouble(d) * Math.LOG10E, -RESULT_SCALE_MAX), RESULT_SCALE_MAX);
  return expToScale(d, clampScale(SIGNIFICANT_DIGITS_MIN - Math.trunc(limited), d));
}

/** ln of x × 10^−digits, x > 0, times 10^digits: ln x = 2 atanh((x − 1) / (x + 1)) after taking square roots. */
function fixedLn(x: bigint, digits: number): bigint {
  let roots = 0;
  const work = digits + 12;
  const one = powerOfTen(work);
  let y = x * powerOfTen(work - digits);
  // Near 1 the series is short; each root halves the logarithm.
  while (y > (one * 11n) / 10n || y < (one * 9n) / 10n) {
    y = integerSqrt(y * one);
    roots++;
  }
  const z = ((y - one) * one) / (y + one);
  const square = (z * z) / one;
  let sum = 0n;
  let term = z;
  for (let n = 1n; term !== 0n; n += 2n) {
    sum += term / n;
    term = (term * square) / one;
    if (term === -1n) break;
  }
  return divideRounded((sum * 2n) << BigInt(roots), powerOfTen(work - digits));
}

/** ln(d) with an absolute error below 10^-scale; d > 0. */
function lnToScale(d: Decimal, scale: number): Decimal {
  // d = m × 10^k with m near 1, so that no digits are lost to the size of d.
  const k = digitCount(d.coefficient) - d.scale;
  const digits = scale + GUARD_DIGITS + 6;
  const shift = digits - d.scale - (Math.abs(k) > 3 ? k : 0);
  const m = shift >= 0 ? d.coefficient * powerOfTen(shift) : divideRounded(d.coefficient, powerOfTen(-shift));
  let ln = fixedLn(m, digits);
  if (Math.abs(k) > 3) ln += fixedLn(10n * powerOfTen(digits), digits) * BigInt(k);
  return decimal(rescale(ln, digits, scale), scale);
}

/** PostgreSQL's estimate of the decimal weight of ln(d), from the first eight digits; d > 0. */
function lnWeight(d: Decimal): number {
  const tenth = (n: bigint): Decimal => ({ kind: 'finite', coefficient: n, scale: 1 });
  if (compareDecimals(d, tenth(9n)) >= 0 && compareDecimals(d, tenth(11n)) <= 0) {
    const x = subtract(d, ONE);
    if (isZero(x)) return 0;
    return groupWeight(x) * GROUP_DIGITS + Math.trunc(Math.log10(groups(x, 1).digits));
  }
  const { digits, exponent } = groups(d, 2);
  return Math.trunc(Math.log10(Math.abs(Math.log(digits) + exponent * Math.LN10)));
}

/** The first groups of four digits as a number, and the power of ten it stands for. */
function groups(d: Decimal, count: number): { digits: number; exponent: number } {
  const weight = groupWeight(d);
  const coefficient = d.coefficient < 0n ? -d.coefficient : d.coefficient;
  // PostgreSQL stores no group of zeros at the end: it takes fewer groups where there are fewer.
  let last = weight;
  let digits = 0;
  for (let i = 0; i < count; i++) {
    const unit = (weight - i) * GROUP_DIGITS;
    const shift = d.scale + unit;
    const upTo = shift >= 0 ? coefficient / powerOfTen(shift) : coefficient * powerOfTen(-shift);
    digits = Number(upTo);
    last = weight - i;
    if (shift <= 0 || coefficient % powerOfTen(shift) === 0n) break;
  }
  return { digits, exponent: last * GROUP_DIGITS };
}

function checkLogarithm(d: Decimal): void {
  if (isZero(d)) throw new SqlError('2201E', 'cannot take logarithm of zero');
  if (signOf(d) < 0) throw new SqlError('2201E', 'cannot take logarithm of a negative number');
}

export function ln(d: Decimal): Decimal {
  if (d.kind === 'nan') return d;
  checkLogarithm(d);
  if (d.kind === 'infinity') return d;
  return lnToScale(d, clampScale(SIGNIFICANT_DIGITS_MIN - lnWeight(d), d));
}

/** The logarithm of d to a base; log(d) has base 10. */
export function log(base: Decimal, d: Decimal): Decimal {
  if (base.kind === 'nan' || d.kind === 'nan') return NAN;
  if (isZero(base) && d.kind === '-infinity') checkLogarithm(d);
  checkLogarithm(base);
  checkLogarithm(d);
  if (base.kind === 'infinity') return d.kind === 'infinity' ? NAN : ZERO;
  if (d.kind === 'infinity') return INFINITY;
  const baseWeight = lnWeight(base);
  const weight = lnWeight(d) - baseWeight;
  const scale = clampScale(SIGNIFICANT_DIGITS_MIN - weight, base, d);
  const digits = scale + 30 + Math.abs(baseWeight) + Math.abs(weight);
  const divisor = lnToScale(base, digits);
  if (isZero(divisor)) throw divisionByZero();
  const shift = rescale(lnToScale(d, digits).coefficient, 0, scale);
  const negative = divisor.coefficient < 0n;
  const quotient = divideRounded(
    negative ? -shift : shift,
    negative ? -divisor.coefficient : divisor.coefficient,
  );
  return decimal(quotient, scale);
}

export const log10 = (d: Decimal): Decimal => log(fromBigInt(10n), d);

const isInteger = (d: Decimal): boolean => d.kind === 'finite' && d.coefficient % powerOfTen(d.scale) === 0n;
const isOdd = (d: Decimal): boolean => isInteger(d) && (d.coefficient / powerOfTen(d.scale)) % 2n !== 0n;

/** base ^ exponent. */
export function power(base: Decimal, exponent: Decimal): Decimal {
  if (base.kind !== 'finite' || exponent.kind !== 'finite') return powerOfSpecial(base, exponent);
  if (isZero(base) && signOf(exponent) < 0) {
    throw new SqlError('2201F', 'zero raised to a negative power is undefined');
  }
  if (isInteger(exponent)) {
    const n = exponent.coefficient / powerOfTen(exponent.scale);
    if (n >= -(2n ** 31n) && n < 2n ** 31n) return integerPower(base, Number(n), exponent.scale);
  }
  if (isZero(base)) return decimal(0n, SIGNIFICANT_DIGITS_MIN);
  const negative = signOf(base) < 0;
  if (negative && !isInteger(exponent)) {
    throw new SqlError('2201F', 'a negative number raised to a non-integer power yields a complex result');
  }
  const magnitude = negative ? negate(base) : base;
  const weight = lnWeight(magnitude);
  // Rounded as PostgreSQL does: the scale of the result hangs on this estimate.
  const roughScale = Math.max(8 - weight, 0);
  const rough = decimalToDouble(roundTo(multiply(lnToScale(magnitude, roughScale), exponent), roughScale));
  if (Math.abs(rough) > RESULT_SCALE_MAX * 3.01) {
    if (rough > 0) throw overflow();
    return decimal(0n, DISPLAY_SCALE_MAX);
  }
  const digits = Math.trunc(rough * Math.LOG10E);
  const scale = clampScale(SIGNIFICANT_DIGITS_MIN - digits, base, exponent);
  const lnScale = scale + Math.max(0, digits) + digitCount(exponent.coefficient) + GUARD_DIGITS;
  const result = expToScale(multiply(lnToScale(magnitude, lnScale), exponent), scale);
  return negative && isOdd(exponent) ? negate(result) : result;
}

function integerPower(base: Decimal, n: number, exponentScale: number): Decimal {
  let weight = 0;
  if (!isZero(base)) {
    const { digits, exponent } = groups(base, 4);
    weight = n * (Math.log10(digits) + exponent);
  }
  if (weight > 131072) throw overflow();
  if (weight + 1 < -DISPLAY_SCALE_MAX) return decimal(0n, DISPLAY_SCALE_MAX);
  const scale = clampScale(Math.max(SIGNIFICANT_DIGITS_MIN - Math.trunc(weight), exponentScale), base);
  if (n === 0) return decimal(powerOfTen(scale), scale);
  if (isZero(base)) return decimal(0n, scale);
  if (n === 1) return roundTo(base, scale);
  if (n === -1) return roundTo(divideAt(ONE, base, scale + 2), scale);
  const digits = scale + Math.max(0, Math.ceil(Math.abs(weight))) + 24;
  const raised = raise(base, Math.abs(n), digits);
  return n > 0 ? floatToScale(raised, scale) : inverseToScale(raised, scale);
}

function divideAt(a: Decimal, b: Decimal, scale: number): Decimal {
  const numerator = a.coefficient * powerOfTen(scale + b.scale);
  const denominator = b.coefficient * powerOfTen(a.scale);
  const negative = denominator < 0n;
  return decimal(
    divideRounded(negative ? -numerator : numerator, negative ? -denominator : denominator),
    scale,
  );
}

/** coefficient × 10^exponent with a bounded number of digits. */
type Float = { coefficient: bigint; exponent: number };

function shorten(f: Float, digits: number): Float {
  const extra = digitCount(f.coefficient) - digits;
  if (extra <= 0) return f;
  return { coefficient: divideRounded(f.coefficient, powerOfTen(extra)), exponent: f.exponent + extra };
}

/** base^n by repeated squaring, exact while it has no more than `digits` digits. */
function raise(base: Decimal, n: number, digits: number): Float {
  let result: Float = { coefficient: 1n, exponent: 0 };
  let square: Float = { coefficient: base.coefficient, exponent: -base.scale };
  for (let rest = n; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) {
      result = shorten(
        {
          coefficient: result.coefficient * square.coefficient,
          exponent: result.exponent + square.exponent,
        },
        digits,
      );
    }
    if (rest > 1) {
      square = shorten(
        { coefficient: square.coefficient * square.coefficient, exponent: square.exponent * 2 },
        digits,
      );
    }
  }
  return result;
}

function floatToScale(f: Float, scale: number): Decimal {
  const shift = f.exponent + scale;
  if (shift >= 0) return decimal(f.coefficient * powerOfTen(shift), scale);
  return decimal(divideRounded(f.coefficient, powerOfTen(-shift)), scale);
}

function inverseToScale(f: Float, scale: number): Decimal {
  const negative = f.coefficient < 0n;
  const magnitude = negative ? -f.coefficient : f.coefficient;
  const shift = scale - f.exponent;
  if (shift < 0) return decimal(0n, scale);
  const quotient = divideRounded(powerOfTen(shift), magnitude);
  return decimal(negative ? -quotient : quotient, scale);
}

/** As pow() of C99 has it, and errors where that would give a complex number. */
function powerOfSpecial(base: Decimal, exponent: Decimal): Decimal {
  if (base.kind === 'nan') return isZero(exponent) ? ONE : NAN;
  if (exponent.kind === 'nan') return compareDecimals(base, ONE) === 0 ? ONE : NAN;
  const exponentSign = signOf(exponent);
  if (isZero(base) && exponentSign < 0) {
    throw new SqlError('2201F', 'zero raised to a negative power is undefined');
  }
  if (base.kind === '-infinity' && exponent.kind === 'finite' && !isInteger(exponent)) {
    throw new SqlError('2201F', 'a negative number raised to a non-integer power yields a complex result');
  }
  if (compareDecimals(base, ONE) === 0 || exponentSign === 0) return ONE;
  if (isZero(base)) return ZERO;
  if (exponent.kind !== 'finite') {
    const magnitude = signOf(base) < 0 ? negate(base) : base;
    if (compareDecimals(magnitude, ONE) === 0) return ONE;
    const grows = compareDecimals(magnitude, ONE) > 0 === exponentSign > 0;
    return grows ? INFINITY : ZERO;
  }
  if (exponentSign < 0) return ZERO;
  return base.kind === '-infinity' && isOdd(exponent) ? NEGATIVE_INFINITY : INFINITY;
}

/** The bucket, 1 to count, of a value in equal ranges from low to high; 0 below, count + 1 above. */
export function widthBucket(value: Decimal, low: Decimal, high: Decimal, count: number): number {
  const order = compareDecimals(low, high);
  const up = order < 0;
  if (up ? compareDecimals(value, low) < 0 : compareDecimals(value, low) > 0) return 0;
  if (up ? compareDecimals(value, high) >= 0 : compareDecimals(value, high) <= 0) return count + 1;
  const offset = multiply(subtract(value, low), fromBigInt(BigInt(count)));
  const bucket = truncateTo(divide(offset, subtract(high, low)), 0);
  return Number(add(bucket, ONE).coefficient);
}
