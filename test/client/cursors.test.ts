/**
 * Cursors: every direction, positions before the first and after the last row, WITH HOLD, as a real PostgreSQL moves
 * them (PGlite is asked the same).
 */
import { PGlite } from '@electric-sql/pglite';
import fc from 'fast-check';
import type pg from 'pg';
import { serialize } from 'pg-protocol';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestServer } from '../support/server.ts';

let server: TestServer;
let client: pg.Client;
let oracle: PGlite;

const ROWS = 7;

beforeAll(async () => {
  server = await TestServer.start();
  client = await server.connect();
  oracle = await PGlite.create();
  for (const sql of [
    'CREATE TABLE t (id int PRIMARY KEY)',
    `INSERT INTO t VALUES ${Array.from({ length: ROWS }, (_, i) => `(${i + 1})`).join(', ')}`,
  ]) {
    await client.query(sql);
    await oracle.exec(sql);
  }
}, 60_000);
afterAll(async () => {
  await client.end();
  await server.stop();
  await oracle.close();
});

type Answer = readonly (string | number)[] | string;

async function ours(sql: string): Promise<Answer> {
  try {
    const { command, rowCount, rows } = await client.query(sql);
    return command === 'MOVE' ? `MOVE ${rowCount}` : rows.map((row) => Object.values(row)[0] as number);
  } catch (error) {
    return (error as { code: string }).code;
  }
}

async function theirs(sql: string): Promise<Answer> {
  try {
    if (!sql.startsWith('MOVE')) {
      const [result] = await oracle.exec(sql);
      return result!.rows.map((row) => Object.values(row)[0] as number);
    }
    const { messages } = await oracle.execProtocol(serialize.query(sql));
    return messages.flatMap((message) =>
      message.name === 'commandComplete' ? [(message as unknown as { text: string }).text] : [],
    )[0]!;
  } catch (error) {
    return (error as { code: string }).code;
  }
}

const count = fc.integer({ min: -ROWS - 2, max: ROWS + 2 });
const motion = fc.oneof(
  fc.constantFrom(
    'NEXT',
    'PRIOR',
    'FIRST',
    'LAST',
    'ALL',
    'FORWARD',
    'BACKWARD',
    'FORWARD ALL',
    'BACKWARD ALL',
    '',
  ),
  count.map(String),
  fc
    .tuple(fc.constantFrom('FORWARD', 'BACKWARD', 'ABSOLUTE', 'RELATIVE'), count)
    .map((words) => words.join(' ')),
);
const statement = fc.tuple(fc.constantFrom('FETCH', 'FETCH', 'MOVE'), motion);

it.each(['SCROLL', '', 'NO SCROLL'])('moves a %s cursor as PostgreSQL does', async (scroll) => {
  await fc.assert(
    fc.asyncProperty(fc.array(statement, { minLength: 1, maxLength: 12 }), async (statements) => {
      const declare = `DECLARE c ${scroll} CURSOR FOR SELECT id FROM t ORDER BY id`;
      for (const sql of ['BEGIN', declare]) {
        await client.query(sql);
        await oracle.exec(sql);
      }
      try {
        for (const [verb, where] of statements) {
          const sql = `${verb} ${where} FROM c`;
          const wanted = await theirs(sql);
          expect([sql, await ours(sql)]).toEqual([sql, wanted]);
          if (typeof wanted === 'string' && !wanted.startsWith('MOVE')) break;
        }
      } finally {
        await client.query('ROLLBACK');
        await oracle.exec('ROLLBACK');
      }
    }),
    { numRuns: 150 },
  );
});

