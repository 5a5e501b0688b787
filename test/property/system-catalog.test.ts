/** The mirror shows what SHOW lists, whatever was defined, renamed, granted and taken back, in blocks too, by several roles. */
import fc from 'fast-check';
import type pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestServer } from '../support/server.ts';

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
const name = fc.constantFrom('a', 'b', 't', 't_pkey', 'a_pkey', 'é x', '"q').map(quoted);
const schema = fc.constantFrom('public', 's1', 's2');
const role = fc.constantFrom('r1', 'r2', 'r3', 'R 4').map(quoted);
const changing = fc.constantFrom('r3', 'R 4').map(quoted);
const relation = fc.tuple(schema, name).map((parts) => parts.join('.'));

const statement = fc.oneof(
  schema.map((s) => `CREATE SCHEMA IF NOT EXISTS ${s}`),
  fc.constant('DROP SCHEMA s1 CASCADE'),
  relation.map((r) => `CREATE TABLE ${r} (id int8 PRIMARY KEY, x text DEFAULT 'é', y numeric(5,2) NOT NULL)`),
  relation.map(
    (r) => `CREATE STREAM ${r} (at timestamptz NOT NULL, id int8, x text, WATERMARK FOR at AS at)`,
  ),
  fc.tuple(relation, relation).map(([v, r]) => `CREATE OR REPLACE VIEW ${v} AS SELECT id FROM ${r}`),
  fc
    .tuple(relation, relation)
    .map(([v, r]) => `CREATE MATERIALIZED VIEW ${v} AS SELECT id, count(*) FROM ${r} GROUP BY id`),
  fc.tuple(relation, name).map(([r, i]) => `CREATE INDEX ${i} ON ${r} (x, id DESC)`),
  relation.map((r) => `CREATE INDEX ON ${r} (id)`),
  relation.map((i) => `DROP INDEX ${i}`),
  fc.tuple(relation, name).map(([i, n]) => `ALTER INDEX ${i} RENAME TO ${n}`),
  fc.tuple(relation, fc.nat(9)).map(([i, n]) => `COMMENT ON INDEX ${i} IS 'i${n}'`),
  relation.map((r) => `DROP TABLE ${r} CASCADE`),
  relation.map((r) => `DROP VIEW ${r} CASCADE`),
  relation.map((r) => `DROP STREAM ${r} CASCADE`),
  fc.tuple(relation, name).map(([r, n]) => `ALTER TABLE ${r} RENAME TO ${n}`),
  fc.tuple(relation, name).map(([r, n]) => `ALTER TABLE ${r} RENAME COLUMN x TO ${n}`),
  fc.tuple(relation, schema).map(([r, s]) => `ALTER TABLE ${r} SET SCHEMA ${s}`),
  fc.tuple(relation, fc.nat(9)).map(([r, n]) => `COMMENT ON TABLE ${r} IS 'c${n}'`),
  fc.tuple(relation, role).map(([r, to]) => `ALTER TABLE ${r} OWNER TO ${to}`),
  fc.tuple(relation, role).map(([r, to]) => `GRANT SELECT, INSERT ON ${r} TO ${to}`),
  fc.tuple(relation, role).map(([r, from]) => `REVOKE ALL ON ${r} FROM ${from}`),
  fc.tuple(schema, role).map(([s, to]) => `GRANT CREATE, USAGE ON SCHEMA ${s} TO ${to}`),
  changing.map((r) => `CREATE ROLE ${r}`),
  changing.map((r) => `DROP ROLE ${r}`),
  fc.tuple(changing, changing).map(([r, n]) => `ALTER ROLE ${r} RENAME TO ${n}`),
  fc.tuple(role, role).map(([r, to]) => `GRANT ${r} TO ${to}`),
  fc.tuple(relation, fc.nat(5)).map(([r, n]) => `CREATE POLICY p${n} ON ${r} USING (id > ${n})`),
  relation.map((r) => `ALTER TABLE ${r} ENABLE ROW LEVEL SECURITY`),
  fc.constantFrom('BEGIN', 'COMMIT', 'ROLLBACK', 'SAVEPOINT s', 'ROLLBACK TO s'),
);

/** Who runs a statement, and who looks then. */
const step = fc.record({ by: fc.constantFrom(0, 0, 1, 2), sql: statement, seenBy: fc.nat(2) });

const LISTS = [
  ['r', 'SHOW STREAMS'],
  ['r', 'SHOW TABLES'],
  ['v', 'SHOW VIEWS'],
  ['m', 'SHOW MATERIALIZED VIEWS'],
] as const;
const CATALOG = `SELECT n.nspname AS schema, c.relname AS name, c.relkind::text AS kind, obj_description(c.oid, 'pg_class') AS comment
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname IN ('public', 's1', 's2') AND c.relkind IN ('r', 'v', 'm')`;
/** What makes PostgreSQL look closer at relations. */
const DETAILS = [
  `SELECT pg_get_indexdef(indexrelid, 0, true), pg_get_constraintdef(k.oid, true)
    FROM pg_index LEFT JOIN pg_constraint AS k ON k.conindid = indexrelid`,
  'SELECT * FROM information_schema.columns',
  'SELECT * FROM pg_policies',
  `SELECT relacl::text, has_table_privilege(oid, 'SELECT') FROM pg_class`,
];

type Listed = Readonly<{ schema: string; name: string; comment: string | null }>;
const line = (row: Listed, kind: string): string => `${row.schema}.${row.name} ${kind} ${row.comment}`;

let server: TestServer;
let clients: pg.Client[];

beforeAll(async () => {
  server = await TestServer.start();
  const admin = await server.connect('anna');
  await admin.query('CREATE ROLE r1 LOGIN; CREATE ROLE r2 LOGIN; CREATE SCHEMA s1; CREATE SCHEMA s2');
  await admin.query('GRANT ALL ON SCHEMA public, s1, s2 TO r1, r2');
  clients = [admin, await server.connect('r1'), await server.connect('r2')];
}, 60_000);
afterAll(async () => {
  await Promise.all(clients.map((client) => client.end()));
  await server.stop();
});

async function listed(client: pg.Client): Promise<string[]> {
  const found: string[] = [];
  for (const [kind, show] of LISTS) {
    const { rows } = await client.query<Listed>(show);
    found.push(...rows.map((row) => line(row, kind)));
  }
  return found.sort();
}

it('shows what SHOW lists', async () => {
  let tried = 0;
  let done = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
      for (const { by, sql, seenBy } of steps) {
        tried++;
        try {
          await clients[by]!.query(sql);
          done++;
        } catch (error) {
          // refused, as most random statements are
          expect((error as { code: string }).code).not.toMatch(/^(XX|58)/);
        }
        const reader = clients[seenBy]!;
        try {
          const { rows } = await reader.query<Listed & { kind: string }>(CATALOG);
          expect(rows.map((row) => line(row, row.kind)).sort()).toEqual(await listed(reader));
          if (tried % 8 === 0) for (const detail of DETAILS) await reader.query(detail);
        } catch (error) {
          // its block has failed
          if ((error as { code?: string }).code !== '25P02') throw error;
        }
      }
      for (const client of clients) await client.query('ROLLBACK');
    }),
    { numRuns: 12 },
  );
  expect(done).toBeGreaterThan(10);
  // nothing has broken the mirror
  expect(await server.metric('millrace_catalog_mirror_starts_total')).toBe(1);
}, 120_000);
