/** COPY and posts straight into the engine: column lists, deep values, what is counted. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { IngestOptions, IngestResult } from '../../runtime/engine-client.ts';
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