it('keeps a cursor WITH HOLD after COMMIT, as the data was, until it is closed', async () => {
  await client.query('CREATE TABLE h (id int PRIMARY KEY); INSERT INTO h VALUES (1), (2), (3)');
  await client.query('BEGIN');
  await client.query('DECLARE kept CURSOR WITH HOLD FOR SELECT id FROM h ORDER BY id');
  await client.query('DECLARE gone CURSOR FOR SELECT id FROM h');
  expect(await ours('FETCH kept')).toEqual([1]);
  await client.query('COMMIT');
  await client.query('DELETE FROM h');
  expect(await ours('FETCH gone')).toBe('34000');
  expect(await ours('FETCH ALL FROM kept')).toEqual([2, 3]);
  expect(await ours('FETCH FIRST FROM kept')).toEqual([1]);
  await client.query('BEGIN');
  await client.query('ROLLBACK');
  expect(await ours('FETCH LAST FROM kept')).toEqual([3]);
  await client.query('CLOSE kept');
  expect(await ours('FETCH kept')).toBe('34000');
});

it('drops a cursor WITH HOLD whose transaction is rolled back, and takes one outside of a block', async () => {
  await client.query('BEGIN');
  await client.query('DECLARE lost CURSOR WITH HOLD FOR SELECT id FROM t');
  await client.query('ROLLBACK');
  expect(await ours('FETCH lost')).toBe('34000');
  await client.query('DECLARE single SCROLL CURSOR WITH HOLD FOR SELECT id FROM t ORDER BY id DESC');
  expect(await ours('FETCH 2 FROM single')).toEqual([7, 6]);
  expect(await ours('FETCH PRIOR FROM single')).toEqual([7]);
  await client.query('CLOSE ALL');
  expect(await ours('FETCH single')).toBe('34000');
  expect(await ours('DECLARE plain CURSOR FOR SELECT 1')).toBe('25P01');
});

it('closes what was declared after a savepoint when it goes back to it', async () => {
  await client.query('BEGIN');
  await client.query('DECLARE before SCROLL CURSOR FOR SELECT id FROM t ORDER BY id');
  await client.query('SAVEPOINT s');
  await client.query('DECLARE after CURSOR FOR SELECT id FROM t');
  await client.query('ROLLBACK TO s');
  expect(await ours('FETCH before')).toEqual([1]);
  expect(await ours('FETCH after')).toBe('34000');
  await client.query('ROLLBACK');
});

it('says 53400 where a cursor would keep too much, and streams where it need not', async () => {
  await client.query('CREATE TABLE big (id int PRIMARY KEY, text text)');
  const text = 'x'.repeat(100_000);
  for (let i = 0; i < 8; i++) {
    const values = Array.from({ length: 100 }, (_, k) => `(${i * 100 + k}, '${text}')`);
    await client.query(`INSERT INTO big VALUES ${values.join(', ')}`);
  }
  await client.query('BEGIN');
  await client.query('DECLARE c SCROLL CURSOR FOR SELECT * FROM big');
  expect(await ours('MOVE ALL FROM c')).toBe('53400');
  await client.query('ROLLBACK');
  expect(await ours('DECLARE c CURSOR WITH HOLD FOR SELECT * FROM big')).toBe('53400');
  await client.query('BEGIN');
  await client.query('DECLARE d CURSOR FOR SELECT id, text FROM big ORDER BY id');
  expect(await ours('MOVE 799 FROM d')).toBe('MOVE 799');
  expect(await ours('FETCH d')).toEqual([799]);
  expect(await ours('FETCH PRIOR FROM d')).toBe('55000');
  await client.query('ROLLBACK');
}, 60_000);

it('gives a BINARY cursor in binary, and refuses the end of what has none', async () => {
  await client.query('BEGIN');
  await client.query('DECLARE b BINARY CURSOR FOR SELECT id FROM t ORDER BY id');
  const { rows, fields } = await client.query('FETCH 2 FROM b');
  expect([fields[0]!.format, rows]).toEqual(['binary', [{ id: 1 }, { id: 2 }]]);
  await client.query('DECLARE live CURSOR FOR SELECT * FROM t EMIT CHANGES');
  expect(await ours('FETCH LAST FROM live')).toBe('0A000');
  await client.query('ROLLBACK');
});
