/** Answers that are kept: the same bytes for the same question, never one that a write has made old. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestServer } from '../support/server.ts';

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start();
  await run('CREATE TABLE counters (id int PRIMARY KEY, n int8 NOT NULL)');
  await run('INSERT INTO counters VALUES (0, 0), (1, 0), (2, 0), (3, 0)');
  await run('CREATE MATERIALIZED VIEW doubled AS SELECT id, sum(n * 2) AS d FROM counters GROUP BY id');
}, 30_000);
afterAll(() => server.stop());

type Answer = Readonly<{ columns: unknown; rows: (string | number | null)[][]; tick: number; next?: string }>;

async function post(sql: string, params: readonly unknown[] = [], accept = '*/*'): Promise<Response> {
  return fetch(`${server.url}/query`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept },
    body: JSON.stringify({ sql, params }),
  });
}

async function run(sql: string, params: readonly unknown[] = []): Promise<Answer> {
  const response = await post(sql, params);
  const body = (await response.json()) as Answer;
  if (!response.ok) throw new Error(JSON.stringify(body));
  return body;
}

const view = async (name: string, query = ''): Promise<Answer> =>
  (await fetch(`${server.url}/views/${name}${query}`)).json() as Promise<Answer>;

const outcomes = async (): Promise<{ hit: number; miss: number }> => ({
  hit: (await server.metric('millrace_result_cache_total{outcome="hit"}')) || 0,
  miss: (await server.metric('millrace_result_cache_total{outcome="miss"}')) || 0,
});

/** Hits and misses of the work. */
async function counted(work: () => Promise<unknown>): Promise<readonly [number, number]> {
  const before = await outcomes();
  await work();
  const after = await outcomes();
  return [after.hit - before.hit, after.miss - before.miss];
}

it('the same question is evaluated once until something is written', async () => {
  const sql = 'SELECT id, d FROM doubled ORDER BY id';
  const first = await run(sql);
  expect(await counted(() => Promise.all(Array.from({ length: 20 }, () => run(sql))))).toEqual([20, 0]);
  await run('UPDATE counters SET n = n + 1 WHERE id = 0');
  const [hits, misses] = await counted(async () => {
    const second = await run(sql);
    expect(second.rows[0]).toEqual([0, '2']);
    expect(second.tick).toBeGreaterThan(first.tick);
  });
  expect([hits, misses]).toEqual([0, 1]);
});

it('concurrent equal requests wait for one evaluation', async () => {
  await run('UPDATE counters SET n = n + 1 WHERE id = 0');
  const [hits, misses] = await counted(() =>
    Promise.all(Array.from({ length: 30 }, () => run('SELECT count(*) AS c FROM doubled WHERE d >= 0'))),
  );
  expect([hits, misses]).toEqual([29, 1]);
});

it('keeps apart what differs: format, parameters, text, page, role of NULL', async () => {
  const sql = 'SELECT id FROM counters WHERE id = $1';
  for (let round = 0; round < 2; round++) {
    expect((await run(sql, [1])).rows).toEqual([[1]]);
    expect((await run(sql, [2])).rows).toEqual([[2]]);
    expect((await run(sql, [null])).rows).toEqual([]);
    expect(await (await post(sql, [1], 'text/csv')).text()).toBe('id\n1\n');
    expect(await (await post(sql, [1], 'application/x-ndjson')).text()).toBe('{"id":1}\n');
    const page = await view('counters', '?limit=1');
    expect(page.rows.map(([id]) => id)).toEqual([0]);
    const other = await view('counters', `?limit=1&after=${page.next}`);
    expect(other.rows.map(([id]) => id)).toEqual([1]);
    expect(other.next).not.toBe(page.next);
  }
  expect((await counted(() => run(sql, [2])))[0]).toBe(1);
});

it('what may answer otherwise although nothing was written is never kept', async () => {
  await run("CREATE STREAM aged (n int) WITH (retention = '1 second')");
  for (const sql of [
    'SELECT now()',
    "SELECT 'now'::timestamptz",
    'SELECT random() FROM counters',
    'SELECT gen_random_uuid()',
    'SELECT count(*) FROM millrace.ticks',
    'SELECT n FROM aged',
    'SELECT current_setting($$timezone$$)',
    'SHOW timezone',
    'EXPLAIN SELECT 1',
    'WITH w AS (SELECT 0 AS id) INSERT INTO counters SELECT id, 7 FROM w ON CONFLICT DO NOTHING',
  ]) {
    expect([sql, await counted(() => run(sql))]).toEqual([sql, [0, 0]]);
  }
  const uuid = async (): Promise<unknown> => (await run('SELECT gen_random_uuid() AS u')).rows[0]![0];
  expect(await uuid()).not.toBe(await uuid());
});

