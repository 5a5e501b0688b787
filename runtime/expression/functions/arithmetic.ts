/** + − * / % and their kin over integers, floats and numeric. */
import * as decimal from '../../../common/decimal.ts';
import * as functions from '../../../common/decimal-functions.ts';
import { SqlError } from '../../../common/sql-error.ts';
import { type Entry, pure, pureAll } from '../implementation.ts';
import {
  checkProduct,
  checkSum,
  divideFloats,
  divideFloats4,
  quotient,
  quotientWide,
  remainder,
  remainderWide,
  toInt2,
  toInt4,
  toWide,
} from '../overflow.ts';

type Integer = number | bigint;
const INTEGER_TYPES = ['int2', 'int4', 'int8'] as const;
const CHECKS = { int2: toInt2, int4: toInt4 } as const;

function integers(): readonly Entry[] {
  const entries: Entry[] = [];
  for (const [i, left] of INTEGER_TYPES.entries()) {
    for (const [j, right] of INTEGER_TYPES.entries()) {
      const result = INTEGER_TYPES[Math.max(i, j)]!;
      const add = (
        symbol: string,
        small: (a: number, b: number) => number,
        big: (a: bigint, b: bigint) => bigint,
      ) => {
        const key = `${symbol}(${left},${right})`;
        if (result === 'int8') entries.push(pure(key, (a: Integer, b: Integer) => big(BigInt(a), BigInt(b))));
        else entries.push(pure(key, (a: number, b: number) => CHECKS[result](small(a, b))));
      };
      add(
        '+',
        (a, b) => a + b,
        (a, b) => toWide(a + b),
      );
      add(
        '-',
        (a, b) => a - b,
        (a, b) => toWide(a - b),
      );
      add(
        '*',
        (a, b) => a * b,
        (a, b) => toWide(a * b),
      );
      add('/', quotient, quotientWide);
    }
    if (left === 'int8') continue;
    entries.push(...pureAll([`%(${left},${left})`, `mod(${left},${left})`], remainder));
    entries.push(pure(`-(${left})`, (a: number) => CHECKS[left](0 - a)));
    entries.push(...pureAll([`abs(${left})`, `@(${left})`], (a: number) => CHECKS[left](Math.abs(a))));
  }
  entries.push(...pureAll(['%(int8,int8)', 'mod(int8,int8)'], remainderWide));
  entries.push(pure('-(int8)', (a: bigint) => toWide(-a)));
  entries.push(...pureAll(['abs(int8)', '@(int8)'], (a: bigint) => toWide(a < 0n ? -a : a)));
  return entries;
}

/** Bits of two's complement; shift counts are taken modulo the width, as the machine does. */
function bits(): readonly Entry[] {
  const entries: Entry[] = [
    pure('~(int8)', (a: bigint) => ~a),
    pure('&(int8,int8)', (a: bigint, b: bigint) => a & b),
    pure('|(int8,int8)', (a: bigint, b: bigint) => a | b),
    pure('#(int8,int8)', (a: bigint, b: bigint) => a ^ b),
    pure('<<(int8,int4)', (a: bigint, n: number) => BigInt.asIntN(64, a << BigInt(n & 63))),
    pure('>>(int8,int4)', (a: bigint, n: number) => a >> BigInt(n & 63)),
    pure('<<(int4,int4)', (a: number, n: number) => a << n),
    pure('>>(int4,int4)', (a: number, n: number) => a >> n),
    // Shifts of int2 are made on 32 bits and cut.
    pure('<<(int2,int4)', (a: number, n: number) => ((a << n) << 16) >> 16),
    pure('>>(int2,int4)', (a: number, n: number) => a >> n),
  ];
  for (const type of ['int2', 'int4']) {
    entries.push(
      pure(`~(${type})`, (a: number) => ~a),
      pure(`&(${type},${type})`, (a: number, b: number) => a & b),
      pure(`|(${type},${type})`, (a: number, b: number) => a | b),
      pure(`#(${type},${type})`, (a: number, b: number) => a ^ b),
    );
  }
  return entries;
}

function floats(): readonly Entry[] {
  const entries: Entry[] = [];
  for (const left of ['float4', 'float8']) {
    for (const right of ['float4', 'float8']) {
      const single = left === 'float4' && right === 'float4';
      const round = single ? Math.fround : (x: number): number => x;
      const types = `(${left},${right})`;
      entries.push(
        pure(`+${types}`, (a: number, b: number) => checkSum(round(a + b), a, b)),
        pure(`-${types}`, (a: number, b: number) => checkSum(round(a - b), a, b)),
        pure(`*${types}`, (a: number, b: number) => checkProduct(round(a * b), a, b)),
        pure(`/${types}`, single ? divideFloats4 : divideFloats),
      );
    }
    entries.push(pure(`-(${left})`, (a: number) => -a));
    entries.push(...pureAll([`abs(${left})`, `@(${left})`], Math.abs));
  }
  return entries;
}

