/** EXPLAIN SILENCE: each cause is named where it holds, and not where it doesn't. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Millrace } from '../support/millrace.ts';

let millrace: Millrace;
beforeEach(async () => {
  millrace = await Millrace.start();
});
afterEach(() => millrace.stop());

async function causes(sql: string): Promise<string[]> {
  const statement = millrace.plan(sql);
  if (statement.kind !== 'explain') throw new Error('not EXPLAIN');
  const { target } = statement;
  const found = await millrace.core.silence(
    'oid' in target
      ? { kind: 'relation', relation: target.oid }
      : { kind: 'plan', plan: (target as Extract<typeof target, { kind: 'query' }>).plan },
  );
  return found.map(({ cause, detail }) => `${cause}: ${detail}`);
}

const stream = (name: string): Promise<void> =>
  millrace.execute(
    `CREATE STREAM ${name} (at timestamptz NOT NULL, v int, WATERMARK FOR at AS at) WITH (retention = 'forever')`,
  );
const windowed = (from: string): string =>
  `SELECT count(*) AS n, window_end FROM TUMBLE(${from}, at, INTERVAL '10 seconds') GROUP BY window_end`;

it('no rows in a stream, a table, or what a view reads', async () => {
  await stream('s');
  await millrace.execute('CREATE TABLE t (a int PRIMARY KEY, b int)');
  await millrace.execute('CREATE MATERIALIZED VIEW of_t AS SELECT b, count(*) AS n FROM t GROUP BY b');
  await millrace.execute('CREATE MATERIALIZED VIEW over AS SELECT max(n) AS n FROM of_t GROUP BY b');
  expect(await causes('EXPLAIN SILENCE SELECT v FROM s EMIT CHANGES')).toEqual([
    'no input: stream "s" has received no rows',
  ]);
  expect(await causes('EXPLAIN SILENCE of_t')).toEqual(['no input: table "t" holds no rows']);
  expect(await causes('EXPLAIN SILENCE over')).toEqual([
    'no input: view "of_t" holds no rows: table "t" holds no rows',
  ]);
  await millrace.execute('INSERT INTO t VALUES (1, 1)');
  expect(await causes('EXPLAIN SILENCE of_t')).toEqual([
    expect.stringMatching(/^no input: table "t" has not changed since tick \d+$/),
  ]);
  expect(await causes('EXPLAIN SILENCE over')).toEqual([
    expect.stringMatching(/^no input: view "of_t" has not changed since tick \d+$/),
  ]);
});

it('all rows rejected, for the commonest reason', async () => {
  await stream('s');
  const plan = millrace.plan('COPY s FROM STDIN WITH (ON_ERROR ignore)');
  if (plan.kind !== 'copy-from') throw new Error('not COPY');
  const ingest = millrace.core.ingest(plan.ingest);
  await ingest.push(Buffer.from('2026-01-01\tx\nnever\t1\n2026-01-02\ty\n2026-01-02\tx\n'));
  const ended = ingest.end();
  await millrace.advance(1);
  await ended;
  expect(await causes('EXPLAIN SILENCE SELECT v FROM s EMIT CHANGES')).toEqual([
    'all rows rejected: stream "s": invalid input syntax for type integer: "x"',
  ]);
});

it('the end of what is read: no window is open any more', async () => {
  await millrace.execute(
    "CREATE STREAM made (id bigint, at timestamptz, WATERMARK FOR at AS at) WITH (connector = 'generator', rate = 1000, rows = 20)",
  );
  await millrace.execute(`CREATE MATERIALIZED VIEW w AS ${windowed('made')}`);
  expect((await causes('EXPLAIN SILENCE w')).join()).not.toContain('read to its end');
  for (let i = 0; i < 10; i++) await millrace.advance(100);
  expect(await millrace.query('SELECT sum(n) FROM w')).toEqual([['20']]);
  expect(await causes('EXPLAIN SILENCE w')).toEqual([
    'no input: all input was read to its end, and the last windows are closed',
  ]);
});

it('a filter that passes nothing', async () => {
  await stream('s');
  await millrace.execute('CREATE MATERIALIZED VIEW none AS SELECT v FROM s WHERE v > 10');
  await millrace.execute("INSERT INTO s VALUES ('2026-01-01', 1), ('2026-01-01', 2)");
  expect(await causes('EXPLAIN SILENCE none')).toEqual([
    'filter passes nothing: filter 1 has seen 2 rows and passed none',
  ]);
  await millrace.execute("INSERT INTO s VALUES ('2026-01-01', 11)");
  expect(await causes('EXPLAIN SILENCE none')).toEqual([]);
});

it('a window that is open, and the stream that holds the watermark back', async () => {
  await stream('fast');
  await stream('slow');
  const both = '(SELECT at FROM fast UNION ALL SELECT at FROM slow)';
  await millrace.execute(`CREATE MATERIALIZED VIEW w AS ${windowed(both)}`);
  await millrace.execute("INSERT INTO fast VALUES ('2026-01-01 00:00:30Z', 1)");
  await millrace.execute("INSERT INTO slow VALUES ('2026-01-01 00:00:05Z', 1)");
  expect(await causes('EXPLAIN SILENCE w')).toEqual([
    'window open: the next window closes when the watermark reaches 2026-01-01T00:00:10.000Z; it is 2026-01-01T00:00:05.000Z',
  ]);
  await millrace.advance(5_000);
  await millrace.execute("INSERT INTO fast VALUES ('2026-01-01 00:00:40Z', 1)");
  expect((await causes('EXPLAIN SILENCE w'))[0]).toMatch(/^watermark held back: by stream "slow": /);
});

it('a join whose table is empty, running or not', async () => {
  await stream('s');
  await millrace.execute('CREATE TABLE t (a int PRIMARY KEY)');
  const join = (kind: string): string =>
    `SELECT s.v FROM s ${kind} JOIN t FOR SYSTEM_TIME AS OF PROCTIME() ON t.a = s.v`;
  await millrace.execute(`CREATE MATERIALIZED VIEW joined AS ${join('')}`);
  await millrace.execute("INSERT INTO s VALUES ('2026-01-01', 1)");
  const empty = 'join side empty: the table of the join holds no rows';
  expect(await causes('EXPLAIN SILENCE joined')).toEqual([empty]);
  expect(await causes(`EXPLAIN SILENCE ${join('')} EMIT CHANGES`)).toEqual([empty]);
  expect(await causes(`EXPLAIN SILENCE ${join('LEFT')} EMIT CHANGES`)).toEqual([]);
  await millrace.execute('INSERT INTO t VALUES (1)');
  expect(await causes('EXPLAIN SILENCE joined')).toEqual([]);
});