it('a relation of the same name is another one', async () => {
  await run('CREATE TABLE reborn (id int)');
  await run('INSERT INTO reborn VALUES (1)');
  expect((await run('SELECT id FROM reborn')).rows).toEqual([[1]]);
  await run('DROP TABLE reborn');
  expect((await post('SELECT id FROM reborn')).status).toBe(404);
  await run('CREATE TABLE reborn (id text)');
  expect(await run('SELECT id FROM reborn')).toMatchObject({
    columns: [{ name: 'id', type: 'text' }],
    rows: [],
  });
});

it('rows that leave a view without a retraction are gone', async () => {
  await run('CREATE STREAM times (at timestamptz, WATERMARK FOR at AS at)');
  await run(
    `CREATE MATERIALIZED VIEW recent WITH (retention = '10 seconds') AS
     SELECT window_end, count(*) AS n FROM TUMBLE(times, at, INTERVAL '1 second') GROUP BY window_end
     HAVING window_end < '2026-01-01 00:00:02Z'`,
  );
  const put = (second: number): Promise<Answer> =>
    run('INSERT INTO times VALUES ($1)', [new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString()]);
  await put(0);
  await put(1);
  const sql = 'SELECT count(*)::int4 AS c FROM recent';
  expect((await run(sql)).rows).toEqual([[1]]);
  expect((await view('recent')).rows.length).toBe(1);
  // the window that closes now is left out, and the row of the other one is too old
  await put(100);
  expect((await run(sql)).rows).toEqual([[0]]);
  expect((await view('recent')).rows).toEqual([]);
});

it('a view that stopped with an error gives the error', async () => {
  await run('CREATE STREAM divisors (n int)');
  await run(
    `CREATE MATERIALIZED VIEW strict WITH (on_error = 'fail') AS SELECT n, 100 / n AS q FROM divisors EMIT CHANGES`,
  );
  await run('INSERT INTO divisors VALUES (5)');
  const sql = 'SELECT q FROM strict';
  expect((await run(sql)).rows).toEqual([[20]]);
  expect((await run(sql)).rows).toEqual([[20]]);
  await run('INSERT INTO divisors VALUES (0)');
  expect((await post(sql)).status).toBe(400);
  expect((await fetch(`${server.url}/views/strict`)).status).toBe(400);
});

it('no answer is older than what was acknowledged before it was asked for', async () => {
  const acknowledged = [0, 0, 0, 0];
  const { rows } = await run('SELECT id, n FROM counters ORDER BY id');
  for (const [id, n] of rows) acknowledged[id as number] = Number(n);
  const reads: readonly ((known: readonly number[]) => Promise<void>)[] = [
    async (known) => {
      for (const [id, n] of (await run('SELECT id, n FROM counters')).rows)
        expect(Number(n)).toBeGreaterThanOrEqual(known[id as number]!);
    },
    async (known) => {
      for (const [id, d] of (await view('doubled')).rows)
        expect(Number(d)).toBeGreaterThanOrEqual(2 * known[id as number]!);
    },
    async (known) => {
      const sum = (await run('SELECT (SELECT sum(d) FROM doubled)::int8 AS s, count(*) AS c FROM counters'))
        .rows[0]!;
      expect(Number(sum[0])).toBeGreaterThanOrEqual(2 * known.reduce((a, b) => a + b, 0));
    },
  ];
  const step = fc.record({ writes: fc.boolean(), read: fc.nat(reads.length - 1), again: fc.nat(3) });
  const before = await outcomes();
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(step, { maxLength: 8 }), { minLength: 4, maxLength: 4 }),
      async (clients) => {
        await Promise.all(
          clients.map(async (steps, id) => {
            for (const { writes, read, again } of steps) {
              if (writes) {
                await run('UPDATE counters SET n = n + 1 WHERE id = $1', [id]);
                acknowledged[id]!++;
              }
              for (let i = 0; i <= again; i++) await reads[read]!([...acknowledged]);
            }
          }),
        );
        const last = (await run('SELECT id, n FROM counters ORDER BY id')).rows;
        expect(last).toEqual(acknowledged.map((n, id) => [id, `${n}`]));
        expect((await view('doubled')).rows).toEqual(acknowledged.map((n, id) => [id, `${2 * n}`]));
      },
    ),
    { numRuns: 25 },
  );
  const after = await outcomes();
  expect(after.hit - before.hit).toBeGreaterThan(50);
  expect(after.miss - before.miss).toBeGreaterThan(50);
}, 60_000);
