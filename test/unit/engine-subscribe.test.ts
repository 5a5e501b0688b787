/** SUBSCRIBE: snapshots, AS OF, UP TO, progress, drops, and what is kept. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Millrace } from '../support/millrace.ts';

let millrace: Millrace;
beforeEach(async () => {
  millrace = await Millrace.start();
  await millrace.execute('CREATE TABLE t (k int PRIMARY KEY, v text)');
  await millrace.execute('CREATE MATERIALIZED VIEW v AS SELECT v, count(*) AS n FROM t GROUP BY v');
});
afterEach(() => millrace.stop());

const shown = (changes: readonly { diff: number; row: readonly (string | null)[] }[]): string[] =>
  changes.map(({ diff, row }) => `${diff > 0 ? '+' : ''}${diff} ${row.join('|')}`);

it('sends the current rows, then changes; a row that stayed the same is not sent', async () => {
  await millrace.execute("INSERT INTO t VALUES (1, 'a'), (2, 'a')");
  const follower = await millrace.follow('SUBSCRIBE TO v');
  expect(shown(follower.drain().changes)).toEqual(['+1 a|2']);
  await millrace.execute("UPDATE t SET v = 'a' WHERE k = 1");
  await millrace.execute("UPDATE t SET v = 'b' WHERE k = 1");
  expect(shown(follower.drain().changes).slice(1).sort()).toEqual(['+1 a|1', '+1 b|1', '-1 a|2']);
  expect(follower.consolidated()).toEqual(['a|1', 'b|1']);
});

it('SNAPSHOT = false sends changes only', async () => {
  await millrace.execute("INSERT INTO t VALUES (1, 'a')");
  const follower = await millrace.follow('SUBSCRIBE TO v WITH (SNAPSHOT = false)');
  await millrace.execute("INSERT INTO t VALUES (2, 'b')");
  expect(shown(follower.drain().changes)).toEqual(['+1 b|1']);
});

it('AS OF a tick: the snapshot as it was, then every later change', async () => {
  await millrace.execute("INSERT INTO t VALUES (1, 'a')");
  const tick = millrace.core.state.tick.number;
  await millrace.execute("INSERT INTO t VALUES (2, 'b')");
  await millrace.execute('DELETE FROM t WHERE k = 1');
  const follower = await millrace.follow(`SUBSCRIBE TO v AS OF ${tick}`);
  const changes = follower.drain().changes;
  expect(shown(changes.slice(0, 1))).toEqual(['+1 a|1']);
  expect(changes[0]!.tick).toBe(tick);
  expect(follower.consolidated()).toEqual(['b|1']);
  // resuming from any complete tick gives the rest, nothing twice
  const resumed = await millrace.follow(`SUBSCRIBE TO v WITH (SNAPSHOT = false) AS OF ${changes[1]!.tick}`);
  expect(resumed.drain().changes).toEqual(changes.filter((c) => c.tick > changes[1]!.tick));
});

it('UP TO ends before its tick', async () => {
  const tick = millrace.core.state.tick.number;
  const follower = await millrace.follow(`SUBSCRIBE TO v UP TO ${tick + 3}`);
  await millrace.execute("INSERT INTO t VALUES (1, 'a')");
  await millrace.execute("INSERT INTO t VALUES (2, 'b')");
  follower.drain();
  expect(follower.ended).toBe(true);
  expect(follower.changes.every((c) => c.tick < tick + 3)).toBe(true);
});

it('PROGRESS says when a tick is complete', async () => {
  const follower = await millrace.follow('SUBSCRIBE TO v WITH (PROGRESS)');
  await millrace.advance(2_000);
  follower.drain();
  expect(follower.progress).toBe(millrace.core.state.tick.number);
});

it('before the changelog: 55000 naming the oldest tick kept; an inline query has none', async () => {
  await millrace.execute("CREATE MATERIALIZED VIEW short WITH (changelog = '1 second') AS SELECT v FROM t");
  await millrace.execute("INSERT INTO t VALUES (1, 'a')");
  const tick = millrace.core.state.tick.number - 1;
  await millrace.advance(60_000);
  const old = await millrace.follow(`SUBSCRIBE TO short AS OF ${tick}`);
  expect(() => old.drain()).toThrow(/no longer kept/);
  const inline = await millrace.follow(`SUBSCRIBE (SELECT v FROM t) AS OF ${tick}`).catch((e: unknown) => e);
  if (inline instanceof Error) expect(inline).toMatchObject({ code: '55000' });
  else expect(() => (inline as { drain(): void }).drain()).toThrow(/named relation/);
});

it('a dropped relation ends it with 57P01', async () => {
  const follower = await millrace.follow('SUBSCRIBE TO v');
  await millrace.execute('DROP MATERIALIZED VIEW v');
  await millrace.advance(1);
  expect(() => follower.drain()).toThrow(/dropped/);
});

it('a view made in the tick of a write counts its rows once', async () => {
  const write = millrace.execute("INSERT INTO t VALUES (1, 'a')");
  const define = millrace.execute('CREATE MATERIALIZED VIEW w AS SELECT count(*) AS n FROM t');
  await Promise.all([write, define]);
  expect(await millrace.query('SELECT n FROM w')).toEqual([['1']]);
});
