/** CREATE SECRET with real servers of lines that want it: what is sent when, who may send it, and what a lost key costs. */
import { chmod, copyFile, mkdtemp, readdir, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { GreetedFeed } from '../support/greeted-feed.ts';
import { TestServer } from '../support/server.ts';

let directory: string;
let server: TestServer;
let root: pg.Client;
let feed: GreetedFeed;
let number = 0;
let name: string;
const notices: string[] = [];

const until = (check: () => Promise<void>): Promise<void> =>
  vi.waitFor(check, { timeout: 30_000, interval: 50 });

async function start(flags: readonly string[] = []): Promise<void> {
  server = await TestServer.start({ dataDirectory: directory, flags });
  root = await server.connect('millrace');
  root.on('notice', ({ message }) => notices.push(message ?? ''));
}

async function stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  await root.end().catch(() => {});
  await server.stop(signal);
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'millrace-secrets-'));
  await start();
});
afterAll(async () => {
  await stop();
  await rm(directory, { recursive: true });
});
beforeEach(async () => {
  name = `s${++number}`;
  notices.length = 0;
  feed = await GreetedFeed.listen('first');
});
afterEach(async () => {
  await root.query(`DROP STREAM IF EXISTS ${name}_lines CASCADE`);
  await feed.stop();
});

const stream = (greeting: string, retention = 'forever'): string =>
  `CREATE STREAM ${name}_lines (v int) WITH (connector = 'tcp', host = '127.0.0.1', port = ${feed.port},
     greeting = ${greeting}, retention = '${retention}') FORMAT CSV`;

const rows = async (sql: string): Promise<unknown[][]> =>
  (await root.query({ text: sql, rowMode: 'array' })).rows;

const lines = (count: number): Promise<void> =>
  until(async () => expect(await rows(`SELECT count(*) FROM ${name}_lines`)).toEqual([[`${count}`]]));

describe('a greeting', () => {
  it('is sent at each connection, by ALTER SECRET another one from the next on', async () => {
    await root.query(`CREATE SECRET ${name} AS 'first'`);
    await root.query(stream(`SECRET ${name}`));
    await lines(1);
    await root.query(`ALTER SECRET ${name} AS 'second'`);
    expect(notices).toEqual([`what uses secret "${name}" takes the new value when it next connects`]);
    feed.wanted = 'second';
    feed.drop();
    await lines(2);
    await root.query(`ALTER SECRET ${name} RENAME TO ${name}_renamed`);
    feed.drop();
    await lines(3);
    expect(feed.greetings).toEqual(['first', 'second', 'second']);
  });

  it('goes on after a stop and after a crash', async () => {
    await root.query(`CREATE SECRET ${name} AS 'first'`);
    await root.query(stream(`SECRET ${name}`));
    await lines(1);
    for (const [signal, count] of [['SIGTERM', 2] as const, ['SIGKILL', 3] as const]) {
      await stop(signal);
      await start();
      await lines(count);
    }
    expect(feed.greetings).toEqual(['first', 'first', 'first']);
  });

  it('may be bytes, empty, or no secret at all', async () => {
    await root.query(`CREATE SECRET ${name} AS '\\xC3bc 00ff'::bytea`);
    feed.wanted = '';
    await root.query(stream(`SECRET ${name}`));
    await feed.heard(1);
    await root.query(`ALTER SECRET ${name} AS ''`);
    await lines(1);
    await root.query(`DROP STREAM ${name}_lines`);
    feed.wanted = 'hello\tyou';
    await root.query(stream("E'hello\\tyou'"));
    await lines(1);
    await root.query(`DROP STREAM ${name}_lines`);
    feed.wanted = 'as it stands: \\t';
    await root.query(stream("'as it stands: \\t'"));
    await lines(1);
    expect(feed.greetings.slice(0, 1)).toEqual(['\u00c3\u00bc\u0000\u00ff']);
    expect(feed.greetings).toEqual(expect.arrayContaining(['', 'hello\tyou', 'as it stands: \\t']));
  });

  it('comes with the first reader where nothing is retained', async () => {
    await root.query(`CREATE SECRET ${name} AS 'first'`);
    await root.query(stream(`SECRET ${name}`, 'none'));
    expect(feed.greetings).toEqual([]);
    await root.query(`CREATE MATERIALIZED VIEW ${name}_sum AS SELECT sum(v) FROM ${name}_lines`);
    await until(async () => expect(await rows(`SELECT * FROM ${name}_sum`)).toEqual([['1']]));
    expect(feed.greetings).toEqual(['first']);
  });
});

