/** Event time and the clock: IDLE AFTER, MAX SKEW, processing time, EVERY, late rows, bounded sources. */
import { afterEach, expect, it } from 'vitest';
import { Millrace, sortedLines } from '../support/millrace.ts';

let millrace: Millrace;
afterEach(() => millrace.stop());

const NOW = '2026-01-01 00:00:00Z';
const at = (seconds: number): string => `timestamptz '${NOW}' + INTERVAL '${seconds} seconds'`;

it('IDLE AFTER: a silent stream goes on with the clock', async () => {
  millrace = await Millrace.start();
  await millrace.execute(
    "CREATE STREAM s (at timestamptz NOT NULL, WATERMARK FOR at AS at - INTERVAL '1 second' IDLE AFTER INTERVAL '10 seconds')",
  );
  const follower = await millrace.follow(
    "SELECT count(*) AS n, window_end FROM TUMBLE(s, at, INTERVAL '5 seconds') GROUP BY window_end EMIT ON WINDOW CLOSE",
  );
  await millrace.execute(`INSERT INTO s VALUES (${at(1)}), (${at(2)})`);
  await millrace.advance(9_000);
  expect(follower.drain().changes).toEqual([]);
  await millrace.advance(2_000);
  expect(follower.consolidated()).toEqual(['2|2026-01-01 00:00:05+00']);
});

it('without IDLE AFTER time stands still', async () => {
  millrace = await Millrace.start();
  await millrace.execute('CREATE STREAM s (at timestamptz NOT NULL, WATERMARK FOR at AS at)');
  const follower = await millrace.follow(
    "SELECT count(*) AS n FROM TUMBLE(s, at, INTERVAL '5 seconds') GROUP BY window_end EMIT ON WINDOW CLOSE",
  );
  await millrace.execute(`INSERT INTO s VALUES (${at(1)})`);
  await millrace.advance(3_600_000);
  expect(follower.drain().changes).toEqual([]);
});

it('MAX SKEW: a row too far ahead is refused and does not pin the watermark', async () => {
  millrace = await Millrace.start();
  await millrace.execute(
    "CREATE STREAM s (at timestamptz NOT NULL, WATERMARK FOR at AS at MAX SKEW INTERVAL '1 minute')",
  );
  await expect(millrace.execute(`INSERT INTO s VALUES (${at(3600)})`)).rejects.toMatchObject({
    code: '22008',
  });
  await millrace.execute(`INSERT INTO s VALUES (${at(30)})`);
  expect(await millrace.query('SELECT count(*) FROM s')).toEqual([['1']]);
  expect(await millrace.query('SELECT watermark FROM millrace.watermarks')).toEqual([
    ['2026-01-01 00:00:30+00'],
  ]);
});

it('a time attribute that is NULL or infinite is refused', async () => {
  millrace = await Millrace.start();
  await millrace.execute('CREATE STREAM s (at timestamptz, WATERMARK FOR at AS at)');
  await expect(millrace.execute('INSERT INTO s VALUES (NULL)')).rejects.toMatchObject({ code: '23502' });
  await expect(millrace.execute("INSERT INTO s VALUES ('infinity')")).rejects.toMatchObject({
    code: '22008',
  });
});

it('processing time: windows over arrived_at close with the clock', async () => {
  millrace = await Millrace.start();
  await millrace.execute('CREATE STREAM s (v int)');
  const follower = await millrace.follow(
    "SELECT sum(v) AS s FROM TUMBLE(s, arrived_at, INTERVAL '10 seconds') GROUP BY window_end EMIT ON WINDOW CLOSE",
  );
  await millrace.execute('INSERT INTO s VALUES (1), (2)');
  await millrace.advance(5_000);
  expect(follower.drain().changes).toEqual([]);
  await millrace.advance(6_000);
  expect(follower.consolidated()).toEqual(['3']);
});

it('EMIT EVERY: one change a key and period', async () => {
  millrace = await Millrace.start();
  await millrace.execute('CREATE STREAM s (k text, v int)');
  const follower = await millrace.follow(
    "SELECT k, sum(v) AS s FROM s GROUP BY k EMIT EVERY INTERVAL '1 second'",
  );
  for (const v of [1, 2, 3]) {
    await millrace.execute(`INSERT INTO s VALUES ('a', ${v})`);
    await millrace.advance(100);
  }
  expect(follower.drain().changes).toEqual([]);
  await millrace.advance(1_000);
  expect(follower.drain().changes.map(({ diff, row }) => [diff, ...row])).toEqual([[1, 'a', '6']]);
  await millrace.execute("INSERT INTO s VALUES ('a', 4)");
  await millrace.advance(1_000);
  expect(follower.drain().changes.map(({ diff, row }) => [diff, ...row])).toEqual([
    [1, 'a', '6'],
    [-1, 'a', '6'],
    [1, 'a', '10'],
  ]);
});

