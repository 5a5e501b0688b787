/** Arrow over HTTP: rows in and out of a real server, by the library's own reader and writer. */
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import {
  Dictionary,
  Int8,
  Int64,
  Table,
  tableFromIPC,
  tableToIPC,
  TimestampMicrosecond,
  Utf8,
  vectorFromArray,
} from 'apache-arrow';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestServer } from '../support/server.ts';

const ARROW = 'application/vnd.apache.arrow.stream';

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start();
  for (const sql of [
    'CREATE STREAM readings (at timestamptz NOT NULL, tag text, n int4, WATERMARK FOR at AS at)',
    'CREATE MATERIALIZED VIEW by_tag AS SELECT tag, sum(n) AS total FROM readings GROUP BY tag EMIT CHANGES',
  ]) {
    expect((await query(sql)).status).toBe(200);
  }
}, 30_000);
afterAll(() => server.stop());

const query = (sql: string, accept = 'application/json'): Promise<Response> =>
  fetch(`${server.url}/query`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept },
    body: JSON.stringify({ sql }),
  });

const post = (body: Uint8Array, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${server.url}/streams/readings`, {
    method: 'POST',
    headers: { 'content-type': ARROW, ...headers },
    body: body as Uint8Array<ArrayBuffer>,
  });

async function rows(sql: string): Promise<unknown> {
  return ((await (await query(sql)).json()) as { rows: unknown }).rows;
}

const readings = (first: number, count: number): Uint8Array => {
  const at = vectorFromArray(new Array<number>(count).fill(0), new TimestampMicrosecond('UTC'));
  (at.data[0]!.values as BigInt64Array).forEach((_, i, values) => {
    values[i] = BigInt(first + i) * 1_000_000n;
  });
  const index = Array.from({ length: count }, (_, i) => first + i);
  const tag = vectorFromArray(
    index.map((i) => (i % 4 === 0 ? null : `t${i % 4}`)),
    new Dictionary(new Utf8(), new Int8()),
  );
  const n = vectorFromArray(index.map(BigInt), new Int64());
  const extra = vectorFromArray(index.map(() => 'not looked at'));
  return tableToIPC(new Table({ extra, n, tag, at }), 'stream');
};

it('appends rows that views then show', async () => {
  const answer = await post(readings(0, 10_000));
  expect(answer.status).toBe(200);
  expect(await answer.json()).toMatchObject({ accepted: 10_000, rejected: 0 });
  expect(await rows('SELECT tag, total FROM by_tag ORDER BY tag')).toEqual([
    ['t1', '12497500'],
    ['t2', '12500000'],
    ['t3', '12502500'],
    [null, '12495000'],
  ]);
  expect(await rows('SELECT at, tag, n FROM readings WHERE n = 4999')).toEqual([
    ['1970-01-01T01:23:19Z', 't3', 4999],
  ]);
});

it('inflates gzip', async () => {
  const answer = await post(gzipSync(readings(20_000, 10)), { 'content-encoding': 'gzip' });
  expect(await answer.json()).toMatchObject({ accepted: 10 });
});

it('rejects row by row and keeps what it rejected', async () => {
  const at = vectorFromArray([1, 2, null], new TimestampMicrosecond('UTC'));
  const n = vectorFromArray([1n, 3_000_000_000n, 3n], new Int64());
  const answer = await post(tableToIPC(new Table({ at, n }), 'stream'));
  expect(await answer.json()).toMatchObject({ accepted: 1, rejected: 2 });
  expect(
    await rows("SELECT code, payload LIKE '%3000000000%' FROM millrace.rejected_rows ORDER BY code"),
  ).toEqual([
    ['22003', true],
    ['23502', false],
  ]);
});

it('refuses broken streams, and goes on', async () => {
  const whole = readings(0, 100);
  for (const body of [
    whole.slice(0, 300),
    whole.slice(0, whole.length - 100),
    Buffer.from('not arrow'),
    new Uint8Array(0),
  ]) {
    const answer = await post(body);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ code: '22P04', message: 'invalid Arrow stream' });
  }
  const mismatch = await post(tableToIPC(new Table({ n: vectorFromArray([{ a: 1 }]) }), 'stream'));
  expect(await mismatch.json()).toMatchObject({ code: '42804' });
  expect((await post(readings(30_000, 1))).status).toBe(200);
});

it('is bounded, before and after inflation', async () => {
  const large = new Uint8Array(65 * 1024 * 1024);
  expect((await post(large)).status).toBe(413);
  expect((await post(gzipSync(large), { 'content-encoding': 'gzip' })).status).toBe(413);
  // in chunks, without a length: the client is told although it is still sending
  const chunked = await fetch(`${server.url}/streams/readings`, {
    method: 'POST',
    headers: { 'content-type': ARROW },
    body: Readable.toWeb(Readable.from([large.subarray(1), large.subarray(1)])) as ReadableStream,
    duplex: 'half',
  } as RequestInit);
  expect(chunked.status).toBe(413);
});

it('answers queries and views', async () => {
  const answer = await query(
    "SELECT n, (n * 1.5)::numeric(10,2) AS d, 'é' || n AS t, NULL::date AS day FROM readings WHERE n < 5000 ORDER BY n",
    ARROW,
  );
  if (answer.status !== 200) throw new Error(await answer.text());
  expect(answer.headers.get('content-type')).toBe(ARROW);
  const table = tableFromIPC(new Uint8Array(await answer.arrayBuffer()));
  expect(table.numRows).toBe(5001);
  expect(table.get(5000)!.toJSON()).toEqual({ n: 4999, d: '7498.50', t: 'é4999', day: null });
  const view = await fetch(`${server.url}/views/by_tag?limit=2`, { headers: { accept: ARROW } });
  expect(view.headers.get('millrace-next')).not.toBeNull();
  const page = tableFromIPC(new Uint8Array(await view.arrayBuffer()));
  expect(page.toArray().map((row) => (row as { tag: unknown }).tag)).toEqual(['t1', 't2']);
  const empty = await query('SELECT n, tag FROM readings WHERE false', ARROW);
  expect(tableFromIPC(new Uint8Array(await empty.arrayBuffer())).schema.names).toEqual(['n', 'tag']);
});

it('takes back what it gave', async () => {
  const given = await query('SELECT at, tag, n FROM readings WHERE n BETWEEN 100 AND 199', ARROW);
  const answer = await post(new Uint8Array(await given.arrayBuffer()));
  expect(await answer.json()).toMatchObject({ accepted: 100, rejected: 0 });
});
