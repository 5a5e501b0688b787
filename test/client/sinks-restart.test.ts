/** What sinks put out over a stop and over a crash: what millrace.sinks.guarantee and docs/sql/sinks.md say. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { TestServer } from '../support/server.ts';

let directory: string;
let server: TestServer;
let client: pg.Client;

async function start(): Promise<void> {
  server = await TestServer.start({
    dataDirectory: join(directory, 'data'),
    flags: ['--files', join(directory, 'files')],
  });
  client = await server.connect('millrace');
}

async function restart(signal: NodeJS.Signals): Promise<void> {
  await client.end();
  await server.stop(signal);
  await start();
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'millrace-sinks-'));
  await start();
  await client.query(`
    CREATE STREAM s (at timestamptz NOT NULL, v int, WATERMARK FOR at AS at);
    CREATE STREAM copy (v int);
    CREATE SINK rows AS SELECT v FROM s WITH (connector = 'file', path = 'rows') FORMAT JSON;
    CREATE SINK windows AS SELECT sum(v) AS v FROM TUMBLE(s, at, INTERVAL '10 seconds') GROUP BY window_end
      EMIT ON WINDOW CLOSE WITH (connector = 'file', path = 'windows') FORMAT JSON;
    CREATE SINK fresh WITH (backfill = false) AS SELECT v FROM s WITH (connector = 'file', path = 'fresh') FORMAT JSON;
    CREATE SINK to_copy INTO copy AS SELECT v FROM s`);
  await insert(1);
  await insert(11);
  await insert(21);
});
afterEach(async () => {
  await client.end();
  await server.stop();
  await rm(directory, { recursive: true });
});

/** The row of that second. */
async function insert(second: number): Promise<void> {
  const at = new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
  await client.query(`INSERT INTO s VALUES ('${at}', ${second})`);
}

/** What a sink's files hold, in their order. */
async function written(path: string): Promise<number[]> {
  const names = (await readdir(join(directory, 'files', path))).sort();
  const texts = await Promise.all(
    names.map((name) => readFile(join(directory, 'files', path, name), 'utf8')),
  );
  return texts.flatMap((text) =>
    text
      .trim()
      .split('\n')
      .map((line) => Number((JSON.parse(line) as { v: unknown }).v)),
  );
}

const all = async (): Promise<unknown> => ({
  rows: await written('rows'),
  windows: await written('windows'),
  fresh: await written('fresh'),
  copy: (await client.query<{ v: number }>('SELECT v FROM copy ORDER BY v')).rows.map(({ v }) => v),
});

it('after a stop each row is there once', async () => {
  await restart('SIGTERM');
  await insert(31);
  const once = [1, 11, 21, 31];
  expect(await all()).toEqual({ rows: once, windows: [1, 11, 21], fresh: once, copy: once });
});

it('after a crash they begin anew: with what is retained, once more, and nothing is lost', async () => {
  const { rows } = await client.query('SELECT DISTINCT guarantee FROM millrace.sinks');
  expect(rows).toEqual([{ guarantee: 'exactly once until a crash, after which it begins anew' }]);
  await restart('SIGKILL');
  await insert(31);
  expect(await all()).toEqual({
    rows: [1, 11, 21, 1, 11, 21, 31],
    windows: [1, 11, 1, 11, 21],
    // WITH (backfill = false): with the rows that come
    fresh: [1, 11, 21, 31],
    copy: [1, 1, 11, 11, 21, 21, 31],
  });
});
