/** parse(format(x)) = x for every type, in text, binary and columns; numbers against PostgreSQL. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DATE_MAX, DATE_MIN } from '../../common/timestamp.ts';
import type { SqlType, TypeName } from '../../common/types.ts';
import { decodeBinary, encodeBinary } from '../../common/value-binary.ts';
import { compareDatum } from '../../common/value-compare.ts';
import { datumToJson } from '../../common/value-json.ts';
import { formatDatum, parseDatum } from '../../common/value-text.ts';
import { buildColumn, readDatum } from '../../runtime/batch/datum.ts';
import { PostgresOracle } from '../support/postgres-oracle.ts';

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const text = fc.string({ unit: 'binary' }).map((s) => s.replaceAll('\u0000', ''));
/** Where every microsecond is a double. */
const micros = fc.integer({ min: -8e15, max: 8e15 });
const infinities = fc.constantFrom(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY);

const decimalText = fc
  .tuple(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), fc.nat(25))
  .map(([n, scale]) => `${n}e-${scale}`);

const DATUMS: Readonly<Partial<Record<TypeName, fc.Arbitrary<unknown>>>> = {
  bool: fc.boolean(),
  int2: fc.integer({ min: -32768, max: 32767 }),
  int4: int32,
  int8: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  float4: fc.float({ noDefaultInfinity: false }),
  float8: fc.double(),
  numeric: decimalText.map((t) => parseDatum(t, { name: 'numeric' })),
  text,
  varchar: text,
  bytea: fc.uint8Array(),
  date: fc.oneof(fc.integer({ min: DATE_MIN, max: DATE_MAX }), infinities),
  time: fc.integer({ min: 0, max: 86_400_000_000 }),
  timestamp: fc.oneof(micros, infinities),
  timestamptz: fc.oneof(micros, infinities),
  interval: fc.record({ months: int32, days: int32, micros }),
  uuid: fc.uuid(),
  jsonb: fc.json().map((t) => parseDatum(t.replaceAll('\\u0000', ''), { name: 'jsonb' })),
  _int8: fc.array(fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }))),
  _text: fc.array(fc.option(text)),
};

const TYPES = Object.keys(DATUMS) as TypeName[];
const ZONES = ['UTC', 'America/New_York', 'Asia/Kathmandu', 'Australia/Lord_Howe'];

describe.each(TYPES)('%s', (name) => {
  const type: SqlType = { name };
  const datum = DATUMS[name]!;

  test('text comes back', () => {
    fc.assert(
      fc.property(datum, fc.constantFrom(...ZONES), (d, timeZone) => {
        expect(parseDatum(formatDatum(d, type, { timeZone }), type, { timeZone })).toEqual(d);
      }),
    );
  });

  test('binary comes back', () => {
    fc.assert(
      fc.property(datum, (d) => {
        expect(decodeBinary(encodeBinary(d, type), type)).toEqual(d);
      }),
    );
  });

  test('columns come back', () => {
    fc.assert(
      fc.property(fc.array(fc.option(datum, { freq: 3 }), { maxLength: 40 }), (datums) => {
        const column = buildColumn(type, datums);
        expect(datums.map((_, row) => readDatum(column, row, type))).toEqual(datums);
      }),
    );
  });

  test('JSON is JSON', () => {
    fc.assert(
      fc.property(datum, (d) => {
        const json = datumToJson(d, type);
        expect(() => JSON.parse(json)).not.toThrow();
      }),
    );
  });

  test('the order is total', () => {
    fc.assert(
      fc.property(datum, datum, datum, (a, b, c) => {
        const sign = (x: unknown, y: unknown): number => Math.sign(compareDatum(x, y, type));
        expect(sign(a, a)).toBe(0);
        expect(sign(a, b) + sign(b, a)).toBe(0);
        if (sign(a, b) <= 0 && sign(b, c) <= 0) expect(sign(a, c)).toBeLessThanOrEqual(0);
      }),
    );
  });
});

describe('against PostgreSQL', () => {
  let oracle: PostgresOracle;
  beforeAll(async () => {
    oracle = await PostgresOracle.start();
  });
  afterAll(() => oracle.stop());

  async function expectOrder(name: TypeName, sqlName: string): Promise<void> {
    const type: SqlType = { name };
    const pairs = fc.sample(fc.tuple(DATUMS[name]!, DATUMS[name]!), 200);
    const literal = (d: unknown): string => `'${formatDatum(d, type).replaceAll("'", "''")}'::${sqlName}`;
    const theirs = await oracle.evaluate(
      pairs.map(([a, b]) => {
        const collate = name === 'text' ? ' collate "C"' : '';
        return `case when ${literal(a)} < ${literal(b)}${collate} then -1 when ${literal(a)} = ${literal(b)} then 0 else 1 end`;
      }),
    );
    expect(pairs.map(([a, b]) => String(Math.sign(compareDatum(a, b, type))))).toEqual(
      theirs.map((t) => t.text),
    );
  }

  test.each([
    ['numeric', 'numeric'],
    ['text', 'text'],
    ['jsonb', 'jsonb'],
    ['interval', 'interval'],
    ['bytea', 'bytea'],
    ['float8', 'float8'],
    ['uuid', 'uuid'],
    ['_text', 'text[]'],
  ] as const)('the order of %s', (name, sqlName) => expectOrder(name, sqlName));

  test('floats print alike', async () => {
    const large = fc.double({ noNaN: true, min: 1e15, max: 1e25 });
    const doubles = fc.sample(fc.oneof(large, fc.double({ noNaN: true })), 1000);
    const theirs8 = await oracle.evaluate(
      doubles.map((d) => `'${formatDatum(d, { name: 'float8' })}'::float8`),
    );
    expect(doubles.map((d) => formatDatum(d, { name: 'float8' }))).toEqual(theirs8.map((t) => t.text));
    const mid = fc.float({ noNaN: true, min: Math.fround(1e5), max: Math.fround(1e10) });
    const powers = fc.integer({ min: -149, max: 127 }).map((e) => 2 ** e);
    const singles = fc.sample(fc.oneof(mid, powers, fc.float({ noNaN: true })), 1000);
    const theirs4 = await oracle.evaluate(
      singles.map((d) => `'${formatDatum(d, { name: 'float4' })}'::float4`),
    );
    expect(singles.map((d) => formatDatum(d, { name: 'float4' }))).toEqual(theirs4.map((t) => t.text));
  });
});
