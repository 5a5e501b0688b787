/** Policies and privileges over HTTP, Server-Sent Events and WebSocket, with tenants told apart by a claim of their tokens. */
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { openSession, closeSession } from '../../server/session/open-session.ts';
import { type ServerHere, startServerHere } from '../support/server-here.ts';

const SECRET = 'a secret that is long enough for anybody who asks for it';
let directory: string;
let server: ServerHere;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'millrace-'));
  const path = join(directory, 'secret');
  await writeFile(path, SECRET);
  server = await startServerHere(['--jwt-secret-file', path, '--jwt-audience', 'millrace']);
  await server.setRole('web', 'unused', { superuser: false, bypassRowSecurity: false });
  for (const sql of [
    'CREATE TABLE orders (id int PRIMARY KEY, tenant text, n int)',
    'CREATE TABLE closed (id int PRIMARY KEY)',
    'CREATE STREAM clicks (tenant text, n int)',
    `INSERT INTO orders VALUES (1, 'x', 1), (2, 'y', 2), (3, 'x', 3)`,
    'GRANT SELECT ON orders TO web',
    'GRANT SELECT, INSERT ON STREAM clicks TO web',
    'ALTER TABLE orders ENABLE ROW LEVEL SECURITY',
    `CREATE POLICY mine ON orders USING (tenant = millrace.claim('tenant'))`,
  ])
    await asOwner(sql);
}, 30_000);
afterAll(async () => {
  await server.stop();
  await rm(directory, { recursive: true, force: true });
});

async function asOwner(sql: string): Promise<void> {
  const session = openSession(server.context, { user: 'millrace', role: 10, claims: null }, () => {});
  try {
    for (const statement of session.parse(sql)) await session.execute(statement, { types: [] });
  } finally {
    closeSession(session);
  }
}

const token = (claims: Readonly<Record<string, unknown>>): Promise<string> =>
  new SignJWT({ role: 'web', ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .setAudience('millrace')
    .setExpirationTime('1 minute')
    .sign(Buffer.from(SECRET));

const x = (): Promise<string> => token({ tenant: 'x' });
const y = (): Promise<string> => token({ tenant: 'y' });

async function ask(
  path: string,
  bearer: string,
  init: RequestInit & { headers?: Record<string, string> } = {},
): Promise<Readonly<{ status: number; etag: string | null; body: string }>> {
  const response = await fetch(`http://127.0.0.1:${server.httpPort}${path}`, {
    ...init,
    headers: { ...init.headers, authorization: `Bearer ${bearer}` },
  });
  return { status: response.status, etag: response.headers.get('etag'), body: await response.text() };
}

const query = (bearer: string, sql: string) =>
  ask('/query', bearer, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ sql }),
  });

const rowsIn = (body: string): unknown => (JSON.parse(body) as { rows: unknown }).rows;

describe('GET /views', () => {
  it('shows each tenant its rows, again and again, and nobody an entity tag of all of them', async () => {
    for (let i = 0; i < 3; i++) {
      const [one, two] = [await ask('/views/orders', await x()), await ask('/views/orders', await y())];
      expect(rowsIn(one.body)).toEqual([
        [1, 'x', 1],
        [3, 'x', 3],
      ]);
      expect(rowsIn(two.body)).toEqual([[2, 'y', 2]]);
      expect([one.etag, two.etag]).toEqual([null, null]);
    }
    const without = await ask('/views/orders', await token({}));
    expect(rowsIn(without.body)).toEqual([]);
  });

  it('is 403 for what may not be read, whatever the client has seen of it', async () => {
    expect(await ask('/views/closed', await x())).toMatchObject({ status: 403 });
    expect(
      await ask('/views/closed', await x(), { headers: { 'if-none-match': '"1-1-1-json"' } }),
    ).toMatchObject({ status: 403 });
    expect(await ask('/views/closed/live', await x())).toMatchObject({ status: 403 });
  });

  it('pages by key within what is visible', async () => {
    const first = JSON.parse((await ask('/views/orders?limit=1', await x())).body) as { next: string };
    const second = await ask(`/views/orders?limit=1&after=${first.next}`, await x());
    expect(rowsIn(second.body)).toEqual([[3, 'x', 3]]);
  });
});

