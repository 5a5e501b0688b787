/** What the system catalog tells of the running server: sizes, sessions, settings. */
import type pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestServer } from '../support/server.ts';

let server: TestServer;
let client: pg.Client;

const rows = async (sql: string, values: unknown[] = [], on = client): Promise<unknown[]> =>
  (await on.query(sql, values)).rows;

beforeAll(async () => {
  server = await TestServer.start();
  client = await server.connect('anna');
}, 30_000);
afterAll(async () => {
  await client.end();
  await server.stop();
});

it('tells how many rows relations hold, and their bytes', async () => {
  await client.query(`CREATE TABLE sized (id bigint PRIMARY KEY, name text); CREATE INDEX sized_name ON sized (name);
    CREATE VIEW sized_names AS SELECT name FROM sized;
    CREATE MATERIALIZED VIEW sized_counts AS SELECT name, count(*) AS n FROM sized GROUP BY name;
    CREATE STREAM sized_events (name text);
    INSERT INTO sized SELECT * FROM (VALUES (1, repeat('x', 100000)), (2, 'b'), (3, 'b')) AS v (id, name);
    INSERT INTO sized_events VALUES ('a'), ('b')`);
  const shown =
    await rows(`SELECT c.relname, c.relkind, s.n_live_tup::int4 AS rows, pg_table_size(c.oid)::int4 AS bytes,
      pg_relation_size(c.oid) = pg_table_size(c.oid) AS same, pg_relation_size(c.oid, 'fsm')::int4 AS free,
      pg_total_relation_size(c.oid) - pg_table_size(c.oid) = pg_indexes_size(c.oid) AS adds_up,
      pg_indexes_size(c.oid) > 0 AS indexed
    FROM pg_class AS c LEFT JOIN pg_stat_user_tables AS s ON s.relid = c.oid WHERE c.relname LIKE 'sized%' ORDER BY 1`);
  const large = expect.toSatisfy((bytes: number) => bytes > 100_000 && bytes < 1_000_000);
  const some = expect.toSatisfy((bytes: number) => bytes > 0 && bytes < 100_000);
  const common = { same: true, free: 0, adds_up: true, indexed: false };
  expect(shown).toEqual([
    { ...common, relname: 'sized', relkind: 'r', rows: 3, bytes: large, indexed: true },
    { ...common, relname: 'sized_counts', relkind: 'm', rows: 2, bytes: large },
    { ...common, relname: 'sized_events', relkind: 'r', rows: 2, bytes: some },
    { ...common, relname: 'sized_name', relkind: 'i', rows: null, bytes: expect.any(Number) },
    { ...common, relname: 'sized_names', relkind: 'v', rows: null, bytes: 0 },
    {
      relname: 'sized_pkey',
      relkind: 'i',
      rows: null,
      bytes: null,
      same: null,
      free: 0,
      adds_up: null,
      indexed: null,
    },
  ]);
  expect(
    await rows(`SELECT pg_database_size(current_database()) = pg_database_size(oid) AS same,
      pg_database_size(oid) > 200000 AS large, pg_size_pretty(pg_table_size('sized')) AS pretty,
      pg_table_size('pg_class') AS of_the_mirror FROM pg_database`),
  ).toEqual([{ same: true, large: true, pretty: expect.stringMatching(/^\d+ kB$/), of_the_mirror: null }]);
  expect(
    await rows(`SELECT relname FROM pg_class WHERE relname = 'sized' AND oid = 'sized'::regclass`),
  ).toHaveLength(1);
  await client.query('DROP TABLE sized CASCADE; DROP STREAM sized_events');
});

it('counts sessions', async () => {
  const other = await server.connect('bert');
  const sql = `SELECT numbackends = (SELECT count(*) FROM pg_stat_activity) AS all, numbackends > 1 AS several
    FROM pg_stat_database WHERE datname = current_database()`;
  expect(await rows(sql)).toEqual([{ all: true, several: true }]);
  await other.end();
});

it('shows sessions, and their queries to those who may know', async () => {
  await client.query('CREATE ROLE reader LOGIN');
  const reader = await server.connect('reader');
  const seen = `SELECT usename, state, query, client_addr FROM pg_stat_activity
    WHERE usename IN ('anna', 'reader') ORDER BY usename`;
  const [mine, theirs] = (await rows(seen)) as { query: string }[];
  expect(mine).toEqual({ usename: 'anna', state: 'active', query: seen, client_addr: '127.0.0.1' });
  expect(theirs).toMatchObject({ usename: 'reader', state: 'idle' });
  const [hidden, own] = await rows(seen, [], reader);
  expect(hidden).toEqual({
    usename: 'anna',
    state: null,
    query: '<insufficient privilege>',
    client_addr: null,
  });
  expect(own).toMatchObject({ usename: 'reader', state: 'active', query: seen });
  await reader.end();
});

