/** Numbers of every length through the generated CSV loop: what it takes equals what the type's input function gives. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseDatum } from '../../common/value-text.ts';
import type { SqlType } from '../../common/types.ts';
import type { Batch } from '../../runtime/batch/column.ts';
import { readDatum } from '../../runtime/batch/datum.ts';
import { DelimitedDecoder } from '../../runtime/format/decode/delimited-decoder.ts';

const TYPES = (['float8', 'float4', 'int8', 'int4', 'int2'] as const).map((name): SqlType => ({ name }));
const digits = (most: number) =>
  fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: most }).map((d) => d.join(''));
const number = fc
  .tuple(fc.boolean(), digits(20), fc.option(digits(20)), fc.option(fc.integer({ min: -30, max: 30 })))
  .map(([negative, whole, fraction, exponent]) => {
    const tail = `${fraction === null ? '' : `.${fraction}`}${exponent === null ? '' : `e${exponent}`}`;
    return `${negative ? '-' : ''}${whole}${tail}`;
  });
const texts = fc.array(fc.oneof(number, digits(12), fc.string({ maxLength: 12 })), {
  minLength: 1,
  maxLength: 20,
});

function decode(type: SqlType, lines: readonly string[]): unknown[] {
  const field = (name: string, of: SqlType) => ({ name, type: of, notNull: false, used: true });
  const decoder = new DelimitedDecoder(
    [field('t', { name: 'text' }), field('v', type)],
    [0, 1],
    {
      delimiter: ',',
      quote: '"',
      escape: '"',
      nullText: '',
      header: false,
      timestampUnit: 'ms',
      epochNumbers: true,
      label: 'test',
    },
    false,
  );
  const out: unknown[] = [];
  const take = (batch: Batch): void => {
    for (let i = 0; i < batch.rows; i++) out.push(readDatum(batch.columns[1]!, i, type));
  };
  const bytes = Buffer.from(lines.map((line) => `x!{~,${line}\n`).join(''));
  decoder.decode(bytes, 0, bytes.length, true, { batch: take, reject: () => out.push('rejected') });
  return out;
}

function expected(type: SqlType, text: string): unknown {
  try {
    return parseDatum(text, type);
  } catch {
    return 'rejected';
  }
}

const sorted = (values: readonly unknown[]): string[] =>
  values.map((v) => (Object.is(v, -0) ? '-0' : `${typeof v} ${String(v)}`)).sort();

test.each(TYPES)('$name', (type) => {
  fc.assert(
    fc.property(texts, (all) => {
      const plain = all.filter((t) => t !== '' && !/[",\r\n\0\ud800-\udfff]/.test(t));
      expect(sorted(decode(type, plain))).toEqual(sorted(plain.map((t) => expected(type, t))));
    }),
    { numRuns: 2000 },
  );
});

test('a full batch of each length keeps its order', () => {
  const lines = Array.from({ length: 5000 }, (_, i) => String(i).padEnd(1 + (i % 15), '7'));
  expect(decode({ name: 'int8' }, lines)).toEqual(lines.map((l) => BigInt(l)));
  expect(decode({ name: 'float8' }, lines)).toEqual(lines.map(Number));
});
