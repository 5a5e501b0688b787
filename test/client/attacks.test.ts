/** Sessions with little privilege that try to be somebody else, or to use up the server. */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TestServer } from '../support/server.ts';

let server: TestServer;
let owner: pg.Client;
let ada: pg.Client;

beforeAll(async () => {
  server = await TestServer.start({ trust: true });
  owner = await server.connect('millrace');
  await owner.query('CREATE TABLE posts (id int PRIMARY KEY, who text)');
  await owner.query(`INSERT INTO posts VALUES (1, 'ada'), (2, 'bob')`);
  await owner.query('ALTER TABLE posts ENABLE ROW LEVEL SECURITY');
  await owner.query('CREATE POLICY own ON posts USING (who = current_user)');
  for (const name of ['ada', 'bob']) await owner.query(`CREATE ROLE ${name} LOGIN`);
  await owner.query('GRANT SELECT ON posts TO ada, bob');
}, 30_000);
afterAll(async () => {
  await ada.end();
  await owner.end();
  await server.stop();
});

beforeEach(async () => {
  await ada?.end();
  ada = await server.connect('ada');
});

const rowsOf = async (client: pg.Client, text: string): Promise<unknown[]> =>
  (await client.query({ text, rowMode: 'array' })).rows;

describe('who somebody is', () => {
  it('SET LOCAL ROLE ends with its transaction, whatever a savepoint took back', async () => {
    await owner.query('GRANT bob TO ada');
    for (const sql of ['BEGIN', 'SET LOCAL ROLE bob', 'SAVEPOINT s', 'SET ROLE ada', 'ROLLBACK TO s'])
      await ada.query(sql);
    expect(await rowsOf(ada, 'SELECT * FROM posts')).toEqual([[2, 'bob']]);
    await ada.query('COMMIT');
    expect(await rowsOf(ada, 'SELECT current_user')).toEqual([['ada']]);
    expect(await rowsOf(ada, 'SELECT * FROM posts')).toEqual([[1, 'ada']]);
    await owner.query('REVOKE bob FROM ada');
  });

  it('goes by the name that its role has now: another may have the old one', async () => {
    await owner.query('CREATE ROLE eve LOGIN');
    await owner.query('GRANT SELECT ON posts TO eve');
    const eve = await server.connect('eve');
    await owner.query('ALTER ROLE ada RENAME TO first');
    await owner.query('ALTER ROLE eve RENAME TO ada');
    try {
      expect(await rowsOf(ada, 'SELECT current_user, session_user')).toEqual([['first', 'first']]);
      expect(await rowsOf(ada, 'SELECT * FROM posts')).toEqual([]);
      expect(await rowsOf(eve, 'SELECT * FROM posts')).toEqual([[1, 'ada']]);
    } finally {
      await eve.end();
      await owner.query('ALTER ROLE ada RENAME TO eve');
      await owner.query('ALTER ROLE first RENAME TO ada');
    }
  });

  it('DISCARD ALL leaves no setting of one user of a connection to the next', async () => {
    await ada.query("SET app.tenant = 'acme'");
    await ada.query('DISCARD ALL');
    expect(await rowsOf(ada, "SELECT current_setting('app.tenant')")).toEqual([['']]);
  });
});

describe('LISTEN on a relation', () => {
  const followers = async (): Promise<unknown> =>
    (await rowsOf(owner, 'SELECT count(*)::int FROM millrace.subscriptions'))[0];

  it('again and again in a transaction follows it once', async () => {
    await ada.query('BEGIN');
    for (let i = 0; i < 50; i++) await ada.query('LISTEN posts');
    expect(await followers()).toEqual([1]);
    await ada.query('COMMIT');
    await ada.query('BEGIN');
    for (let i = 0; i < 50; i++) await ada.query('LISTEN posts');
    expect(await followers()).toEqual([1]);
    await ada.query('ROLLBACK');
    expect(await followers()).toEqual([1]);
    await ada.query('BEGIN');
    await expect(
      (async () => {
        for (let i = 0; i < 2_000; i++) await ada.query('UNLISTEN posts; LISTEN posts');
      })(),
    ).rejects.toMatchObject({ code: '54000' });
    await ada.query('ROLLBACK');
    expect(await followers()).toEqual([1]);
  });

  it('begins anew once what ended it is over', async () => {
    const told = (): Promise<pg.Notification> => new Promise((resolve) => ada.once('notification', resolve));
    const ended = new Promise((resolve) => ada.once('notice', resolve));
    await ada.query('LISTEN posts');
    await owner.query('REVOKE SELECT ON posts FROM ada');
    expect(await ended).toMatchObject({ message: expect.stringContaining('permission denied') });
    await owner.query(`INSERT INTO posts VALUES (3, 'ada')`);
    await owner.query('GRANT SELECT ON posts TO ada');
    await ada.query('LISTEN posts');
    const next = told();
    await owner.query(`INSERT INTO posts VALUES (4, 'ada')`);
    expect(JSON.parse((await next).payload!)).toMatchObject({ changes: [{ diff: 1, id: 4 }] });
  });
});

it('the data directory is for its owner alone, with all that holds rows', async () => {
  const above = mkdtempSync(join(tmpdir(), 'millrace-'));
  const dataDirectory = join(above, 'made', 'by');
  const own = await TestServer.start({ dataDirectory });
  const client = await own.connect('millrace');
  await client.query('CREATE TABLE rows (id int PRIMARY KEY)');
  await client.query('INSERT INTO rows VALUES (1)');
  await client.query('CREATE STREAM s (id int)');
  await client.query('INSERT INTO s VALUES (1)');
  await client.end();
  await own.stop();
  expect(statSync(dataDirectory).mode & 0o077).toBe(0);
  const files = readdirSync(dataDirectory, { recursive: true, withFileTypes: true }).filter((entry) =>
    /[.](?:log|json|bin)$/.test(entry.name),
  );
  expect(files.length).toBeGreaterThanOrEqual(5);
  for (const { parentPath, name } of files)
    expect([name, statSync(join(parentPath, name)).mode & 0o077]).toEqual([name, 0]);
  rmSync(above, { recursive: true });
});
