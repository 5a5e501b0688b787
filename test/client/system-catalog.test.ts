/** The system catalog as drivers ask for it: simple and extended protocol, cursors, blocks, restarts. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestServer } from '../support/server.ts';

let server: TestServer;
let client: pg.Client;

const RELATIONS = `SELECT relname, relkind FROM pg_catalog.pg_class WHERE relnamespace = 'public'::regnamespace
  ORDER BY relname`;
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

describe('the system catalog', () => {
  it('is not started by what drivers ask at connect', async () => {
    for (const sql of [
      'SELECT 1',
      'SELECT version()',
      'SELECT current_schema(), current_user, pg_backend_pid()',
      'SHOW server_version',
      "SET application_name = 'x'",
      "SELECT current_setting('server_version_num')::int4",
      'SELECT pg_is_in_recovery()',
      "SELECT pg_has_role('millrace', 'USAGE')",
    ]) {
      await client.query(sql);
    }
    expect(await server.metric('millrace_catalog_mirror_running')).toBe(0);
    expect(await server.metric('millrace_catalog_queries_total')).toBe(0);
  });

  it('shows relations with their kinds', async () => {
    await client.query(`
      CREATE STREAM tweets (at timestamptz NOT NULL, tag text, score float8 DEFAULT 1.5, WATERMARK FOR at AS at);
      CREATE TABLE users (id bigint PRIMARY KEY, name varchar(20) NOT NULL, tags text[]);
      CREATE VIEW names AS SELECT id, name FROM users WHERE id > 3;
      CREATE MATERIALIZED VIEW counts AS SELECT tag, count(*) AS n FROM tweets GROUP BY tag;
      COMMENT ON TABLE users IS 'it''s "people"'`);
    expect(await rows(RELATIONS)).toEqual([
      { relname: 'counts', relkind: 'm' },
      { relname: 'names', relkind: 'v' },
      { relname: 'tweets', relkind: 'r' },
      { relname: 'users', relkind: 'r' },
      { relname: 'users_pkey', relkind: 'i' },
    ]);
    expect(await server.metric('millrace_catalog_mirror_running')).toBe(1);
  }, 30_000);

  it('takes parameters and describes columns', async () => {
    const { rows: found, fields } = await client.query(
      'SELECT c.oid, c.oid::regclass AS relation, relnatts, reltuples FROM pg_class AS c WHERE relname = $1 AND relnatts > $2',
      ['users', 1],
    );
    expect(found).toEqual([{ oid: expect.any(Number), relation: 'users', relnatts: 3, reltuples: -1 }]);
    expect(fields.map((field) => field.dataTypeID)).toEqual([26, 2205, 21, 700]);
    expect(fields[0]?.tableID).toBe(1259);
    expect(await rows('SELECT obj_description($1::regclass) AS comment', ['users'])).toEqual([
      { comment: 'it\'s "people"' },
    ]);
  });

  it('gives errors with positions in the text that was sent', async () => {
    const sql = 'SELECT 1; SELECT relname, nosuch FROM pg_class';
    await expect(client.query(sql)).rejects.toMatchObject({ code: '42703', position: '27' });
    await expect(client.query("SELECT 'nosuch'::regclass")).rejects.toMatchObject({ code: '42P01' });
    await expect(client.query('SELECT $1::regclass', ['nosuch'])).rejects.toMatchObject({ code: '42P01' });
    expect(await rows('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('follows renames, replacements and drops', async () => {
    await client.query('ALTER TABLE users RENAME COLUMN name TO label');
    await client.query('CREATE OR REPLACE VIEW names AS SELECT id, label AS name FROM users WHERE id > 4');
    await client.query('DROP MATERIALIZED VIEW counts');
    expect(
      await rows(
        `SELECT attname FROM pg_attribute WHERE attrelid = 'users'::regclass AND attnum > 0 ORDER BY attnum`,
      ),
    ).toEqual([{ attname: 'id' }, { attname: 'label' }, { attname: 'tags' }]);
    expect(await rows(`SELECT pg_get_viewdef('names'::regclass) AS text`)).toEqual([
      { text: ' SELECT id, label AS name FROM users WHERE id > 4;' },
    ]);
    expect(await rows(`SELECT to_regclass('counts') AS oid`)).toEqual([{ oid: null }]);
  });

  it('shows a block its own changes, and others nothing of them', async () => {
    const other = await server.connect('anna');
    await client.query('BEGIN');
    await client.query('CREATE TABLE "new ""table""" (id int4 PRIMARY KEY)');
    const found = `SELECT relname FROM pg_class WHERE relname LIKE 'new%' AND relkind = 'r'`;
    expect(await rows(found)).toEqual([{ relname: 'new "table"' }]);
    expect(await rows(found, [], other)).toEqual([]);
    expect(await rows(found)).toEqual([{ relname: 'new "table"' }]);
    await client.query('ROLLBACK');
    expect(await rows(found)).toEqual([]);
    await other.end();
  });

  it('is read through cursors, PREPARE and COPY', async () => {
    await client.query('BEGIN');
    await client.query(`DECLARE c CURSOR FOR ${RELATIONS}`);
    expect(await rows('FETCH 1 FROM c')).toEqual([{ relname: 'names', relkind: 'v' }]);
    expect(await rows('FETCH ALL FROM c')).toHaveLength(3);
    await client.query('COMMIT');
    await client.query('PREPARE p (text) AS SELECT relkind FROM pg_class WHERE relname = $1');
    expect(await rows(`EXECUTE p ('users')`)).toEqual([{ relkind: 'r' }]);
    await client.query('DEALLOCATE p');
    await client.query('PREPARE q (oid, text) AS SELECT relname || $2 AS name FROM pg_class WHERE oid = $1');
    expect(await rows(`EXECUTE q ('1259', '!')`)).toEqual([{ name: 'pg_class!' }]);
    await client.query('DEALLOCATE q');
    await expect(client.query('PREPARE r (oid) AS SELECT $1')).rejects.toMatchObject({
      code: expect.stringMatching(/^(0A000|42P18)$/),
    });
  });

  it('explains its queries', async () => {
    const asked = `SELECT relname FROM pg_class WHERE oid = 1259`;
    for (const sql of [
      `EXPLAIN ${asked}`,
      `EXPLAIN (ANALYZE, BUFFERS) ${asked}`,
      `EXPLAIN VERBOSE ${asked}`,
    ]) {
      const { command, fields, rows: lines } = await client.query(sql);
      expect(command).toBe('EXPLAIN');
      expect(fields.map((field) => [field.name, field.dataTypeID])).toEqual([['QUERY PLAN', 25]]);
      expect(lines[0]['QUERY PLAN']).toMatch(/pg_class.*\(cost=\d+\.\d+\.\.\d+\.\d+ rows=1/);
    }
    const [json] = await rows(`EXPLAIN (FORMAT JSON) ${asked}`);
    expect(json).toEqual({
      'QUERY PLAN': [{ Plan: expect.objectContaining({ 'Relation Name': 'pg_class' }) }],
    });
    const { fields } = await client.query(`EXPLAIN (FORMAT XML) ${asked}`);
    expect(fields[0]!.dataTypeID).toBe(142);
    expect(await rows('EXPLAIN SELECT relname FROM pg_class WHERE oid = $1', [1259])).toHaveLength(2);
    // neither sets nor signals
    await client.query(
      `EXPLAIN ANALYZE SELECT set_config('application_name', 'changed', false) FROM pg_class`,
    );
    await client.query('EXPLAIN ANALYZE SELECT pg_terminate_backend(pid) FROM pg_stat_activity');
    expect(await rows('SHOW application_name')).toEqual([{ application_name: 'x' }]);
    await expect(client.query(`EXPLAIN SELECT nothing FROM pg_class`)).rejects.toMatchObject({
      code: '42703',
      position: '16',
    });
    for (const [sql, code] of [
      [`EXPLAIN (ANALYZE, DURATION '1s') ${asked}`, '22023'],
      [`EXPLAIN (FORMAT XML) SELECT 1`, '0A000'],
      [`EXPLAIN SELECT pg_sleep(1) FROM pg_class`, '0A000'],
    ]) {
      await expect(client.query(sql!)).rejects.toMatchObject({ code });
    }
  });

  it('sets settings that are named by rows only where there is no row', async () => {
    const set = (name: string): string =>
      `SELECT set_config(name, 'view', false) FROM pg_settings WHERE name = '${name}'`;
    expect(await rows(set('restrict_nonsystem_relation_kind'))).toEqual([]);
    await expect(client.query(set('application_name'))).rejects.toMatchObject({ code: '0A000' });
    expect(await rows('SHOW application_name')).toEqual([{ application_name: 'x' }]);
  });

  it('makes rows of what the session is asked for', async () => {
    expect(await rows('SELECT * FROM unnest(current_schemas(true)) AS schema')).toEqual([
      { schema: 'pg_catalog' },
      { schema: 'public' },
    ]);
    expect(await rows('SELECT unnest(current_schemas($1))', [false])).toEqual([{ unnest: 'public' }]);
    await expect(client.query('SELECT unnest(tags) FROM users')).rejects.toMatchObject({ code: '42883' });
  });

  it('shows owners, grants and memberships', async () => {
    await client.query(`CREATE ROLE reader LOGIN; CREATE ROLE "we ird""role"; GRANT reader TO "we ird""role";
      GRANT SELECT ON users TO reader WITH GRANT OPTION; ALTER VIEW names OWNER TO "we ird""role"`);
    expect(
      await rows(`SELECT relname, relowner::regrole::text AS owner, relacl::text FROM pg_class
        WHERE relname IN ('names', 'users') ORDER BY 1`),
    ).toEqual([
      { relname: 'names', owner: '"we ird""role"', relacl: null },
      {
        relname: 'users',
        owner: 'millrace',
        relacl: '{millrace=arwdDxtm/millrace,reader=r*/millrace}',
      },
    ]);
    expect(await rows(`SELECT pg_has_role('we ird"role', 'reader', 'USAGE') AS is_member`)).toEqual([
      { is_member: true },
    ]);
    const reader = await server.connect('reader');
    expect(
      await rows(
        `SELECT has_table_privilege('users', 'SELECT') AS may_read, has_table_privilege('users', 'INSERT') AS may_write`,
        [],
        reader,
      ),
    ).toEqual([{ may_read: true, may_write: false }]);
    for (const sql of ['SELECT * FROM pg_authid', 'EXPLAIN SELECT * FROM pg_authid']) {
      await expect(reader.query(sql)).rejects.toMatchObject({ code: '42501' });
    }
    await reader.end();
  });

  it('knows the columns that results say they show', async () => {
    await client.query(`CREATE TABLE shown (id bigint PRIMARY KEY, name text); CREATE VIEW shown_view AS SELECT name, id FROM shown;
      CREATE MATERIALIZED VIEW shown_counts AS SELECT name, count(*) AS n FROM shown GROUP BY name`);
    const asked = 'SELECT name AS shown, id + 1 AS next, id FROM shown';
    const named = async ({ fields }: pg.QueryResult): Promise<unknown[]> =>
      Promise.all(
        fields.map(async ({ tableID, columnID }) => {
          const [found] = await rows(
            `SELECT attrelid::regclass || '.' || attname AS name FROM pg_attribute WHERE attrelid = $1 AND attnum = $2`,
            [tableID, columnID],
          );
          return (found as { name: string } | undefined)?.name ?? null;
        }),
      );
    const expected = ['shown.name', null, 'shown.id'];
    expect(await named(await client.query(asked))).toEqual(expected);
    expect(
      await named(await client.query({ name: 'asked', text: `${asked} WHERE id > $1`, values: [0] })),
    ).toEqual(expected);
    await client.query(`PREPARE asked_again AS ${asked}`);
    expect(await named(await client.query('EXECUTE asked_again'))).toEqual(expected);
    expect(await named(await client.query('SELECT * FROM shown_view'))).toEqual([
      'shown_view.name',
      'shown_view.id',
    ]);
    expect(await named(await client.query('SELECT * FROM shown_counts'))).toEqual([
      'shown_counts.name',
      'shown_counts.n',
    ]);
    await client.query(`BEGIN; DECLARE c CURSOR FOR ${asked}`);
    expect(await named(await client.query('FETCH 1 FROM c'))).toEqual(expected);
    await client.query('COMMIT; DEALLOCATE asked_again; DROP TABLE shown CASCADE');
  });

  it('shows that everything was revoked', async () => {
    await client.query(`CREATE TABLE closed (id bigint PRIMARY KEY); REVOKE ALL ON closed FROM millrace;
      CREATE SCHEMA shut; REVOKE ALL ON SCHEMA shut FROM millrace`);
    expect(
      await rows(`SELECT relacl::text AS access FROM pg_class WHERE relname = 'closed'
        UNION ALL SELECT nspacl::text FROM pg_namespace WHERE nspname = 'shut'`),
    ).toEqual([{ access: '{}' }, { access: '{}' }]);
    await client.query('DROP TABLE closed; DROP SCHEMA shut');
  });

  it.each(["we'ird", '"quoted"', 'ünï🚰', 'public', 'none', 'x'.repeat(64), ' '])(
    'knows user %j, who has no role',
    async (user) => {
      const one = await server.connect(user);
      const { rows: found } = await one.query(
        `SELECT current_user::text AS me, session_user::text AS self, rolsuper FROM pg_roles WHERE rolname = current_user`,
      );
      const name = user.slice(0, 63);
      expect(found).toEqual([{ me: name, self: name, rolsuper: true }]);
      await one.end();
    },
  );

  it('follows the role that owns all when it is renamed', async () => {
    const reader = await server.connect('reader');
    const owner = `SELECT pg_get_userbyid(10) AS name FROM pg_namespace LIMIT 1`;
    await client.query('CREATE ROLE chief SUPERUSER LOGIN');
    const chief = await server.connect('chief');
    await chief.query('ALTER ROLE millrace RENAME TO "the boss"');
    expect(await rows(owner, [], reader)).toEqual([{ name: 'the boss' }]);
    await chief.query('ALTER ROLE "the boss" RENAME TO millrace');
    expect(await rows(owner, [], reader)).toEqual([{ name: 'millrace' }]);
    await Promise.all([reader.end(), chief.end()]);
  });

  it('agrees with what is answered without it', async () => {
    for (const call of [
      'version()',
      'pg_backend_pid()',
      'current_database()',
      'current_schema()::text',
      'current_schemas(true)::text',
      'pg_postmaster_start_time()::text',
      'pg_conf_load_time()::text',
      `current_setting('server_version_num')`,
    ]) {
      const [own] = await rows(`SELECT ${call} AS answer`);
      const [mirrored] = await rows(`SELECT ${call} AS answer FROM pg_class LIMIT 1`);
      expect([call, mirrored]).toEqual([call, own]);
    }
  });

  it('comes as JSON over HTTP', async () => {
    const answer = await fetch(`${server.url}/query`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({
        sql: 'SELECT relnatts, relname::text, oid::regclass AS relation, relacl IS NULL AS bare FROM pg_class WHERE relname = $1',
        params: ['users'],
      }),
    });
    expect(await answer.json()).toMatchObject({
      columns: [
        { name: 'relnatts', type: 'smallint' },
        { name: 'relname', type: 'text' },
        { name: 'relation', type: 'text' },
        { name: 'bare', type: 'boolean' },
      ],
      rows: [[3, 'users', 'users', false]],
    });
  });

  it('shows policies, also while it looks closer at their relation', async () => {
    await client.query(`CREATE POLICY few ON users FOR SELECT TO reader USING (id > 3 AND label <> 'naïve ''x''');
      CREATE POLICY sane ON users AS RESTRICTIVE WITH CHECK (id > 0); ALTER TABLE users ENABLE ROW LEVEL SECURITY`);
    expect(
      await rows(
        'SELECT policyname, permissive, roles::text, cmd, qual, with_check FROM pg_policies ORDER BY 1',
      ),
    ).toEqual([
      {
        policyname: 'few',
        permissive: 'PERMISSIVE',
        roles: '{reader}',
        cmd: 'SELECT',
        qual: expect.stringMatching(/id > 3 and label <> 'naïve ''x'''/i),
        with_check: null,
      },
      {
        policyname: 'sane',
        permissive: 'RESTRICTIVE',
        roles: '{public}',
        cmd: 'ALL',
        qual: null,
        with_check: expect.stringMatching(/id > 0/),
      },
    ]);
    expect(
      await rows(`SELECT relrowsecurity, pg_get_indexdef(indexrelid, 0, true) AS text FROM pg_class AS c
        JOIN pg_index AS i ON i.indrelid = c.oid WHERE relname = 'users'`),
    ).toEqual([{ relrowsecurity: true, text: 'CREATE UNIQUE INDEX users_pkey ON users USING btree (id)' }]);
  });

  it('shows default privileges, and texts that are cut within a character', async () => {
    await client.query('ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO reader');
    expect(
      await rows(`SELECT defaclrole::regrole::text AS role, defaclnamespace::regnamespace::text AS schema,
        defaclobjtype, defaclacl::text FROM pg_default_acl`),
    ).toEqual([{ role: 'millrace', schema: 'public', defaclobjtype: 'r', defaclacl: '{reader=r/millrace}' }]);
    const other = await server.connect('anna');
    const long = `SELECT '${'🚰'.repeat(2_000)}' AS text`;
    await other.query(long);
    expect(
      await rows(`SELECT length(query) > 500 AS shown FROM pg_stat_activity WHERE query LIKE 'SELECT ''🚰%'`),
    ).toEqual([{ shown: true }]);
    await other.end();
  });

  it.each([
    [`SELECT 16::oid AS a`, '16'],
    [`SELECT CAST('16' AS oid) AS a`, '16'],
    [`SELECT CAST('{16}' AS oid[])::text AS a`, '{16}'],
    [`SELECT oid '16' AS a`, '16'],
    [`SELECT 'x'::"char" AS a`, 'x'],
    [`SELECT 'x'::name AS a`, 'x'],
    [`SELECT U&"\\0066ormat_type"(20, -1) AS a`, 'bigint'],
    [`SELECT 'int8'::regtype AS a`, 'bigint'],
    [`SELECT a.* FROM (VALUES ('int8'::regtype)) AS a (a)`, 'bigint'],
    [`SELECT has_schema_privilege('public', 'USAGE') AS a`, 'true'],
    [`SELECT aclexplode(NULL::aclitem[]) IS NULL AS a WHERE false UNION SELECT true`, 'true'],
  ])('answers %s, which names no relation', async (sql, a) => {
    expect((await rows(sql)).map((row) => String((row as { a: unknown }).a))).toEqual([a]);
  });

  it('leaves what only looks like it alone', async () => {
    await client.query('CREATE TABLE "pg_own" (name text PRIMARY KEY, oid int4)');
    await client.query(`INSERT INTO pg_own VALUES ('a', 1)`);
    const before = await server.metric('millrace_catalog_queries_total');
    expect(await rows('SELECT name, oid FROM pg_own WHERE name = $1', ['a'])).toEqual([
      { name: 'a', oid: 1 },
    ]);
    expect(await rows(`SELECT upper(name) AS name, 'pg_class' AS oid FROM pg_own`)).toEqual([
      { name: 'A', oid: 'pg_class' },
    ]);
    expect(await server.metric('millrace_catalog_queries_total')).toBe(before);
  });
});
