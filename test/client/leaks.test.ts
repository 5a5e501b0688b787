/**
 * Secrets, passwords and tokens in clear: made, changed, used, used in vain, mistyped, before and after a stop and a crash. None
 * is in a file of the server, in its output, or in anything that it answers to whoever asks.
 */
import { mkdtemp, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import type pg from 'pg';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { SYSTEM_VIEWS } from '../../runtime/plan/system-views.ts';
import { GreetedFeed } from '../support/greeted-feed.ts';
import { LeakWatch } from '../support/leak-watch.ts';
import { TestServer } from '../support/server.ts';

const FIRST = 'Hush-first-greeting';
const SECOND = 'Hush-second-greeting';
const IN_BLOCK = 'Hush-in-a-block';
const BROKEN = 'HushBrokenValue';
const ROOT = 'Hush-password-of-millrace';
const ANNA = 'Hush-password-of-anna';
const CHANGED = 'Hush-changed-password';
const MISTYPED = 'Hush-mistyped-password';

const MALFORMED: readonly string[] = [
  `CREATE SECRET a AS '${BROKEN}`,
  `CREATE SECRET a AS 'x'${BROKEN}'`,
  `CREATE SECRET a AS 'it's; ${BROKEN}'`,
  `CREATE SECRET a AS "${BROKEN}"`,
  `CREATE SECRET a AS ${BROKEN}`,
  `CREATE SECRET a AS E'\\uZZ${BROKEN}'`,
  `CREATE SECRET a AS U&'\\ZZ${BROKEN}'`,
  `CREATE SECRET a AS $x$${BROKEN}`,
  `CREATE SECRET a AS 'ok' ${BROKEN}`,
  `CREATE SECRET a AS '${BROKEN}'::int`,
  `CREATE SECRET a AS '${BROKEN}'::bytea`,
  `CREATE SECRET a AS 'a' '${BROKEN}'`,
  `CREATE SECRET a '${BROKEN}'`,
  `CREATE SECRET a TO '${BROKEN}'`,
  `CREATE SECRET a WITH (backend = '${BROKEN}') AS 'x'`,
  `CREATE SECRET nowhere.a AS '${BROKEN}'`,
  `CREATE OR REPLACE SECRET a AS '${BROKEN}'`,
  `CREATE/**/SECRET/**/a/**/AS/**/${BROKEN}`,
  `CREATE SECERT a AS '${BROKEN}'`,
  `ALTER SECRET nosuch AS '${BROKEN}'`,
  `ALTER SECRET a SET '${BROKEN}'`,
  `PREPARE p AS CREATE SECRET a AS '${BROKEN}'`,
  `EXPLAIN CREATE SECRET a AS '${BROKEN}'`,
  `DECLARE c CURSOR FOR CREATE SECRET a AS '${BROKEN}'`,
  `COPY (CREATE SECRET a AS '${BROKEN}') TO STDOUT`,
  `CREATE STREAM z (v int) WITH (connector = 'tcp', port = 1, greeting = SECRET '${BROKEN}')`,
  `CREATE STREAM z (v int) WITH (connector = 'tcp', port = 1, greeting = SECRET feed '${BROKEN}')`,
  `SELECT 1; CREATE SECRET a AS ${BROKEN}; SELECT 2`,
  `CREATE ROLE r PASSWORD '${BROKEN}`,
  `CREATE ROLE r PASSWORD 'x'${BROKEN}'`,
  `CREATE ROLE r PASSWORD ${BROKEN}`,
  `CREATE ROLE r PASSWORD "${BROKEN}"`,
  `CREATE ROLE r PASSWORD '${BROKEN}' NONSENSE`,
  `CREATE ROLE r UNENCRYPTED PASSWORD '${BROKEN}'`,
  `CREATE ROLE r PASSWORD '${BROKEN}' VALID UNTIL 'nonsense'`,
  `ALTER ROLE nosuch PASSWORD '${BROKEN}'`,
  `ALTER USER anna SET PASSWORD = '${BROKEN}'`,
];

/** What shows how things are made. */
const QUESTIONS: readonly string[] = [
  'SHOW ALL',
  'SHOW SECRETS',
  'SHOW STREAMS',
  'SHOW TOKENS',
  'SHOW SUBSCRIPTIONS',
  'DESCRIBE lines',
  'EXPLAIN SELECT * FROM lines',
  'EXPLAIN ANALYZE seen',
  'EXPLAIN (FORMAT JSON) SELECT * FROM lines EMIT CHANGES',
  'EXPLAIN SILENCE lines',
];

let directory: string;
let feed: GreetedFeed;
let server: TestServer;
let root: pg.Client;
const watch = new LeakWatch([FIRST, SECOND, IN_BLOCK, BROKEN, ROOT, ANNA, CHANGED, MISTYPED]);
let token = '';

async function start(): Promise<void> {
  server = await TestServer.start({
    dataDirectory: directory,
    flags: ['--log-level', 'trace', '--audit-log', join(directory, 'audit.log')],
    environment: { MILLRACE_PASSWORD: ROOT },
  });
  root = await server.connect('millrace', { password: ROOT });
  root.on('notice', (notice) => watch.look('a notice', JSON.stringify(notice)));
}

async function stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  await root.end().catch(() => {});
  await server.stop(signal);
  watch.look('stdout', server.stdout);
  watch.look('stderr', server.stderr);
  expect(await watch.lookBelow(directory)).toBeGreaterThan(3);
}

