/**
 * From (N, Σx, Σx²) to the result. Ints give bigint or numeric with PostgreSQL's result scales; floats give the exact
 * value rounded (sum), that divided by N (avg), or the exact (N·Σx² − (Σx)²) ÷ (N·N or N·(N−1)) rounded once and,
 * for stddev, its square root.
 */
import {
  divide,
  divideToScale,
  fromBigInt,
  multiply,
  powerOfTen,
  decimal,
  divideRounded,
  type Decimal,
} from '../../common/decimal.ts';
import { SqlError } from '../../common/sql-error.ts';
import type { Column } from '../batch/column.ts';
import type { ColumnArrays } from '../batch/column-arrays.ts';
import { allNull, setValid } from '../batch/validity.ts';
import { scaledToDouble } from './double-units.ts';
import type { ExactSquares } from './exact-squares.ts';
import type { ExactSum } from './exact-sum.ts';

export type MomentsResult =
  | Readonly<{ kind: 'sum'; type: 'float8' | 'float4' | 'int8' | 'numeric' }>
  | Readonly<{ kind: 'avg'; type: 'float8' | 'numeric' }>
  | Readonly<{ kind: 'variance'; type: 'float8' | 'numeric'; sample: boolean; root: boolean }>;

type Input = Readonly<{
  sum: ExactSum;
  squares: ExactSquares | null;
  groups: Uint32Array;
  /** rows with a value, per emitted group */
  counts: Float64Array;
  count: number;
  /** no argument was ever NULL: every emitted group has a value */
  complete: boolean;
  arrays: ColumnArrays;
}>;

const UNITS_PER_INTEGER = 1074n;
const INT8_LIMIT = 1n << 63n;

export function finishMoments(result: MomentsResult, input: Input): Column {
  const smallest = result.kind === 'variance' && result.sample ? 2 : 1;
  const valid =
    input.complete && smallest === 1 ? globalValidity(input) : validity(input.counts, input.count, smallest);
  switch (result.type) {
    case 'float8':
    case 'float4':
      return { kind: 'float64', values: floats(result, input, smallest), valid };
    case 'int8':
      return integers(input, valid);
    case 'numeric':
      return { kind: 'boxed', values: decimals(result, input, smallest), valid };
  }
}

/** The one group of a query without keys may be empty; all others hold a row. */
const globalValidity = (input: Input): Uint8Array | null =>
  input.count === 1 ? validity(input.counts, 1, 1) : null;

function validity(counts: Float64Array, count: number, smallest: number): Uint8Array | null {
  let nulls = 0;
  for (let i = 0; i < count; i++) nulls += counts[i]! < smallest ? 1 : 0;
  if (nulls === 0) return null;
  const bits = allNull(count);
  for (let i = 0; i < count; i++) if (counts[i]! >= smallest) setValid(bits, i);
  return bits;
}

function floats(result: MomentsResult, input: Input, smallest: number): Float64Array {
  const { sum, groups, counts, count } = input;
  const out = input.arrays.float64(count);
  if (result.kind === 'variance') {
    for (let i = 0; i < count; i++) {
      if (counts[i]! >= smallest) out[i] = variance(result, sum, input.squares!, groups[i]!, counts[i]!);
    }
    return out;
  }
  const tame = sum.valuesInto(groups, count, out);
  if (result.type === 'float4') for (let i = 0; i < count; i++) out[i] = Math.fround(out[i]!);
  if (!tame || result.type === 'float4') refuseOverflow(out, sum, groups, count);
  if (result.kind === 'avg') for (let i = 0; i < count; i++) out[i] = out[i]! / counts[i]!;
  return out;
}

function refuseOverflow(values: Float64Array, sum: ExactSum, groups: Uint32Array, count: number): void {
  for (let i = 0; i < count; i++) {
    const value = values[i]!;
    if (value - value !== 0 && value === value && !sum.isOdd(groups[i]!)) {
      throw new SqlError('22003', 'value out of range: overflow');
    }
  }
}