it("late rows are kept once per query; late = 'correct' takes them", async () => {
  millrace = await Millrace.start();
  await millrace.execute('CREATE STREAM s (at timestamptz NOT NULL, v int, WATERMARK FOR at AS at)');
  const windowed =
    "SELECT sum(v) AS s, window_end FROM TUMBLE(s, at, INTERVAL '10 seconds') GROUP BY window_end";
  await millrace.execute(`CREATE MATERIALIZED VIEW dropped AS ${windowed}`);
  await millrace.execute(
    `CREATE MATERIALIZED VIEW corrected WITH (late = 'correct', lateness = '1 minute') AS ${windowed} EMIT CHANGES`,
  );
  await millrace.execute(`INSERT INTO s VALUES (${at(5)}, 1)`);
  await millrace.execute(`INSERT INTO s VALUES (${at(25)}, 10)`);
  await millrace.execute(`INSERT INTO s VALUES (${at(6)}, 100)`);
  expect(sortedLines(await millrace.query('SELECT * FROM dropped'))).toEqual(['1|2026-01-01 00:00:10+00']);
  expect(sortedLines(await millrace.query('SELECT * FROM corrected'))).toEqual([
    '101|2026-01-01 00:00:10+00',
    '10|2026-01-01 00:00:30+00',
  ]);
  expect(await millrace.query("SELECT view, late_by FROM millrace.late_rows WHERE view = 'dropped'")).toEqual(
    [['dropped', '00:00:19']],
  );
});

it("on_error = 'fail' stops the view, and reads give the error; the others go on", async () => {
  millrace = await Millrace.start();
  await millrace.execute('CREATE STREAM s (v int)');
  await millrace.execute('CREATE MATERIALIZED VIEW lenient AS SELECT 10 / v AS q FROM s');
  await millrace.execute(
    "CREATE MATERIALIZED VIEW strict WITH (on_error = 'fail') AS SELECT 10 / v AS q FROM s",
  );
  await millrace.execute('INSERT INTO s VALUES (5), (0), (2)');
  expect(sortedLines(await millrace.query('SELECT * FROM lenient'))).toEqual(['2', '5']);
  await expect(millrace.query('SELECT * FROM strict')).rejects.toMatchObject({ code: '22012' });
  expect(
    await millrace.query("SELECT relation, code FROM millrace.rejected_rows WHERE relation = 'lenient'"),
  ).toEqual([['lenient', '22012']]);
});

it('windows that began before the first row: a NOTICE names the first complete one; partial = false leaves them out', async () => {
  millrace = await Millrace.start();
  await millrace.execute('CREATE STREAM s (at timestamptz NOT NULL, WATERMARK FOR at AS at)');
  const windowed =
    "SELECT count(*) AS n, window_end FROM HOP(s, at, INTERVAL '5 seconds', INTERVAL '10 seconds') GROUP BY window_end";
  for (const emit of ['EMIT ON WINDOW CLOSE', 'EMIT CHANGES']) {
    const all = await millrace.follow(`${windowed} ${emit}`);
    const complete = await millrace.follow(`${windowed} ${emit} WITH (partial = false)`);
    await millrace.execute(`INSERT INTO s VALUES (${at(2)}), (${at(7)}), (${at(60)})`);
    expect(all.drain().notices).toEqual([
      'windows that begin before 2026-01-01T00:00:05.000Z are partial: the query saw no earlier rows',
    ]);
    expect(all.consolidated()).toContain('2|2026-01-01 00:00:10+00');
    expect(complete.consolidated().some((l) => l.endsWith('00:00:10+00'))).toBe(false);
    expect(complete.consolidated()).toContain('1|2026-01-01 00:00:15+00');
    await millrace.stop();
    millrace = await Millrace.start();
    await millrace.execute('CREATE STREAM s (at timestamptz NOT NULL, WATERMARK FOR at AS at)');
  }
});