const NUMERIC: readonly Entry[] = [
  pure('+(numeric,numeric)', decimal.add),
  pure('-(numeric,numeric)', decimal.subtract),
  pure('*(numeric,numeric)', decimal.multiply),
  pure('/(numeric,numeric)', decimal.divide),
  ...pureAll(['%(numeric,numeric)', 'mod(numeric,numeric)'], decimal.modulo),
  ...pureAll(['^(numeric,numeric)', 'power(numeric,numeric)', 'pow(numeric,numeric)'], functions.power),
  pure('div(numeric,numeric)', decimal.divideTruncated),
  pure('-(numeric)', decimal.negate),
  ...pureAll(['abs(numeric)', '@(numeric)'], decimal.absoluteValue),
  ...pureAll(['ceil(numeric)', 'ceiling(numeric)'], decimal.ceiling),
  pure('floor(numeric)', decimal.floor),
  pure('round(numeric)', (d: decimal.Decimal) => decimal.roundTo(d, 0)),
  pure('trunc(numeric)', (d: decimal.Decimal) => decimal.truncateTo(d, 0)),
  pure('round(numeric,int4)', decimal.roundTo),
  pure('trunc(numeric,int4)', decimal.truncateTo),
  pure('sign(numeric)', (d: decimal.Decimal) =>
    d.kind === 'nan' ? d : decimal.fromInteger(decimal.signOf(d)),
  ),
  pure('sqrt(numeric)', functions.sqrt),
  pure('exp(numeric)', functions.exp),
  pure('ln(numeric)', functions.ln),
  ...pureAll(['log(numeric)', 'log10(numeric)'], functions.log10),
  pure('log(numeric,numeric)', functions.log),
  pure('scale(numeric)', (d: decimal.Decimal) => (d.kind === 'finite' ? d.scale : null)),
  pure('min_scale(numeric)', (d: decimal.Decimal) => (d.kind === 'finite' ? decimal.minimalScale(d) : null)),
  pure('trim_scale(numeric)', decimal.trimScale),
  pure('width_bucket(numeric,numeric,numeric,int4)', numericBucket),
];

function numericBucket(
  value: decimal.Decimal,
  low: decimal.Decimal,
  high: decimal.Decimal,
  count: number,
): number {
  if (count <= 0) throw new SqlError('2201G', 'count must be greater than zero');
  if ([value, low, high].some((d) => d.kind === 'nan')) {
    throw new SqlError('2201G', 'lower and upper bounds cannot be NaN');
  }
  if (low.kind !== 'finite' || high.kind !== 'finite') {
    throw new SqlError('2201G', 'lower and upper bounds must be finite');
  }
  if (decimal.compareDecimals(low, high) === 0)
    throw new SqlError('2201G', 'lower bound cannot equal upper bound');
  return functions.widthBucket(value, low, high, count);
}

function greatestDivisor(a: bigint, b: bigint): bigint {
  let [x, y] = [a < 0n ? -a : a, b < 0n ? -b : b];
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
}

function leastMultiple(a: bigint, b: bigint): bigint {
  if (a === 0n || b === 0n) return 0n;
  const multiple = (a / greatestDivisor(a, b)) * b;
  return multiple < 0n ? -multiple : multiple;
}

const DIVISORS: readonly Entry[] = [
  pure('gcd(int8,int8)', (a: bigint, b: bigint) => toWide(greatestDivisor(a, b))),
  pure('lcm(int8,int8)', (a: bigint, b: bigint) => toWide(leastMultiple(a, b))),
  pure('gcd(int4,int4)', (a: number, b: number) => toInt4(Number(greatestDivisor(BigInt(a), BigInt(b))))),
  pure('lcm(int4,int4)', (a: number, b: number) => toInt4(Number(leastMultiple(BigInt(a), BigInt(b))))),
];

const UNARY_PLUS: readonly Entry[] = pureAll(
  ['int2', 'int4', 'int8', 'numeric', 'float4', 'float8'].map((type) => `+(${type})`),
  (a: unknown) => a,
);

export const ARITHMETIC: readonly Entry[] = [
  ...integers(),
  ...bits(),
  ...floats(),
  ...NUMERIC,
  ...DIVISORS,
  ...UNARY_PLUS,
];