/** What comes back, an error too, is looked at. */
async function ask(sql: string | pg.QueryConfig, client = root): Promise<string> {
  const answer = await client.query(sql).then(
    (result) => JSON.stringify([result].flat().map(({ rows, fields }) => [rows, fields])),
    (error: Error) => JSON.stringify({ ...error, message: error.message, stack: '' }),
  );
  watch.look(typeof sql === 'string' ? sql.slice(0, 60) : 'a prepared statement', answer);
  return answer;
}

async function askOverHttp(sql: string, authorization: string): Promise<number> {
  const response = await fetch(`${server.url}/query`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization },
    body: JSON.stringify({ sql }),
  });
  watch.look('an answer over HTTP', await response.text());
  return response.status;
}

const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

/** True where the token opens a WebSocket. */
async function opensWebSocket(bearer: string): Promise<boolean> {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/ws`, ['millrace.v1', `bearer.${bearer}`]);
  const opened = await Promise.race([
    once(socket, 'open').then(() => true),
    new Promise<boolean>((resolve) => {
      socket.on('error', () => resolve(false));
    }),
  ]);
  socket.terminate();
  return opened;
}

/** All that can be read, as the superuser. */
async function askAll(): Promise<void> {
  for (const view of Object.keys(SYSTEM_VIEWS)) await ask(`SELECT * FROM millrace.${view}`);
  for (const sql of QUESTIONS) await ask(sql);
  const { rows } = await root.query<{ name: string }>(
    `SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'v') AND n.nspname IN ('pg_catalog', 'information_schema')`,
  );
  expect(rows.length).toBeGreaterThan(150);
  for (const { name } of rows) await ask(`SELECT * FROM ${name}`);
  watch.look('/metrics', await (await fetch(`${server.url}/metrics`, asRoot)).text());
}

const asRoot = { headers: { authorization: basic('millrace', ROOT) } };

const until = (check: () => Promise<void>): Promise<void> =>
  vi.waitFor(check, { timeout: 30_000, interval: 50 });

const seen = (count: number): Promise<void> =>
  until(async () => expect(await ask('SELECT n::int FROM seen')).toContain(`"n":${count}`));

const lines = (name: string, port: number): string =>
  `CREATE STREAM ${name} (v int) WITH (connector = 'tcp', host = '127.0.0.1', port = ${port},
     greeting = SECRET feed, retention = 'forever') FORMAT CSV`;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'millrace-leaks-'));
  feed = await GreetedFeed.listen(FIRST);
  await start();
});
afterAll(async () => {
  await feed.stop();
  await rm(directory, { recursive: true });
});

it('made, used, changed: nothing shows them', { timeout: 120_000 }, async () => {
  await root.query(`CREATE SECRET feed AS '${FIRST}'`);
  await root.query(lines('lines', feed.port));
  await root.query('CREATE MATERIALIZED VIEW seen AS SELECT count(*) AS n FROM lines');
  await seen(1);
  await root.query({ name: 'change', text: `ALTER SECRET feed AS '${SECOND}'` });
  feed.wanted = SECOND;
  feed.drop();
  await seen(2);
  expect(feed.greetings).toEqual([FIRST, SECOND]);
  const answer = await root.query(`CREATE ROLE anna LOGIN PASSWORD '${ANNA}'; CREATE TOKEN board FOR anna`);
  token = (answer as unknown as pg.QueryResult<{ token: string }>[])[1]!.rows[0]!.token;
  watch.hide(token);
  watch.hide(token.slice(3, 30));
  const anna = await server.connect('anna', { password: ANNA });
  expect(await askOverHttp('SELECT 1', basic('anna', ANNA))).toBe(200);
  expect(await askOverHttp('SELECT 1', `Bearer ${token}`)).toBe(200);
  expect(await opensWebSocket(token)).toBe(true);
  expect(await askOverHttp(`CREATE SECRET by_http AS '${FIRST}'`, basic('millrace', ROOT))).toBe(200);
  await root.query(`ALTER ROLE anna PASSWORD '${CHANGED}'`);
  const other = await server.connect('millrace', { password: ROOT });
  await other.query('BEGIN');
  await other.query(`CREATE SECRET blocked AS '${IN_BLOCK}'`);
  await askAll();
  // of a superuser's other session, and of somebody without rights
  await ask("SELECT query FROM pg_stat_activity WHERE state <> 'active'");
  await ask('SELECT * FROM pg_stat_activity', anna);
  await ask('SELECT * FROM millrace.secrets', anna);
  await other.query('COMMIT');
  await anna.end();
  await other.end();
  expect(watch.found).toEqual([]);
});

it('used in vain and mistyped: nothing shows them', { timeout: 120_000 }, async () => {
  for (const sql of MALFORMED) {
    expect(await ask(sql), sql).toMatch(/"severity":"ERROR"/);
    expect(await ask({ text: sql, values: [] }), sql).toMatch(/"severity":"ERROR"/);
    expect(await askOverHttp(sql, basic('millrace', ROOT)), sql).toBeGreaterThanOrEqual(400);
    await ask('SELECT query FROM pg_stat_activity');
  }
  feed.wanted = 'something else';
  await root.query(lines('unwelcome', feed.port));
  await root.query(lines('unanswered', 1));
  const heard = feed.greetings.length;
  await feed.heard(heard + 2);
  await expect(server.connect('anna', { password: MISTYPED })).rejects.toMatchObject({ code: '28P01' });
  expect(await askOverHttp('SELECT 1', basic('anna', MISTYPED))).toBe(401);
  expect(await askOverHttp('SELECT 1', `Bearer ${token.slice(0, -1)}`)).toBe(401);
  expect(await opensWebSocket(token.slice(0, -1))).toBe(false);
  await askAll();
  expect(watch.found).toEqual([]);
});

it('after a stop, a crash, without the key: nothing shows them', { timeout: 180_000 }, async () => {
  feed.wanted = SECOND;
  await stop();
  await start();
  await askAll();
  await root.query(`ALTER SECRET feed AS '${FIRST}'`);
  feed.wanted = FIRST;
  await stop('SIGKILL');
  await start();
  await askAll();
  await stop('SIGKILL');
  await unlink(join(directory, 'secret.key'));
  await start();
  expect(server.stderr).toContain('secrets cannot be read');
  await until(async () =>
    expect(await ask('SELECT reason FROM millrace.rejected_rows')).toContain('key file'),
  );
  await askAll();
  await stop();
  expect(watch.found).toEqual([]);
});

it('one that is there is found', async () => {
  for (const [name, content] of [
    ['as it is', `{"value":"${FIRST}"}`],
    ['in digits', Buffer.from(`x${SECOND}`).toString('hex')],
    ['in base64', Buffer.from(`xx${ANNA}y`).toString('base64')],
    ['in more base64', Buffer.from(`"${CHANGED}"`).toString('base64')],
  ] as const)
    await writeFile(join(directory, name), content);
  const other = new LeakWatch([FIRST, SECOND, ANNA, CHANGED]);
  await other.lookBelow(directory);
  expect(other.found.map((place) => place.split(' in /')[0]).toSorted()).toEqual(
    [FIRST, SECOND, ANNA, CHANGED].toSorted(),
  );
});
