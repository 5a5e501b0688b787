/** Queries that the engine evaluates with every tick that changes what they read. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { POLLED_ANSWER_BYTES_MAX } from '../../common/limits.ts';
import { readDatum } from '../../runtime/batch/datum.ts';
import type { PolledQuery } from '../../runtime/engine-client.ts';
import { scannedRelations } from '../../server/session/scanned-relations.ts';
import { Millrace } from '../support/millrace.ts';

let millrace: Millrace;
beforeEach(async () => {
  millrace = await Millrace.start();
  clockMoves(0);
  await millrace.execute('CREATE TABLE t (k int PRIMARY KEY, text text)');
  await millrace.execute('CREATE TABLE other (k int PRIMARY KEY)');
  await millrace.execute('CREATE MATERIALIZED VIEW counts AS SELECT count(*) AS n FROM t');
});
afterEach(async () => {
  vi.restoreAllMocks();
  await millrace.stop();
});

/** What they may take is told by the clock: here it moves only as told. */
function clockMoves(msPerLook: number): void {
  let now = 1_000;
  vi.spyOn(performance, 'now').mockImplementation(() => {
    now += msPerLook;
    return now;
  });
}

function poll(sql: string): PolledQuery & { values: () => unknown } {
  const statement = millrace.plan(sql);
  if (statement.kind !== 'query') throw new Error(statement.kind);
  const { plan } = statement;
  const query = millrace.core.poll(plan, scannedRelations(plan));
  const values = (): unknown =>
    query.answer?.batches.flatMap((batch) =>
      Array.from({ length: batch.rows }, (_, row) =>
        String(readDatum(batch.columns[0]!, row, plan.columns[0]!.type)),
      ),
    ) ?? null;
  return Object.assign(query, { values });
}

it('has an answer with each tick that changes what it reads, and keeps it while nothing does', async () => {
  const keys = poll('SELECT k FROM t ORDER BY k DESC LIMIT 2');
  const counts = poll('SELECT n FROM counts');
  expect(keys.values()).toBeNull();
  await millrace.execute('INSERT INTO t VALUES (1), (2), (3)');
  expect([keys.values(), counts.values()]).toEqual([['3', '2'], ['3']]);
  const { tick } = keys.answer!;
  expect(tick).toBe(millrace.core.changes.committed);
  await millrace.execute('INSERT INTO other VALUES (1)');
  expect([keys.answer!.tick, keys.values()]).toEqual([tick, ['3', '2']]);
  await millrace.execute('DELETE FROM t WHERE k = 3');
  expect([keys.values(), counts.values()]).toEqual([['2', '1'], ['2']]);
});

it('stops when it is closed', async () => {
  const keys = poll('SELECT k FROM t');
  await millrace.execute('INSERT INTO t VALUES (1)');
  keys.close();
  await millrace.execute('INSERT INTO t VALUES (2)');
  expect(keys.values()).toEqual(['1']);
});

it('has none where it fails, is too large, or takes too long: whoever asks finds out', async () => {
  await millrace.execute("INSERT INTO t VALUES (1, 'x')");
  const quotient = poll('SELECT 1 / (k - 1) FROM t');
  const large = poll('SELECT text FROM t');
  const other = poll('SELECT k FROM t');
  await millrace.execute(`UPDATE t SET text = '${'x'.repeat(POLLED_ANSWER_BYTES_MAX)}'`);
  expect([quotient.answer, large.answer, other.values()]).toEqual([null, null, ['1']]);
  clockMoves(10);
  await millrace.execute("UPDATE t SET text = 'small'");
  expect([large.answer, other.answer]).toEqual([null, null]);
  clockMoves(0);
  await millrace.execute("UPDATE t SET text = 'smaller'");
  expect([large.values(), other.values()]).toEqual([['smaller'], ['1']]);
});

it('tries less and less often what fails again and again, and as ever once it does not', async () => {
  await millrace.execute("INSERT INTO t VALUES (1, 'x')");
  const quotient = poll('SELECT 12 / (k - 1) FROM t');
  for (let change = 0; change < 8; change++) await millrace.execute(`UPDATE t SET text = '${change}'`);
  await millrace.execute('UPDATE t SET k = 4');
  let changes = 0;
  for (; quotient.answer === null; changes++)
    await millrace.execute(`UPDATE t SET text = 'after ${changes}'`);
  expect([changes > 0, changes < 20, quotient.values()]).toEqual([true, true, ['4']]);
  await millrace.execute('UPDATE t SET k = 5');
  expect(quotient.values()).toEqual(['3']);
});
