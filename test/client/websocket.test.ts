/** /ws with the ws client. */
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { TestServer } from '../support/server.ts';
import { WirePeer } from '../support/wire-peer.ts';

let server: TestServer;
let sql: WirePeer;

beforeAll(async () => {
  server = await TestServer.start();
  sql = await WirePeer.open(server.pgPort);
  await sql.query('CREATE STREAM tweets (at timestamptz NOT NULL, tag text, n int8, WATERMARK FOR at AS at)');
  await sql.query('CREATE TABLE items (id int4 PRIMARY KEY, v text)');
}, 30_000);
afterAll(async () => {
  sql.close();
  await server.stop();
});

type Message = Readonly<Record<string, unknown>>;

class Client {
  readonly socket: WebSocket;
  readonly #messages: Message[] = [];
  #wake: (() => void) | null = null;

  constructor(protocols: string[] = ['millrace.v1'], headers: Record<string, string> = {}) {
    this.socket = new WebSocket(`ws://127.0.0.1:${server.httpPort}/ws`, protocols, { headers });
    this.socket.on('message', (data: Buffer) => {
      this.#messages.push(JSON.parse(data.toString()) as Message);
      this.#wake?.();
    });
  }

  static async open(): Promise<Client> {
    const client = new Client();
    await once(client.socket, 'open');
    return client;
  }

