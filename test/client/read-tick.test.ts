/** millrace.read_tick = 'latest-common': the queries of one refresh read one tick. */
import type pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestServer } from '../support/server.ts';

let server: TestServer;
let writer: pg.Client;
let reader: pg.Client;

beforeAll(async () => {
  server = await TestServer.start();
  writer = await server.connect();
  reader = await server.connect();
  await writer.query('CREATE TABLE t (id int PRIMARY KEY, n int)');
  await writer.query('CREATE STREAM s (n int)');
  await writer.query('CREATE MATERIALIZED VIEW total AS SELECT count(*)::int4 AS n FROM t');
  await reader.query("SET millrace.read_tick = 'latest-common'");
});
afterAll(async () => {
  await writer.end();
  await reader.end();
  await server.stop();
});

const one = async (client: pg.Client, sql: string): Promise<number> =>
  Number(Object.values((await client.query(sql)).rows[0])[0]);
const COUNT = 'SELECT count(*) FROM t';
const TOTAL = 'SELECT n FROM total';
const STREAM = 'SELECT count(*) FROM s';

/** The reader's pause is over when it sees what was written. */
async function untilCounts(wanted: number): Promise<void> {
  while ((await one(reader, COUNT)) !== wanted) await new Promise((resolve) => setTimeout(resolve, 250));
}

it('reads one tick over tables, views and streams, whatever is written between', async () => {
  await untilCounts(0);
  for (let round = 1; round <= 3; round++) {
    await untilCounts(round - 1);
    const before = [await one(reader, TOTAL), await one(reader, STREAM)];
    expect(before).toEqual([round - 1, round - 1]);
    await writer.query('BEGIN');
    await writer.query(`INSERT INTO t VALUES (${round}, 1)`);
    await writer.query(`INSERT INTO s VALUES (${round})`);
    await writer.query('COMMIT');
    expect([await one(writer, COUNT), await one(writer, TOTAL), await one(writer, STREAM)]).toEqual([
      round,
      round,
      round,
    ]);
    expect([await one(reader, COUNT), await one(reader, TOTAL), await one(reader, STREAM)]).toEqual([
      round - 1,
      round - 1,
      round - 1,
    ]);
  }
});

it("sees the session's own writes at once, and what else was there by then", async () => {
  const before = await one(reader, COUNT);
  await writer.query('INSERT INTO t VALUES (100, 1)');
  await reader.query('INSERT INTO t VALUES (101, 1)');
  expect(await one(reader, COUNT)).toBeGreaterThanOrEqual(before + 2);
});

it('agrees within a refresh while others write all the time', async () => {
  let stop = false;
  const writing = (async () => {
    for (let id = 1_000; !stop; id++) await writer.query(`INSERT INTO t VALUES (${id}, 1)`);
  })();
  const seen = new Set<number>();
  while (seen.size < 3) {
    const counts: number[] = [];
    for (let i = 0; i < 10; i++) {
      const { rows } = await reader.query(
        'SELECT (SELECT count(*) FROM t) = (SELECT n FROM total) AS same, (SELECT n FROM total) AS n',
      );
      expect(rows[0].same).toBe(true);
      counts.push(rows[0].n, await one(reader, TOTAL));
    }
    expect(new Set(counts).size).toBeLessThanOrEqual(2);
    seen.add(counts[0]!);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  stop = true;
  await writing;
});

it('takes latest and latest-common only', async () => {
  await expect(reader.query("SET millrace.read_tick = 'newest'")).rejects.toMatchObject({ code: '22023' });
});
