/** numeric arithmetic and functions over random numbers against PostgreSQL, in batches. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as decimal from '../../common/decimal.ts';
import * as functions from '../../common/decimal-functions.ts';
import { SqlError } from '../../common/sql-error.ts';
import { PostgresOracle } from '../support/postgres-oracle.ts';

let oracle: PostgresOracle;
beforeAll(async () => {
  oracle = await PostgresOracle.start();
});
afterAll(() => oracle.stop());

/** Few digits, many digits, powers of ten, near 1, specials. */
const number = fc.oneof(
  fc.tuple(fc.integer({ min: -9999, max: 9999 }), fc.nat(6)).map(([n, s]) => decimal.decimal(BigInt(n), s)),
  fc
    .tuple(fc.bigInt({ min: -(10n ** 24n), max: 10n ** 24n }), fc.nat(30))
    .map(([n, s]) => decimal.decimal(n, s)),
  fc
    .tuple(fc.constantFrom(1n, -1n, 5n, 9999n), fc.integer({ min: -20, max: 20 }))
    .map(([n, s]) => decimal.decimal(n, s)),
  fc.nat(10 ** 6).map((n) => decimal.decimal(10n ** 8n + BigInt(n), 8)),
  fc.constantFrom(
    decimal.NAN,
    decimal.INFINITY,
    decimal.NEGATIVE_INFINITY,
    decimal.decimal(0n, 0),
    decimal.decimal(0n, 5),
  ),
);

/** Small enough for results of bearable length. */
const small = fc
  .tuple(fc.integer({ min: -400, max: 400 }), fc.nat(2))
  .map(([n, s]) => decimal.decimal(BigInt(n), s));

function answer(work: () => decimal.Decimal): string {
  try {
    return decimal.formatDecimal(work());
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    return `${error.code} ${error.message}`;
  }
}

const literal = (d: decimal.Decimal): string => `'${decimal.formatDecimal(d)}'::numeric`;

const BINARY: readonly (readonly [string, (a: decimal.Decimal, b: decimal.Decimal) => decimal.Decimal])[] = [
  ['+', decimal.add],
  ['-', decimal.subtract],
  ['*', decimal.multiply],
  ['/', decimal.divide],
  ['%', decimal.modulo],
];

test.each(BINARY)('a %s b', async (symbol, operate) => {
  const pairs = fc.sample(fc.tuple(number, number), 400);
  const theirs = await oracle.evaluate(pairs.map(([a, b]) => `${literal(a)} ${symbol} ${literal(b)}`));
  for (const [i, [a, b]] of pairs.entries()) {
    const expected = theirs[i]!.text ?? `${theirs[i]!.code} ${theirs[i]!.message}`;
    expect(`${literal(a)} ${symbol} ${literal(b)} = ${answer(() => operate(a, b))}`).toBe(
      `${literal(a)} ${symbol} ${literal(b)} = ${expected}`,
    );
  }
});

const UNARY: readonly (readonly [
  string,
  (a: decimal.Decimal) => decimal.Decimal,
  fc.Arbitrary<decimal.Decimal>,
])[] = [
  ['sqrt', functions.sqrt, number],
  ['ln', functions.ln, number],
  ['log', functions.log10, number],
  ['exp', functions.exp, small],
  ['ceil', decimal.ceiling, number],
  ['floor', decimal.floor, number],
  ['round', (d) => decimal.roundTo(d, 0), number],
  ['trim_scale', decimal.trimScale, number],
];

test.each(UNARY)('%s(a)', async (name, operate, inputs) => {
  const numbers = fc.sample(inputs, 200);
  const theirs = await oracle.evaluate(numbers.map((a) => `${name}(${literal(a)})`));
  for (const [i, a] of numbers.entries()) {
    const expected = theirs[i]!.text ?? `${theirs[i]!.code} ${theirs[i]!.message}`;
    expect(`${name}(${literal(a)}) = ${answer(() => operate(a))}`).toBe(
      `${name}(${literal(a)}) = ${expected}`,
    );
  }
});

test('power(a, b) and log(a, b)', async () => {
  const pairs = fc.sample(
    fc.tuple(
      small,
      fc.tuple(fc.integer({ min: -60, max: 60 }), fc.nat(1)).map(([n, s]) => decimal.decimal(BigInt(n), s)),
    ),
    300,
  );
  for (const [name, operate] of [
    ['power', functions.power],
    ['log', functions.log],
  ] as const) {
    const theirs = await oracle.evaluate(pairs.map(([a, b]) => `${name}(${literal(a)}, ${literal(b)})`));
    for (const [i, [a, b]] of pairs.entries()) {
      const expected = theirs[i]!.text ?? `${theirs[i]!.code} ${theirs[i]!.message}`;
      expect(`${name} ${literal(a)} ${literal(b)} = ${answer(() => operate(a, b))}`).toBe(
        `${name} ${literal(a)} ${literal(b)} = ${expected}`,
      );
    }
  }
});
