/** A small memory limit and ever-new keys: writers are told, the server goes on, and gets better when room is made. */
import type { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestServer } from '../support/server.ts';
import { encodeMessage, frame, WirePeer } from '../support/wire-peer.ts';

const VIEW = 'CREATE MATERIALIZED VIEW per_key AS SELECT k, count(*) AS n FROM s GROUP BY k';
const ROWS = 20_000;
/** Far more than the limit holds. */
const BATCHES_MAX = 200;

let server: TestServer;
let client: Client;
let keys = 0;

beforeAll(async () => {
  server = await TestServer.start({ environment: { MILLRACE_MEMORY_LIMIT: '64MB' } });
  client = await server.connect('anna');
  await client.query(
    "CREATE STREAM s (at timestamptz NOT NULL, k text, WATERMARK FOR at AS at) WITH (retention = 'none')",
  );
  await client.query(VIEW);
}, 30_000);
afterAll(async () => {
  expect(server.running).toBe(true);
  await client.end();
  await server.stop();
});

const rows = (row: (key: string) => string): string =>
  Array.from({ length: ROWS }, () => row(`key ${keys++} ${'x'.repeat(30)}`)).join('');

const post = (body: string): Promise<Response> =>
  fetch(`${server.url}/streams/s`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body,
  });

async function count(): Promise<number> {
  const { rows: found } = await client.query('SELECT count(*)::int4 AS n FROM per_key');
  return (found[0] as { n: number }).n;
}

const insert = (): Promise<unknown> =>
  client.query(`INSERT INTO s VALUES ('2026-01-01 00:00:00+00', 'one more ${keys++}')`);

/** Waits for the bytes to be added up again; every turn is a statement, never a sleep. */
async function memory(isReached: boolean): Promise<void> {
  for (;;) {
    const reached = await insert().then(
      () => false,
      (error: { code?: string }) => error.code === '53200',
    );
    if (reached === isReached) return;
  }
}

describe('at the memory limit', () => {
  it('HTTP gets 429, INSERT 53200, reads go on, and what was accepted is there', async () => {
    let accepted = 0;
    let refused: Response | null = null;
    for (let i = 0; i < BATCHES_MAX && refused === null; i++) {
      const response = await post(rows((k) => `{"at":"2026-01-01T00:00:00Z","k":"${k}"}\n`));
      if (response.status === 200) accepted += ((await response.json()) as { accepted: number }).accepted;
      else refused = response;
    }
    expect(refused?.status).toBe(429);
    expect(refused?.headers.get('retry-after')).toBe('1');
    expect(await refused?.json()).toMatchObject({ code: expect.stringMatching(/^53[02]00$/) });
    await expect(insert()).rejects.toMatchObject({ code: '53200' });
    expect(await count()).toBe(accepted);
    expect((await fetch(`${server.url}/views/per_key?limit=1`)).status).toBe(200);
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  });

  it('COPY ends with 53200, and nothing of it comes later', async () => {
    await client.query('DROP MATERIALIZED VIEW per_key');
    await memory(false);
    await client.query(VIEW);
    const before = await count();
    const peer = await WirePeer.open(server.pgPort);
    peer.send(encodeMessage('Query', ['COPY s FROM STDIN']));
    await peer.until('CopyInResponse');
    for (let i = 0; i < BATCHES_MAX && peer.socket.writableLength === 0; i++) {
      peer.send(frame('d', Buffer.from(rows((k) => `2026-01-01 00:00:00+00\t${k}\n`))));
      await new Promise((resolve) => setImmediate(resolve));
    }
    for (let i = 0; i < 40; i++)
      peer.send(frame('d', Buffer.from(rows((k) => `2026-01-01 00:00:00+00\t${k}\n`))));
    peer.send(frame('c'));
    const lines = await peer.until('ReadyForQuery');
    expect(lines).toContain('ErrorResponse ERROR 53200 "the memory limit is reached"');
    expect((await peer.query('SELECT 1 AS a')).includes('DataRow "1"')).toBe(true);
    peer.close();
    const admitted = await count();
    expect(admitted).toBeGreaterThan(before);
    // Room is made by another view's leaving: what had been refused stays out.
    await client.query('DROP MATERIALIZED VIEW per_key');
    await memory(false);
    const { rows: queue } = await client.query('SELECT sum(rows_in)::int4 AS n FROM millrace.ticks');
    await insert();
    const { rows: after } = await client.query('SELECT sum(rows_in)::int4 AS n FROM millrace.ticks');
    expect((after[0] as { n: number }).n - (queue[0] as { n: number }).n).toBe(1);
  });

  it('a query that would hold too much ends with 53200, the others go on', async () => {
    await client.query(
      "CREATE STREAM kept (at timestamptz NOT NULL, k text, WATERMARK FOR at AS at) WITH (retention = 'forever')",
    );
    for (let i = 0; i < 20; i++) {
      const body = rows((k) => `{"at":"2026-01-01T00:00:00Z","k":"${k}"}\n`);
      const headers = { 'content-type': 'application/x-ndjson' };
      const sent = await fetch(`${server.url}/streams/kept`, { method: 'POST', headers, body });
      expect(sent.status).toBe(200);
    }
    const tooMuch = { code: '53200', message: 'the memory limit is reached' };
    for (const sql of [
      'SELECT k, count(*) FROM kept GROUP BY k HAVING count(*) > 1',
      'SELECT * FROM kept ORDER BY k DESC OFFSET 1000000',
      'SELECT (SELECT count(DISTINCT k) FROM kept)',
    ])
      await expect(client.query(sql), sql).rejects.toMatchObject(tooMuch);
    const { rows: found } = await client.query('SELECT count(*)::int4 AS n FROM kept');
    expect(found).toEqual([{ n: 20 * ROWS }]);
    // of a top-n only the best rows are held
    const { rows: top } = await client.query(
      'SELECT k FROM (SELECT substring(k, 5, 7)::int4 AS k FROM kept) q ORDER BY k DESC LIMIT 3 OFFSET 1',
    );
    expect(top).toEqual([{ k: keys - 2 }, { k: keys - 3 }, { k: keys - 4 }]);
    await client.query('DROP STREAM kept');
  });

  it('a COPY into a table is refused before it fills the memory', async () => {
    await client.query('CREATE TABLE t (k text)');
    const peer = await WirePeer.open(server.pgPort);
    peer.send(encodeMessage('Query', ['COPY t FROM STDIN']));
    await peer.until('CopyInResponse');
    const chunk = frame('d', Buffer.from(`${'x'.repeat(2 ** 20 - 1)}\n`));
    for (let i = 0; i < 80; i++) peer.send(chunk);
    peer.send(frame('c'));
    expect(await peer.until('ReadyForQuery')).toContain(
      'ErrorResponse ERROR 53200 "the memory limit is reached"',
    );
    peer.close();
    expect((await client.query('SELECT count(*)::int4 AS n FROM t')).rows).toEqual([{ n: 0 }]);
    await memory(false);
  });
});
