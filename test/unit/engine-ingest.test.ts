/** COPY and posts straight into the engine: column lists, deep values, what is counted. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Batch } from '../../runtime/batch/column.ts';
import { readDatum } from '../../runtime/batch/datum.ts';
import type { IngestOptions, IngestResult } from '../../runtime/engine-client.ts';
import { DelimitedDecoder } from '../../runtime/format/decode/delimited-decoder.ts';
import { IngestSource } from '../../runtime/source/ingest-source.ts';
import { Millrace } from '../support/millrace.ts';

let millrace: Millrace;
beforeEach(async () => {
  millrace = await Millrace.start();
  await millrace.execute('CREATE STREAM h (at timestamptz, n int8, t text, j jsonb)');
});
afterEach(() => millrace.stop());

function ingest(
  format: IngestOptions['format'],
  columns: readonly number[],
  text: string,
): Promise<IngestResult> {
  const relation = [...millrace.core.state.relations.streams.keys()][0]!;
  const open = millrace.core.ingest({
    relation,
    columns,
    format,
    onError: 'reject',
    atomic: false,
    label: 'COPY h',
  });
  void open.push(new Uint8Array(Buffer.from(text)));
  return open.end();
}

it('columns that a COPY does not name are NULL, whatever their type', async () => {
  const format = { format: 'copy-text', header: false, delimiter: '\t', nullText: '\\N' } as const;
  expect(await ingest(format, [1], '1\n2\n\\N\n')).toMatchObject({ accepted: 3, rejected: 0 });
  expect(await millrace.query('SELECT at, n, t, j FROM h')).toEqual([
    [null, '1', null, null],
    [null, '2', null, null],
    [null, null, null, null],
  ]);
});

it('a value nested too deep is its row alone', async () => {
  const format = {
    format: 'json',
    header: false,
    delimiter: ',',
    nullText: '',
    timestampUnit: null,
  } as const;
  const deep = `{"n":1,"j":${'['.repeat(20_000)}${']'.repeat(20_000)}}`;
  expect(await ingest(format, [0, 1, 2, 3], `${deep}\n{"n":2,"j":{"b":1,"a":[1]}}\n`)).toMatchObject({
    accepted: 1,
    rejected: 1,
  });
  expect(await millrace.query('SELECT n, j FROM h')).toEqual([['2', '{"a": [1], "b": 1}']]);
  expect(await millrace.query('SELECT code FROM millrace.rejected_rows')).toEqual([['54001']]);
});

it('what a client sends is taken in the portions that a tick can do, and no row is cut', () => {
  const rows = Array.from({ length: 5000 }, (_, i) => `${i},${'é'.repeat(i % 40)}`);
  const fields = (['int8', 'text'] as const).map((name, i) => ({
    name: `c${i}`,
    type: { name },
    notNull: false,
    used: true,
  }));
  const format = {
    delimiter: ',',
    quote: '"',
    escape: '"',
    nullText: '\\N',
    header: false,
    timestampUnit: null,
    epochNumbers: true,
    label: 'test',
  };
  const source = new IngestSource({
    decoder: new DelimitedDecoder(fields, [0, 1], format, false),
    onError: 'fail',
    atomic: false,
  });
  const bytes = Buffer.from(`${rows.join('\n')}\n`);
  source.push(bytes.subarray(0, 10_001));
  source.push(bytes.subarray(10_001));
  source.end();
  const seen: string[] = [];
  const portions: number[] = [];
  while (!source.ended) {
    let rowsNow = 0;
    const take = (batch: Batch): void => {
      rowsNow += batch.rows;
      for (let i = 0; i < batch.rows; i++)
        seen.push(fields.map((f, c) => `${readDatum(batch.columns[c]!, i, f.type)}`).join(','));
    };
    source.poll(0, { batch: take, reject: ({ error }) => expect(error).toBeNull() }, 1 / 2048);
    portions.push(rowsNow);
  }
  expect(seen).toEqual(rows);
  expect(portions.length).toBeGreaterThan(20);
  expect(source).toMatchObject({ accepted: 5000, rejected: 0, waitingBytes: 0, failed: null });
});

it('rows that are refused for want of memory never come by half, and count what others send', async () => {
  const small = await Millrace.start({ memoryLimitBytes: 10_000 });
  await small.execute('CREATE TABLE u (t text)');
  const relation = small.core.state.relations.tables.keys().next().value!;
  const format = {
    format: 'text',
    header: false,
    delimiter: ',',
    nullText: '',
    timestampUnit: null,
  } as const;
  const options = { relation, columns: [0], format, onError: 'fail', atomic: true, label: 'COPY u' } as const;
  const line = Buffer.from(`${'x'.repeat(5_999)}\n`);
  const [first, second] = [small.core.ingest(options), small.core.ingest(options)];
  await first.push(line);
  await second.push(line);
  await expect(second.push(line)).rejects.toMatchObject({ code: '53200' });
  first.abort();
  // there is room again: what went before this is lost, so this is too
  await expect(second.push(Buffer.from('y\n'))).rejects.toMatchObject({ code: '53200' });
  const ended = expect(second.end()).rejects.toMatchObject({ code: '53200' });
  await small.advance(100);
  await ended;
  const third = small.core.ingest(options);
  await third.push(line);
  const taken = third.end();
  await small.advance(100);
  expect(await taken).toMatchObject({ accepted: 1 });
  expect(await small.query('SELECT count(*) FROM u')).toEqual([['1']]);
  await small.stop();
});
