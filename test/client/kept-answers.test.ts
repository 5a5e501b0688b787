/** Answers that the PostgreSQL protocol keeps: the same rows for the same question, never ones that a write made old. */
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { TestServer } from '../support/server.ts';
import { WirePeer } from '../support/wire-peer.ts';

let server: TestServer;
let one: pg.Client;
let two: pg.Client;

beforeAll(async () => {
  server = await TestServer.start();
  one = await server.connect('one');
  two = await server.connect('two');
  await one.query('CREATE TABLE t (id int PRIMARY KEY, n int8, at timestamptz)');
  await one.query(
    'CREATE MATERIALIZED VIEW sums AS SELECT id % 10 AS k, sum(n) AS n FROM t GROUP BY id % 10',
  );
});
afterAll(async () => {
  await one.end();
  await two.end();
  await server.stop();
});
beforeEach(async () => {
  await one.query('TRUNCATE t');
  await one.query("INSERT INTO t SELECT i, i, '2026-01-01 12:00Z' FROM (VALUES (1), (2), (3)) AS v (i)");
});

const outcomes = async (): Promise<{ hits: number; misses: number }> => ({
  hits: (await server.metric('millrace_result_cache_total{outcome="hit"}')) || 0,
  misses: (await server.metric('millrace_result_cache_total{outcome="miss"}')) || 0,
});

async function counted(work: () => Promise<unknown>): Promise<readonly [hits: number, misses: number]> {
  const before = await outcomes();
  await work();
  const after = await outcomes();
  return [after.hits - before.hits, after.misses - before.misses];
}

const ids = async (client: pg.Client, sql: string, values?: readonly unknown[]): Promise<unknown[]> =>
  (await client.query(sql, values === undefined ? undefined : [...values])).rows.map(
    (row) => Object.values(row)[0],
  );

it('gives the same rows to all who ask, by either protocol, until something is written', async () => {
  const simple = 'SELECT id FROM t ORDER BY id';
  const extended = { name: 'by n', text: 'SELECT id FROM t WHERE n >= $1 ORDER BY id', values: [2] };
  expect(await ids(one, simple)).toEqual([1, 2, 3]);
  expect((await one.query(extended)).rows).toEqual([{ id: 2 }, { id: 3 }]);
  const asked = await counted(async () => {
    for (const client of [one, two, one]) {
      expect(await ids(client, simple)).toEqual([1, 2, 3]);
      expect((await client.query(extended)).rows).toEqual([{ id: 2 }, { id: 3 }]);
    }
  });
  // another user's name may mean another answer: current_user, $user in search_path
  expect(asked).toEqual([4, 2]);
  await two.query('INSERT INTO t VALUES (4, 4)');
  expect(await ids(one, simple)).toEqual([1, 2, 3, 4]);
  expect((await one.query(extended)).rows).toEqual([{ id: 2 }, { id: 3 }, { id: 4 }]);
});

it('answers reads of single rows, asked for again and again, as they are', async () => {
  await one.query('CREATE TABLE items (k int, g text, n int8)');
  const rows = Array.from(
    { length: 200 },
    (_, k) => `(${k % 150}, ${k % 7 === 0 ? 'NULL' : `'g${k % 5}'`}, ${k})`,
  );
  await one.query(`INSERT INTO items VALUES ${rows.join(', ')}`);
  const read = { name: 'by k', text: 'SELECT n, g FROM items WHERE k = $1' };
  const both = { name: 'by g and k', text: 'SELECT n FROM items WHERE g = $1 AND k = $2 AND n < 1000' };
  const sorted = ({ rows }: pg.QueryResult): string[] => rows.map((row) => JSON.stringify(row)).sort();
  const polled = async (): Promise<number> =>
    (await server.metric('millrace_result_cache_total{outcome="polled"}')) || 0;
  const before = await polled();
  for (let round = 0; round < 12; round++) {
    for (let i = 0; i < 40; i++) {
      const k = (i * 37 + round) % 160;
      const all = await two.query('SELECT k, g, n FROM items WHERE n >= 0');
      const here = all.rows.filter((row) => row.k === k);
      const asked = await one.query({ ...read, values: [i === 0 ? null : k] });
      expect(sorted(asked)).toEqual(i === 0 ? [] : here.map(({ n, g }) => JSON.stringify({ n, g })).sort());
      const pair = await one.query({ ...both, values: ['g1', k] });
      expect(sorted(pair)).toEqual(
        here.flatMap(({ n, g }) => (g === 'g1' && Number(n) < 1000 ? [JSON.stringify({ n })] : [])).sort(),
      );
    }
    await two.query('UPDATE items SET n = n + 100, g = $2 WHERE k = $1', [round * 3, `g${round % 3}`]);
    await two.query('DELETE FROM items WHERE k = $1', [round * 3 + 1]);
  }
  expect(await polled()).toBeGreaterThan(before);
  expect((await one.query({ ...read, values: [2] })).fields.map(({ name }) => name)).toEqual(['n', 'g']);
  await expect(one.query({ ...read, values: ['x'] })).rejects.toMatchObject({ code: '22P02' });
});

