/** The encoders against formatDatum, encodeBinary and datumToJson, the value codecs that are the reference. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDecimal } from '../../common/decimal.ts';
import type { Schema, SqlType } from '../../common/types.ts';
import { encodeBinary } from '../../common/value-binary.ts';
import { datumToJson } from '../../common/value-json.ts';
import {
  DEFAULT_TEXT_SETTINGS,
  formatDatum,
  parseDatum,
  type TextSettings,
} from '../../common/value-text.ts';
import { buildColumn } from '../../runtime/batch/datum.ts';
import { ByteWriter } from '../../runtime/format/encode/byte-writer.ts';
import { writeCsvRows } from '../../runtime/format/encode/copy-csv.ts';
import { writeCopyTextRows } from '../../runtime/format/encode/copy-text.ts';

import { writeCopyBinaryRows, writeDataRows } from '../../runtime/format/encode/data-row.ts';
import { arrayShape, objectLineShape, writeJsonRows } from '../../runtime/format/encode/json.ts';
import { binaryField, jsonField, textField } from '../../runtime/format/encode/output-field.ts';

const DAY = 86_400_000_000;
const float = fc.oneof(
  fc.double(),
  fc.integer({ min: -1e9, max: 1e9 }).map((n) => n / 100),
  fc.integer({ min: -1e9, max: 1e9 }).map((n) => n / 1e6),
  fc.constantFrom(
    0,
    -0,
    1e15,
    1e-4,
    99_999.995,
    999_999_999.99,
    1e21,
    5e-324,
    Number.NaN,
    123_456_789_012_345.6,
  ),
);
const micros = fc.oneof(
  fc.integer({ min: -(2 ** 52), max: 2 ** 52 }),
  fc.integer({ min: 0, max: 10 }).map((n) => n * 60_000_000 - 1),
  fc.constantFrom(0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
);

const TYPES: readonly (readonly [SqlType, fc.Arbitrary<unknown>])[] = [
  [{ name: 'bool' }, fc.boolean()],
  [{ name: 'int2' }, fc.integer({ min: -32_768, max: 32_767 })],
  [{ name: 'int4' }, fc.integer()],
  [{ name: 'int8' }, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
  [{ name: 'int8' }, fc.maxSafeInteger().map(BigInt)],
  [{ name: 'float8' }, float],
  [{ name: 'float4' }, float.map(Math.fround)],
  [{ name: 'numeric' }, fc.tuple(fc.bigInt(), fc.nat(20)).map(([n, s]) => parseDecimal(`${n}e-${s}`))],
  [{ name: 'text' }, fc.string({ unit: 'binary' }).map((s) => s.replaceAll('\0', ''))],
  [
    { name: 'text' },
    fc.constantFrom('', '\\.', '\\N', 'a,b', '"', 'tab\there', 'line\nfeed', 'cr\r', '\b\f\v', 'é€😀'),
  ],
  [{ name: 'bytea' }, fc.uint8Array()],
  [{ name: 'uuid' }, fc.uuid()],
  [
    { name: 'date' },
    fc.oneof(fc.integer({ min: -800_000, max: 3_000_000 }), fc.constantFrom(Infinity, -Infinity)),
  ],
  [{ name: 'time' }, fc.integer({ min: 0, max: DAY })],
  [{ name: 'timestamp' }, micros],
  [{ name: 'timestamptz' }, micros],
  [{ name: 'jsonb' }, fc.json().map((s) => parseDatum(s.replaceAll('\\u0000', ''), { name: 'jsonb' }))],
  [
    { name: 'interval' },
    fc.constantFrom('1 day', '-3 mons 00:00:01.5', '0').map((s) => parseDatum(s, { name: 'interval' })),
  ],
  [{ name: '_int4' }, fc.array(fc.option(fc.integer()))],
];

const column = fc
  .constantFrom(...TYPES)
  .chain(([type, values]) =>
    fc.array(fc.option(values, { nil: null }), { maxLength: 20 }).map((datums) => ({ type, datums })),
  );

const SETTINGS: readonly TextSettings[] = [
  DEFAULT_TEXT_SETTINGS,
  {
    ...DEFAULT_TEXT_SETTINGS,
    timeZone: 'America/New_York',
    dateStyle: 'SQL, DMY',
    intervalStyle: 'iso_8601',
    byteaOutput: 'escape',
    extraFloatDigits: 0,
  },
];

/** Fields of the DataRow messages in `bytes`. */
function readDataRows(bytes: Buffer): (Buffer | null)[][] {
  const rows: (Buffer | null)[][] = [];
  for (let at = 0; at < bytes.length; ) {
    expect(bytes[at]).toBe(68);
    const end = at + 1 + bytes.readInt32BE(at + 1);
    const fields: (Buffer | null)[] = [];
    let position = at + 7;
    for (let i = bytes.readUInt16BE(at + 5); i > 0; i--) {
      const length = bytes.readInt32BE(position);
      position += 4;
      fields.push(length < 0 ? null : bytes.subarray(position, position + length));
      position += Math.max(length, 0);
    }
    expect(position).toBe(end);
    rows.push(fields);
    at = end;
  }
  return rows;
}

