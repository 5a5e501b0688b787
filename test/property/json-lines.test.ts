/** JSON lines through the learnt loops equal JSON.parse and the types' input functions, and reject the same rows. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SqlType } from '../../common/types.ts';
import type { Batch } from '../../runtime/batch/column.ts';
import { readDatum } from '../../runtime/batch/datum.ts';
import { JsonDecoder } from '../../runtime/format/decode/json-decoder.ts';

const FIELDS: readonly { name: string; type: SqlType }[] = [
  { name: 'a', type: { name: 'float8' } },
  { name: 'text', type: { name: 'text' } },
  { name: 'whole', type: { name: 'int8' } },
  { name: 'at', type: { name: 'timestamptz' } },
];
const digits = (most: number) =>
  fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: most }).map((d) => d.join(''));
const number = fc
  .tuple(fc.constantFrom('', '-'), digits(19), fc.option(digits(17)))
  .map(([sign, whole, fraction]) => `${sign}${whole}${fraction === null ? '' : `.${fraction}`}`);
const integer = fc.tuple(fc.constantFrom('', '-'), digits(18)).map(([sign, whole]) => sign + whole);
const word = fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom('', 'ü', '"', '\\', 'a"b', '\u2028'));
/** Milliseconds since 1970, and the same in text. */
const time = fc
  .tuple(fc.integer({ min: -1e12, max: 4e12 }), fc.constantFrom('', '.5', '.125'), fc.boolean())
  .map(([ms, part, asText]) => (asText ? JSON.stringify(new Date(ms).toISOString()) : `${ms}${part}`));
const row = fc.tuple(number, word, integer, fc.constantFrom('', ' '), fc.nat(4), time);

/** The same few shapes again and again, so that they are learnt; now and then a row breaks off or has something after it. */
const line = row.map(([a, text, whole, gap, shape, at]) => {
  const t = JSON.stringify(text);
  switch (shape) {
    case 0:
      return `{"a":${gap}${a},"text":${t},"whole":${whole}}`;
    case 1:
      return `{"other":${whole},"whole":${whole},"text":${t},"a":${a}}`;
    case 2:
      return `{"text":${t},"a":${a}}`;
    case 3:
      return `{"at":${at},"text":${t},"whole":${whole}}`;
    default:
      return `{"a":${a},"whole":${whole}`;
  }
});

function decode(lines: readonly string[], cut: number): string[] {
  const decoder = new JsonDecoder(
    FIELDS.map((f) => ({ ...f, notNull: false, used: true })),
    'ms',
  );
  const out: string[] = [];
  const take = (batch: Batch): void => {
    for (let i = 0; i < batch.rows; i++)
      out.push(JSON.stringify(FIELDS.map((f, c) => shown(readDatum(batch.columns[c]!, i, f.type)))));
  };
  const sink = { batch: take, reject: () => out.push('rejected') };
  const bytes = Buffer.from(lines.map((l) => `${l}\n`).join(''));
  // what is not whole comes again, in a buffer that ends where the bytes do
  const taken = decoder.decode(
    Uint8Array.from(bytes.subarray(0, cut % (bytes.length + 1))),
    0,
    cut % (bytes.length + 1),
    false,
    sink,
  );
  decoder.recycle();
  const rest = Uint8Array.from(bytes.subarray(taken));
  decoder.decode(rest, 0, rest.length, true, sink);
  return out;
}

const shown = (value: unknown): string =>
  Object.is(value, -0) ? '-0' : value === null ? 'null' : `${typeof value} ${String(value)}`;

function microsOf(at: unknown): number | null {
  if (typeof at === 'string') return Date.parse(at) * 1_000;
  return typeof at === 'number' ? at * 1_000 : null;
}

function expected(text: string): string {
  let members: Record<string, unknown>;
  try {
    members = JSON.parse(text) as Record<string, unknown>;
  } catch {
    return 'rejected';
  }
  const whole = /"whole":(-?\d+)/.exec(text);
  return JSON.stringify([
    shown(members['a'] ?? null),
    shown(members['text'] ?? null),
    shown(whole === null ? null : BigInt(whole[1]!)),
    shown(microsOf(members['at'])),
  ]);
}

test('as JSON.parse reads them', () => {
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 40 }), fc.nat(), (lines, cut) => {
      expect(decode(lines, cut).sort()).toEqual(lines.map(expected).sort());
    }),
    { numRuns: 2000 },
  );
});

test('a wide number changes none of the rows around it', () => {
  const plain = '{"a":-0,"text":"x","whole":7}';
  const wide = '{"a":-0,"text":"x","whole":-9007199254740993}';
  const none = '{"a":-0,"text":"x","whole":null}';
  const broken = '{"a":-0,"text":"x","whole":9007199254740994,"a":"?"}';
  const lines = [plain, plain, plain, wide, plain, none, broken, plain, wide, broken, plain];
  expect(decode(lines, 0).filter((row) => row !== 'rejected')).toEqual(
    lines.filter((text) => text !== broken).map(expected),
  );
});
