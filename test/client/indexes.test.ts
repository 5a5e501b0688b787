/** Indexes over the wire: who may make them, blocks and sessions beside each other, what the catalog shows. */
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestServer } from '../support/server.ts';

let server: TestServer;
let anna: pg.Client;
let berta: pg.Client;
let guest: pg.Client;

beforeAll(async () => {
  server = await TestServer.start();
  const connect = async (user: string): Promise<pg.Client> => {
    const client = new pg.Client({ host: '127.0.0.1', port: server.pgPort, user, database: 'millrace' });
    await client.connect();
    return client;
  };
  anna = await connect('anna');
  await anna.query('CREATE ROLE guest LOGIN');
  [berta, guest] = [await connect('berta'), await connect('guest')];
}, 60_000);
afterAll(async () => {
  await Promise.all([anna, berta, guest].map((client) => client.end()));
  await server.stop();
});

const codeOf = async (client: pg.Client, sql: string): Promise<string> => {
  try {
    await client.query(sql);
    return 'done';
  } catch (error) {
    return (error as { code: string }).code;
  }
};

const definitions = async (): Promise<string[]> => {
  const { rows } = await anna.query<{ indexdef: string }>('SELECT indexdef FROM pg_indexes ORDER BY 1');
  return rows.map(({ indexdef }) => indexdef).filter((text) => !text.includes('pg_catalog'));
};

it('is for the owner of the relation, in a schema where it may make things', async () => {
  await anna.query(
    'CREATE TABLE owned (a int); GRANT ALL ON owned TO guest; CREATE INDEX theirs ON owned (a)',
  );
  for (const sql of [
    'CREATE INDEX ON owned (a)',
    'DROP INDEX theirs',
    'ALTER INDEX theirs RENAME TO mine',
    "COMMENT ON INDEX theirs IS 'x'",
    'REINDEX INDEX theirs',
    'REINDEX TABLE owned',
  ])
    expect([sql, await codeOf(guest, sql)]).toEqual([sql, '42501']);
  await anna.query('ALTER TABLE owned OWNER TO guest');
  expect(await codeOf(guest, 'DROP INDEX theirs')).toBe('done');
  // schema public is for looking in
  expect(await codeOf(guest, 'CREATE INDEX ON owned (a)')).toBe('42501');
  await anna.query('GRANT CREATE ON SCHEMA public TO guest');
  expect(await codeOf(guest, 'CREATE INDEX ON owned (a); REINDEX TABLE owned')).toBe('done');
  expect(await definitions()).toEqual(['CREATE INDEX owned_a_idx ON public.owned USING btree (a)']);
  await anna.query('DROP TABLE owned');
  expect(await definitions()).toEqual([]);
});

it('in a block it is there for the block at once, and for others after COMMIT', async () => {
  await anna.query(
    'CREATE TABLE t (a int, b text); INSERT INTO t VALUES (1, $$x$$), (2, $$y$$); CREATE INDEX i ON t (a)',
  );
  await anna.query('BEGIN; DROP TABLE t; CREATE TABLE t (a int, b text); CREATE INDEX i ON t (b DESC)');
  expect(await definitions()).toEqual(['CREATE INDEX i ON public.t USING btree (b DESC)']);
  expect(await codeOf(berta, 'DROP INDEX i; CREATE INDEX i ON t (a)')).toBe('done');
  // what the block dropped is another one now
  expect(await codeOf(anna, 'COMMIT')).toBe('done');
  expect(await definitions()).toEqual(['CREATE INDEX i ON public.t USING btree (b DESC)']);
  await anna.query('DROP TABLE IF EXISTS t; CREATE TABLE t (a int, b text)');
  expect(await definitions()).toEqual([]);

  await anna.query('BEGIN; CREATE INDEX named ON t (a)');
  await berta.query('CREATE INDEX named ON t (b)');
  expect(await codeOf(anna, 'COMMIT')).toBe('42P07');
  await anna.query('BEGIN; CREATE INDEX other ON t (a)');
  await berta.query('DROP TABLE t');
  expect(await codeOf(anna, 'COMMIT')).toBe('40001');
  expect(await definitions()).toEqual([]);

  await anna.query('BEGIN; CREATE TABLE t (a int); CREATE INDEX clash ON t (a)');
  await berta.query('CREATE TABLE clash (a int)');
  expect(await codeOf(anna, 'COMMIT')).toBe('42P07');

  await anna.query('CREATE TABLE t (a int)');
  await anna.query(
    'BEGIN; CREATE INDEX undone ON t (a); SAVEPOINT s; DROP INDEX undone; ROLLBACK TO s; ROLLBACK',
  );
  expect(await definitions()).toEqual([]);
  await anna.query(
    'BEGIN; CREATE INDEX made ON t (a); INSERT INTO t VALUES (7), (8); SELECT * FROM t WHERE a = 7; COMMIT',
  );
  expect((await berta.query('SELECT a FROM t WHERE a = $1', [7])).rows).toEqual([{ a: 7 }]);
});

it('goes with its table into another schema, and takes part in its names', async () => {
  await anna.query(
    'CREATE SCHEMA s; CREATE TABLE s.u (a int); CREATE INDEX moved ON s.u (a); CREATE TABLE v (moved int)',
  );
  expect(await codeOf(anna, 'ALTER TABLE v RENAME TO moved; ALTER TABLE s.u SET SCHEMA public')).toBe(
    '42P07',
  );
  await anna.query('DROP TABLE IF EXISTS moved; DROP TABLE IF EXISTS v; ALTER TABLE s.u SET SCHEMA public');
  expect(await definitions()).toContain('CREATE INDEX moved ON public.u USING btree (a)');
  expect(await codeOf(anna, 'DROP INDEX s.moved')).toBe('42704');
  const long = 'x'.repeat(63);
  await anna.query(`CREATE TABLE ${long} (${'é'.repeat(31)} int, b int)`);
  for (let i = 0; i < 3; i++) await anna.query(`CREATE INDEX ON ${long} (${'é'.repeat(31)}, b)`);
  const { rows } = await anna.query<{ indexname: string }>(
    'SELECT indexname FROM pg_indexes WHERE tablename = $1 ORDER BY 1',
    [long],
  );
  expect(rows.map(({ indexname }) => Buffer.byteLength(indexname) <= 63)).toEqual([true, true, true]);
  expect(rows.map(({ indexname }) => indexname.replace(/^.*_/, ''))).toEqual(['idx', 'idx1', 'idx2']);
});

it('at most so many of a table', async () => {
  await anna.query('CREATE TABLE many (a int, b int)');
  for (let i = 0; i < 64; i++) await anna.query('CREATE INDEX ON many (a, b)');
  expect(await codeOf(anna, 'CREATE INDEX ON many (a)')).toBe('54000');
  const columns = Array.from({ length: 33 }, () => 'a').join(', ');
  expect(await codeOf(anna, `CREATE INDEX ON many (${columns})`)).toBe('54011');
  await anna.query('INSERT INTO many SELECT 1, 2');
  expect((await anna.query('SELECT * FROM many WHERE a = 1 AND b = 2')).rows).toEqual([{ a: 1, b: 2 }]);
});
