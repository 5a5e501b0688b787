/** Transaction blocks over the wire: what each session sees of its own and of others' writes. */
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TestServer } from '../support/server.ts';
import { type Answer, askMillrace } from '../support/two-databases.ts';

let server: TestServer;
let one: pg.Client;
let two: pg.Client;

beforeAll(async () => {
  server = await TestServer.start();
  [one, two] = [await server.connect(), await server.connect()];
}, 30_000);
afterAll(async () => {
  await one.end();
  await two.end();
  await server.stop();
});

const run = async (client: pg.Client, ...statements: readonly string[]): Promise<Answer> => {
  let last: Answer = { code: 'none' };
  for (const sql of statements) last = await askMillrace(client, sql);
  return last;
};
const rows = (...lines: readonly string[]): Answer => ({ tag: `SELECT ${lines.length}`, rows: lines });

beforeEach(async () => {
  await run(one, 'ROLLBACK', 'DROP TABLE IF EXISTS t CASCADE', 'DROP STREAM IF EXISTS s CASCADE');
  await run(two, 'ROLLBACK');
  expect(
    await run(one, 'CREATE TABLE t (k int PRIMARY KEY, v int)', 'INSERT INTO t VALUES (1, 1), (2, 2)'),
  ).toEqual({
    tag: 'INSERT 2',
    rows: [],
  });
});

