/** Finite queries between ticks. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { ResultEvent, ResultStream } from '../../runtime/engine-client.ts';
import { Millrace } from '../support/millrace.ts';

let millrace: Millrace;
beforeEach(async () => {
  millrace = await Millrace.start();
  await millrace.execute('CREATE TABLE t (k int PRIMARY KEY)');
  await millrace.execute('INSERT INTO t VALUES (1), (2)');
});
afterEach(async () => {
  vi.restoreAllMocks();
  await millrace.stop();
});

function run(sql: string): ResultStream {
  const statement = millrace.plan(sql);
  if (statement.kind !== 'query') throw new Error(statement.kind);
  return millrace.core.run(statement.plan, {
    label: 'test',
    pid: 1,
    now: 0,
    silenceNoticeMs: 0,
    snapshot: null,
  });
}

function kinds(stream: ResultStream): string[] {
  const events: ResultEvent[] = [];
  for (let event = stream.poll(); event !== null; event = stream.poll()) events.push(event);
  return events.map((event) => event.kind);
}

/** A slice is over by the clock: here it moves only as told. */
function clockMoves(msPerLook: number): void {
  let now = performance.now();
  vi.spyOn(performance, 'now').mockImplementation(() => {
    now += msPerLook;
    return now;
  });
}

it('one that comes alone is answered at once, as of the last tick', () => {
  clockMoves(0);
  const { number } = millrace.core.state.tick;
  for (let i = 0; i < 3; i++) expect(kinds(run('SELECT k FROM t'))).toEqual(['rows', 'end']);
  expect(millrace.core.state.tick.number).toBe(number);
});

it('one that comes after a write sees it', async () => {
  clockMoves(0);
  const write = millrace.execute('INSERT INTO t VALUES (3)');
  await Promise.resolve();
  const stream = run('SELECT k FROM t WHERE k = 3');
  await write;
  expect(kinds(stream)).toEqual(['rows', 'end']);
});

it('many at a time leave room for ticks', async () => {
  const values = Array.from({ length: 2_000 }, (_, i) => `(${i + 10})`).join();
  await millrace.execute(`INSERT INTO t VALUES ${values}`);
  clockMoves(0.1);
  const streams = Array.from({ length: 500 }, () => run('SELECT count(*) FROM t WHERE k % 7 = 3'));
  const answered = streams.filter((stream) => kinds(stream).includes('end')).length;
  expect(answered).toBeLessThan(streams.length);
  await millrace.advance(1);
  const rest = streams.filter((stream) => kinds(stream).includes('end')).length;
  expect(answered + rest).toBe(streams.length);
});

it('an engine that has stopped answers with its error', async () => {
  await millrace.stop();
  const stream = run('SELECT k FROM t');
  expect(stream.poll()).toMatchObject({ kind: 'error', error: { code: '57P01' } });
});
