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
  const all = async (client: pg.Client): Promise<number[]> => [
    await one(client, COUNT),
    await one(client, TOTAL),
    await one(client, STREAM),
  ];
  // where the machine is so busy that the reader makes a pause, the next round may show it
  let held = 0;
  for (let round = 1; held < 3 && round <= 50; round++) {
    await untilCounts(round - 1);
    await one(reader, TOTAL);
    await writer.query('BEGIN');
    await writer.query(`INSERT INTO t VALUES (${round}, 1)`);
    await writer.query(`INSERT INTO s VALUES (${round})`);
    await writer.query('COMMIT');
    const seen = await all(reader);
    expect(await all(writer)).toEqual([round, round, round]);
    if (seen.every((count) => count === round - 1)) held++;
  }
  expect(held).toBe(3);
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
