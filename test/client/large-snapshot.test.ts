/** A snapshot far larger than any buffer, to a client that reads slowly but reads. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { TestServer } from '../support/server.ts';
import { WirePeer } from '../support/wire-peer.ts';

const ROWS = 400_000;
const PART = 50_000;
const FILLING = 'x'.repeat(90);

let server: TestServer;
let sql: WirePeer;

beforeAll(async () => {
  server = await TestServer.start();
  sql = await WirePeer.open(server.pgPort);
  await sql.query("CREATE STREAM entries (id int, filling text) WITH (retention = 'none')");
  await sql.query('CREATE MATERIALIZED VIEW everything AS SELECT id, filling FROM entries EMIT CHANGES');
  for (let at = 0; at < ROWS; at += PART) await post(at, PART);
}, 60_000);
afterAll(async () => {
  sql.close();
  await server.stop();
});

async function post(from: number, count: number): Promise<void> {
  let body = '';
  for (let id = from; id < from + count; id++) body += `{"id":${id},"filling":"${FILLING}"}\n`;
  const response = await fetch(`${server.url}/streams/entries`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body,
  });
  expect(response.status).toBe(200);
}

const residentBytes = (): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.process.pid}/status`, 'utf8'))![1]) * 1024;

type Message = { op: string; tick: number; rows: [number, string][]; diffs?: number[] };

it('gets every row of the snapshot and every change after it, once', async () => {
  const socket = new WebSocket(`ws://127.0.0.1:${server.httpPort}/ws`, 'millrace.v1');
  await once(socket, 'open');
  const seen = new Uint8Array(ROWS + PART);
  let [count, bytes, messages, highest] = [0, 0, 0, 0];
  const before = residentBytes();
  const complete = new Promise<void>((resolve, reject) => {
    socket.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString()) as Message;
      if (message.op === 'error') reject(new Error(data.toString()));
      if (message.op !== 'rows') return;
      bytes += data.length;
      highest = Math.max(highest, residentBytes());
      for (const [id, filling] of message.rows) {
        seen[id]!++;
        count++;
        if (filling !== FILLING) reject(new Error(`row ${id} is wrong`));
      }
      if (count >= ROWS + PART) resolve();
      // rows come in while the snapshot is on its way
      if (++messages === 5) post(ROWS, PART).catch(reject);
      socket.pause();
      later(3_000, () => socket.resume());
    });
  });
  socket.send(JSON.stringify({ op: 'subscribe', id: 1, sql: 'SUBSCRIBE everything' }));
  await complete;
  expect(bytes).toBeGreaterThan(40_000_000);
  expect(messages).toBeGreaterThan(50);
  expect(seen.every((times) => times === 1)).toBe(true);
  // the rows themselves, what is under way, and garbage; not the encoded snapshot of every message
  expect(highest - before).toBeLessThan(400 * 1024 * 1024);
  socket.close();
}, 60_000);

it('gets every row where each came in a tick of its own', async () => {
  await sql.query('CREATE STREAM singles (n int)');
  for (let n = 0; n < 300; n++) await sql.query(`INSERT INTO singles VALUES (${n})`);
  const response = await fetch(`${server.url}/query`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ sql: 'SELECT n FROM singles' }),
  });
  const { rows } = (await response.json()) as { rows: number[][] };
  expect(rows.map(([n]) => n).sort((a, b) => a! - b!)).toEqual(Array.from({ length: 300 }, (_, n) => n));
});

/** So many turns of the event loop: slower than the server sends, and no matter of the clock. */
function later(turns: number, done: () => void): void {
  if (turns === 0) done();
  else setImmediate(() => later(turns - 1, done));
}
