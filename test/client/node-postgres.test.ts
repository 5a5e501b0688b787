/** node-postgres and pg-cursor against the real server. */
import pg from 'pg';
import Cursor from 'pg-cursor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestServer } from '../support/server.ts';

let server: TestServer;
const open: pg.Client[] = [];

beforeAll(async () => {
  server = await TestServer.start();
  const client = await connect();
  await client.query(
    'CREATE STREAM events (at timestamptz NOT NULL, tag text, n int8, WATERMARK FOR at AS at)',
  );
}, 30_000);
afterAll(async () => {
  await Promise.all(open.map((client) => client.end()));
  await server.stop();
});

async function connect(): Promise<pg.Client> {
  const client = await server.connect('anna');
  open.push(client);
  return client;
}

const insert = (client: pg.Client, second: number, tag: string): Promise<pg.QueryResult> =>
  client.query('INSERT INTO events VALUES ($1, $2, $3)', [
    new Date(Date.UTC(2026, 0, 1, 0, 0, second)),
    tag,
    second,
  ]);

describe('node-postgres', () => {
  it('binds and reads every type', async () => {
    const client = await connect();
    const { rows, fields } = await client.query(
      `SELECT $1::int4 AS i, $2::int8 AS l, $3::float8 AS f, $4::text AS t, $5::bool AS b, $6::timestamptz AS at,
        $7::numeric AS d, $8::bytea AS y, $9::uuid AS u, $10::date AS day, $11::jsonb AS j, $12::text[] AS a,
        $13::interval AS v, NULL::text AS n`,
      [
        -7,
        '9223372036854775807',
        0.1,
        'é€😀',
        true,
        new Date('2026-05-01T10:00:00.250Z'),
        '12345678901234567890.123',
        Buffer.from([0, 255]),
        '6ba7b810-9dad-11d1-80b4-00c04fd430c8',
        '2026-02-28',
        { a: [1, null] },
        ['x', 'y "z"'],
        '1 day 02:00:00',
      ],
    );
    expect(rows[0]).toMatchObject({
      i: -7,
      l: '9223372036854775807',
      f: 0.1,
      t: 'é€😀',
      b: true,
      at: new Date('2026-05-01T10:00:00.250Z'),
      d: '12345678901234567890.123',
      y: Buffer.from([0, 255]),
      u: '6ba7b810-9dad-11d1-80b4-00c04fd430c8',
      j: { a: [1, null] },
      a: ['x', 'y "z"'],
      n: null,
    });
    expect(fields.map((field) => field.dataTypeID)).toEqual([
      23, 20, 701, 25, 16, 1184, 1700, 17, 2950, 1082, 3802, 1009, 1186, 25,
    ]);
  });

  it('reads binary results', async () => {
    const client = await connect();
    const { rows } = await client.query({
      text: 'SELECT 42::int4 AS i, 1.5::float8 AS f, true AS b',
      binary: true,
    } as pg.QueryConfig);
    expect(rows).toEqual([{ i: 42, f: 1.5, b: true }]);
  });

  it('prepares by name and reports errors with their fields', async () => {
    const client = await connect();
    for (const value of [1, 2]) {
      const { rows } = await client.query({
        name: 'twice',
        text: 'SELECT $1::int4 * 2 AS n',
        values: [value],
      });
      expect(rows).toEqual([{ n: value * 2 }]);
    }
    await expect(client.query('SELECT nosuch')).rejects.toMatchObject({
      code: '42703',
      position: '8',
      severity: 'ERROR',
    });
    await expect(client.query('SELECT $1::int4', ['x'])).rejects.toMatchObject({ code: '22P02' });
    expect((await client.query('SELECT 1 AS ok')).rows).toEqual([{ ok: 1 }]);
  });

  it('writes in a transaction and rolls back', async () => {
    const client = await connect();
    await client.query('CREATE TABLE accounts (id int4 PRIMARY KEY, cents int8 NOT NULL)');
    await client.query('BEGIN');
    expect((await client.query('INSERT INTO accounts VALUES ($1, $2)', [1, 100])).rowCount).toBe(1);
    await client.query('ROLLBACK');
    expect((await client.query('SELECT * FROM accounts')).rows).toEqual([]);
    await client.query('BEGIN');
    await client.query('INSERT INTO accounts VALUES ($1, $2)', [1, 100]);
    await client.query('COMMIT');
    expect((await client.query('UPDATE accounts SET cents = cents + 1 WHERE id = 1')).rowCount).toBe(1);
    expect((await client.query('SELECT * FROM accounts')).rows).toEqual([{ id: 1, cents: '101' }]);
    await expect(client.query('INSERT INTO accounts VALUES (1, 0)')).rejects.toMatchObject({ code: '23505' });
  });

  it('sees a conflict when another session wrote the rows that it changes', async () => {
    const [one, two] = [await connect(), await connect()];
    await one.query('CREATE TABLE contested (id int4 PRIMARY KEY, n int4)');
    await one.query('INSERT INTO contested VALUES (1, 0)');
    await one.query('BEGIN');
    expect((await one.query('UPDATE contested SET n = 1')).rowCount).toBe(1);
    await two.query('UPDATE contested SET n = 2');
    await expect(one.query('COMMIT')).rejects.toMatchObject({ code: '40001' });
    expect((await two.query('SELECT n FROM contested')).rows).toEqual([{ n: 2 }]);
  });

  it('gets rows of a continuous query as they come, and cancels it', async () => {
    const [reader, writer] = [await connect(), await connect()];
    const query = new pg.Query(
      `SELECT window_end, count(*) AS n FROM TUMBLE(events, at, INTERVAL '1 second')
       GROUP BY window_end EMIT ON WINDOW CLOSE`,
    );
    const rows: { n: string }[] = [];
    const first = new Promise<void>((resolve) => {
      query.on('row', (row) => {
        rows.push(row as { n: string });
        resolve();
      });
    });
    const ended = new Promise<Error>((resolve) => query.on('error', resolve));
    const described = new Promise<void>((resolve) => {
      (reader as unknown as { connection: NodeJS.EventEmitter }).connection.once('rowDescription', resolve);
    });
    reader.query(query);
    await described;
    await insert(writer, 1, 'a');
    await insert(writer, 2, 'b');
    await first;
    expect(rows).toMatchObject([{ n: '1' }]);
    const canceller = new pg.Client({ host: '127.0.0.1', port: server.pgPort, user: 'anna' });
    (canceller as unknown as { cancel(client: pg.Client, query: unknown): void }).cancel(reader, query);
    expect(await ended).toMatchObject({ code: '57014' });
    expect((await reader.query('SELECT 1 AS ok')).rows).toEqual([{ ok: 1 }]);
  });

  it('reads a finite and a continuous result through pg-cursor', async () => {
    const [reader, writer] = [await connect(), await connect()];
    const finite = reader.query(new Cursor('VALUES (1), (2), (3)'));
    expect(await finite.read(2)).toHaveLength(2);
    expect(await finite.read(2)).toHaveLength(1);
    expect(await finite.read(2)).toHaveLength(0);
    await finite.close();
    const cursor = reader.query(new Cursor<{ n: string }>('SELECT tag, n FROM events EMIT CHANGES'));
    const pending = cursor.read(100);
    const described = new Promise<void>((resolve) => {
      (reader as unknown as { connection: NodeJS.EventEmitter }).connection.once('rowDescription', resolve);
    });
    await described;
    await insert(writer, 11, 'late riser');
    expect((await pending).length).toBeGreaterThan(0);
    await cursor.close();
    expect((await reader.query('SELECT 1 AS ok')).rows).toEqual([{ ok: 1 }]);
  });

  it('fetches from a continuous cursor', async () => {
    const [reader, writer] = [await connect(), await connect()];
    await reader.query('BEGIN');
    await reader.query('DECLARE c CURSOR FOR SELECT tag FROM events EMIT CHANGES');
    const fetched = reader.query('FETCH 2 FROM c');
    await insert(writer, 21, 'one');
    await insert(writer, 22, 'two');
    expect((await fetched).rows).toMatchObject([
      { tag: 'one', diff: '1' },
      { tag: 'two', diff: '1' },
    ]);
    const timed = await reader.query("FETCH 5 FROM c WITH (timeout = '50ms')");
    expect(timed.rows).toEqual([]);
    await reader.query('COMMIT');
    await expect(reader.query('FETCH 1 FROM c')).rejects.toMatchObject({ code: '34000' });
  });

  it('stops at statement_timeout', async () => {
    const client = await connect();
    await client.query("SET statement_timeout = '60ms'");
    await expect(client.query('SELECT * FROM events EMIT CHANGES')).rejects.toMatchObject({ code: '57014' });
    await client.query('RESET statement_timeout');
  });
});
