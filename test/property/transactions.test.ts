/** Blocks of random writes by one session: the same rows, tags and SQLSTATEs as PostgreSQL, statement by statement. */
import { PGlite } from '@electric-sql/pglite';
import fc from 'fast-check';
import type pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestServer } from '../support/server.ts';
import { askMillrace, askPostgres } from '../support/two-databases.ts';

let server: TestServer;
let client: pg.Client;
let postgres: PGlite;

const TABLES = `CREATE TABLE t (k int PRIMARY KEY, g text DEFAULT 'd', v int NOT NULL DEFAULT 1);
  CREATE TABLE p (a int, b text, c int, PRIMARY KEY (b, a));
  CREATE TABLE n (a int, b text)`;
const VIEWS: Readonly<Record<string, string>> = {
  by_group: 'SELECT g, count(*) AS n, sum(v) AS s, max(k) AS top FROM t GROUP BY g',
  groups: 'SELECT n, count(*) AS times FROM by_group GROUP BY n',
  distinct_values: 'SELECT DISTINCT g, v FROM t WHERE v < 3',
  first_two: 'SELECT k, v FROM t ORDER BY v DESC, k LIMIT 2',
  counted: 'SELECT count(DISTINCT v) AS d, count(*) FILTER (WHERE v > 2) AS big FROM t',
  either: "SELECT k, g FROM t WHERE v > 1 UNION ALL SELECT a, 'n' FROM n",
};

beforeAll(async () => {
  server = await TestServer.start();
  client = await server.connect();
  postgres = new PGlite();
  await postgres.exec(TABLES);
  for (const sql of TABLES.split(';')) await client.query(sql);
  for (const [name, query] of Object.entries(VIEWS)) {
    await client.query(`CREATE MATERIALIZED VIEW ${name} AS ${query}`);
    await postgres.exec(`CREATE VIEW ${name} AS ${query}`);
  }
}, 60_000);

afterAll(async () => {
  await client.end();
  await server.stop();
  await postgres.close();
});

const key = fc.integer({ min: 1, max: 5 });
const value = fc.constantFrom('1', '2', '3', 'NULL', 'DEFAULT');
const given = fc.constantFrom('1', '2', '3', 'NULL');
const text = fc.constantFrom("'a'", "'b'", 'NULL', 'DEFAULT');
const returning = fc.constantFrom(
  '',
  '',
  ' RETURNING *',
  ' RETURNING k, v + 1 AS more',
  ' RETURNING old.v, new.v, t.k',
  ' RETURNING WITH (OLD AS o, NEW AS x) o.k, x.g, o.*',
);
const tuples = fc
  .array(fc.tuple(key, text, value), { minLength: 1, maxLength: 4 })
  .map((rows) => rows.map((row) => `(${row.join(', ')})`).join(', '));
const condition = fc.oneof(
  key.map((k) => `k = ${k}`),
  given.map((v) => `v > ${v}`),
  fc.constant("g = 'a'"),
  fc.constant('k < (SELECT max(a) FROM n)'),
  fc.constant('v = (SELECT min(v) FROM t)'),
  fc.constant('k IN (SELECT a FROM n)'),
  fc.constant('v NOT IN (SELECT c FROM p)'),
  fc.constant('EXISTS (SELECT * FROM by_group WHERE n > 1)'),
);
const onConflict = fc.oneof(
  fc.constant(''),
  fc.constant(' ON CONFLICT DO NOTHING'),
  fc.constant(' ON CONFLICT (k) DO NOTHING'),
  fc.constant(' ON CONFLICT (k) DO UPDATE SET v = t.v + excluded.v, g = excluded.g'),
  fc.constant(' ON CONFLICT (k) DO UPDATE SET v = excluded.v WHERE t.v < excluded.v'),
  fc.constant(' ON CONFLICT ON CONSTRAINT t_pkey DO UPDATE SET (g, v) = (t.g, DEFAULT)'),
  fc.constant(' ON CONFLICT (k) DO UPDATE SET v = (SELECT count(*) FROM n)'),
  key.map((k) => ` ON CONFLICT (k) DO UPDATE SET k = ${k}`),
);