  send(message: unknown): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** The next message, or the next with this op. */
  async next(op?: string): Promise<Message> {
    for (;;) {
      const message = this.#messages.shift();
      if (message !== undefined && (op === undefined || message['op'] === op)) return message;
      if (message !== undefined) continue;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

describe('WebSocket', () => {
  it('speaks its subprotocol only', async () => {
    const client = await Client.open();
    expect(client.socket.protocol).toBe('millrace.v1');
    client.socket.close();
    const other = new Client(['other']);
    const [error] = (await once(other.socket, 'error')) as [Error];
    expect(error.message).toContain('400');
  });

  it('is closed to pages of other sites', async () => {
    const client = new Client(['millrace.v1'], { origin: 'http://evil.example' });
    const [error] = (await once(client.socket, 'error')) as [Error];
    expect(error.message).toContain('403');
  });

  it('answers a query with schema, rows and end', async () => {
    const client = await Client.open();
    client.send({ op: 'query', id: 'q', sql: 'SELECT 1 AS a, 2::int8 AS b' });
    expect(await client.next()).toEqual({
      id: 'q',
      op: 'schema',
      columns: [
        { name: 'a', type: 'integer' },
        { name: 'b', type: 'bigint' },
      ],
    });
    expect(await client.next()).toMatchObject({ id: 'q', op: 'rows', rows: [[1, '2']] });
    expect(await client.next()).toMatchObject({ id: 'q', op: 'end' });
    client.send({ op: 'query', id: 2, sql: 'SELECT nosuch' });
    expect(await client.next()).toMatchObject({ id: 2, op: 'error', code: '42703', position: 8 });
    client.socket.close();
  });

  it('answers queries of the system catalog', async () => {
    const client = await Client.open();
    client.send({
      op: 'query',
      id: 1,
      sql: "SELECT relnatts, oid::regclass AS relation FROM pg_class WHERE relname = 'items'",
    });
    expect(await client.next()).toMatchObject({
      op: 'schema',
      columns: [
        { name: 'relnatts', type: 'smallint' },
        { name: 'relation', type: 'text' },
      ],
    });
    expect(await client.next()).toMatchObject({ op: 'rows', rows: [[2, 'items']] });
    expect(await client.next()).toMatchObject({ op: 'end' });
    client.socket.close();
  }, 30_000);

  it('inserts rows and keeps the digits of their numbers', async () => {
    const client = await Client.open();
    client.send(
      '{"op":"insert","id":1,"stream":"tweets","rows":[["2026-01-01T00:00:01Z","big",9007199254740993],{"at":"2026-01-01T00:00:02Z","tag":"x"},{"at":"never"}]}',
    );
    expect(await client.next()).toEqual({
      id: 1,
      op: 'inserted',
      accepted: 2,
      rejected: 1,
      tick: expect.any(Number) as number,
    });
    client.send({ op: 'query', id: 2, sql: "SELECT n FROM tweets WHERE tag = 'big'" });
    expect(await client.next('rows')).toMatchObject({ rows: [['9007199254740993']] });
    client.socket.close();
  });

  it('follows windows as they close, without diffs', async () => {
    const client = await Client.open();
    client.send({
      op: 'subscribe',
      id: 'w',
      sql: `SELECT window_end, count(*) AS n FROM TUMBLE(tweets, at, $1) GROUP BY window_end EMIT ON WINDOW CLOSE`,
      params: ['1 second'],
    });
    expect(await client.next()).toMatchObject({
      id: 'w',
      op: 'schema',
      columns: [{ name: 'window_end' }, { name: 'n' }],
    });
    await sql.query(
      "INSERT INTO tweets VALUES ('2026-01-01 00:01:00.5+00', 'a', 1), ('2026-01-01 00:01:00.7+00', 'b', 2)",
    );
    await sql.query("INSERT INTO tweets VALUES ('2026-01-01 00:01:01+00', 'c', 3)");
    const wanted = JSON.stringify(['2026-01-01T00:01:01Z', '2']);
    for (let rows: unknown[] = []; !rows.some((row) => JSON.stringify(row) === wanted); ) {
      const message = await client.next('rows');
      expect(message).not.toHaveProperty('diffs');
      rows = message['rows'] as unknown[];
    }
    client.send({ op: 'unsubscribe', id: 'w' });
    expect(await client.next('end')).toMatchObject({ id: 'w', op: 'end' });
    client.socket.close();
  });

  it('follows a table with diffs, as upserts, and from a tick on', async () => {
    const client = await Client.open();
    await sql.query("INSERT INTO items VALUES (1, 'a')");
    client.send({ op: 'subscribe', id: 'd', sql: 'SUBSCRIBE TO items' });
    const first = await client.next('rows');
    expect(first).toMatchObject({ rows: [[1, 'a']], diffs: [1] });
    await sql.query("UPDATE items SET v = 'b' WHERE id = 1");
    const changes = new Set<string>();
    let change: Message = {};
    while (changes.size < 2) {
      change = await client.next('rows');
      const diffs = change['diffs'] as number[];
      for (const [i, row] of (change['rows'] as unknown[]).entries())
        changes.add(JSON.stringify([row, diffs[i]]));
    }
    expect(changes).toEqual(new Set(['[[1,"a"],-1]', '[[1,"b"],1]']));
    client.send({ op: 'unsubscribe', id: 'd' });
    await client.next('end');
    client.send({
      op: 'subscribe',
      id: 'r',
      sql: 'SUBSCRIBE TO items',
      as_of: first['tick'],
      snapshot: false,
    });
    expect(await client.next('rows')).toMatchObject({ id: 'r', tick: change['tick'] });
    client.send({
      op: 'subscribe',
      id: 'u',
      sql: 'SUBSCRIBE TO items ENVELOPE UPSERT (KEY (id))',
      snapshot: false,
    });
    await client.next('schema');
    await sql.query("UPDATE items SET v = 'c' WHERE id = 1");
    for (;;) {
      const message = await client.next('rows');
      if (message['id'] !== 'u') continue;
      expect(message).toMatchObject({ rows: [[1, 'c']], ops: ['upsert'] });
      break;
    }
    await sql.query('DELETE FROM items WHERE id = 1');
    for (;;) {
      const message = await client.next('rows');
      if (message['id'] !== 'u') continue;
      expect(message).toMatchObject({ rows: [[1, null]], ops: ['delete'] });
      break;
    }
    client.socket.close();
  });

  it('ends a subscription whose relation is dropped', async () => {
    const client = await Client.open();
    await sql.query('CREATE TABLE doomed (id int4 PRIMARY KEY)');
    client.send({ op: 'subscribe', id: 'x', sql: 'SUBSCRIBE TO doomed' });
    await client.next('schema');
    await sql.query('DROP TABLE doomed');
    expect(await client.next('error')).toMatchObject({ id: 'x', code: '57P01' });
    client.socket.close();
  });

  it.each([
    ['text that is no JSON', 'nonsense', '22P02'],
    ['JSON that is no object', '[1]', '08P01'],
    ['a message without an id', '{"op":"query","sql":"SELECT 1"}', '08P01'],
    ['an unknown op', '{"op":"dance","id":1}', '08P01'],
    ['a subscription that is not there', '{"op":"unsubscribe","id":1}', '42704'],
    ['a finite query as a subscription', '{"op":"subscribe","id":1,"sql":"SELECT 1"}', '0A000'],
    ['an insert into nothing', '{"op":"insert","id":1,"stream":"nosuch","rows":[]}', '42P01'],
    ['a wrong member', '{"op":"subscribe","id":1,"sql":"SUBSCRIBE TO items","slow":"never"}', '22023'],
  ])('answers %s with an error and goes on', async (_, text, code) => {
    const client = await Client.open();
    client.send(text);
    expect(await client.next()).toMatchObject({ op: 'error', code });
    client.send({ op: 'query', id: 1, sql: 'SELECT 1' });
    expect(await client.next('end')).toMatchObject({ id: 1 });
    client.socket.close();
  });

  it('closes on a frame that is too large', async () => {
    const client = await Client.open();
    client.send('x'.repeat(1_100_000));
    const [code] = (await once(client.socket, 'close')) as [number];
    expect(code).toBe(1009);
  });

  it('conflates the changes that a slow reader has not taken', async () => {
    const client = await Client.open();
    await sql.query("INSERT INTO items VALUES (7, 'start')");
    client.send({ op: 'subscribe', id: 's', sql: 'SUBSCRIBE TO items', snapshot: false });
    await client.next('schema');
    client.socket.pause();
    const updates = 60;
    for (let i = 1; i <= updates; i++)
      await sql.query(`UPDATE items SET v = repeat('${i % 10}', 200000) || '-${i}' WHERE id = 7`);
    client.socket.resume();
    // What has arrived, replayed, must end in the last state, in fewer rows than were changed.
    const state = new Map<string, number>();
    let received = 0;
    while (![...state].some(([row, count]) => count === 1 && row.endsWith(`-${updates}"]`))) {
      const message = await client.next('rows');
      (message['rows'] as unknown[]).forEach((row, i) => {
        received++;
        const key = JSON.stringify(row);
        state.set(key, (state.get(key) ?? 0) + (message['diffs'] as number[])[i]!);
      });
    }
    expect([...state].filter(([row, count]) => count > 0 && !row.includes('start'))).toHaveLength(1);
    expect(received).toBeLessThan(updates * 2);
    client.socket.close();
  });
});