it('keeps no answer for a parameter that means another time later', async () => {
  const sql = 'SELECT $1::timestamptz::text AS at FROM t WHERE id = 1';
  const [first] = await ids(one, sql, ['now']);
  await vi.waitFor(async () => expect(await ids(one, sql, ['now'])).not.toEqual([first]));
  expect(await ids(one, sql, ['2026-01-01Z'])).toEqual(['2026-01-01 00:00:00+00']);
});

it('is evaluated once for all who ask at the same time', async () => {
  const sql = 'SELECT count(*)::int4 AS c FROM sums WHERE n > 0';
  const clients = await Promise.all(Array.from({ length: 20 }, () => server.connect('one')));
  for (let round = 1; round <= 5; round++) {
    await two.query(`INSERT INTO t VALUES (${10 * round + 5}, ${round})`);
    const asked = await counted(async () => {
      const answers = await Promise.all(clients.map((client) => ids(client, sql)));
      expect(new Set(answers.flat())).toEqual(new Set([4]));
    });
    expect(asked).toEqual([19, 1]);
  }
  for (const client of clients) await client.end();
});

it('keeps apart parameters, their types, formats and settings', async () => {
  const at = 'SELECT at::text AS at FROM t WHERE id = 1';
  for (let round = 0; round < 2; round++) {
    expect(await ids(one, 'SELECT id FROM t WHERE id = $1', [1])).toEqual([1]);
    expect(await ids(one, 'SELECT id FROM t WHERE id = $1', [2])).toEqual([2]);
    expect(await ids(one, 'SELECT id FROM t WHERE id = $1', [null])).toEqual([]);
    expect(await ids(one, at)).toEqual(['2026-01-01 12:00:00+00']);
    await two.query("SET TimeZone = 'Asia/Tokyo'");
    expect(await ids(two, at)).toEqual(['2026-01-01 21:00:00+09']);
    const binary = {
      text: 'SELECT n FROM t ORDER BY n',
      binary: true,
      rowMode: 'array',
      values: [],
    } as const;
    expect((await one.query({ ...binary, values: [] })).rows.flat().map(String)).toEqual(['1', '2', '3']);
    expect(await ids(one, 'SELECT n FROM t ORDER BY n')).toEqual(['1', '2', '3']);
  }
  await two.query('RESET TimeZone');
});

it('never serves a transaction block from outside of it, nor others from within', async () => {
  const sql = 'SELECT id FROM t ORDER BY id';
  await ids(one, sql);
  await one.query('BEGIN');
  await one.query('DELETE FROM t WHERE id = 1');
  expect(await ids(one, sql)).toEqual([2, 3]);
  expect(await ids(two, sql)).toEqual([1, 2, 3]);
  await two.query('INSERT INTO t VALUES (9, 9)');
  expect(await ids(two, sql)).toEqual([1, 2, 3, 9]);
  expect(await ids(one, sql)).toEqual([2, 3]);
  await one.query('COMMIT');
  expect(await ids(one, sql)).toEqual([2, 3, 9]);
  expect(await ids(two, sql)).toEqual([2, 3, 9]);
});

it('evaluates what may answer otherwise each time', async () => {
  await one.query("CREATE STREAM nothing (n int) WITH (retention = 'none')");
  const notices: (string | undefined)[] = [];
  one.on('notice', ({ message }) => notices.push(message));
  const asked = await counted(async () => {
    for (let round = 0; round < 2; round++) {
      for (const sql of [
        'SELECT now()',
        'SELECT random() FROM t',
        'SELECT count(*) FROM millrace.ticks',
        'SELECT n FROM nothing',
        'SHOW TimeZone',
      ])
        await one.query(sql);
    }
  });
  expect(asked).toEqual([0, 0]);
  expect(notices).toHaveLength(2);
});

