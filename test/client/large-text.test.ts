/** Texts of megabytes: right answers and positions, and nobody else waits for them. */
import type pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestServer } from '../support/server.ts';

let server: TestServer;
const clients: pg.Client[] = [];

async function connect(): Promise<pg.Client> {
  const client = await server.connect('test');
  clients.push(client);
  return client;
}

beforeAll(async () => {
  server = await TestServer.start();
  const client = await connect();
  await client.query(
    'CREATE TABLE items (id int PRIMARY KEY, name text, price numeric(8,2), at timestamptz)',
  );
  await client.query('CREATE STREAM ticks (at timestamptz, n int8, WATERMARK FOR at AS at)');
}, 30_000);
afterAll(async () => {
  await Promise.all(clients.map((client) => client.end()));
  await server.stop();
});

const row = (i: number): string =>
  `(${i}, 'a name that takes some room, number ${i}', NULL, '2026-01-01 00:00:00Z')`;
const insert = (from: number, count: number): string =>
  `INSERT INTO items VALUES ${Array.from({ length: count }, (_, i) => row(from + i)).join(', ')}`;
const code = async (client: pg.Client, text: string): Promise<unknown> => {
  try {
    return (await client.query(text)).command;
  } catch (error) {
    const { code: state, position } = error as pg.DatabaseError;
    return `${state} ${position}`;
  }
};

it('others are answered while 8 MB of VALUES are read', async () => {
  const [writer, reader] = [await connect(), await connect()];
  const text = insert(1_000_000, 95_000);
  expect(text.length).toBeGreaterThan(8_000_000);
  let done = false;
  const writing = writer.query(text).then((result) => {
    done = true;
    return result;
  });
  let answers = 0;
  while (!done) {
    await reader.query('SELECT 1');
    answers++;
  }
  expect((await writing).rowCount).toBe(95_000);
  // read on the server's thread it would be two or three: before, in the middle, after
  expect(answers).toBeGreaterThan(50);
  const { rows } = await reader.query(
    'SELECT count(*)::int AS n, count(price)::int AS p, min(id) AS a, max(name) AS b FROM items WHERE id >= 1000000',
  );
  expect(rows).toEqual([{ n: 95_000, p: 0, a: 1_000_000, b: 'a name that takes some room, number 1094999' }]);
}, 60_000);

it('all or nothing, with the same errors as of a small text', async () => {
  const client = await connect();
  expect(await code(client, `${insert(1, 2_000)}, (1, 'twice', NULL, NULL)`)).toBe('23505 undefined');
  expect((await client.query('SELECT id FROM items WHERE id < 10')).rows).toEqual([]);
  const good = insert(1, 2_000);
  expect(await code(client, `${good}, (0, 'x' 'y')`)).toMatch(/^42601 \d+$/);
  expect(await code(client, `${good}, (9, 'ä', nosuch, NULL)`)).toBe(`42703 ${good.length + 12}`);
  expect(await code(client, `SELECT 1; ${good}, (5000, nosuch, NULL, NULL)`)).toBe(
    `42703 ${'SELECT 1; '.length + good.length + 10}`,
  );
  expect(await code(client, `${good}, (5000, 'x', 1234567, NULL)`)).toMatch(/^22003/);
  expect(await code(client, `SELECT '${'x'.repeat(17 * 1024 * 1024)}'`)).toMatch(/^54000/);
  expect(await code(client, `${good}, (5000, upper('x'), 1.5 + 1, now())`)).toBe('INSERT');
  const { rows } = await client.query('SELECT name, price FROM items WHERE id = 5000');
  expect(rows).toEqual([{ name: 'X', price: '2.50' }]);
});

it('numerics, defaults, RETURNING, conflicts, streams', async () => {
  const client = await connect();
  const priced = Array.from({ length: 3_000 }, (_, i) => `(${20_000 + i}, 'priced ${i}', ${i}.25)`).join();
  await client.query(`INSERT INTO items (id, name, price) VALUES ${priced}`);
  const sum = 'SELECT sum(price) AS s FROM items WHERE id >= 20000 AND id < 30000';
  expect((await client.query(sum)).rows).toEqual([{ s: '4499250.00' }]);
  const again = `INSERT INTO items (id, name, price) VALUES ${priced} ON CONFLICT DO NOTHING`;
  expect((await client.query(again)).rowCount).toBe(0);
  const returning = await client.query(`${insert(40_000, 1_000)} RETURNING id`);
  expect(returning.rows.length).toBe(1_000);
  const times = Array.from({ length: 3_000 }, (_, i) => `('2026-01-01 00:00:00Z', ${i})`).join();
  await client.query(`INSERT INTO ticks VALUES ${times}`);
  expect((await client.query('SELECT sum(n) AS s FROM ticks')).rows).toEqual([{ s: '4498500' }]);
});

it('in a block, prepared, with parameters, and DDL', async () => {
  const client = await connect();
  await client.query('BEGIN');
  await client.query('CREATE TABLE fresh (id int PRIMARY KEY, name text, price numeric, at timestamptz)');
  await client.query(insert(1, 2_000).replace('items', 'fresh'));
  expect((await client.query('SELECT count(*)::int AS n FROM fresh')).rows).toEqual([{ n: 2_000 }]);
  await client.query('ROLLBACK');
  expect(await code(client, 'SELECT 1 FROM fresh')).toMatch(/^42P01/);
  const list = Array.from({ length: 20_000 }, (_, i) => i).join();
  const prepared = { name: 'large', text: `SELECT count(*)::int AS n FROM items WHERE id IN (${list}, $1)` };
  for (const id of [40_000, 1_000_000, -1]) {
    const { rows } = await client.query({ ...prepared, values: [id] });
    expect(rows).toEqual([{ n: id === -1 ? 2_001 : 2_002 }]);
  }
  const view = `CREATE VIEW wide AS SELECT id FROM items WHERE id IN (${list})`;
  expect(await code(client, view)).toBe('CREATE');
  expect((await client.query('SELECT count(*)::int AS n FROM wide')).rowCount).toBe(1);
});

it('many statements in one text are one block', async () => {
  const client = await connect();
  await client.query('CREATE TABLE many (id int PRIMARY KEY)');
  const statements = Array.from({ length: 5_000 }, (_, i) => `INSERT INTO many VALUES (${i})`).join(';\n');
  expect(await code(client, `${statements}; INSERT INTO many VALUES (0)`)).toMatch(/^23505/);
  expect((await client.query('SELECT count(*)::int AS n FROM many')).rows).toEqual([{ n: 0 }]);
  await client.query(statements);
  expect((await client.query('SELECT count(*)::int AS n FROM many')).rows).toEqual([{ n: 5_000 }]);
  const syntax = `${statements}; SELEC 1`;
  expect(await code(client, syntax)).toBe(`42601 ${syntax.length - 6}`);
}, 60_000);

it('is cancelled while it is read', async () => {
  const [writer, other] = [await connect(), await connect()];
  const { rows } = await writer.query('SELECT pg_backend_pid() AS pid');
  const writing = code(writer, insert(3_000_000, 60_000));
  for (;;) {
    const cancelled = await other.query('SELECT pg_cancel_backend($1)', [rows[0].pid]);
    expect(cancelled.rowCount).toBe(1);
    const outcome = await Promise.race([writing, new Promise((resolve) => setImmediate(resolve, null))]);
    if (outcome === null) continue;
    expect(outcome).toMatch(/^57014/);
    break;
  }
  expect((await other.query('SELECT id FROM items WHERE id >= 3000000')).rows).toEqual([]);
});
