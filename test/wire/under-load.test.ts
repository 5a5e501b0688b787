/** 100,000 generated rows a second, and still: a cancel and a timeout end what runs, and small statements go on. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestServer } from '../support/server.ts';
import { cstring, frame, WirePeer } from '../support/wire-peer.ts';

/** A tick each: a cancel must not wait for many. */
const WRITES_MAX = 50;

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start();
  const peer = await WirePeer.open(server.pgPort);
  const statements = [
    "CREATE STREAM g (at timestamptz NOT NULL, tag text, n int8, WATERMARK FOR at AS at) WITH (connector = 'generator', rate = '100000', keys = '1000')",
    "CREATE MATERIALIZED VIEW hops AS SELECT window_end, tag, count(*) AS n, min(n) AS least FROM HOP(g, at, INTERVAL '1 second', INTERVAL '10 minutes') GROUP BY window_end, tag",
    'CREATE TABLE texts (t text)',
    'CREATE TABLE small (n int4)',
    `INSERT INTO texts VALUES ${Array.from({ length: 4_000 }, () => `('${'y'.repeat(1_000)}')`).join(',')}`,
  ];
  for (const sql of statements) expect((await peer.query(sql)).at(-1)).toMatch(/^CommandComplete/);
  for (let i = 0; i < 8; i++) await peer.query('INSERT INTO texts SELECT t FROM texts LIMIT 4000');
  peer.close();
}, 60_000);
afterAll(async () => {
  expect(server.running).toBe(true);
  await server.stop();
});

const CONTINUOUS = [
  'SELECT tag, n FROM g EMIT CHANGES',
  "SELECT window_end, tag, count(*) FROM TUMBLE(g, at, INTERVAL '1 hour') GROUP BY window_end, tag EMIT CHANGES",
  'SUBSCRIBE TO hops WITH (PROGRESS)',
];
const FINITE = "SELECT sum(length(regexp_replace(t, 'y+$', 'z'))) FROM texts";

describe('under load', () => {
  it.each(CONTINUOUS)('a cancel ends %s before many ticks have passed', async (sql) => {
    const [peer, other] = [await WirePeer.open(server.pgPort), await WirePeer.open(server.pgPort)];
    peer.send(frame('Q', cstring(sql)));
    await peer.until('DataRow');
    const running = `SELECT count(*) FROM millrace.subscriptions WHERE pid = ${peer.pid}`;
    expect(await other.query(running)).toContain('DataRow "1"');
    await peer.cancel(server.pgPort);
    let asked = 0;
    // rows that were sent before the cancel may still be on their way: what counts is the server's end
    while (!(await other.query(running)).includes('DataRow "0"')) {
      await other.query('INSERT INTO small VALUES (1)');
      expect(++asked).toBeLessThan(WRITES_MAX);
    }
    expect((await peer.until('ReadyForQuery')).at(-2)).toBe(
      'ErrorResponse ERROR 57014 "canceling statement due to user request"',
    );
    expect(await peer.query('SELECT 1 AS a')).toContain('DataRow "1"');
    for (const session of [peer, other]) session.close();
  });

  it.each([...CONTINUOUS, FINITE])('statement_timeout ends %s', async (sql) => {
    const peer = await WirePeer.open(server.pgPort);
    await peer.query(`SET statement_timeout = ${sql === FINITE ? 5 : 200}`);
    const lines = await peer.query(sql);
    expect(lines.at(-1)).toBe('ErrorResponse ERROR 57014 "canceling statement due to statement timeout"');
    await peer.query('RESET statement_timeout');
    expect(await peer.query('SELECT 1 AS a')).toContain('DataRow "1"');
    peer.close();
  });
});
