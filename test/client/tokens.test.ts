/** CREATE TOKEN, DROP TOKEN, SHOW TOKENS: what is given once, kept as a hash, and taken over HTTP. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ServerHere, startServerHere } from '../support/server-here.ts';

let server: ServerHere;
const clients: pg.Client[] = [];

async function client(user: string): Promise<pg.Client> {
  const where = { host: '127.0.0.1', port: server.pgPort, database: 'millrace' };
  const made = new pg.Client({ ...where, user, password: `${user} secret` });
  await made.connect();
  clients.push(made);
  return made;
}

async function who(token: string): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${server.httpPort}/query`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ sql: 'SELECT current_user AS who' }),
  });
  const body = (await response.json()) as { rows?: string[][]; message?: string };
  return body.rows?.[0]?.[0] ?? body.message ?? '';
}

let anna: pg.Client;
let root: pg.Client;

beforeAll(async () => {
  server = await startServerHere();
  for (const name of ['anna', 'bob']) await server.setRole(name, `${name} secret`, { superuser: false });
  await server.setRole('millrace', 'millrace secret');
  [anna, root] = [await client('anna'), await client('millrace')];
});
afterAll(async () => {
  for (const one of clients) await one.end();
  await server.stop();
});

it('gives the token once, and keeps its hash', async () => {
  const { rows, command } = await anna.query(
    "CREATE TOKEN board FOR anna VALID UNTIL '2999-01-01 00:00:00Z'",
  );
  expect(rows).toEqual([
    {
      name: 'board',
      token: expect.stringMatching(/^mr_[\w-]{43}$/),
      role: 'anna',
      valid_until: new Date('2999-01-01'),
    },
  ]);
  expect(command).toBe('CREATE');
  const { token } = rows[0];
  expect(await who(token)).toBe('anna');
  const { dataDirectory } = server.context.configuration.config;
  expect(await readFile(join(dataDirectory, 'catalog.json'), 'utf8')).not.toContain(token);
  expect(JSON.stringify(server.logged)).not.toContain(token);
  const listed = await anna.query('SHOW TOKENS');
  expect(listed.fields.map(({ name }) => name)).toEqual(['name', 'role', 'valid_until']);
  expect(JSON.stringify(listed.rows)).not.toContain('mr_');
  expect(listed.rows).toEqual([{ name: 'board', role: 'anna', valid_until: new Date('2999-01-01') }]);
  await anna.query('DROP TOKEN board');
  expect(await who(token)).toBe('the token is not valid');
});

it('gives each its own, by prepared statement and in a block too', async () => {
  const make = { name: 'make', text: 'CREATE TOKEN one FOR CURRENT_USER' };
  const first = (await anna.query(make)).rows[0].token;
  await anna.query('DROP TOKEN one');
  const second = (await anna.query(make)).rows[0].token;
  expect(second).not.toBe(first);
  expect([await who(first), await who(second)]).toEqual(['the token is not valid', 'anna']);
  await anna.query('BEGIN');
  const inBlock = (await anna.query('CREATE TOKEN two FOR SESSION_USER')).rows[0].token;
  expect(await who(inBlock)).toBe('the token is not valid');
  await anna.query('COMMIT');
  expect(await who(inBlock)).toBe('anna');
  await anna.query('BEGIN');
  const undone = (await anna.query('CREATE TOKEN three FOR anna')).rows[0].token;
  await anna.query('ROLLBACK');
  expect(await who(undone)).toBe('the token is not valid');
  await anna.query('DROP TOKEN one, two');
});

it('what it opened ends when it is dropped, also by itself', async () => {
  await root.query('CREATE TABLE followed (id int PRIMARY KEY)');
  await root.query('GRANT SELECT ON followed TO anna');
  const { token } = (await anna.query('CREATE TOKEN live FOR anna')).rows[0];
  const socket = new WebSocket(`ws://127.0.0.1:${server.httpPort}/ws`, ['millrace.v1', `bearer.${token}`]);
  const received: Record<string, unknown>[] = [];
  const until = async (id: number, op: string): Promise<Record<string, unknown>> => {
    const found = (): Record<string, unknown> | undefined =>
      received.find((m) => m['id'] === id && m['op'] === op);
    while (found() === undefined)
      await new Promise((resolve) => socket.addEventListener('message', resolve, { once: true }));
    return found()!;
  };
  socket.addEventListener('message', ({ data }) => received.push(JSON.parse(`${data}`)));
  await new Promise((resolve) => socket.addEventListener('open', resolve));
  socket.send('{"op":"subscribe","id":1,"sql":"SUBSCRIBE TO followed"}');
  await until(1, 'schema');
  const events = await fetch(`http://127.0.0.1:${server.httpPort}/views/followed/live`, {
    headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream' },
  });
  expect(events.status).toBe(200);
  const dropped = await fetch(`http://127.0.0.1:${server.httpPort}/query`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ sql: 'DROP TOKEN live' }),
  });
  expect(await dropped.json()).toMatchObject({ command: 'DROP TOKEN' });
  const invalid = { code: '28000', message: 'the token is not valid' };
  expect(await until(1, 'error')).toMatchObject(invalid);
  expect(await events.text()).toContain('28000');
  socket.send('{"op":"query","id":2,"sql":"SELECT 1"}');
  expect(await until(2, 'error')).toMatchObject(invalid);
  socket.close();
  expect(received.some(({ op }) => op === 'rows')).toBe(false);
});

it('is for the role itself, its administrators and superusers', async () => {
  const denied = { code: '42501' };
  await expect(anna.query('CREATE TOKEN x FOR bob')).rejects.toMatchObject(denied);
  await root.query('CREATE TOKEN x FOR bob');
  expect((await anna.query('SHOW TOKENS')).rows).toEqual([]);
  expect((await root.query('SHOW TOKENS')).rows).toHaveLength(1);
  await expect(anna.query('DROP TOKEN x')).rejects.toMatchObject(denied);
  await root.query('GRANT bob TO anna');
  await expect(anna.query('DROP TOKEN x')).rejects.toMatchObject(denied);
  await root.query('GRANT bob TO anna WITH ADMIN OPTION');
  await anna.query('DROP TOKEN x');
  await root.query('GRANT millrace TO anna WITH ADMIN OPTION');
  await expect(anna.query('CREATE TOKEN x FOR millrace')).rejects.toMatchObject(denied);
});

it('says what is wrong', async () => {
  await anna.query('CREATE TOKEN x FOR anna');
  const wrong: [string, string][] = [
    ['CREATE TOKEN x FOR anna', '42710'],
    ['CREATE TOKEN y FOR nobody', '42704'],
    ['CREATE TOKEN y', '42601'],
    ['CREATE TOKEN y FOR anna VALID', '42601'],
    ["CREATE TOKEN y FOR anna VALID UNTIL 'never ever'", '22007'],
    ['DROP TOKEN y', '42704'],
    ['DROP TOKEN', '42601'],
    ['DROP TOKEN x y', '42601'],
  ];
  for (const [sql, code] of wrong) await expect(anna.query(sql), sql).rejects.toMatchObject({ code });
  await anna.query('DROP TOKEN IF EXISTS y, x');
  await expect(root.query('DROP ROLE bob')).resolves.toBeDefined();
  await anna.query('CREATE TOKEN x FOR anna');
  await expect(root.query('DROP ROLE anna')).rejects.toMatchObject({ code: '2BP01' });
});