it('USAGE is asked for where a stream is created: taken away later, the stream goes on', async () => {
  await root.query(`CREATE ROLE ${name}_role; GRANT pg_create_subscription TO ${name}_role;
    GRANT CREATE ON SCHEMA public TO ${name}_role; CREATE SECRET ${name} AS 'first'`);
  await root.query(`SET ROLE ${name}_role`);
  await expect(root.query(stream(`SECRET ${name}`))).rejects.toMatchObject({
    code: '42501',
    message: `permission denied for secret ${name}`,
  });
  await root.query(`RESET ROLE; GRANT USAGE ON SECRET ${name} TO ${name}_role; SET ROLE ${name}_role`);
  await root.query(stream(`SECRET ${name}`));
  await root.query(`RESET ROLE; REVOKE USAGE ON SECRET ${name} FROM ${name}_role`);
  await lines(1);
  feed.drop();
  await lines(2);
  await root.query(`SET ROLE ${name}_role`);
  const other = stream(`SECRET ${name}`).replace('_lines', '_other');
  await expect(root.query(other)).rejects.toMatchObject({ code: '42501' });
  await root.query('RESET ROLE');
});

it('is not dropped while a stream names it, and takes that with it by CASCADE', async () => {
  await root.query(`CREATE SECRET ${name} AS 'first'`);
  await root.query(stream(`SECRET ${name}`));
  await root.query(`CREATE VIEW ${name}_view AS SELECT * FROM ${name}_lines`);
  await expect(root.query(`DROP SECRET ${name}`)).rejects.toMatchObject({
    code: '2BP01',
    detail: expect.stringContaining(`stream ${name}_lines depends on secret ${name}`),
  });
  expect(await rows(`SELECT used_by FROM millrace.secrets WHERE name = '${name}'`)).toEqual([
    [`${name}_lines`],
  ]);
  await root.query(`DROP SECRET ${name} CASCADE`);
  expect(notices).toContain('drop cascades to 2 other objects');
  await expect(root.query(`SELECT * FROM ${name}_view`)).rejects.toMatchObject({ code: '42P01' });
});

describe('in a block', () => {
  it('is there for it at once, and for nobody after ROLLBACK', async () => {
    await root.query('BEGIN');
    await root.query(`CREATE SECRET ${name} AS 'first'`);
    await root.query(stream(`SECRET ${name}`));
    await root.query('ROLLBACK');
    expect(await rows(`SELECT * FROM millrace.secrets WHERE name = '${name}'`)).toEqual([]);
    expect(feed.greetings).toEqual([]);
    await root.query('BEGIN');
    await root.query(`CREATE SECRET ${name} AS 'wrong'`);
    await root.query(stream(`SECRET ${name}`));
    await root.query(`ALTER SECRET ${name} AS 'first'`);
    await root.query('COMMIT');
    await lines(1);
    expect(feed.greetings).toEqual(['first']);
  });

  it('meets what other sessions did to it', async () => {
    const other = await server.connect('millrace');
    await root.query(`CREATE SECRET ${name} AS 'first'; CREATE SECRET ${name}_b AS 'first'`);
    await root.query('BEGIN');
    await root.query(stream(`SECRET ${name}`));
    await other.query(`DROP SECRET ${name}`);
    await expect(root.query('COMMIT')).rejects.toMatchObject({ code: '40001' });
    await root.query('BEGIN');
    await root.query(`ALTER SECRET ${name}_b AS 'one'`);
    await other.query(`ALTER SECRET ${name}_b AS 'two'`);
    await expect(root.query('COMMIT')).rejects.toMatchObject({ code: '40001' });
    await root.query('BEGIN');
    await root.query(`CREATE SECRET ${name} AS 'one'`);
    await other.query(`CREATE SECRET ${name} AS 'two'`);
    await expect(root.query('COMMIT')).rejects.toMatchObject({ code: '42710' });
    await root.query('BEGIN');
    await root.query(`DROP SECRET ${name}`);
    await other.query(stream(`SECRET ${name}`));
    await expect(root.query('COMMIT')).rejects.toMatchObject({ code: '2BP01' });
    await other.end();
  });
});

