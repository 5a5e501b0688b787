/** Arrow in and out: every type comes back, the library reads what we write, we read what it writes. */
import {
  Bool,
  type DataType,
  DateDay,
  DateMillisecond,
  Decimal,
  Dictionary,
  DurationMillisecond,
  Field,
  FixedSizeList,
  Float16,
  Float32,
  Float64,
  Int8,
  Int16,
  Int32,
  Int64,
  IntervalYearMonth,
  LargeUtf8,
  List,
  Null,
  RecordBatch,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  Table,
  tableFromIPC,
  tableToIPC,
  TimestampMillisecond,
  TimestampNanosecond,
  Uint64,
  Utf8,
  vectorFromArray,
} from 'apache-arrow';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Field as SqlField, formatType, type SqlType, type TypeName } from '../../common/types.ts';
import { parseDatum } from '../../common/value-text.ts';
import { readDatum } from '../../runtime/batch/datum.ts';
import { column, decode, decodeBatches, encode, one, table } from '../support/arrow-rows.ts';

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const text = fc.string({ unit: 'binary' }).map((s) => s.replaceAll('\u0000', ''));
const micros = fc.oneof(
  fc.integer({ min: -8e15, max: 8e15 }),
  fc.constantFrom(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
);
const DATUMS: Readonly<Partial<Record<TypeName, fc.Arbitrary<unknown>>>> = {
  bool: fc.boolean(),
  int2: fc.integer({ min: -32768, max: 32767 }),
  int4: int32,
  int8: fc.oneof(int64, fc.bigInt({ min: -1000n, max: 1000n })),
  float4: fc.float(),
  float8: fc.double(),
  numeric: fc
    .oneof(
      fc.constantFrom('NaN', 'Infinity'),
      fc.tuple(int64, fc.nat(20)).map(([n, scale]) => `${n}e-${scale}`),
    )
    .map((t) => parseDatum(t, { name: 'numeric' })),
  text,
  varchar: text,
  bpchar: text,
  json: fc.json().map((t) => t.replaceAll('\\u0000', '')),
  jsonb: fc.json().map((t) => parseDatum(t.replaceAll('\\u0000', ''), { name: 'jsonb' })),
  bytea: fc.uint8Array(),
  uuid: fc.uuid(),
  date: fc.oneof(
    fc.integer({ min: -2_400_000, max: 2_100_000_000 }),
    micros.filter((x) => !Number.isFinite(x)),
  ),
  time: fc.integer({ min: 0, max: 86_400_000_000 }),
  timestamp: micros,
  timestamptz: micros,
  interval: fc.oneof(
    fc.record({ months: int32, days: int32, micros: fc.integer({ min: -8e15, max: 8e15 }) }),
    fc.constantFrom('infinity', '-infinity').map((t) => parseDatum(t, { name: 'interval' })),
  ),
  _int8: fc.array(fc.option(int64)),
  _text: fc.array(fc.option(text)),
  _numeric: fc.array(int64.map((n) => parseDatum(`${n}`, { name: 'numeric' }))),
  _timestamptz: fc.array(fc.option(micros)),
};

describe('every type comes back', () => {
  it.each(Object.keys(DATUMS) as TypeName[])('%s', (name) => {
    const type: SqlType = { name };
    const list = fc.array(fc.option(DATUMS[name]!, { freq: 4 }), { maxLength: 30 });
    fc.assert(
      fc.property(fc.array(list, { minLength: 1, maxLength: 3 }), (batches) => {
        const bytes = encode(
          one(type),
          batches.map((datums) => [datums]),
        );
        const back = decodeBatches(one(type), bytes);
        expect(back.rejected).toEqual([]);
        const datums = back.batches.flatMap((batch) =>
          Array.from({ length: batch.rows }, (_, row) => readDatum(batch.columns[0]!, row, type)),
        );
        expect(datums).toEqual(batches.flat());
        expect(tableFromIPC(bytes).numRows).toBe(datums.length);
      }),
      { numRuns: 60 },
    );
  });

  it('batches of many rows, and no rows', () => {
    const numbers = Array.from({ length: 10_000 }, (_, i) => (i % 7 === 0 ? null : BigInt(i)));
    const columns = one({ name: 'int8' });
    expect(decode(columns, encode(columns, [[numbers]])).rows.map(([n]) => n)).toEqual(
      numbers.map((n) => (n === null ? null : `${n}`)),
    );
    expect(decode(columns, encode(columns, [])).rows).toEqual([]);
    expect(tableFromIPC(encode(columns, [])).schema.fields[0]!.name).toBe('x');
  });
});

describe('what the library reads of ours', () => {
  it('values, types and what they were in SQL', () => {
    const columns: SqlField[] = [
      { name: 'n', type: { name: 'int8' } },
      { name: 'd', type: { name: 'numeric', precision: 12, scale: 2 } },
      { name: 'at', type: { name: 'timestamptz' } },
      { name: 'u', type: { name: 'uuid' } },
      { name: 'l', type: { name: '_int4' } },
      { name: 'b', type: { name: 'bool' } },
    ];
    const uuid = '00112233-4455-6677-8899-aabbccddeeff';
    const datums = [
      [9007199254740993n, null],
      [parseDatum('1.50', { name: 'numeric' }), null],
      [1_000_000, null],
      [uuid, null],
      [[1, null, 3], null],
      [true, null],
    ];
    const read = tableFromIPC(encode(columns, [datums]));
    expect(read.schema.fields.map((field) => String(field.type))).toEqual([
      'Int64',
      'Utf8',
      'Timestamp<MICROSECOND, UTC>',
      'FixedSizeBinary[16]',
      'List<Int32>',
      'Bool',
    ]);
    expect(read.schema.fields.map((field) => field.metadata.get('millrace.type'))).toEqual(
      columns.map(({ type }) => formatType(type)),
    );
    expect(read.schema.fields[3]!.metadata.get('ARROW:extension:name')).toBe('arrow.uuid');
    const row = read.get(0)!;
    expect([row['n'], row['d'], row['at'], row['b']]).toEqual([9007199254740993n, '1.50', 1000, true]);
    expect(Buffer.from(row['u'] as Uint8Array).toString('hex')).toBe(uuid.replaceAll('-', ''));
    expect([...(row['l'] as Iterable<number | null>)]).toEqual([1, null, 3]);
    expect(Object.values(read.get(1)!.toJSON())).toEqual([null, null, null, null, null, null]);
  });
});

describe('what we read of the library', () => {
  it.each([
    ['Int8 as int8', new Int8(), 'int8', [-5, null, 7], ['-5', null, '7']],
    ['Int16 as int4', new Int16(), 'int4', [-5, null], ['-5', null]],
    ['Int32 as numeric', new Int32(), 'numeric', [5], ['5']],
    ['Int64 as int4', new Int64(), 'int4', [5n], ['5']],
    ['Int64 as text', new Int64(), 'text', [5n, null], ['5', null]],
    ['Uint64 as numeric', new Uint64(), 'numeric', [2n ** 64n - 1n], ['18446744073709551615']],
    ['Int64 in milliseconds as timestamptz', new Int64(), 'timestamptz', [1000n], ['1970-01-01 00:00:01+00']],
    ['Float32 as float8', new Float32(), 'float8', [0.5], ['0.5']],
    ['Float32 as text', new Float32(), 'text', [0.1], ['0.1']],
    ['Float16 as float8', new Float16(), 'float8', [1.5, -2, null], ['1.5', '-2', null]],
    ['Bool as text', new Bool(), 'text', [true, false], ['true', 'false']],
    ['Utf8 as int8', new Utf8(), 'int8', ['12', null], ['12', null]],
    ['Utf8 as varchar(3)', new Utf8(), 'varchar', ['äöü'], ['äöü']],
    ['LargeUtf8 as text', new LargeUtf8(), 'text', ['a', null, 'ü'], ['a', null, 'ü']],
    ['Utf8 as jsonb', new Utf8(), 'jsonb', ['{"b":1,"a":2}'], ['{"a": 2, "b": 1}']],
    [
      'Date32 as timestamptz',
      new DateDay(),
      'timestamptz',
      [new Date('2026-01-02')],
      ['2026-01-02 00:00:00+00'],
    ],
    ['Date64 as date', new DateMillisecond(), 'date', [new Date('1969-12-31')], ['1969-12-31']],
    [
      'Timestamp(ms) as timestamptz',
      new TimestampMillisecond('Europe/Vienna'),
      'timestamptz',
      [1],
      ['1970-01-01 00:00:00.001+00'],
    ],
    ['Timestamp(ms) as date', new TimestampMillisecond(), 'date', [-1], ['1969-12-31']],
    ['Duration as interval', new DurationMillisecond(), 'interval', [1500n], ['00:00:01.5']],
    ['months as interval', new IntervalYearMonth(), 'interval', [Int32Array.of(1, 2)], ['1 year 2 mons']],
    ['Null as int8', new Null(), 'int8', [null, null], [null, null]],
    [
      'List as int8[]',
      new List(new Field('item', new Int32(), true)),
      '_int8',
      [[1, null], [], null],
      ['{1,NULL}', '{}', null],
    ],
    [
      'FixedSizeList as text[]',
      new FixedSizeList(2, new Field('item', new Utf8(), true)),
      '_text',
      [['a', 'b']],
      ['{a,b}'],
    ],
    ['Utf8 as int4[]', new Utf8(), '_int4', ['{1,2}'], ['{1,2}']],
  ] as const)('%s', (_, type, name, values, expected) => {
    expect(column(table(type as DataType, values), { name })).toEqual(expected);
  });

  it('decimals of 128 bits', () => {
    const words = (value: bigint): number[] =>
      [0n, 32n, 64n, 96n].map((shift) => Number(BigInt.asUintN(32, value >> shift)));
    const type = new Decimal(2, 12, 128);
    const vector = vectorFromArray([Uint32Array.from(words(-12345n)), Uint32Array.from(words(700n))], type);
    const bytes = tableToIPC(new Table({ x: vector }), 'stream');
    expect(column(bytes, { name: 'numeric' })).toEqual(['-123.45', '7.00']);
    expect(column(bytes, { name: 'text' })).toEqual(['-123.45', '7.00']);
    expect(decode(one({ name: 'int4' }), bytes)).toMatchObject({ rows: [['7']], rejected: ['1 22P02'] });
  });

  it('nanoseconds are rounded, down too', () => {
    const type = new TimestampNanosecond('UTC');
    const vector = vectorFromArray([0, 0, 0], type);
    (vector.data[0]!.values as BigInt64Array).set([1_499n, 1_500n, -1_501n]);
    const bytes = tableToIPC(new Table({ x: vector }), 'stream');
    expect(column(bytes, { name: 'timestamptz' })).toEqual([
      '1970-01-01 00:00:00.000001+00',
      '1970-01-01 00:00:00.000002+00',
      '1969-12-31 23:59:59.999998+00',
    ]);
  });

  it('dictionaries, also of numbers, with NULLs', () => {
    const type = new Dictionary(new Utf8(), new Int16());
    const values = Array.from({ length: 9_000 }, (_, i) => (i % 5 === 0 ? null : `tag ${i % 11}`));
    expect(column(table(type, values), { name: 'text' })).toEqual(values);
    const numbers = new Dictionary(new Utf8(), new Int8());
    expect(decode(one({ name: 'int4' }), table(numbers, ['1', 'x', '1', 'x']))).toMatchObject({
      rows: [['1'], ['1']],
      rejected: ['2 22P02', '4 22P02'],
    });
  });

  it('several batches, with a dictionary that grows', () => {
    const type = new Dictionary(new Utf8(), new Int32(), 1);
    const schema = new Schema([new Field('x', type, true)]);
    const writer = new RecordBatchStreamWriter();
    const first = vectorFromArray(['a', 'b'], type);
    const second = vectorFromArray(['c', 'a', 'd'], type);
    writer.reset(undefined, schema);
    for (const { data } of [first, second]) {
      const [part] = data;
      writer.write(
        new RecordBatch(
          schema,
          new Table({ x: first }).batches[0]!.data.clone(
            new Struct(schema.fields),
            0,
            part!.length,
            0,
            undefined,
            [part!],
          ),
        ),
      );
    }
    writer.finish();
    expect(column(writer.toUint8Array(true), { name: 'text' })).toEqual(['a', 'b', 'c', 'a', 'd']);
  });

  it('absent columns are NULL, others are left out, bad rows are rejected one by one', () => {
    const bytes = tableToIPC(
      new Table({
        other: vectorFromArray([{ a: 1 }, { a: 2 }, { a: 3 }, { a: 4 }]),
        n: vectorFromArray([1n, 3_000_000_000n, 3n, 4n], new Int64()),
        t: vectorFromArray(['a', 'b', null, 'd'], new Utf8()),
      }),
      'stream',
    );
    const columns: SqlField[] = [
      { name: 't', type: { name: 'text' } },
      { name: 'n', type: { name: 'int4' } },
      { name: 'absent', type: { name: 'float8' } },
    ];
    const { rows, rejected, payloads } = decode(columns, bytes, ['t']);
    expect(rows).toEqual([
      ['a', '1', null],
      ['d', '4', null],
    ]);
    expect(rejected).toEqual(['2 22003', '3 23502']);
    expect(JSON.parse(payloads[0]!)).toEqual({ other: null, n: '3000000000', t: 'b' });
  });

  it.each([
    ['float8', new Utf8(), ['x'], '22P02'],
    ['int2', new Int32(), [40_000], '22003'],
    ['int8', new Uint64(), [2n ** 63n], '22003'],
    ['float4', new Float64(), [1e300], '22003'],
    ['int4', new Float64(), [1.5], '22P02'],
    ['timestamptz', new Int64(), [2n ** 62n], '22008'],
    ['uuid', new Utf8(), ['no'], '22P02'],
    ['varchar', new Utf8(), ['abcd'], '22001'],
  ] as const)('a value that is no %s is rejected', (name, type, values, code) => {
    const target: SqlType = name === 'varchar' ? { name, length: 3 } : { name };
    expect(decode(one(target), table(type as DataType, values))).toMatchObject({
      rows: [],
      rejected: [`1 ${code}`],
    });
  });

  it('types that have no value in common are refused as a whole', () => {
    const structs = tableToIPC(new Table({ x: vectorFromArray([{ a: 1 }]) }), 'stream');
    for (const name of ['int8', 'text', '_int4'] as const) {
      expect(() => column(structs, { name })).toThrow(expect.objectContaining({ code: '42804' }));
    }
    const lists = table(new List(new Field('item', new Int32(), true)), [[1]]);
    expect(() => column(lists, { name: 'int4' })).toThrow(expect.objectContaining({ code: '42804' }));
  });

  it('text that is not UTF-8, or holds a zero, is rejected', () => {
    const bytes = table(new Utf8(), ['good', 'b#d', 'end']);
    const at = Buffer.from(bytes).indexOf('b#d');
    for (const byte of [0xff, 0]) {
      const broken = Uint8Array.from(bytes);
      broken[at + 1] = byte;
      expect(decode(one({ name: 'text' }), broken)).toMatchObject({
        rows: [['good'], ['end']],
        rejected: ['2 22021'],
      });
    }
    const split = Uint8Array.from(table(new Utf8(), ['ab', 'cd']));
    split.set(Buffer.from('aé'), Buffer.from(split).indexOf('abcd'));
    expect(decode(one({ name: 'text' }), split)).toMatchObject({
      rows: [],
      rejected: ['1 22021', '2 22021'],
    });
  });
});
