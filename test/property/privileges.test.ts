/** Random grants, revokes, memberships, owners and policies by random roles: the same answers as PostgreSQL, one by one. */
import { PGlite } from '@electric-sql/pglite';
import fc from 'fast-check';
import type pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestServer } from '../support/server.ts';

let server: TestServer;
let client: pg.Client;
let postgres: PGlite;

const ROLES = ['r0', 'r1', 'r2', 'r3'];

beforeAll(async () => {
  server = await TestServer.start({ trust: true });
  client = await server.connect();
  postgres = new PGlite();
  await postgres.waitReady;
}, 60_000);

afterAll(async () => {
  await client.end();
  await server.stop();
  await postgres.close();
});

type Reply = readonly string[] | string;

/** The owner of all has another name there. */
const named = (text: string): string => text.replaceAll('postgres', 'millrace');

const failure = (error: unknown): string => {
  const { code, message } = error as { code?: string; message: string };
  if (code === undefined) throw error;
  return named(`${code} ${message}`);
};

const lines = (rows: readonly unknown[][]): readonly string[] =>
  rows.map((row) => named(row.join('|'))).sort();

async function ask(sql: string): Promise<Reply> {
  try {
    return lines((await client.query({ text: sql, rowMode: 'array' })).rows as unknown[][]);
  } catch (error) {
    return failure(error);
  }
}

async function askPostgres(sql: string): Promise<Reply> {
  try {
    const { rows } = await postgres.query(sql.replaceAll('millrace', 'postgres'), [], { rowMode: 'array' });
    return lines(rows as unknown[][]);
  } catch (error) {
    return failure(error);
  }
}

const role = fc.constantFrom(...ROLES);
const anyone = fc.constantFrom(...ROLES, 'PUBLIC');
const relation = fc.constantFrom('pt', 'pv');
const privileges = fc.oneof(
  fc.constant('ALL'),
  fc.subarray(['SELECT', 'INSERT', 'UPDATE', 'DELETE'], { minLength: 1 }).map((list) => list.join(', ')),
);
const flag = (text: string) => fc.constantFrom('', '', text);
const command = fc.constantFrom('ALL', 'SELECT', 'INSERT', 'UPDATE', 'DELETE');
const condition = fc.constantFrom('n > 1', 'n < 3', 'who = current_user', 'true', 'n <> 2');

const statement = fc.oneof(
  { weight: 4, arbitrary: fc.oneof(role, fc.constant('millrace')).map((name) => `SET ROLE ${name}`) },
  {
    weight: 5,
    arbitrary: fc
      .tuple(privileges, relation, anyone, flag(' WITH GRANT OPTION'))
      .map(([what, on, to, option]) => `GRANT ${what} ON ${on} TO ${to}${option}`),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(flag('GRANT OPTION FOR '), privileges, relation, anyone, flag(' CASCADE'))
      .map(([option, what, on, from, cascade]) => `REVOKE ${option}${what} ON ${on} FROM ${from}${cascade}`),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(role, role, fc.constantFrom('', ' WITH ADMIN OPTION', ' WITH INHERIT FALSE', ' WITH SET FALSE'))
      .map(([of, to, option]) => `GRANT ${of} TO ${to}${option}`),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(flag('ADMIN OPTION FOR '), role, role, flag(' CASCADE'))
      .map(([option, of, from, cascade]) => `REVOKE ${option}${of} FROM ${from}${cascade}`),
  },
  { weight: 1, arbitrary: role.map((to) => `ALTER TABLE pt OWNER TO ${to}`) },
  { weight: 1, arbitrary: role.map((to) => `ALTER VIEW pv OWNER TO ${to}`) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('ENABLE', 'ENABLE', 'DISABLE', 'FORCE', 'NO FORCE')
      .map((what) => `ALTER TABLE pt ${what} ROW LEVEL SECURITY`),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.constantFrom('p', 'q', 's'), flag(' AS RESTRICTIVE'), command, anyone, condition)
      .map(([name, kind, of, to, text]) => {
        const clause = of === 'INSERT' ? 'WITH CHECK' : 'USING';
        return `CREATE POLICY ${name} ON pt${kind} FOR ${of} TO ${to} ${clause} (${text})`;
      }),
  },
  { weight: 1, arbitrary: fc.constantFrom('p', 'q', 's').map((name) => `DROP POLICY ${name} ON pt`) },
  { weight: 4, arbitrary: relation.map((name) => `SELECT * FROM ${name}`) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.integer({ min: 0, max: 4 }), fc.constantFrom(...ROLES), flag(' RETURNING n'))
      .map(([n, who, back]) => `INSERT INTO pt (who, n) VALUES ('${who}', ${n})${back}`),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        fc.constantFrom('n = 2', 'n = n', `who = 'r1'`),
        fc.constantFrom('', ' WHERE n > 1', ` WHERE who = 'r0'`),
      )
      .map(([set, where]) => `UPDATE pt SET ${set}${where}`),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('', ' WHERE n = 0', ' RETURNING n').map((rest) => `DELETE FROM pt${rest}`),
  },
);

const ACCESS = `SELECT relname, relacl::text, pg_get_userbyid(relowner) FROM pg_class WHERE relname IN ('pt', 'pv')`;

const SET_UP = [
  ...ROLES.map((name) => `CREATE ROLE ${name}`),
  'GRANT CREATE ON SCHEMA public TO r0, r1, r2, r3',
  'CREATE TABLE pt (who text, n int)',
  `INSERT INTO pt VALUES ('r0', 0), ('r1', 1), ('r2', 2), ('r0', 3)`,
  'CREATE VIEW pv AS SELECT who, n FROM pt',
];
const CLEAN_UP = [
  'SET ROLE millrace',
  'DROP VIEW IF EXISTS pv',
  'DROP TABLE IF EXISTS pt',
  ...ROLES.map((name) => `DROP OWNED BY ${name} CASCADE`),
  ...ROLES.map((name) => `DROP ROLE ${name}`),
];

it('answers as PostgreSQL, statement by statement', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(statement, { minLength: 10, maxLength: 40 }), async (statements) => {
      const script = [...SET_UP, ...statements, 'SET ROLE millrace', ACCESS, 'SELECT * FROM pt'];
      const ours: [string, Reply][] = [];
      const theirs: [string, Reply][] = [];
      try {
        for (const sql of script) {
          ours.push([sql, await ask(sql)]);
          theirs.push([sql, await askPostgres(sql)]);
        }
      } finally {
        for (const sql of CLEAN_UP) {
          await ask(sql);
          await askPostgres(sql);
        }
      }
      expect(ours).toEqual(theirs);
    }),
    { numRuns: Number(process.env['PRIVILEGE_RUNS'] ?? 25) },
  );
}, 300_000);