it('takes no parameters, and a prepared statement makes it anew each time', async () => {
  await expect(root.query(`CREATE SECRET ${name} AS $1`, ['first'])).rejects.toMatchObject({ code: '42601' });
  const make = { name: `${name}_make`, text: `CREATE SECRET ${name} AS 'first'` };
  await root.query(make);
  await expect(root.query(make)).rejects.toMatchObject({ code: '42710' });
  await root.query(`DROP SECRET ${name}`);
  await root.query(make);
  await root.query(stream(`SECRET ${name}`));
  await lines(1);
  await expect(root.query(`PREPARE p AS CREATE SECRET ${name}_p AS 'first'`)).rejects.toMatchObject({
    code: '42601',
    message: expect.not.stringContaining('first'),
  });
});

it('has a bound of its size, and names as PostgreSQL has them', async () => {
  const most = 65_536;
  const long = 'é'.repeat(35);
  const kept = 'é'.repeat(31);
  await root.query(`CREATE SECRET "${long}" AS '${'x'.repeat(most)}'`);
  await root.query(`ALTER SECRET "${long}" AS '\\x${'ab'.repeat(most)}'::bytea`);
  for (const value of [`'${'é'.repeat(most / 2)}x'`, `'\\x${'ab'.repeat(most + 1)}'::bytea`])
    await expect(root.query(`ALTER SECRET "${long}" AS ${value}`)).rejects.toMatchObject({ code: '54000' });
  await root.query(`ALTER SECRET "${long}" AS '${'y'.repeat(most)}'`);
  await root.query(stream(`SECRET "${long}"`));
  await feed.heard(1);
  expect(feed.greetings[0] === 'y'.repeat(most)).toBe(true);
  await root.query(`DROP STREAM ${name}_lines`);
  await expect(root.query(stream(`'${'x'.repeat(most + 1)}'`))).rejects.toMatchObject({ code: '54000' });
  expect(await rows(`SELECT name FROM millrace.secrets WHERE name LIKE 'é%'`)).toEqual([[kept]]);
  await root.query(`DROP SECRET "${long}"`);
});

it('is what it is in a text that is read in another thread', async () => {
  const padding = `SELECT '${'x'.repeat(100_000)}';`;
  await root.query(`${padding} CREATE SECRET ${name} AS 'first'; ${padding}`);
  await root.query(stream(`SECRET ${name}`));
  await lines(1);
  await expect(root.query(`${padding} ALTER SECRET ${name} AS hush; ${padding}`)).rejects.toMatchObject({
    code: '42601',
    message: expect.not.stringContaining('hush'),
  });
});

it('is made over HTTP too', async () => {
  const sql = `CREATE SECRET ${name} AS 'first'`;
  const response = await fetch(`${server.url}/query`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ sql }),
  });
  expect(await response.json()).toMatchObject({ command: 'CREATE SECRET' });
  await root.query(stream(`SECRET ${name}`));
  await lines(1);
});