it('sends what is too long to be kept as it comes, whole', async () => {
  const rows = Array.from({ length: 500 }, (_, i) => `(${i + 10}, ${i})`);
  for (let i = 0; i < 20; i++)
    await one.query(
      `INSERT INTO t VALUES ${rows.map((row) => row.replace(/\d+/, (id) => `${Number(id) + i * 500}`)).join(', ')}`,
    );
  for (const name of ['', 'long']) {
    const { rows: found } = await one.query({ name, text: 'SELECT id, n, at FROM t ORDER BY id' });
    expect(found).toHaveLength(10_003);
    expect([found[0].id, found.at(-1).id]).toEqual([1, 10_009]);
  }
});

it('answers an Execute that comes again on the same portal with no rows', async () => {
  const peer = await WirePeer.open(server.pgPort);
  const { encodeMessage } = await import('../support/wire-peer.ts');
  peer.send(
    encodeMessage('Parse', ['', 'SELECT id FROM t ORDER BY id']),
    encodeMessage('Bind', ['', '']),
    encodeMessage('Execute', ['']),
    encodeMessage('Execute', ['']),
    encodeMessage('Sync', []),
  );
  const lines = await peer.until('ReadyForQuery');
  expect(lines.filter((line) => line.startsWith('CommandComplete'))).toEqual([
    'CommandComplete "SELECT 3"',
    'CommandComplete "SELECT 0"',
  ]);
  peer.close();
});

it('sees every write that was acknowledged before it asks, whoever wrote', async () => {
  const clients = await Promise.all(Array.from({ length: 6 }, () => server.connect('many')));
  let written = 3;
  await Promise.all(
    clients.map(async (client, c) => {
      for (let i = 0; i < 40; i++) {
        if ((i + c) % 4 === 0) {
          await client.query(`INSERT INTO t VALUES (${100 + c * 100 + i}, 1)`);
          written++;
        }
        const known = written;
        const { rows } = await client.query({ name: 'count', text: 'SELECT count(*)::int4 AS c FROM t' });
        expect(rows[0].c).toBeGreaterThanOrEqual(known);
        const total = await client.query({ name: 'sum', text: 'SELECT sum(n)::int4 AS s FROM sums' });
        expect(total.rows[0].s).toBeGreaterThanOrEqual(known + 3);
      }
    }),
  );
  expect(await ids(one, 'SELECT count(*)::int4 AS c FROM t')).toEqual([written]);
  for (const client of clients) await client.end();
});

it('has the answer of what is asked all the time with the change itself, right in every tick', async () => {
  const sql = { name: 'top', text: 'SELECT id, n FROM t WHERE n > 0 ORDER BY n DESC, id LIMIT 3' };
  const polled = async (): Promise<number> =>
    (await server.metric('millrace_result_cache_total{outcome="polled"}')) || 0;
  const before = await polled();
  for (let i = 1; (await polled()) < before + 20; i++) {
    for (let k = 0; k < 10; k++) {
      await two.query(`UPDATE t SET n = ${i * 10 + k} WHERE id = ${1 + (k % 3)}`);
      const { rows } = await one.query(sql);
      expect(rows[0]).toEqual({ id: 1 + (k % 3), n: `${i * 10 + k}` });
    }
  }
  // an error is told, not hidden behind what was there before
  await two.query('CREATE STREAM divisors (n int)');
  await two.query(
    "CREATE MATERIALIZED VIEW strict WITH (on_error = 'fail') AS SELECT 100 / n AS q FROM divisors EMIT CHANGES",
  );
  const quotients = { name: 'strict', text: 'SELECT count(*)::int4 AS c FROM strict' };
  for (let i = 1; i <= 30; i++) {
    await two.query('INSERT INTO divisors VALUES (1)');
    expect((await one.query(quotients)).rows).toEqual([{ c: i }]);
  }
  await two.query('INSERT INTO divisors VALUES (0)');
  await expect(one.query(quotients)).rejects.toMatchObject({ code: '22012' });
});

it('evaluates each time for a session whose memory is bounded: how much it takes is only known then', async () => {
  const sql = { name: 'bounded', text: 'SELECT id, n FROM t WHERE n > 1 ORDER BY n DESC, id LIMIT 3' };
  const bounded = await server.connect();
  await bounded.query("SET millrace.query_memory_limit = '1GB'");
  const polled = async (): Promise<number> =>
    (await server.metric('millrace_result_cache_total{outcome="polled"}')) || 0;
  const before = await polled();
  for (let i = 1; i <= 150; i++) {
    await two.query(`UPDATE t SET n = ${1_000 + i} WHERE id = 1`);
    expect((await bounded.query(sql)).rows[0]).toEqual({ id: 1, n: `${1_000 + i}` });
  }
  expect(await polled()).toBe(before);
  await bounded.end();
});
