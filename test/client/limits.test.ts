/** Limits of a role: rows of a result, memory of a query; only superusers raise them. */
import type pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestServer } from '../support/server.ts';

let server: TestServer;
let owner: pg.Client;
let guest: pg.Client;

beforeAll(async () => {
  server = await TestServer.start();
  owner = await server.connect('millrace');
  for (const sql of [
    'CREATE TABLE t (id int PRIMARY KEY, text text)',
    `INSERT INTO t VALUES ${Array.from({ length: 10_000 }, (_, i) => `(${i}, 'text ${i}')`).join(', ')}`,
    'CREATE STREAM s (id int, text text)',
    'INSERT INTO s SELECT id, text FROM t',
    'CREATE ROLE guest LOGIN',
    'GRANT SELECT ON t, s TO guest',
    'ALTER ROLE guest SET millrace.result_rows_limit = 100',
    "ALTER ROLE guest SET millrace.query_memory_limit = '64kB'",
  ])
    await owner.query(sql);
  guest = await server.connect('guest');
});
afterAll(async () => {
  await owner.end();
  await guest.end();
  await server.stop();
});

const code = async (client: pg.Client, sql: string): Promise<unknown> =>
  client.query(sql).then(
    ({ rows }) => rows.length,
    (error: unknown) => (error as { code: string }).code,
  );

it('bounds the rows of a result, however it is asked for', async () => {
  expect(await code(guest, 'SELECT id FROM t LIMIT 100')).toBe(100);
  expect(await code(guest, 'SELECT id FROM t LIMIT 101')).toBe('54000');
  expect(await code(guest, 'SELECT id FROM t')).toBe('54000');
  await guest.query('BEGIN');
  await guest.query('DECLARE c CURSOR FOR SELECT id FROM t');
  expect(await code(guest, 'FETCH ALL FROM c')).toBe('54000');
  await guest.query('ROLLBACK');
  // an answer that is kept for others is not his
  for (let i = 0; i < 20; i++) expect(await code(owner, 'SELECT id FROM t WHERE id < 200')).toBe(200);
  expect(await code(guest, 'SELECT id FROM t WHERE id < 200')).toBe('54000');
  expect(await code(guest, 'SELECT 1')).toBe(1);
});

it('bounds the memory of a query, finite or continuous', async () => {
  expect(await code(guest, 'SELECT text, count(*) FROM t GROUP BY text LIMIT 1')).toBe('53200');
  expect(await code(owner, 'SELECT text, count(*) FROM t GROUP BY text LIMIT 1')).toBe(1);
  expect(await code(guest, 'SELECT text, count(*) FROM s GROUP BY text EMIT CHANGES')).toBe('53200');
  expect(await code(guest, 'SELECT count(*) FROM t')).toBe(1);
});

it('is raised by superusers only', async () => {
  for (const sql of [
    'SET millrace.result_rows_limit = 0',
    'RESET millrace.result_rows_limit',
    "SELECT set_config('millrace.query_memory_limit', '1GB', false)",
    'ALTER ROLE guest SET millrace.result_rows_limit = 1000',
  ])
    expect([sql, await code(guest, sql)]).toEqual([sql, '42501']);
  await guest.query('RESET ALL');
  await guest.query('DISCARD ALL');
  expect(await code(guest, 'SELECT id FROM t')).toBe('54000');
  await expect(server.connect('guest', { options: '-c millrace.result_rows_limit=0' })).rejects.toMatchObject(
    {
      code: '42501',
    },
  );
  await owner.query('SET millrace.result_rows_limit = 10');
  expect(await code(owner, 'SELECT id FROM t LIMIT 11')).toBe('54000');
  await owner.query('RESET millrace.result_rows_limit');
  expect(await code(owner, 'SELECT id FROM t LIMIT 11')).toBe(11);
});