describe('the key', () => {
  const key = (): string => join(directory, 'secret.key');
  const why = (): Promise<unknown[][]> =>
    rows(`SELECT code, reason FROM millrace.rejected_rows WHERE relation = '${name}_lines'`);

  it('is a file for the server alone, made with the first secret', async () => {
    const fresh = await mkdtemp(join(tmpdir(), 'millrace-key-'));
    const other = await TestServer.start({ dataDirectory: fresh });
    const client = await other.connect('millrace');
    const before = await readdir(fresh);
    await client.query("CREATE SECRET x AS 'y'");
    const made = await stat(join(fresh, 'secret.key'));
    await client.end();
    await other.stop();
    await rm(fresh, { recursive: true });
    expect(before).not.toContain('secret.key');
    expect(made.mode & 0o777).toBe(0o600);
  });

  it('may be elsewhere, and where it is only those know who may read all settings', async () => {
    const apart = await mkdtemp(join(tmpdir(), 'millrace-key-'));
    const file = join(apart, 'key');
    const fresh = join(apart, 'data');
    const other = await TestServer.start({ dataDirectory: fresh, flags: ['--secret-key-file', file] });
    const client = await other.connect('millrace');
    await client.query("CREATE SECRET x AS 'y'; CREATE ROLE nobody_much");
    expect((await client.query('SHOW millrace.secret_key_file')).rows).toEqual([
      { 'millrace.secret_key_file': file },
    ]);
    await client.query('SET ROLE nobody_much');
    await expect(client.query('SHOW millrace.secret_key_file')).rejects.toMatchObject({ code: '42501' });
    await client.end();
    await other.stop();
    expect((await stat(file)).size).toBe(45);
    expect(await readdir(fresh)).not.toContain('secret.key');
    await rm(apart, { recursive: true });
  });

  it('lost: all else is served, what needs it says so, and works when it is back', async () => {
    await root.query(`CREATE SECRET ${name} AS 'first'; CREATE TABLE ${name}_kept (v int PRIMARY KEY)`);
    await root.query(stream(`SECRET ${name}`));
    await lines(1);
    await stop();
    const safe = join(directory, 'safe.key');
    await copyFile(key(), safe);
    await unlink(key());
    await start();
    expect(server.stderr).toContain('secrets cannot be read');
    await root.query(`INSERT INTO ${name}_kept VALUES (1)`);
    const missing = `secret "${name}" cannot be read: the secret key file does not exist`;
    await until(async () => expect(await why()).toEqual([['58P01', missing]]));
    for (const sql of [`CREATE SECRET ${name}_new AS 'x'`, `ALTER SECRET ${name} AS 'x'`])
      await expect(root.query(sql)).rejects.toMatchObject({
        code: '58P01',
        hint: expect.stringContaining('openssl rand -base64 32'),
      });
    await expect(root.query(stream(`SECRET ${name}`).replace('_lines', '_more'))).rejects.toMatchObject({
      code: '58P01',
      message: missing,
    });
    // at the next of its attempts
    await copyFile(safe, key());
    await lines(2);
    expect(feed.greetings).toEqual(['first', 'first']);
  });

  it('another one: what it does not open says so; ALTER SECRET gives a value under it', async () => {
    await root.query(`CREATE SECRET ${name} AS 'first'`);
    await root.query(stream(`SECRET ${name}`));
    await lines(1);
    await stop();
    const safe = join(directory, 'safe.key');
    await copyFile(key(), safe);
    await writeFile(key(), `${randomBytes(32).toString('base64')}\n`);
    await start();
    const reason = `secret "${name}" cannot be read: it was encrypted with another key`;
    await until(async () => expect(await why()).toEqual([['55000', reason]]));
    expect(feed.greetings).toEqual(['first']);
    await root.query(`ALTER SECRET ${name} AS 'first'`);
    await lines(2);
    await stop();
    await copyFile(safe, key());
    await start();
  });

  it('that others can read, or that is none, is refused', async () => {
    await root.query(`CREATE SECRET ${name} AS 'first'`);
    await root.query(stream(`SECRET ${name}`));
    await lines(1);
    await stop();
    const safe = join(directory, 'safe.key');
    await copyFile(key(), safe);
    await chmod(key(), 0o644);
    await start();
    await until(async () =>
      expect(await why()).toEqual([['55000', expect.stringContaining('has group or world access')]]),
    );
    await stop();
    await chmod(key(), 0o600);
    await writeFile(key(), 'no key at all');
    await start();
    await until(async () =>
      expect(await why()).toContainEqual(['55000', expect.stringContaining('does not hold 32 bytes')]),
    );
    await copyFile(safe, key());
    await lines(2);
  });
});
