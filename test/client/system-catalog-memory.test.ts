/**
 * What queries of the system catalog can make the server hold: those that need more than the mirror may have get 53200, and
 * the process stays below a bound however many ask for it. Read from /proc.
 */
import { readFile } from 'node:fs/promises';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  CATALOG_MEMORY_BYTES_MAX,
  CATALOG_RESULT_BYTES_MAX,
  CATALOG_TEMPORARY_BYTES_MAX,
} from '../../server/limits.ts';
import { TestServer } from '../support/server.ts';

/**
 * Above what the server holds before the first question: the mirror, its program and files, an answer on its way out, and
 * what the collector has not come to yet.
 */
const RESIDENT_BYTES_MAX =
  CATALOG_MEMORY_BYTES_MAX + 2 * CATALOG_TEMPORARY_BYTES_MAX + 2 * CATALOG_RESULT_BYTES_MAX + 320 * 2 ** 20;

const WORKS = `SELECT count(*)::int4 AS n FROM pg_class WHERE relname = 'users'`;

let server: TestServer;
let client: pg.Client;

async function memory(field: 'VmRSS' | 'VmHWM'): Promise<number> {
  const status = await readFile(`/proc/${server.process.pid}/status`, 'utf8');
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1_024;
}

beforeAll(async () => {
  server = await TestServer.start();
  client = await server.connect('anna');
  await client.query('CREATE TABLE users (id bigint PRIMARY KEY, name text)');
}, 30_000);
afterAll(async () => {
  await client.end();
  await server.stop();
});

describe.runIf(process.platform === 'linux')('queries of the system catalog', () => {
  it('that need much memory end, and the server stays below its bound', async () => {
    const before = await memory('VmRSS');
    const greedy = [
      `SELECT length(repeat('x', 1000000000)) FROM pg_namespace`,
      `SELECT length(string_agg(repeat('x', 1000000), '')) FROM generate_series(1, 1000), pg_namespace`,
      `SELECT count(*) FROM (SELECT DISTINCT a.oid::int8 * b.oid::int8 + n AS x
        FROM pg_proc AS a, pg_proc AS b, generate_series(1, 100) AS n) AS q`,
      `SELECT cardinality(array_agg(a.proname || b.proname)) FROM pg_proc AS a, pg_proc AS b`,
      `WITH RECURSIVE r AS (SELECT repeat('x', 100000) AS x, 1 AS n FROM pg_namespace
          UNION ALL SELECT x || x, n + 1 FROM r WHERE n < 30) SELECT max(length(x)) FROM r`,
      `SELECT json_agg(a) FROM pg_proc AS a, pg_namespace AS b, generate_series(1, 100)`,
      `SELECT count(*) FROM (SELECT a, b FROM pg_proc AS a, pg_proc AS b ORDER BY b::text, a::text) AS q`,
    ];
    await expect(client.query(greedy[0]!)).rejects.toMatchObject({
      code: '53200',
      message: 'a query of the system catalog needs too much memory',
    });
    for (const sql of greedy) {
      // 57014: a machine so slow that the time is over before the memory is
      await expect(client.query(sql)).rejects.toMatchObject({
        code: expect.stringMatching(/^(53200|57014)$/),
      });
      expect((await client.query(WORKS)).rows).toEqual([{ n: 1 }]);
    }
    expect((await memory('VmHWM')) - before).toBeLessThan(RESIDENT_BYTES_MAX);
  }, 400_000);
});
