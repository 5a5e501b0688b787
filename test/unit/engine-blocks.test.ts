/** Transaction blocks in the engine: what bounds them, what frees them, what happens when their snapshot is out of reach. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { BLOCK_ROWS_MAX } from '../../common/limits.ts';
import type { BlockScope, WriteResult } from '../../runtime/engine-client.ts';
import { buildColumn, readDatum } from '../../runtime/batch/datum.ts';
import { finiteInput, sourceOf } from '../../runtime/tick/finite/finite-input.ts';
import { FiniteRun } from '../../runtime/tick/finite/finite-run.ts';
import { Millrace } from '../support/millrace.ts';
import { scannedRows } from '../support/scanned-rows.ts';

let millrace: Millrace;

beforeEach(async () => {
  millrace = await Millrace.start();
  await millrace.execute('CREATE TABLE t (k int PRIMARY KEY, v int)');
  await millrace.execute('INSERT INTO t VALUES (1, 1), (2, 2)');
});
afterEach(() => millrace.stop());

const scope = (id: number): BlockScope => ({ id, snapshot: millrace.core.state.tick.number, created: [] });

function write(block: BlockScope, sql: string): Promise<WriteResult> {
  const statement = millrace.plan(sql);
  if (statement.kind !== 'write') throw new Error(`not a write: ${statement.kind}`);
  return millrace.core.writeInBlock(block, statement.operations, { now: 0 });
}

const commit = async (id: number): Promise<unknown> => {
  const landed = millrace.core.commitBlock(id);
  millrace.core.tick();
  return landed;
};

it('a block lands in one tick, and is gone then', async () => {
  const block = scope(1);
  expect((await write(block, 'DELETE FROM t WHERE k = 1')).rowCounts).toEqual([1]);
  await write(block, 'INSERT INTO t VALUES (3, 3)');
  expect(millrace.core.state.blocks.size).toBe(1);
  const follower = await millrace.follow('SUBSCRIBE TO t WITH (SNAPSHOT = false)');
  await commit(1);
  expect(new Set(follower.drain().changes.map((c) => c.tick)).size).toBe(1);
  expect(await millrace.query('SELECT * FROM t ORDER BY k')).toEqual([
    ['2', '2'],
    ['3', '3'],
  ]);
  expect(millrace.core.state.blocks.size).toBe(0);
});

it('a block that is ended or taken back leaves nothing, not even memory', async () => {
  await write(scope(1), 'DELETE FROM t');
  await millrace.core.endBlock(1);
  const block = scope(2);
  await write(block, 'UPDATE t SET v = 0');
  await write(block, 'DELETE FROM t');
  await millrace.core.rollbackBlock(2, 1);
  expect((await write(block, 'DELETE FROM t WHERE v = 0')).rowCounts).toEqual([2]);
  await millrace.core.rollbackBlock(2, 0);
  expect(millrace.core.state.blocks.size).toBe(0);
  await commit(2);
  expect(await millrace.query('SELECT sum(v) FROM t')).toEqual([['3']]);
});

it('54000 past the bound of rows, and what was written before stays', async () => {
  const block = scope(1);
  const numbers = Array.from({ length: BLOCK_ROWS_MAX }, (_, i) => i + 10);
  const column = buildColumn({ name: 'int4' }, numbers);
  const batches = [{ rows: numbers.length, columns: [column, column], weights: null }];
  await write(block, 'INSERT INTO t VALUES (3, 3)');
  const relation = millrace.core.catalog.objects.at(-1)!.oid;
  const append = { kind: 'append', relation, columns: [0, 1], batches, timeZone: 'UTC' } as const;
  await expect(millrace.core.writeInBlock(block, [append], { now: 0 })).rejects.toMatchObject({
    code: '54000',
  });
  await commit(1);
  expect(await millrace.query('SELECT count(*) FROM t')).toEqual([['3']]);
});

it('the memory limit refuses writes of blocks too', async () => {
  const small = await Millrace.start({ memoryLimitBytes: 1 });
  await small.execute('CREATE TABLE u (k int)');
  const statement = small.plan('INSERT INTO u VALUES (1)');
  small.core.state.memoryBytes = 2;
  const operations = statement.kind === 'write' ? statement.operations : [];
  const block = { id: 1, snapshot: 1, created: [] };
  await expect(small.core.writeInBlock(block, operations, { now: 0 })).rejects.toMatchObject({
    code: '53200',
  });
  await small.stop();
});

it('a snapshot that the changelog no longer reaches: 55000 for reads, 40001 for rows that were there', async () => {
  const [reads, changes, adds, takes] = [scope(1), scope(2), scope(3), scope(4)];
  await write(changes, 'UPDATE t SET v = 5 WHERE k = 1');
  await write(adds, 'INSERT INTO t VALUES (8, 8)');
  await write(takes, 'INSERT INTO t VALUES (9, 9)');
  await millrace.execute('UPDATE t SET v = 9 WHERE k = 2');
  await millrace.execute('INSERT INTO t VALUES (9, 0)');
  // the changelog keeps five minutes
  await millrace.advance(6 * 60_000);
  await expect(write(reads, 'DELETE FROM t')).rejects.toMatchObject({ code: '55000' });
  await expect(commit(2)).rejects.toMatchObject({ code: '40001' });
  await commit(3);
  await expect(commit(4)).rejects.toMatchObject({ code: '23505' });
  expect(await millrace.query('SELECT * FROM t ORDER BY k')).toEqual([
    ['1', '1'],
    ['2', '9'],
    ['8', '8'],
    ['9', '0'],
  ]);
});

it('two blocks that commit in one tick conflict as in two', async () => {
  await write(scope(1), 'UPDATE t SET v = 10 WHERE k = 1');
  await write(scope(2), 'UPDATE t SET v = 20 WHERE k = 1');
  await write(scope(3), 'INSERT INTO t VALUES (5, 5) ON CONFLICT DO NOTHING');
  await write(scope(4), 'INSERT INTO t VALUES (5, 6)');
  const settled = Promise.allSettled([2, 1, 3, 4].map((id) => millrace.core.commitBlock(id)));
  millrace.core.tick();
  const codes = (await settled).map((r) =>
    r.status === 'rejected' ? (r.reason as { code: string }).code : 'ok',
  );
  expect(codes).toEqual(['ok', '40001', 'ok', '23505']);
  expect(await millrace.query('SELECT * FROM t ORDER BY k')).toEqual([
    ['1', '20'],
    ['2', '2'],
    ['5', '5'],
  ]);
});

it('a write fails whole where a later table of the block conflicts', async () => {
  await millrace.execute('CREATE TABLE u (k int PRIMARY KEY)');
  const block = scope(1);
  await write(block, 'INSERT INTO t VALUES (7, 7)');
  await write(block, 'INSERT INTO u VALUES (7)');
  await millrace.execute('INSERT INTO u VALUES (7)');
  await expect(commit(1)).rejects.toMatchObject({ code: '23505' });
  expect(await millrace.query('SELECT count(*) FROM t')).toEqual([['2']]);
});

it('a view without a changelog does not answer for an earlier tick', async () => {
  await millrace.execute("CREATE MATERIALIZED VIEW m WITH (changelog = 'none') AS SELECT sum(v) AS s FROM t");
  const { snapshot } = scope(0);
  await millrace.execute('UPDATE t SET v = 5');
  const statement = millrace.plan('SELECT * FROM m');
  if (statement.kind !== 'query') throw new Error('not a query');
  const stream = millrace.core.run(statement.plan, {
    label: '',
    pid: 0,
    now: 0,
    silenceNoticeMs: 0,
    snapshot,
  });
  millrace.core.tick();
  expect(stream.poll()).toMatchObject({ kind: 'error', error: { code: '55000' } });
});

it('a statement outside of blocks reads tables and the views over them as of one moment', async () => {
  await millrace.execute('CREATE MATERIALIZED VIEW sums AS SELECT sum(v) AS s FROM t');
  await millrace.execute('CREATE TABLE seen (by_view bigint, by_table bigint)');
  const look = 'INSERT INTO seen SELECT s, (SELECT sum(v) FROM t) FROM sums';
  const writes = [
    'UPDATE t SET v = v + 1',
    look,
    'INSERT INTO t VALUES (3, 3)',
    look,
    'DELETE FROM t WHERE k = 1',
    look,
  ];
  const done = writes.map((sql) => millrace.execute(sql));
  await millrace.advance(1);
  await Promise.all(done);
  const rows = await millrace.query('SELECT * FROM seen');
  expect(rows).toHaveLength(3);
  for (const [byView, byTable] of rows) expect(byView).toBe(byTable);
});

it('a query and its sub-queries read the same tick', async () => {
  const statement = millrace.plan(
    'SELECT sum(v) - (SELECT sum(v) FROM t) AS d FROM t WHERE k IN (SELECT k FROM t)',
  );
  if (statement.kind !== 'query') throw new Error('not a query');
  const { plan } = statement;
  const { state } = millrace.core;
  const source = sourceOf(state, 0, null, null);
  const run = new FiniteRun({
    plan,
    tick: state.tick,
    now: 0,
    inputOf: ({ node }) => finiteInput(node, source),
  });
  const batches = run.advance();
  await millrace.execute('UPDATE t SET v = v + 1');
  while (!run.done) batches.push(...run.advance());
  expect(
    batches.flatMap((b) => (b.rows > 0 ? [readDatum(b.columns[0]!, 0, plan.columns[0]!.type)] : [])),
  ).toEqual([0n]);
});

it('a read by primary key looks at the rows that it names alone', async () => {
  const parts = (sql: string, block: BlockScope | null): number => scannedRows(millrace, sql, block);
  expect(parts('SELECT v FROM t WHERE k = 2 AND v > 7', null)).toBe(1);
  expect(parts('SELECT v FROM t WHERE k IN (1, 2, 2, 9)', null)).toBe(2);
  expect(parts('SELECT v FROM t WHERE v = 2', null)).toBe(2);
  const block = scope(1);
  await write(block, 'INSERT INTO t VALUES (9, 9)');
  await write(block, 'DELETE FROM t WHERE k = 1');
  await millrace.execute('UPDATE t SET v = 5 WHERE k = 2');
  expect(parts('SELECT v FROM t WHERE k IN (1, 2, 9)', block)).toBe(2);
});
