/** A disk that takes no more: nothing acknowledged is lost, nothing is there by half. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { TestServer } from '../support/server.ts';

let directory: string;
let server: TestServer;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'millrace-disk-'));
});
afterEach(async () => {
  if (server.running) await server.stop();
  await rm(directory, { recursive: true, force: true });
});

/** Files may have so many KiB. */
const start = async (kib: number | 'unlimited'): Promise<void> => {
  server = await TestServer.start({ dataDirectory: directory, limits: `-f ${kib}` });
};

const COLUMNS = Array.from({ length: 100 }, (_, i) => `column_${i} int`).join();

it('a definition that finds no room is refused, and those before it stay', async () => {
  await start(64);
  let client = await server.connect('millrace');
  const made: string[] = [];
  let refusal: unknown = null;
  while (refusal === null && made.length < 20) {
    const name = `t${made.length}`;
    await client.query(`CREATE TABLE ${name} (${COLUMNS})`).then(
      () => made.push(name),
      (error: unknown) => {
        refusal = error;
      },
    );
  }
  expect(refusal).toMatchObject({ code: '53100', hint: expect.stringContaining('Free space') });
  await client.query('DROP TABLE t0');
  await client.query(`CREATE TABLE t0 (${COLUMNS})`);
  await client.query('INSERT INTO t0 (column_1) VALUES (1)');
  await client.end();
  await server.stop('SIGKILL');
  await start('unlimited');
  client = await server.connect('millrace');
  const { rows } = await client.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'");
  expect(rows.map(({ tablename }) => tablename).sort()).toEqual([...made].sort());
  expect((await client.query('SELECT column_1 FROM t0')).rows).toEqual([{ column_1: 1 }]);
  await client.end();
});

it('a transaction of which one log had no room is in none of them after a restart', async () => {
  await start(64);
  let client = await server.connect('millrace');
  await client.query('CREATE TABLE a (k int); CREATE TABLE b (v text)');
  const long = 'x'.repeat(40_000);
  await client.query('INSERT INTO b VALUES ($1)', [long]);
  await client.query('INSERT INTO a VALUES (1)');
  await client.query('BEGIN');
  await client.query('INSERT INTO a VALUES (2)');
  await client.query('INSERT INTO b VALUES ($1)', [long]);
  await expect(client.query('COMMIT')).rejects.toThrow();
  await client.end().catch(() => undefined);
  if (server.running) await server.stop();
  await start('unlimited');
  client = await server.connect('millrace');
  expect((await client.query('SELECT k FROM a')).rows).toEqual([{ k: 1 }]);
  expect((await client.query('SELECT count(*)::int4 AS n FROM b')).rows).toEqual([{ n: 1 }]);
  await client.end();
});
