/** Functions of float8. Errors as PostgreSQL gives them where C would give NaN or an infinity. */
import { SqlError } from '../../../common/sql-error.ts';
import { type Entry, pure, pureAll } from '../implementation.ts';
import { overflowed, roundToEven, underflowed } from '../overflow.ts';

const outOfDomain = (): SqlError => new SqlError('22003', 'input is out of range');

function checkFinite(result: number, ...inputs: readonly number[]): number {
  if (!Number.isFinite(result) && !Number.isNaN(result) && inputs.every(Number.isFinite)) overflowed();
  return result;
}

function power(base: number, exponent: number): number {
  if (Number.isNaN(base)) return exponent === 0 ? 1 : base;
  if (Number.isNaN(exponent)) return base === 1 ? 1 : exponent;
  if (base === 0 && exponent < 0) throw new SqlError('2201F', 'zero raised to a negative power is undefined');
  if (base < 0 && Number.isFinite(exponent) && Math.floor(exponent) !== exponent) {
    throw new SqlError('2201F', 'a negative number raised to a non-integer power yields a complex result');
  }
  // C has 1 for ±1 to an infinite power, JavaScript NaN.
  if (!Number.isFinite(exponent) && Math.abs(base) === 1) return 1;
  const result = base ** exponent;
  if (Number.isFinite(base) && Number.isFinite(exponent)) {
    if (!Number.isFinite(result)) overflowed();
    if (result === 0 && base !== 0) underflowed();
  }
  return result;
}

function exp(x: number): number {
  const result = Math.exp(x);
  if (Number.isFinite(x)) {
    if (!Number.isFinite(result)) overflowed();
    if (result === 0) underflowed();
  }
  return result;
}

function logarithm(log: (x: number) => number): (x: number) => number {
  return (x) => {
    if (x === 0) throw new SqlError('2201E', 'cannot take logarithm of zero');
    if (x < 0) throw new SqlError('2201E', 'cannot take logarithm of a negative number');
    return log(x);
  };
}

function sqrt(x: number): number {
  if (x < 0) throw new SqlError('2201F', 'cannot take square root of a negative number');
  return Math.sqrt(x);
}

/** sin, cos, tan: infinite arguments have no value. */
const periodic =
  (f: (x: number) => number) =>
  (x: number): number => {
    if (!Number.isFinite(x) && !Number.isNaN(x)) throw outOfDomain();
    return f(x);
  };

/** asin, acos: only from −1 to 1. */
const bounded =
  (f: (x: number) => number) =>
  (x: number): number => {
    if (x < -1 || x > 1) throw outOfDomain();
    return f(x);
  };

/** 0 for NaN, too. */
function sign(x: number): number {
  return x > 0 ? 1 : x < 0 ? -1 : 0;
}

function bucket(value: number, low: number, high: number, count: number): number {
  const bad = (message: string): SqlError => new SqlError('2201G', message);
  if (count <= 0) throw bad('count must be greater than zero');
  if ([value, low, high].some(Number.isNaN)) throw bad('operand, lower bound, and upper bound cannot be NaN');
  if (!Number.isFinite(low) || !Number.isFinite(high)) throw bad('lower and upper bounds must be finite');
  if (low === high) throw bad('lower bound cannot equal upper bound');
  const up = low < high;
  if (up ? value < low : value > low) return 0;
  if (up ? value >= high : value <= high) return count + 1;
  const place = Number.isFinite(high - low)
    ? (value - low) / (high - low)
    : (value / 2 - low / 2) / (high / 2 - low / 2);
  return Math.min(Math.floor(place * count), count - 1) + 1;
}

export const FLOAT_MATH: readonly Entry[] = [
  ...pureAll(['^(float8,float8)', 'power(float8,float8)', 'pow(float8,float8)'], power),
  pure('exp(float8)', exp),
  pure('ln(float8)', logarithm(Math.log)),
  ...pureAll(['log(float8)', 'log10(float8)'], logarithm(Math.log10)),
  ...pureAll(['sqrt(float8)', '|/(float8)'], sqrt),
  ...pureAll(['cbrt(float8)', '||/(float8)'], Math.cbrt),
  ...pureAll(['ceil(float8)', 'ceiling(float8)'], Math.ceil),
  pure('floor(float8)', Math.floor),
  // The sign of a zero result stays, as rint has it.
  pure('round(float8)', (x: number) => (Math.abs(x) <= 0.5 ? x * 0 : roundToEven(x))),
  pure('trunc(float8)', Math.trunc),
  pure('sign(float8)', sign),
  pure('pi()', () => Math.PI),
  pure('degrees(float8)', (x: number) => checkFinite(x / (Math.PI / 180), x)),
  pure('radians(float8)', (x: number) => x * (Math.PI / 180)),
  pure('sin(float8)', periodic(Math.sin)),
  pure('cos(float8)', periodic(Math.cos)),
  pure('tan(float8)', periodic(Math.tan)),
  pure(
    'cot(float8)',
    periodic((x) => 1 / Math.tan(x)),
  ),
  pure('asin(float8)', bounded(Math.asin)),
  pure('acos(float8)', bounded(Math.acos)),
  pure('atan(float8)', Math.atan),
  pure('atan2(float8,float8)', Math.atan2),
  pure('sinh(float8)', Math.sinh),
  pure('cosh(float8)', Math.cosh),
  pure('tanh(float8)', Math.tanh),
  pure('width_bucket(float8,float8,float8,int4)', bucket),
  pure('random()', () => Math.random()),
];