describe('a block', () => {
  it('keeps its snapshot however often others change its rows', async () => {
    await run(one, 'BEGIN', 'INSERT INTO t VALUES (9, 9)');
    for (let v = 10; v < 14; v++) await run(two, `UPDATE t SET v = ${v} WHERE k = 1`);
    await run(
      two,
      'UPDATE t SET v = 1 WHERE k = 1',
      'DELETE FROM t WHERE k = 2',
      'INSERT INTO t VALUES (2, 7)',
    );
    expect(await run(one, 'SELECT * FROM t')).toEqual(rows('1|1', '2|2', '9|9'));
    const upsert =
      'INSERT INTO t VALUES (1, 0), (2, 0) ON CONFLICT (k) DO UPDATE SET v = t.v + 100 RETURNING old.v, new.v';
    expect(await run(one, upsert)).toEqual({ tag: 'INSERT 2', rows: ['1|101', '2|102'] });
    expect(await run(one, 'SELECT * FROM t')).toEqual(rows('1|101', '2|102', '9|9'));
    expect(await run(one, 'COMMIT')).toEqual({ code: '40001' });
    expect(await run(one, 'SELECT * FROM t')).toEqual(rows('1|1', '2|7'));
  });

  it('commits beside another that changes other rows', async () => {
    await run(one, 'BEGIN', 'UPDATE t SET v = 10 WHERE k = 1');
    await run(two, 'BEGIN', 'UPDATE t SET v = 20 WHERE k = 2', 'INSERT INTO t VALUES (3, 3)');
    expect(await run(one, 'COMMIT')).toMatchObject({ tag: 'COMMIT' });
    expect(await run(two, 'SELECT * FROM t')).toEqual(rows('1|1', '2|20', '3|3'));
    expect(await run(two, 'COMMIT')).toMatchObject({ tag: 'COMMIT' });
    expect(await run(two, 'SELECT * FROM t')).toEqual(rows('1|10', '2|20', '3|3'));
  });

  it('conflicts by whole rows where there is no primary key', async () => {
    await run(one, 'DROP TABLE IF EXISTS bag', 'CREATE TABLE bag (a int, b text)');
    await run(
      one,
      "INSERT INTO bag VALUES (1, 'x'), (1, 'x'), (2, 'y')",
      'BEGIN',
      'DELETE FROM bag WHERE a = 2',
    );
    await run(two, "INSERT INTO bag VALUES (3, 'z'), (2, 'n')");
    expect(await run(one, 'COMMIT')).toMatchObject({ tag: 'COMMIT' });
    expect(await run(one, 'SELECT * FROM bag')).toEqual(rows('1|x', '1|x', '2|n', '3|z'));
    await run(one, 'BEGIN', "UPDATE bag SET b = 'w' WHERE a = 1");
    await run(two, "INSERT INTO bag VALUES (1, 'x')");
    expect(await run(one, 'COMMIT')).toEqual({ code: '40001' });
    expect(await run(one, 'SELECT * FROM bag')).toEqual(rows('1|x', '1|x', '1|x', '2|n', '3|z'));
  });

  it('reads views over what it wrote, and what it created', async () => {
    await run(
      one,
      'CREATE STREAM s (at timestamptz NOT NULL, k int, WATERMARK FOR at AS at)',
      "INSERT INTO s VALUES ('2026-01-01 00:00:00Z', 1)",
      'CREATE VIEW plain AS SELECT k, v * 2 AS w FROM t',
      'CREATE MATERIALIZED VIEW sums AS SELECT sum(w) AS s FROM plain',
      'CREATE MATERIALIZED VIEW above AS SELECT s + 1 AS up FROM sums',
      'CREATE MATERIALIZED VIEW joined AS SELECT s.k, t.v FROM s JOIN t FOR SYSTEM_TIME AS OF PROCTIME() ON t.k = s.k',
      'CREATE MATERIALIZED VIEW either AS SELECT k FROM t UNION ALL SELECT k FROM s',
      'CREATE MATERIALIZED VIEW stamped AS SELECT k, now() AS at FROM t',
    );
    await run(one, 'BEGIN', 'UPDATE t SET v = v + 10', "INSERT INTO s VALUES ('2026-01-01 00:00:01Z', 2)");
    expect(await run(one, 'SELECT * FROM plain')).toEqual(rows('1|22', '2|24'));
    expect(await run(one, 'SELECT * FROM sums')).toEqual(rows('46'));
    expect(await run(one, 'SELECT * FROM above')).toEqual(rows('47'));
    // a joined row stays as it was; own rows of the stream come with COMMIT
    expect(await run(one, 'SELECT * FROM joined')).toEqual(rows('1|1'));
    expect(await run(one, 'SELECT * FROM either')).toEqual(rows('1', '1', '2'));
    expect(await run(one, 'SELECT up FROM above WHERE up = (SELECT max(s) + 1 FROM sums)')).toEqual(
      rows('47'),
    );
    expect(await run(two, 'SELECT * FROM above')).toEqual(rows('7'));
    await run(one, 'CREATE TABLE fresh (a int PRIMARY KEY)', 'CREATE STREAM quiet (a int)');
    expect(await run(one, 'SELECT * FROM quiet')).toEqual(rows());
    await run(
      one,
      'INSERT INTO fresh VALUES (5), (6)',
      'INSERT INTO quiet VALUES (1)',
      'DELETE FROM fresh WHERE a = 5',
    );
    expect(await run(one, 'SELECT * FROM fresh')).toEqual(rows('6'));
    expect(await run(one, 'SELECT * FROM quiet')).toEqual(rows());
    await run(one, 'COMMIT');
    expect(await run(one, 'SELECT * FROM joined')).toEqual(rows('1|1', '2|12'));
    expect(await run(two, 'SELECT a FROM fresh UNION ALL SELECT a FROM quiet')).toEqual(rows('1', '6'));
    await run(one, 'BEGIN', 'DELETE FROM t');
    expect(await run(one, 'SELECT * FROM stamped')).toEqual({ code: '0A000' });
    await run(one, 'ROLLBACK', 'DROP TABLE fresh', 'DROP STREAM quiet');
  });

  it('refuses what can not be told', async () => {
    await run(one, "CREATE STREAM s (k int) WITH (retention = 'none')");
    await run(one, 'CREATE MATERIALIZED VIEW either AS SELECT k FROM t UNION ALL SELECT k FROM s');
    await run(one, 'INSERT INTO s VALUES (7)', 'BEGIN', 'DELETE FROM t WHERE k = 1');
    expect(await run(one, 'SELECT * FROM either')).toEqual({ code: '0A000' });
    await run(one, 'ROLLBACK', 'BEGIN', 'CREATE MATERIALIZED VIEW mine AS SELECT k FROM t');
    expect(await run(one, 'SELECT * FROM mine')).toEqual({ code: '55000' });
    await run(one, 'ROLLBACK', 'BEGIN', 'CREATE TABLE fresh (a int)');
    expect(await run(one, 'SELECT * FROM fresh EMIT CHANGES')).toEqual({ code: '55000' });
    await run(one, 'ROLLBACK');
  });

  it('reads windows over a table that it wrote', async () => {
    await run(
      one,
      'DROP TABLE IF EXISTS readings CASCADE',
      'CREATE TABLE readings (at timestamptz PRIMARY KEY, n int)',
      `CREATE MATERIALIZED VIEW minutes AS SELECT to_char(window_end, 'MI') AS minute, sum(n) AS n
       FROM TUMBLE(readings, at, INTERVAL '1 minute') GROUP BY window_end`,
      "INSERT INTO readings VALUES ('2026-01-01 00:00:01Z', 1), ('2026-01-01 00:00:02Z', 2)",
    );
    await run(
      one,
      'BEGIN',
      "INSERT INTO readings VALUES ('2026-01-01 00:01:00Z', 7)",
      'DELETE FROM readings WHERE n = 1',
    );
    expect(await run(one, 'SELECT * FROM minutes')).toEqual(rows('01|2', '02|7'));
    expect(await run(two, 'SELECT * FROM minutes')).toEqual(rows('01|3'));
    expect(await run(one, 'COMMIT', 'SELECT * FROM minutes')).toEqual(rows('01|2', '02|7'));
  });

  it('hears at once of rows that a stream does not take', async () => {
    await run(one, 'CREATE STREAM s (at timestamptz NOT NULL, k int, WATERMARK FOR at AS at)', 'BEGIN');
    await run(one, "INSERT INTO s VALUES ('2026-01-01 00:00:00Z', 1)", 'SAVEPOINT a');
    expect(await run(one, "INSERT INTO s VALUES ('infinity', 1)")).toEqual({ code: '22008' });
    expect(await run(one, 'ROLLBACK TO a', 'INSERT INTO s VALUES (NULL, 1)')).toEqual({ code: '23502' });
    expect(await run(one, 'ROLLBACK TO a', 'UPDATE s SET k = 1')).toEqual({ code: '42809' });
    expect(await run(one, 'ROLLBACK TO a', 'COMMIT', 'SELECT k FROM s')).toEqual(rows('1'));
  });

  it('goes back to savepoints, and takes back a statement that fails', async () => {
    await run(
      one,
      'BEGIN',
      'UPDATE t SET v = 5',
      'SAVEPOINT a',
      'DELETE FROM t',
      'CREATE TABLE fresh (a int)',
    );
    await run(one, 'INSERT INTO fresh VALUES (1)');
    expect(await run(one, 'INSERT INTO t VALUES (7, 7), (8, 8), (7, 9)')).toEqual({ code: '23505' });
    expect(await run(one, 'ROLLBACK TO a', 'SELECT * FROM t')).toEqual(rows('1|5', '2|5'));
    expect(await run(one, 'INSERT INTO t VALUES (3, 3)', 'RELEASE a', 'COMMIT')).toMatchObject({
      tag: 'COMMIT',
    });
    expect(await run(two, 'SELECT * FROM t')).toEqual(rows('1|5', '2|5', '3|3'));
  });

  it('keeps nothing of a statement that is cancelled', async () => {
    await run(one, 'DROP TABLE IF EXISTS texts', 'CREATE TABLE texts (x text)');
    const values = Array.from({ length: 1000 }, () => `('${'y'.repeat(400)}x')`).join();
    await run(one, `INSERT INTO texts VALUES ${values}`);
    for (let i = 0; i < 4; i++) await run(one, 'INSERT INTO texts SELECT x FROM texts');
    await run(
      one,
      'BEGIN',
      "INSERT INTO texts VALUES ('kept')",
      'SAVEPOINT s',
      "SET LOCAL statement_timeout = '30ms'",
    );
    const slow = "INSERT INTO texts SELECT regexp_replace(x, '(y+)+$', 'z') FROM texts";
    expect(await run(one, slow)).toEqual({ code: '57014' });
    expect(await run(one, 'ROLLBACK TO s', 'SELECT count(*) FROM texts')).toEqual(rows('16001'));
    expect(await run(one, 'DELETE FROM texts WHERE length(x) > 4', 'COMMIT')).toMatchObject({
      tag: 'COMMIT',
    });
    expect(await run(two, 'SELECT * FROM texts')).toEqual(rows('kept'));
  });

  it('leaves a cursor as it was opened', async () => {
    await run(one, 'BEGIN', 'INSERT INTO t VALUES (3, 3)', 'DECLARE c CURSOR FOR SELECT * FROM t');
    await run(one, 'DELETE FROM t WHERE k < 3', 'INSERT INTO t VALUES (4, 4)');
    expect(await run(one, 'FETCH ALL FROM c')).toMatchObject({ rows: ['1|1', '2|2', '3|3'] });
    await run(one, 'ROLLBACK');
  });

  it('is forgotten by the server when its client is gone', async () => {
    const blocks = (): Promise<number> => server.metric('millrace_transaction_blocks');
    const gone = await server.connect();
    await run(gone, 'BEGIN', 'INSERT INTO t VALUES (3, 3)');
    expect(await blocks()).toBe(1);
    (gone as unknown as { connection: { stream: { destroy: () => void } } }).connection.stream.destroy();
    while ((await blocks()) !== 0) await new Promise((resolve) => setImmediate(resolve));
    expect(await run(one, 'SELECT count(*) FROM t')).toEqual(rows('2'));
  });
});

describe('several statements', () => {
  it('of one Query see each other, and land together or not at all', async () => {
    const results = (await one.query({
      text: 'INSERT INTO t VALUES (3, 3); UPDATE t SET v = v * 2; SELECT sum(v)::int AS s FROM t',
    })) as unknown as pg.QueryResult[];
    expect(results.map((r) => r.rowCount)).toEqual([1, 3, 1]);
    expect(results[2]!.rows).toEqual([{ s: 12 }]);
    expect(await run(two, 'DELETE FROM t; INSERT INTO t VALUES (1, NULL), (1, 1)')).toEqual({
      code: '23505',
    });
    expect(await run(two, 'SELECT * FROM t')).toEqual(rows('1|2', '2|4', '3|6'));
  });
});