describe('encoders', () => {
  it('DataRow text is what formatDatum gives', () => {
    fc.assert(
      fc.property(column, fc.constantFrom(...SETTINGS), ({ type, datums }, settings) => {
        const writer = new ByteWriter(16);
        const field = textField(buildColumn(type, datums), type, datums.length, settings, 1);
        writeDataRows(writer, [field, field], 0, datums.length);
        const texts = readDataRows(writer.take()).map(([first, second]) => {
          expect(first).toEqual(second);
          return first?.toString() ?? null;
        });
        expect(texts).toEqual(
          datums.map((datum) => (datum === null ? null : formatDatum(datum, type, settings))),
        );
      }),
      { numRuns: 2_000 },
    );
  });

  it('DataRow binary is what encodeBinary gives', () => {
    fc.assert(
      fc.property(column, ({ type, datums }) => {
        const writer = new ByteWriter(16);
        writeDataRows(
          writer,
          [binaryField(buildColumn(type, datums), type, datums.length)],
          0,
          datums.length,
        );
        const values = readDataRows(writer.take()).map(([value]) => value?.toString('hex') ?? null);
        expect(values).toEqual(
          datums.map((datum) =>
            datum === null ? null : Buffer.from(encodeBinary(datum, type)).toString('hex'),
          ),
        );
      }),
      { numRuns: 1_000 },
    );
  });

  it('COPY binary has the same values', () => {
    const type: SqlType = { name: 'int4' };
    const writer = new ByteWriter(16);
    writeCopyBinaryRows(writer, [binaryField(buildColumn(type, [7, null]), type, 2)], 0, 2);
    expect(writer.take().toString('hex')).toBe('640000000e00010000000400000007' + '640000000a0001ffffffff');
  });

  it('JSON is what datumToJson gives', () => {
    fc.assert(
      fc.property(column, ({ type, datums }) => {
        const field = jsonField(buildColumn(type, datums), type, datums.length);
        const writer = new ByteWriter(16);
        writeJsonRows(writer, [field], 0, datums.length, arrayShape(1));
        const expected = datums.map((datum) => JSON.parse(datumToJson(datum, type)) as unknown);
        const text = writer.take().toString();
        expect(JSON.parse(`[${text}]`)).toEqual(expected.map((value) => [value]));
        const schema: Schema = [{ name: 'a"b', type }];
        writeJsonRows(writer, [field], 0, datums.length, objectLineShape(schema));
        const lines = writer.take().toString().split('\n').slice(0, -1);
        expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(
          expected.map((value) => ({ 'a"b': value })),
        );
      }),
      { numRuns: 2_000 },
    );
  });

  it('json on several lines stays one NDJSON line', () => {
    const type: SqlType = { name: 'json' };
    const writer = new ByteWriter(16);
    const field = jsonField(buildColumn(type, ['{\n "a":\r\n 1}']), type, 1);
    writeJsonRows(writer, [field], 0, 1, objectLineShape([{ name: 'j', type }]));
    expect(writer.take().toString()).toBe('{"j":{  "a":   1}}\n');
  });

  it('rows without columns are rows', () => {
    const writer = new ByteWriter(16);
    writeJsonRows(writer, [], 0, 2, arrayShape(0));
    expect(writer.take().toString()).toBe('[],[]');
    writeJsonRows(writer, [], 0, 2, objectLineShape([]));
    expect(writer.take().toString()).toBe('{}\n{}\n');
  });

  it('an instant that comes again is written again, also when the buffer has grown or starts anew', () => {
    const type: SqlType = { name: 'timestamptz' };
    const instants = fc.constantFrom(
      0,
      1_000_000,
      1_500_000,
      -62_200_000_000_000_000,
      Number.POSITIVE_INFINITY,
      null,
    );
    const texts = fc.string({ maxLength: 60 });
    const rows = fc.array(fc.tuple(texts, instants), { maxLength: 30 });
    fc.assert(
      fc.property(fc.array(rows, { maxLength: 3 }), (batches) => {
        const writer = new ByteWriter(16);
        for (const batch of batches) {
          const datums = batch.map(([, instant]) => instant);
          const before = textField(
            buildColumn(
              { name: 'text' },
              batch.map(([t]) => t),
            ),
            { name: 'text' },
            batch.length,
            DEFAULT_TEXT_SETTINGS,
            2,
          );
          const field = textField(buildColumn(type, datums), type, datums.length, DEFAULT_TEXT_SETTINGS, 2);
          writer.length = 0;
          writeCopyTextRows(writer, [before, field, field], 0, datums.length, {
            delimiter: 9,
            nullText: Buffer.from('?'),
            framed: false,
          });
          const lines = writer.bytes.toString('utf8', 0, writer.length).split('\n').slice(0, -1);
          const shown = datums.map((datum) => (datum === null ? '?' : formatDatum(datum, type)));
          expect(lines.map((line) => line.split('\t').slice(-2))).toEqual(shown.map((text) => [text, text]));
        }
      }),
    );
  });

  it('COPY text reads back', () => {
    const framing = { delimiter: 9, nullText: Buffer.from('\\N'), framed: false };
    fc.assert(
      fc.property(column, ({ type, datums }) => {
        const writer = new ByteWriter(16);
        const field = textField(buildColumn(type, datums), type, datums.length, DEFAULT_TEXT_SETTINGS, 2);
        writeCopyTextRows(writer, [field, field], 0, datums.length, framing);
        const lines = writer.take().toString().split('\n').slice(0, -1);
        const values = lines.map((line) => {
          const [first, second, ...rest] = line.split('\t');
          expect([second, rest]).toEqual([first, []]);
          return first === '\\N' ? null : unescapeCopy(first!);
        });
        expect(values).toEqual(datums.map((datum) => (datum === null ? null : formatDatum(datum, type))));
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([44, 45])('CSV reads back, delimiter %i', (delimiter) => {
    const framing = {
      delimiter,
      quote: 34,
      escape: 34,
      nullText: Buffer.from(''),
      framed: false,
      forced: [],
    };
    fc.assert(
      fc.property(column, ({ type, datums }) => {
        const writer = new ByteWriter(16);
        const field = textField(buildColumn(type, datums), type, datums.length, DEFAULT_TEXT_SETTINGS, 2);
        writeCsvRows(writer, [field, field], 0, datums.length, framing);
        const rows = readCsv(writer.take().toString(), String.fromCharCode(delimiter));
        expect(rows).toEqual(
          datums.map((datum) => {
            const text = datum === null ? null : formatDatum(datum, type);
            return [text, text];
          }),
        );
      }),
      { numRuns: 1_000 },
    );
  });
});

function unescapeCopy(text: string): string {
  const letters: Readonly<Record<string, string>> = { b: '\b', t: '\t', n: '\n', v: '\v', f: '\f', r: '\r' };
  return text.replaceAll(/\\(.)/gs, (_, letter: string) => letters[letter] ?? letter);
}

/** NULL is an empty field without quotes. */
function readCsv(text: string, delimiter: string): (string | null)[][] {
  const rows: (string | null)[][] = [];
  let row: (string | null)[] = [];
  for (let at = 0; at < text.length; ) {
    let value: string | null = null;
    if (text[at] === '"') {
      value = '';
      for (at++; text[at] !== '"' || text[at + 1] === '"'; at++) {
        if (text[at] === '"') at++;
        value += text[at];
      }
      at++;
    } else {
      const start = at;
      while (text[at] !== delimiter && text[at] !== '\n') at++;
      if (at > start) value = text.slice(start, at);
    }
    row.push(value);
    if (text[at] === '\n') {
      rows.push(row);
      row = [];
    }
    at++;
  }
  return rows;
}