function variance(
  result: MomentsResult & { kind: 'variance' },
  sum: ExactSum,
  squares: ExactSquares,
  group: number,
  n: number,
): number {
  if (sum.isOdd(group)) return Number.NaN;
  const count = BigInt(n);
  const total = sum.units(group);
  const numerator = count * squares.units(group) - total * total;
  const denominator = count * (result.sample ? count - 1n : count);
  const value = quotient(numerator, denominator, -2148);
  if (value === Number.POSITIVE_INFINITY) throw new SqlError('22003', 'value out of range: overflow');
  return result.root ? Math.sqrt(value) : value;
}

/** numerator ÷ denominator × 2^exponent, rounded once (the dropped part only makes a bit sticky). */
function quotient(numerator: bigint, denominator: bigint, exponent: number): number {
  if (numerator <= 0n) return 0;
  const bits = (n: bigint): number => n.toString(16).length * 4;
  const shift = Math.max(0, 80 - (bits(numerator) - bits(denominator)));
  const scaled = numerator << BigInt(shift);
  const q = scaled / denominator;
  const sticky = q * denominator === scaled ? 0n : 1n;
  return scaledToDouble((q << 1n) | sticky, exponent - shift - 1);
}

const exactInteger = (sum: ExactSum, group: number): bigint => sum.units(group) >> UNITS_PER_INTEGER;

function integers(input: Input, valid: Uint8Array | null): Column {
  const { sum, groups, count } = input;
  const values = new Float64Array(count);
  sum.valuesInto(groups, count, values);
  let safe = true;
  for (let i = 0; i < count; i++) safe &&= Number.isSafeInteger(values[i]);
  if (safe) return { kind: 'int64', values, wide: null, valid };
  const wide = new BigInt64Array(count);
  for (let i = 0; i < count; i++) {
    const value = exactInteger(sum, groups[i]!);
    if (value >= INT8_LIMIT || value < -INT8_LIMIT) throw new SqlError('22003', 'bigint out of range');
    wide[i] = value;
  }
  return { kind: 'int64', values: new Float64Array(0), wide, valid };
}

function decimals(result: MomentsResult, input: Input, smallest: number): (Decimal | null)[] {
  const { sum, squares, groups, counts, count } = input;
  const out: (Decimal | null)[] = [];
  for (let i = 0; i < count; i++) {
    const group = groups[i]!;
    const n = BigInt(counts[i]!);
    if (counts[i]! < smallest) out.push(null);
    else if (result.kind === 'sum') out.push(fromBigInt(exactInteger(sum, group)));
    else if (result.kind === 'avg') out.push(divide(fromBigInt(exactInteger(sum, group)), fromBigInt(n)));
    else {
      const squared = squares!.units(group) >> (2n * UNITS_PER_INTEGER);
      out.push(decimalVariance(result, n, fromBigInt(exactInteger(sum, group)), fromBigInt(squared)));
    }
  }
  return out;
}

/** As numeric_stddev_internal of PostgreSQL: (N·Σx² − (Σx)²) ÷ divisor at the quotient's scale, its root at the same. */
export function decimalVariance(
  result: Readonly<{ sample: boolean; root: boolean }>,
  n: bigint,
  sum: Decimal,
  squares: Decimal,
): Decimal {
  const scale = 2 * sum.scale;
  const total = multiply(sum, sum);
  const weighted = multiply(fromBigInt(n), squares);
  const numerator = weighted.coefficient * powerOfTen(scale - weighted.scale) - total.coefficient;
  if (numerator <= 0n) return fromBigInt(0n);
  const value = divide(decimal(numerator, scale), fromBigInt(n * (result.sample ? n - 1n : n)));
  return result.root ? rootToScale(value) : value;
}

/** The square root rounded to the argument's own scale. */
function rootToScale(value: Decimal): Decimal {
  const scale = value.scale;
  // one digit more decides the rounding
  const wide = value.coefficient * powerOfTen(scale + 2);
  let x = 1n << BigInt(Math.ceil(wide.toString(2).length / 2) + 1);
  for (;;) {
    const next = (x + wide / x) >> 1n;
    if (next >= x) break;
    x = next;
  }
  return divideToScale(decimal(divideRounded(x, 10n), scale), fromBigInt(1n), scale);
}