it('tells settings as SHOW does', async () => {
  await client.query("SET TimeZone = 'Europe/Berlin'; SET my.own = 'x'");
  expect(
    await rows(`SELECT name, setting, source, vartype FROM pg_settings
      WHERE name IN ('TimeZone', 'server_version', 'my.own', 'shared_buffers') ORDER BY name COLLATE "C"`),
  ).toEqual([
    { name: 'TimeZone', setting: 'Europe/Berlin', source: 'session', vartype: 'string' },
    { name: 'server_version', setting: '18.0', source: 'default', vartype: 'string' },
  ]);
  // as in PostgreSQL the session's own are in no list, but known
  expect(await rows(`SELECT current_setting('my.own') AS own FROM pg_namespace LIMIT 1`)).toEqual([
    { own: 'x' },
  ]);
  await expect(client.query(`SELECT current_setting(relname) FROM pg_class`)).rejects.toMatchObject({
    code: '42704',
  });
  await client.query(
    "SELECT set_config('bytea_output', 'escape', false) FROM pg_show_all_settings() WHERE name = 'bytea_output'",
  );
  expect(await rows('SHOW bytea_output')).toEqual([{ bytea_output: 'escape' }]);
  await client.query("SELECT set_config('bytea_output', 'hex', false) FROM pg_settings WHERE name = 'none'");
  expect(await rows('SHOW bytea_output')).toEqual([{ bytea_output: 'escape' }]);
  await client.query('RESET ALL');
});

it('lists the settings that SHOW ALL does, with the same values in their units', async () => {
  await client.query("SET statement_timeout = '90s'; SET work_mem = 1536");
  await client.query('CREATE ROLE plain LOGIN');
  for (const user of ['anna', 'plain']) {
    const asking = user === 'anna' ? client : await server.connect(user);
    const all = (await asking.query('SHOW ALL')).rows;
    const listed = (
      await asking.query(`SELECT name, current_setting(name) AS setting, short_desc AS description
        FROM pg_settings ORDER BY lower(name) COLLATE "C"`)
    ).rows;
    expect(listed).toEqual(all);
    const hidden = all.some(({ name }) => name === 'data_directory' || name === 'hba_file');
    expect(hidden).toBe(user === 'anna');
    if (user !== 'anna') await asking.end();
  }
  expect(
    await rows(`SELECT name, setting, unit, min_val, max_val, boot_val FROM pg_settings
      WHERE name IN ('statement_timeout', 'work_mem', 'authentication_timeout') ORDER BY name`),
  ).toEqual([
    {
      name: 'authentication_timeout',
      setting: '60',
      unit: 's',
      min_val: '1',
      max_val: '600',
      boot_val: '60',
    },
    {
      name: 'statement_timeout',
      setting: '90000',
      unit: 'ms',
      min_val: '0',
      max_val: '2147483647',
      boot_val: '0',
    },
    {
      name: 'work_mem',
      setting: '1536',
      unit: 'kB',
      min_val: '64',
      max_val: '2147483647',
      boot_val: '4096',
    },
  ]);
  expect(await rows('SHOW work_mem')).toEqual([{ work_mem: '1536kB' }]);
  await expect(client.query("SET work_mem = 'lots'")).rejects.toMatchObject({ code: '22023' });
  await client.query('RESET ALL');
  await client.query('DROP ROLE plain');
});

it('tells two sessions apart', async () => {
  const other = await server.connect('bert');
  await other.query(`SET search_path = pg_catalog, "It's"`);
  const who = 'SELECT current_user, session_user, current_setting($1) AS path FROM pg_class LIMIT 1';
  const [mine, theirs] = await Promise.all([rows(who, ['search_path']), rows(who, ['search_path'], other)]);
  expect(mine).toEqual([{ current_user: 'anna', session_user: 'anna', path: '"$user", public' }]);
  expect(theirs).toEqual([
    { current_user: 'bert', session_user: 'bert', path: expect.stringContaining("It's") },
  ]);
  await other.end();
});