describe('POST /query', () => {
  it('keeps answers apart by claim', async () => {
    const sql = 'SELECT count(*) AS n, max(id) AS last FROM orders';
    for (let i = 0; i < 3; i++) {
      expect(rowsIn((await query(await x(), sql)).body)).toEqual([['2', 3]]);
      expect(rowsIn((await query(await y(), sql)).body)).toEqual([['1', 2]]);
    }
  });

  it.each([
    ['a text', { tenant: 'x' }, 'x'],
    ['a number', { tenant: 7 }, '7'],
    ['an object', { tenant: { a: [1] } }, '{"a":[1]}'],
    ['nothing', {}, null],
    ['what every object has', { other: 1 }, null, 'constructor'],
  ])('a claim that is %s', async (_, claims, value, name = 'tenant') => {
    const { body } = await query(await token(claims), `SELECT millrace.claim('${name}') AS c`);
    expect(rowsIn(body)).toEqual([[value]]);
  });

  it('a claim is in no materialized view', async () => {
    await asOwner('GRANT CREATE ON SCHEMA public TO web');
    expect(await query(await x(), 'CREATE MATERIALIZED VIEW mine AS SELECT id FROM orders')).toMatchObject({
      status: 400,
      body: expect.stringContaining('0A000'),
    });
    await asOwner('REVOKE CREATE ON SCHEMA public FROM web');
  });
});

describe('POST /streams', () => {
  const post = (bearer: string) =>
    ask('/streams/clicks', bearer, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '[{"tenant":"x","n":1}]',
    });

  it('needs INSERT, and takes nothing past policies', async () => {
    expect(await post(await x())).toMatchObject({ status: 200 });
    await asOwner('ALTER STREAM clicks ENABLE ROW LEVEL SECURITY');
    expect(await post(await x())).toMatchObject({ status: 400, body: expect.stringContaining('0A000') });
    await asOwner('ALTER STREAM clicks DISABLE ROW LEVEL SECURITY');
    await asOwner('REVOKE INSERT ON clicks FROM web');
    expect(await post(await x())).toMatchObject({ status: 403 });
    await asOwner('GRANT INSERT ON clicks TO web');
  });
});

describe('live', () => {
  it('events bring what is visible, and resume is refused rather than wrong', async () => {
    const controller = new AbortController();
    const response = await fetch(`http://127.0.0.1:${server.httpPort}/views/orders/live`, {
      headers: { authorization: `Bearer ${await x()}` },
      signal: controller.signal,
    });
    let text = '';
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    const until = async (words: string): Promise<void> => {
      while (!text.includes(words)) text += (await reader.read()).value ?? '';
    };
    await until('[3,"x",3]');
    await asOwner(`INSERT INTO orders VALUES (4, 'y', 4), (5, 'x', 5)`);
    await until('[5,"x",5]');
    expect(text).not.toContain('"y"');
    controller.abort();
    await asOwner('DELETE FROM orders WHERE id > 3');
    expect(await ask('/views/orders/live', await x(), { headers: { 'last-event-id': '1' } })).toMatchObject({
      body: expect.stringContaining('"code":"55000"'),
    });
  });

  it('a WebSocket reads, follows and writes as its role, until that loses the right', async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${server.httpPort}/ws`, 'millrace.v1', {
      headers: { authorization: `Bearer ${await y()}` },
    });
    const messages: Record<string, unknown>[] = [];
    socket.on('message', (data) => messages.push(JSON.parse(String(data))));
    await once(socket, 'open');
    const send = (message: unknown): void => socket.send(JSON.stringify(message));
    const about = (id: string, op: string) => messages.filter((m) => m['id'] === id && m['op'] === op);
    send({ op: 'subscribe', id: 'a', sql: 'SUBSCRIBE TO orders' });
    send({ op: 'query', id: 'b', sql: 'SELECT id FROM closed' });
    send({ op: 'insert', id: 'c', stream: 'clicks', rows: [['y', 1]] });
    send({ op: 'subscribe', id: 'd', sql: 'SUBSCRIBE TO orders', as_of: 1 });
    await expect.poll(() => about('a', 'rows').length).toBe(1);
    await expect.poll(() => about('b', 'error')).toMatchObject([{ code: '42501' }]);
    await expect.poll(() => about('c', 'inserted')).toMatchObject([{ accepted: 1 }]);
    await expect.poll(() => about('d', 'error')).toMatchObject([{ code: '55000' }]);
    expect(about('a', 'rows')[0]!['rows']).toEqual([[2, 'y', 2]]);
    await asOwner('REVOKE SELECT ON orders FROM web');
    await expect.poll(() => about('a', 'error')).toMatchObject([{ code: '42501' }]);
    await asOwner('GRANT SELECT ON orders TO web');
    socket.close();
  });
});
