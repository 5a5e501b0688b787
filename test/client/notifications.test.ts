/** LISTEN, NOTIFY, UNLISTEN by a real driver, and LISTEN on relations. */
import type { Socket } from 'node:net';
import type pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestServer } from '../support/server.ts';

let server: TestServer;
let writer: pg.Client;

beforeAll(async () => {
  server = await TestServer.start();
  writer = await server.connect('writer');
});
afterAll(async () => {
  await writer.end();
  await server.stop();
});

/** A session that keeps what it is sent. */
class Listener {
  readonly client: pg.Client;
  readonly received: { channel: string; payload: string }[] = [];
  readonly notices: string[] = [];
  #wake: () => void = () => {};

  constructor(client: pg.Client) {
    this.client = client;
    client.on('notification', ({ channel, payload }) => {
      this.received.push({ channel, payload: payload ?? '' });
      this.#wake();
    });
    client.on('notice', ({ message }) => {
      this.notices.push(message ?? '');
      this.#wake();
    });
  }

  static async open(...statements: readonly string[]): Promise<Listener> {
    const listener = new Listener(await server.connect('listener'));
    for (const sql of statements) await listener.client.query(sql);
    return listener;
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async next(): Promise<string> {
    await this.until(() => this.received.length > 0);
    return this.received.shift()!.payload;
  }
}

it('sends to every listener of the channel, itself too, when the block commits, each once', async () => {
  const one = await Listener.open('LISTEN news');
  const two = await Listener.open('LISTEN news', 'LISTEN "Other"');
  await writer.query('BEGIN');
  await writer.query("NOTIFY news, 'a'");
  await writer.query("NOTIFY news, 'a'");
  await writer.query('SAVEPOINT s');
  await writer.query("NOTIFY news, 'lost'");
  await writer.query('ROLLBACK TO s');
  await writer.query('SELECT pg_notify($1, $2)', ['Other', 'b']);
  await writer.query('NOTIFY news');
  await one.client.query('SELECT 1');
  expect(one.received).toEqual([]);
  await writer.query('COMMIT');
  expect([await one.next(), await one.next()]).toEqual(['a', '']);
  expect([await two.next(), await two.next(), await two.next()]).toEqual(['a', 'b', '']);
  await writer.query("BEGIN; NOTIFY news, 'never'; ROLLBACK");
  await one.client.query("NOTIFY news, 'own'");
  expect(await one.next()).toBe('own');
  await two.client.query('UNLISTEN news');
  await writer.query("NOTIFY news, 'c'");
  expect(await one.next()).toBe('c');
  await writer.query('NOTIFY "Other", \'d\'');
  expect([await two.next(), await two.next()]).toEqual(['own', 'd']);
  await one.client.end();
  await two.client.end();
});

it('sends those of one message in their order, each once', async () => {
  const listener = await Listener.open('LISTEN a', 'LISTEN b');
  await writer.query(
    "NOTIFY a, '1'; NOTIFY b, '2'; NOTIFY a, '1'; SELECT pg_notify('a', '3'); NOTIFY b, '2'",
  );
  await writer.query("NOTIFY a, 'end'");
  const payloads: string[] = [];
  while (payloads.at(-1) !== 'end') payloads.push(await listener.next());
  expect(payloads).toEqual(['1', '2', '3', 'end']);
  await writer.query("LISTEN c; NOTIFY c, 'own'; UNLISTEN c");
  await listener.client.query("UNLISTEN a; LISTEN a; NOTIFY a, 'still'");
  expect(await listener.next()).toBe('still');
  await listener.client.end();
});

it('listens from COMMIT on, and no more after ROLLBACK, UNLISTEN * or DISCARD ALL', async () => {
  const listener = await Listener.open('BEGIN', 'LISTEN x', 'ROLLBACK', 'BEGIN', 'LISTEN y', 'LISTEN z');
  await writer.query("NOTIFY x, '1'; NOTIFY y, '2'");
  await listener.client.query('COMMIT');
  await writer.query("NOTIFY y, '3'");
  expect(await listener.next()).toBe('3');
  await listener.client.query('UNLISTEN *');
  await writer.query("NOTIFY y, '4'");
  await listener.client.query('LISTEN z');
  await listener.client.query('DISCARD ALL');
  await writer.query("NOTIFY z, '5'");
  await listener.client.query('LISTEN last');
  await writer.query("NOTIFY last, 'done'");
  expect(await listener.next()).toBe('done');
  await listener.client.end();
});

it('holds what comes during a block until it ends', async () => {
  const listener = await Listener.open('LISTEN later', 'BEGIN');
  await writer.query("NOTIFY later, 'x'");
  await listener.client.query('SELECT 1');
  expect(listener.received).toEqual([]);
  await listener.client.query('COMMIT');
  expect(await listener.next()).toBe('x');
  await listener.client.end();
});

it.each([
  [`NOTIFY c, '${'x'.repeat(8_000)}'`, '22023'],
  [`SELECT pg_notify('', 'x')`, '22023'],
  [`SELECT pg_notify('${'c'.repeat(64)}', 'x')`, '22023'],
  ["SELECT pg_notify(page, page) FROM (VALUES ('a')) AS v (page)", '0A000'],
])('refuses %.60s', async (sql, code) => {
  await expect(writer.query(sql)).rejects.toMatchObject({ code });
});

it("brings a view's changes, merged and at most ten a second", async () => {
  await writer.query('CREATE TABLE votes (id int PRIMARY KEY, name text)');
  await writer.query(
    'CREATE MATERIALIZED VIEW tally AS SELECT name, count(*) AS n, max(id) AS "Last" FROM votes GROUP BY name',
  );
  await writer.query("INSERT INTO votes VALUES (1, 'a')");
  const listener = await Listener.open('LISTEN tally');
  let told = 0;
  listener.client.on('notification', () => told++);
  const started = performance.now();
  await writer.query("INSERT INTO votes VALUES (2, 'b')");
  const first = JSON.parse(await listener.next());
  expect(first).toEqual({ tick: expect.any(Number), changes: [{ diff: 1, name: 'b', n: '1', Last: 2 }] });
  for (let id = 3; id <= 40; id++) await writer.query(`INSERT INTO votes VALUES (${id}, 'b')`);
  // merged over however many notifications: of each key what went and what is there now
  const counts = new Map<string, number>([['b 1', 1]]);
  for (let tick = first.tick; !(counts.get('b 39') === 1); ) {
    const { tick: later, changes } = JSON.parse(await listener.next());
    expect(later).toBeGreaterThan(tick);
    tick = later;
    for (const { diff, name, n } of changes)
      counts.set(`${name} ${n}`, (counts.get(`${name} ${n}`) ?? 0) + diff);
  }
  expect([...counts].filter(([, count]) => count !== 0)).toEqual([['b 39', 1]]);
  // a slow machine only makes the time longer
  expect(told).toBeLessThanOrEqual(Math.floor((performance.now() - started) / 100) + 2);
  await listener.client.end();
});

it('leaves out what came and went, and counts what is too much to name', async () => {
  await writer.query('CREATE TABLE things (id int PRIMARY KEY, text text)');
  const witness = await Listener.open('LISTEN things');
  const listener = await Listener.open('LISTEN "public.things"', 'BEGIN');
  await writer.query("INSERT INTO things VALUES (1, 'gone'), (2, 'kept')");
  await writer.query('DELETE FROM things WHERE id = 1');
  await writer.query("INSERT INTO things VALUES (0, 'last')");
  await witness.until(() => witness.received.some(({ payload }) => payload.includes('last')));
  await witness.client.end();
  await listener.client.query('COMMIT');
  expect(JSON.parse(await listener.next())).toEqual({
    tick: expect.any(Number),
    changes: [
      { diff: 1, id: 2, text: 'kept' },
      { diff: 1, id: 0, text: 'last' },
    ],
  });
  await writer.query(
    `INSERT INTO things VALUES ${Array.from({ length: 1_000 }, (_, i) => `(${i + 10}, 'some text')`).join(', ')}`,
  );
  expect(JSON.parse(await listener.next())).toEqual({ tick: expect.any(Number), rows: 1_000 });
  await writer.query('DROP TABLE things');
  await listener.until(() => listener.notices.length > 0);
  expect(listener.notices[0]).toMatch(/LISTEN "public.things" has ended/);
  expect((await listener.client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  await listener.client.end();
});

it('fits payloads into 7,900 bytes, whatever the rows', async () => {
  await writer.query('CREATE TABLE wide (id int PRIMARY KEY, text text)');
  const listener = await Listener.open('LISTEN wide');
  for (const length of [7_000, 7_790, 7_820, 7_830, 7_840, 7_850, 7_860, 7_900, 9_000]) {
    await writer.query(`INSERT INTO wide VALUES (${length}, '${'é'.repeat(length / 2)}')`);
    const payload = await listener.next();
    expect(Buffer.byteLength(payload)).toBeLessThanOrEqual(7_900);
    expect(JSON.parse(payload)).toMatchObject(length < 7_800 ? { changes: [{ id: length }] } : {});
  }
  await listener.client.end();
});

it('ends a session that reads nothing of what it listens to', async () => {
  const listener = await Listener.open('LISTEN flood');
  const ended = new Promise((resolve) => listener.client.once('error', resolve));
  const { stream } = (listener.client as unknown as { connection: { stream: Socket } }).connection;
  stream.pause();
  for (let i = 0; i < 60; i++) {
    const calls = Array.from({ length: 100 }, (_, k) => `NOTIFY flood, '${i} ${k} ${'x'.repeat(7_900)}'`);
    await writer.query(calls.join('; '));
  }
  stream.resume();
  expect(await ended).toBeInstanceOf(Error);
  expect(listener.received.length).toBeLessThan(6_000);
}, 60_000);
