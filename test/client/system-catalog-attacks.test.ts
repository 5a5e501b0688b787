/** The system catalog under attack: what it runs can't write, reach out, hang or grow, and a broken mirror is replaced. */
import { readdir, readFile, writeFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { TestServer } from '../support/server.ts';

let server: TestServer;
let client: pg.Client;

const rows = async (sql: string, values: unknown[] = []): Promise<unknown[]> =>
  (await client.query(sql, values)).rows;

const ENDLESS = `WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n FROM r)
  SELECT count(*) FROM r, pg_namespace`;
const WORKS = `SELECT count(*)::int4 AS n FROM pg_class WHERE relname = 'users'`;

beforeAll(async () => {
  server = await TestServer.start();
  client = await server.connect('anna');
  await client.query('CREATE TABLE users (id bigint PRIMARY KEY, name text)');
  await client.query(WORKS);
}, 60_000);
afterAll(async () => {
  await client.end();
  await server.stop();
});

describe('queries of the system catalog', () => {
  it.each([
    ['reads a file', `SELECT pg_read_file('/etc/passwd')`],
    ['reads a file beside the catalog', `SELECT pg_catalog.pg_read_binary_file('x') FROM pg_class`],
    ['lists a directory', `SELECT * FROM pg_ls_dir('.')`],
    ['lists a directory beside the catalog', `SELECT * FROM pg_class, LATERAL pg_ls_dir('.')`],
    ['makes a large object', `SELECT lo_create(0) FROM pg_class`],
    ['reads a file under an escaped name', `SELECT U&"pg\\005fread_fil\\0065"('/etc/passwd')`],
    [
      'reads a file between comments',
      `SELECT/**/pg_catalog . /* /* nested */ */ "pg_read_file"--\n('/etc/passwd') FROM pg_class`,
    ],
    ['reads a file by name', `SELECT pg_read_file(filename => '/etc/passwd') FROM pg_class`],
    ['reads a file where rows are ordered', `SELECT 1 FROM pg_class ORDER BY pg_read_file('/etc/passwd')`],
    [
      'reads a file for an operator',
      `SELECT 1 FROM pg_class WHERE relname OPERATOR(pg_catalog.=) pg_read_file('/etc/passwd')`,
    ],
    ['reads a file for LIMIT', `SELECT 1 FROM pg_class LIMIT (SELECT length(pg_read_file('/etc/passwd')))`],
    ['reads a file into a large object', `SELECT lo_import('/etc/passwd') FROM pg_class`],
    ['writes a large object to a file', `SELECT lo_export(1, '/tmp/x') FROM pg_class`],
    ['lists directories as rows', `SELECT * FROM ROWS FROM (pg_ls_dir('.'), pg_ls_dir('/')) AS x, pg_class`],
    ['reaches another server', `SELECT dblink_connect('host=127.0.0.1') FROM pg_class`],
    ['asks another server', `SELECT * FROM pg_class, dblink('host=127.0.0.1', 'x') AS t(a int)`],
    ['writes a file', `SELECT pg_file_write('x', 'y', false) FROM pg_class`],
    ['waits where it is explained', `EXPLAIN ANALYZE SELECT pg_sleep(10) FROM pg_class`],
    ['waits', `SELECT pg_sleep(1000) FROM pg_class`],
    ['waits in a condition', `SELECT 1 FROM pg_class WHERE pg_sleep_for('1 day') IS NULL`],
    ['waits in ORDER BY', `SELECT 1 FROM pg_class ORDER BY pg_sleep(5)`],
    ['takes a lock', `SELECT pg_advisory_lock(1) FROM pg_class`],
    ['locks rows', `SELECT * FROM pg_class FOR UPDATE`],
    ['writes in WITH', `WITH gone AS (DELETE FROM pg_class RETURNING oid) SELECT * FROM gone, pg_type`],
    [
      'writes in WITH, deeper',
      `SELECT * FROM (WITH x AS (INSERT INTO users VALUES (1) RETURNING id) SELECT * FROM x) AS y, pg_class`,
    ],
    ['runs a text', `SELECT query_to_xml('DELETE FROM pg_class', true, true, '') FROM pg_class`],
    [
      'runs a text for statistics',
      `SELECT * FROM pg_class, ts_stat('SELECT to_tsvector(relname) FROM pg_class')`,
    ],
    ['signals in WHERE', `SELECT 1 FROM pg_stat_activity WHERE pg_terminate_backend(pid)`],
    ['signals what it merges', `SELECT DISTINCT pg_terminate_backend(pid) FROM pg_stat_activity`],
    ['signals beside a star', `SELECT *, pg_cancel_backend(pid) FROM pg_stat_activity`],
    ['signals in an expression', `SELECT NOT pg_cancel_backend(pid) FROM pg_stat_activity`],
    ['signals under a quoted name', `SELECT "pg_cancel_backend"(pid) FROM pg_stat_activity`],
    [
      'reads what is told of sessions',
      `SELECT pg_toast.pg_session_fact('millrace.activity', true) FROM pg_class`,
    ],
    ['calls what was replaced', `SELECT pg_toast.current_setting('millrace.settings') FROM pg_class`],
    ['sets what is the mirror’s', `SELECT set_config(relname, 'x', false) FROM pg_class`],
    ['exports', `SELECT pg_export_snapshot() FROM pg_class`],
    ['reads rows that the mirror has not', `SELECT * FROM pg_class, users`],
    ['reads them in a sub-query', `SELECT (SELECT max(id) FROM users) FROM pg_class`],
    ['reads them under another name', `WITH pg_type AS (TABLE users) SELECT * FROM pg_type, pg_class`],
    ['makes a table', `SELECT * INTO stolen FROM pg_class`],
  ])('that %s get 0A000', async (_, sql) => {
    await expect(client.query(sql)).rejects.toMatchObject({ code: '0A000' });
    await expect(client.query({ text: sql, values: [] })).rejects.toMatchObject({ code: '0A000' });
  });

  it.each([
    ['a program', `COPY pg_class TO PROGRAM 'id'`],
    ['a program with its rows', `COPY (SELECT relname FROM pg_class) TO PROGRAM 'id'`],
    ['rows of a program', `COPY users FROM PROGRAM 'id'`],
    ['a file', `COPY pg_class TO '/tmp/x'`],
    ['an update', `UPDATE pg_class SET relname = 'x'`],
    ['a deletion', 'DELETE FROM pg_catalog.pg_authid'],
    ['an insertion', `INSERT INTO pg_class (relname) VALUES ('x')`],
    ['DO', `DO $$ BEGIN DELETE FROM pg_class; END $$`],
    ['DO with an escaped text', `DO LANGUAGE plpgsql U&'BEGIN DELETE FROM pg_class\\003b END'`],
    ['CALL', `CALL pg_catalog.pg_sleep(1)`],
    ['backslash in a plain string', `SET standard_conforming_strings = off`],
    ['other role by set_config', `SELECT set_config('role', 'millrace', false) FROM pg_namespace`],
    [
      'other user by set_config',
      `SELECT set_config('session_authorization', 'millrace', false) FROM pg_namespace`,
    ],
    ['a truncation', 'TRUNCATE pg_class'],
    ['a view', 'CREATE VIEW v AS SELECT * FROM pg_class'],
    ['a materialized view', 'CREATE MATERIALIZED VIEW v AS SELECT * FROM pg_class'],
    ['a continuous query', 'SELECT * FROM pg_class EMIT CHANGES'],
    ['a drop', 'DROP TABLE pg_catalog.pg_class'],
  ])('give way to no %s', async (_, sql) => {
    await expect(client.query(sql)).rejects.toMatchObject({
      code: expect.stringMatching(/^(0A000|42809|42P01|42501|42601|55P02)$/),
    });
    expect(await rows(WORKS)).toEqual([{ n: 1 }]);
  });

  it.each([
    [`E'\\'; DROP TABLE users; --'`, `'; DROP TABLE users; --`],
    [`U&'\\0027; DROP TABLE users; --'`, `'; DROP TABLE users; --`],
    [`'\\''; DROP TABLE users; --'`, `\\'; DROP TABLE users; --`],
    [`$a$'; DROP TABLE users; --$a$`, `'; DROP TABLE users; --`],
    [`U&'!0027; DROP TABLE users; --' UESCAPE '!'`, `'; DROP TABLE users; --`],
  ])('read the string %s as it is', async (string, value) => {
    const sql = `SELECT ${string} AS text FROM pg_namespace WHERE nspname = 'public'`;
    expect(await rows(sql)).toEqual([{ text: value }]);
    await client.query(
      `SET application_name = ${string.startsWith('U&') ? `'${value.replaceAll("'", "''")}'` : string}`,
    );
    expect(
      await rows(
        `SELECT current_setting('application_name') AS text FROM pg_namespace WHERE nspname = 'public'`,
      ),
    ).toEqual([{ text: value }]);
    expect(await rows(WORKS)).toEqual([{ n: 1 }]);
    await client.query('RESET application_name');
  });

  it('have no second statement in the extended protocol', async () => {
    await expect(
      client.query({ text: 'SELECT relname FROM pg_class WHERE oid = $1; DROP TABLE users', values: [1] }),
    ).rejects.toMatchObject({ code: '42601' });
    expect(await rows(WORKS)).toEqual([{ n: 1 }]);
  });

  it('end with statement_timeout, and the next one is answered', async () => {
    await client.query("SET statement_timeout = '300ms'");
    await expect(client.query(ENDLESS)).rejects.toMatchObject({ code: '57014' });
    await client.query('RESET statement_timeout');
    expect(await rows(WORKS)).toEqual([{ n: 1 }]);
  }, 30_000);

  it('end when they are cancelled, and nobody else’s does', async () => {
    const [{ pid }] = (await rows('SELECT pg_backend_pid() AS pid')) as [{ pid: number }];
    const other = await server.connect('anna');
    const ended = expect(client.query(ENDLESS)).rejects.toMatchObject({ code: '57014' });
    const waiting = other.query(WORKS);
    const third = await server.connect('anna');
    await third.query('SELECT pg_cancel_backend($1)', [pid]);
    await ended;
    expect((await waiting).rows).toEqual([{ n: 1 }]);
    await Promise.all([other.end(), third.end()]);
  }, 30_000);

  it('give no more than so many bytes', async () => {
    const huge = `SELECT repeat('x', 1000000) FROM generate_series(1, 100) AS n, pg_namespace WHERE nspname = 'public'`;
    await expect(client.query(huge)).rejects.toMatchObject({ code: '54000' });
    expect(await rows(WORKS)).toEqual([{ n: 1 }]);
  }, 30_000);

  it('leave no mirror behind that holds much memory', async () => {
    const before = await server.metric('millrace_catalog_mirror_starts_total');
    expect(
      await rows(
        `SELECT length(repeat(left(nspname::text, 1), 230000000)) AS n FROM pg_namespace WHERE nspname = 'public'`,
      ),
    ).toEqual([{ n: 230_000_000 }]);
    expect(await rows(WORKS)).toEqual([{ n: 1 }]);
    expect(await server.metric('millrace_catalog_mirror_starts_total')).toBeGreaterThan(before);
  }, 60_000);

  it('nest as deep as they may', async () => {
    const deep = `SELECT ${'('.repeat(900)}relname${')'.repeat(900)} FROM pg_class WHERE relname = 'users'`;
    expect(await rows(deep)).toEqual([{ relname: 'users' }]);
    const calls = `SELECT ${'abs('.repeat(5000)}1${')'.repeat(5000)} FROM pg_class`;
    await expect(client.query(calls)).rejects.toMatchObject({ code: '54001' });
    expect(await rows(WORKS)).toEqual([{ n: 1 }]);
  });
});

const NAMES = [
  `it's`,
  'a "quoted" name',
  "'; DROP TABLE users; --",
  'line\nbreak\ttab',
  'back\\slash',
  '日本語🚰',
  '$$dollar$$',
  'x'.repeat(63),
  `${'y'.repeat(61)}é`,
  ' ',
  'pg_mine',
  'SELECT',
];
const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
const text = (value: string): string => `'${value.replaceAll("'", "''")}'`;

describe('names', () => {
  it.each(NAMES)('%j shows in the catalog as it is', async (name) => {
    await client.query(`CREATE SCHEMA ${quoted(`s${name}`.slice(0, 40))}`);
    const schema = `s${name}`.slice(0, 40);
    await client.query(
      `CREATE TABLE ${quoted(schema)}.${quoted(name)} (${quoted(name)} text DEFAULT ${text(name)}, PRIMARY KEY (${quoted(name)}))`,
    );
    await client.query(`COMMENT ON TABLE ${quoted(schema)}.${quoted(name)} IS ${text(name)}`);
    await client.query(
      `CREATE VIEW ${quoted(schema)}.v AS SELECT ${quoted(name)} FROM ${quoted(schema)}.${quoted(name)} WHERE ${quoted(name)} <> ${text(name)}`,
    );
    expect(
      await rows(
        `SELECT n.nspname, c.relname, a.attname, obj_description(c.oid) AS comment, pg_get_expr(d.adbin, d.adrelid) AS initial
          FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
          JOIN pg_attribute AS a ON a.attrelid = c.oid JOIN pg_attrdef AS d ON d.adrelid = c.oid
          WHERE c.relname = $1 AND c.relkind = 'r'`,
        [name],
      ),
    ).toEqual([{ nspname: schema, relname: name, attname: name, comment: name, initial: text(name) }]);
    expect(await rows('SELECT definition FROM pg_views WHERE schemaname = $1', [schema])).toEqual([
      { definition: expect.stringContaining(`<> ${text(name)};`) },
    ]);
    await client.query(`DROP SCHEMA ${quoted(schema)} CASCADE`);
    expect(await rows('SELECT nspname FROM pg_namespace WHERE nspname = $1', [schema])).toEqual([]);
  });

  it('of keys give way to those of relations', async () => {
    await client.query('CREATE TABLE k (id int4 PRIMARY KEY)');
    expect(
      await rows(`SELECT indexrelid::regclass::text AS name FROM pg_index WHERE indrelid = 'k'::regclass`),
    ).toEqual([{ name: 'k_pkey' }]);
    await client.query('CREATE TABLE k_pkey (id int4)');
    expect(
      await rows(`SELECT indexrelid::regclass::text AS name FROM pg_index WHERE indrelid = 'k'::regclass`),
    ).toEqual([{ name: 'k_pkey1' }]);
    expect(await rows(`SELECT relkind FROM pg_class WHERE relname = 'k_pkey'`)).toEqual([{ relkind: 'r' }]);
    await client.query('DROP TABLE k, k_pkey');
  });
});

describe('many at once', () => {
  it('are all answered, while relations come and go', async () => {
    const clients = await Promise.all(Array.from({ length: 20 }, () => server.connect('anna')));
    const asked = clients.map(async (one, i) => {
      for (let turn = 0; turn < 5; turn++) {
        const name = `t_${i}_${turn}`;
        await one.query(`CREATE TABLE ${name} (id int4 PRIMARY KEY)`);
        const { rows: found } = await one.query(
          `SELECT relkind::text FROM pg_class WHERE relname IN ('${name}', '${name}_pkey') ORDER BY 1`,
        );
        expect(found).toEqual([{ relkind: 'i' }, { relkind: 'r' }]);
        await one.query(`DROP TABLE ${name}`);
        const { rows: left } = await one.query(`SELECT 1 FROM pg_class WHERE relname = '${name}'`);
        expect(left).toEqual([]);
      }
    });
    await Promise.all(asked);
    await Promise.all(clients.map((one) => one.end()));
  }, 60_000);
});

describe('a restart', () => {
  it('keeps OIDs, and starts from the image that was kept', async () => {
    const dataDirectory = await mkdtemp(join(tmpdir(), 'millrace-'));
    try {
      const seen: unknown[] = [];
      for (let life = 0; life < 3; life++) {
        const restarted = await TestServer.start({ dataDirectory });
        const one = await restarted.connect('anna');
        if (life === 0) await one.query('CREATE TABLE kept (id int4 PRIMARY KEY)');
        seen.push(
          (await one.query(`SELECT oid, relname FROM pg_class WHERE relname LIKE 'kept%' ORDER BY 1`)).rows,
        );
        await one.end();
        const cache = join(dataDirectory, 'cache');
        // it is written beside the answers
        const image = await vi.waitFor(async () => {
          const files = await readdir(cache);
          expect(files).toEqual([expect.stringMatching(/^catalog-.*\.tar\.gz$/)]);
          return files[0];
        }, 10_000);
        await restarted.stop();
        // what was damaged is made anew
        const bytes = await readFile(join(cache, image!));
        if (life === 1) await writeFile(join(cache, image!), bytes.subarray(0, bytes.length / 2));
      }
      expect(seen[1]).toEqual(seen[0]);
      expect(seen[2]).toEqual(seen[0]);
    } finally {
      await rm(dataDirectory, { recursive: true, force: true });
    }
  }, 60_000);
});

/** As where the optional package was not installed. */
const ABSENT = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module';
  registerHooks({ resolve(name, context, next) {
    if (name === '@electric-sql/pglite') throw Object.assign(new Error('no such package'), { code: 'ERR_MODULE_NOT_FOUND' });
    return next(name, context);
  } });`)}`;

describe('without the package', () => {
  it('there is 0A000 with a hint, and all else works', async () => {
    const bare = await TestServer.start({ environment: { NODE_OPTIONS: `--import ${ABSENT}` } });
    const one = await bare.connect('anna');
    for (let i = 0; i < 2; i++) {
      await expect(one.query('SELECT * FROM pg_class')).rejects.toMatchObject({
        code: '0A000',
        hint: expect.stringContaining('@electric-sql/pglite'),
      });
    }
    expect((await one.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    await one.end();
    await bare.stop();
  }, 30_000);
});