const write = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .tuple(tuples, onConflict, returning)
      .map(([rows, c, r]) => `INSERT INTO t VALUES ${rows}${c}${r}`),
  },
  { weight: 1, arbitrary: onConflict.map((c) => `INSERT INTO t SELECT a, b, a FROM n${c}`) },
  { weight: 1, arbitrary: fc.constant('INSERT INTO n SELECT k, g FROM t') },
  { weight: 1, arbitrary: fc.constant('INSERT INTO n SELECT top, g FROM by_group WHERE n > 1 RETURNING *') },
  {
    weight: 3,
    arbitrary: fc
      .tuple(given, condition, returning)
      .map(([v, c, r]) => `UPDATE t SET v = ${v} WHERE ${c}${r}`),
  },
  { weight: 2, arbitrary: fc.tuple(text, returning).map(([g, r]) => `UPDATE t SET g = ${g}, v = v + 1${r}`) },
  {
    weight: 2,
    arbitrary: fc.tuple(key, key, returning).map(([a, b, r]) => `UPDATE t SET k = ${a} WHERE k = ${b}${r}`),
  },
  { weight: 1, arbitrary: fc.constant('UPDATE t SET v = (SELECT max(k) FROM t) WHERE k = 2') },
  {
    weight: 1,
    arbitrary: fc.constant(
      "UPDATE t SET v = p.c, g = p.b FROM p WHERE p.a = t.k AND p.b = 'a' RETURNING t.*, p.c",
    ),
  },
  { weight: 1, arbitrary: fc.constant("DELETE FROM t USING p WHERE p.a = k AND p.b = 'b' RETURNING k, p.b") },
  { weight: 3, arbitrary: fc.tuple(condition, returning).map(([c, r]) => `DELETE FROM t WHERE ${c}${r}`) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(key, given)
      .map(
        ([a, c]) =>
          `INSERT INTO p VALUES (${a}, 'a', ${c}), (${a}, 'b', ${a}) ON CONFLICT (a, b) DO UPDATE SET c = excluded.c RETURNING *`,
      ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(key, given).map(([a, b]) => `INSERT INTO n VALUES (${a}, '${b}'), (${a}, '${b}')`),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(key, given).map(([a, b]) => `UPDATE n SET b = '${b}' WHERE a <= ${a} RETURNING *`),
  },
  { weight: 1, arbitrary: key.map((a) => `DELETE FROM n WHERE a = ${a}`) },
  { weight: 1, arbitrary: fc.constant('DELETE FROM n USING p WHERE p.a = n.a RETURNING n.*') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "UPDATE t SET (g, v) = (SELECT b, a FROM p WHERE a = 1 AND b = 'a') WHERE k < 3 RETURNING *",
      'UPDATE t SET (v, g) = (SELECT a, b FROM p)',
      "WITH w AS (SELECT a, c FROM p WHERE b = 'a') UPDATE t SET v = c FROM w WHERE w.a = k RETURNING t.*",
      'WITH w AS (SELECT a FROM n) DELETE FROM t WHERE k IN (SELECT a FROM w) RETURNING k, (SELECT count(*) FROM w)',
      "WITH w AS (SELECT max(k) AS top FROM t) INSERT INTO t VALUES ((SELECT top FROM w), 'w', 1) ON CONFLICT (k) DO UPDATE SET v = (SELECT top FROM w) RETURNING *",
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constant("UPDATE n SET b = c FROM p WHERE p.a = n.a AND p.b = 'b' RETURNING n.*, c"),
  },
  { weight: 1, arbitrary: fc.constantFrom('TRUNCATE t', 'TRUNCATE t, n', 'DELETE FROM p') },
);
const read = fc.constantFrom(
  'SELECT * FROM t',
  'SELECT * FROM p',
  'SELECT * FROM n',
  'SELECT count(*), sum(v) FROM t WHERE k > 2',
  ...Object.keys(VIEWS).map((name) => `SELECT * FROM ${name}`),
);
const savepoint = fc.constantFrom(
  'SAVEPOINT s',
  'ROLLBACK TO s',
  'RELEASE s',
  'SAVEPOINT r',
  'ROLLBACK TO r',
);
const inner = fc.oneof(
  { weight: 6, arbitrary: write },
  { weight: 3, arbitrary: read },
  { weight: 1, arbitrary: savepoint },
);
const block = fc
  .tuple(fc.array(inner, { maxLength: 8 }), fc.constantFrom('COMMIT', 'COMMIT', 'COMMIT', 'ROLLBACK'))
  .map(([statements, end]) => ['BEGIN', ...statements, end]);
const script = fc
  .array(
    fc.oneof(
      block,
      fc.oneof(write, read).map((statement) => [statement]),
    ),
    { minLength: 1, maxLength: 8 },
  )
  .map((parts) => parts.flat());

it('equals PostgreSQL, inside of blocks and outside', async () => {
  await fc.assert(
    fc.asyncProperty(script, async (statements) => {
      const wipe = ['TRUNCATE t', 'TRUNCATE p', 'TRUNCATE n'];
      const look = [...Object.keys(VIEWS), 't', 'p', 'n'].map((name) => `SELECT * FROM ${name}`);
      try {
        for (const sql of [...wipe, ...statements, ...look]) {
          const [ours, theirs] = [await askMillrace(client, sql), await askPostgres(postgres, sql)];
          expect({ sql, ...ours }).toEqual({ sql, ...theirs });
        }
      } finally {
        await askMillrace(client, 'ROLLBACK');
        await askPostgres(postgres, 'ROLLBACK');
      }
    }),
    { numRuns: Number(process.env['LAW_RUNS'] ?? 60) },
  );
}, 120_000);
