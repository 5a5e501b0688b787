/** Lines of text fields through the generated loop, with any delimiter, cut anywhere: what went in comes out. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Batch } from '../../runtime/batch/column.ts';
import { readDatum } from '../../runtime/batch/datum.ts';
import { DelimitedDecoder } from '../../runtime/format/decode/delimited-decoder.ts';

const TEXT = { name: 'text' } as const;
const DELIMITERS = [',', ';', '|', '\t', ' ', 'q', '~', '\u0001', '\u007f'];
/** Bytes around every stop, and what words are made of. */
const letter = fc.constantFrom(
  'a',
  'Z',
  '0',
  '9',
  ' ',
  '!',
  '+',
  '-',
  '.',
  ';',
  '|',
  '}',
  '\u0002',
  '\u00ff',
  'ü',
  '€',
  '😀',
);
const field = fc.array(letter, { maxLength: 13 }).map((letters) => letters.join(''));
const special = fc.constantFrom('"', '\\', 'a"b', 'a\\b', '\r', 'x\ry', 'q~\t,;|', '\n');
const rows = fc.array(fc.tuple(fc.oneof({ weight: 9, arbitrary: field }, special), field, field), {
  minLength: 1,
  maxLength: 30,
});

type Kind = 'csv' | 'text';

function written(kind: Kind, delimiter: string, value: string): string {
  if (kind === 'text') {
    return value
      .replaceAll(/[\\\n\r]/g, (c) => `\\${{ '\n': 'n', '\r': 'r' }[c] ?? c}`)
      .replaceAll(delimiter, `\\${delimiter}`);
  }
  const plain = value !== '' && !['"', '\n', '\r', delimiter].some((c) => value.includes(c));
  return plain ? value : `"${value.replaceAll('"', '""')}"`;
}

function decode(kind: Kind, delimiter: string, bytes: Buffer, cut: number): unknown[][] {
  const fields = ['a', 'b', 'c'].map((name) => ({ name, type: TEXT, notNull: false, used: name !== 'b' }));
  const decoder = new DelimitedDecoder(
    fields,
    [0, 1, 2],
    {
      delimiter,
      quote: kind === 'csv' ? '"' : null,
      escape: '"',
      nullText: kind === 'csv' ? '' : '\\N',
      header: false,
      timestampUnit: null,
      epochNumbers: true,
      label: 'test',
    },
    false,
  );
  const out: unknown[][] = [];
  const output = {
    batch: (batch: Batch) => {
      for (let i = 0; i < batch.rows; i++) out.push([0, 2].map((c) => readDatum(batch.columns[c]!, i, TEXT)));
    },
    reject: (row: Readonly<{ error: Error }>) => {
      throw row.error;
    },
  };
  // the first part ends anywhere; nothing lies behind the last byte
  const first = Buffer.from(bytes.subarray(0, cut));
  const read = decoder.decode(first, 0, first.length, false, output);
  decoder.recycle();
  const rest = Buffer.from(Buffer.concat([first.subarray(read), bytes.subarray(cut)]));
  decoder.decode(rest, 0, rest.length, true, output);
  return out;
}

test.each(['csv', 'text'] as const)('%s', (kind) => {
  fc.assert(
    fc.property(rows, fc.constantFrom(...DELIMITERS), fc.nat(1000), (values, delimiter, at) => {
      // COPY's text format has no letters for delimiters
      fc.pre(kind === 'csv' || delimiter !== 'q');
      const lines = values.map((row) => row.map((v) => written(kind, delimiter, v)).join(delimiter));
      const bytes = Buffer.from(`${lines.join('\n')}\n`);
      const expected = values.map(([a, , c]) => [a, c]);
      expect(decode(kind, delimiter, bytes, at % bytes.length)).toEqual(expected);
    }),
    { numRuns: 600 },
  );
});
