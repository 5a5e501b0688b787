/** The binary format against PostgreSQL's send functions, and both ways. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SqlError } from '../../common/sql-error.ts';
import { formatType, isArrayType, type SqlType } from '../../common/types.ts';
import { decodeBinary, encodeBinary } from '../../common/value-binary.ts';
import { formatDatum, parseDatum } from '../../common/value-text.ts';
import { TYPES } from '../../runtime/plan/functions/types.ts';
import { samplesOf } from '../support/type-samples.ts';
import { PostgresOracle } from '../support/postgres-oracle.ts';

let oracle: PostgresOracle;
beforeAll(async () => {
  oracle = await PostgresOracle.start();
});
afterAll(() => oracle.stop());

const sendFunction = (type: SqlType): string =>
  isArrayType(type.name)
    ? 'array_send'
    : /^(date|time|interval|uuid|json|jsonb|timestamp|timestamptz|numeric)$/.test(type.name)
      ? `${type.name}_send`
      : `${type.name}send`;

const cases = TYPES.flatMap((name) =>
  samplesOf(name).map((text) => ({ type: { name } satisfies SqlType, text })),
);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

test('encodes what PostgreSQL sends, and reads it back', async () => {
  const sql = cases.map(
    ({ type, text }) =>
      `encode(${sendFunction(type)}('${text.replaceAll("'", "''")}'::${formatType(type).replace(/^character(?=$|\[)/, 'bpchar')}), 'hex')`,
  );
  const theirs = await oracle.evaluate(sql);
  for (const [i, { type, text }] of cases.entries()) {
    const datum = parseDatum(text, type);
    const bytes = encodeBinary(datum, type);
    expect(`${type.name} ${text} ${hex(bytes)}`).toBe(`${type.name} ${text} ${theirs[i]!.text}`);
    expect(formatDatum(decodeBinary(bytes, type), type)).toBe(formatDatum(datum, type));
  }
  expect(cases.length).toBeGreaterThan(150);
});

test('every cut of a fixed or structured value is refused', () => {
  for (const { type, text } of cases) {
    if (/^(text|varchar|bpchar|bytea|json)$/.test(type.name)) continue;
    const bytes = encodeBinary(parseDatum(text, type), type);
    for (let length = 0; length < bytes.length; length++) {
      if (type.name === 'jsonb' && length > 1) continue;
      expect(
        () => decodeBinary(bytes.subarray(0, length), type),
        `${type.name} ${text} cut to ${length}`,
      ).toThrow(SqlError);
    }
    const longer = new Uint8Array([...bytes, 0]);
    expect(() => decodeBinary(longer, type), `${type.name} ${text} with one byte more`).toThrow(SqlError);
  }
});

test('malformed values are 22P03', () => {
  const code = (bytes: number[], type: SqlType): string => {
    try {
      decodeBinary(Uint8Array.from(bytes), type);
      return 'accepted';
    } catch (error) {
      return error instanceof SqlError ? error.code : 'crash';
    }
  };
  expect(code([0, 1, 0, 0, 0, 1, 0, 0, 0, 0], { name: 'numeric' })).toBe('22P03');
  expect(code([0, 1, 0, 0, 0, 0, 0, 0, 0x27, 0x10], { name: 'numeric' })).toBe('22P03');
  expect(code([9, 0x31], { name: 'jsonb' })).toBe('22P03');
  expect(code([0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 23], { name: '_int4' })).toBe('22P03');
  expect(code([0xff], { name: 'text' })).toBe('22021');
  expect(code([0x61, 0], { name: 'text' })).toBe('22021');
});
