/**
 * Two sessions, their statements interleaved at random, against a model of what the documentation promises: reads see the
 * snapshot of BEGIN and the block's own writes; a row that others changed since can't be changed (40001); views over the
 * table always equal their query.
 */
import fc from 'fast-check';
import type pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestServer } from '../support/server.ts';
import { type Answer, askMillrace } from '../support/two-databases.ts';

type Rows = Map<number, number>;
type Statement = Readonly<{
  kind: 'insert' | 'nothing' | 'upsert' | 'update' | 'delete';
  key: number;
  value: number;
}>;
type Action = Statement | Readonly<{ kind: 'begin' | 'commit' | 'rollback' | 'read' | 'view' }>;
type Step = Readonly<{ session: 0 | 1; action: Action }>;

const SQL: Readonly<Record<Statement['kind'], (key: number, value: number) => string>> = {
  insert: (k, v) => `INSERT INTO t VALUES (${k}, ${v})`,
  nothing: (k, v) => `INSERT INTO t VALUES (${k}, ${v}) ON CONFLICT DO NOTHING`,
  upsert: (k, v) => `INSERT INTO t VALUES (${k}, ${v}) ON CONFLICT (k) DO UPDATE SET v = t.v + 10`,
  update: (k, v) => `UPDATE t SET v = ${v} WHERE k = ${k}`,
  delete: (k) => `DELETE FROM t WHERE k = ${k}`,
};

const textOf = (action: Action): string => {
  switch (action.kind) {
    case 'begin':
    case 'commit':
    case 'rollback':
      return action.kind;
    case 'read':
      return 'SELECT k, v FROM t';
    case 'view':
      return 'SELECT parity, s FROM by_parity';
    default:
      return SQL[action.kind](action.key, action.value);
  }
};

class Failure extends Error {
  readonly code: string;
  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

type Change = Readonly<{ key: number; careful: boolean }>;
type Block = { snapshot: Rows; view: Rows; log: Change[]; changedByOthers: Set<number>; failed: boolean };

/** The documented rules over one table with a primary key. */
class Model {
  readonly #rows: Rows = new Map([
    [1, 1],
    [2, 2],
  ]);
  readonly #blocks: (Block | null)[] = [null, null];

  answer(session: 0 | 1, action: Action): Answer {
    const block = this.#blocks[session]!;
    try {
      return this.#act(session, block, action);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      if (block !== null && action.kind !== 'commit') block.failed = true;
      return { code: error.code };
    }
  }

  #act(session: 0 | 1, block: Block | null, action: Action): Answer {
    const ends = action.kind === 'commit' || action.kind === 'rollback';
    if (block?.failed === true && !ends) throw new Failure('25P02');
    switch (action.kind) {
      case 'begin':
        if (block === null) this.#blocks[session] = this.#begin();
        return { tag: 'BEGIN', rows: [] };
      case 'rollback':
        this.#blocks[session] = null;
        return { tag: 'ROLLBACK', rows: [] };
      case 'commit':
        this.#blocks[session] = null;
        if (block?.failed === true) return { tag: 'ROLLBACK', rows: [] };
        if (block !== null) this.#commit(session, block);
        return { tag: 'COMMIT', rows: [] };
      case 'read':
        return select([...(block?.view ?? this.#rows)].map(([k, v]) => `${k}|${v}`));
      case 'view':
        return select(byParity(block?.view ?? this.#rows));
      default:
        return this.#write(session, block, action);
    }
  }

  #begin(): Block {
    const { snapshot, view } = { snapshot: new Map(this.#rows), view: new Map(this.#rows) };
    return { snapshot, view, log: [], changedByOthers: new Set(), failed: false };
  }

  #write(session: 0 | 1, block: Block | null, { kind, key, value }: Statement): Answer {
    const seen = block?.view ?? new Map(this.#rows);
    const there = seen.has(key);
    const unseen = block !== null && !there && !block.snapshot.has(key) && this.#rows.has(key);
    const tag = { update: 'UPDATE', delete: 'DELETE' }[kind as string] ?? 'INSERT';
    const careful = kind === 'nothing' || kind === 'upsert';
    const inserts = tag === 'INSERT';
    if (inserts && unseen) throw new Failure(careful ? '40001' : '23505');
    if (kind === 'insert' && there) throw new Failure('23505');
    if (inserts ? kind === 'nothing' && there : !there) return { tag: `${tag} 0`, rows: [] };
    if (kind === 'delete') seen.delete(key);
    else seen.set(key, kind === 'upsert' && there ? seen.get(key)! + 10 : value);
    if (block === null) this.#land(session, seen, [key]);
    else block.log.push({ key, careful });
    return { tag: `${tag} 1`, rows: [] };
  }

  #commit(session: 0 | 1, block: Block): void {
    for (const { key, careful } of block.log) {
      if (!block.changedByOthers.has(key)) continue;
      if (block.snapshot.has(key)) throw new Failure('40001');
      if (this.#rows.has(key) && block.view.has(key)) throw new Failure(careful ? '40001' : '23505');
    }
    this.#land(
      session,
      block.view,
      block.log.map((change) => change.key),
    );
  }

  #land(session: 0 | 1, seen: Rows, keys: readonly number[]): void {
    const other = this.#blocks[1 - session]!;
    for (const key of keys) {
      const value = seen.get(key);
      if (this.#rows.get(key) !== value) other?.changedByOthers.add(key);
      if (value === undefined) this.#rows.delete(key);
      else this.#rows.set(key, value);
    }
  }
}

const select = (rows: readonly string[]): Answer => ({ tag: `SELECT ${rows.length}`, rows: rows.toSorted() });

function byParity(rows: Rows): string[] {
  const sums = new Map<number, number>();
  for (const [k, v] of rows) sums.set(k % 2, (sums.get(k % 2) ?? 0) + v);
  return [...sums].map(([parity, sum]) => `${parity}|${sum}`);
}

let server: TestServer;
const clients: pg.Client[] = [];

beforeAll(async () => {
  server = await TestServer.start();
  for (let i = 0; i < 3; i++) {
    const client = await server.connect();
    clients.push(client);
  }
  await clients[0]!.query('CREATE TABLE t (k int PRIMARY KEY, v int)');
  await clients[0]!.query(
    'CREATE MATERIALIZED VIEW by_parity AS SELECT k % 2 AS parity, sum(v) AS s FROM t GROUP BY k % 2',
  );
}, 30_000);

afterAll(async () => {
  for (const client of clients) await client.end();
  await server.stop();
});

const key = fc.integer({ min: 1, max: 4 });
const value = fc.integer({ min: 1, max: 3 });
const kinds = fc.constantFrom('insert', 'nothing', 'upsert', 'update', 'update', 'delete');
const write = fc.record({ kind: kinds, key, value }) as fc.Arbitrary<Action>;
const read = fc.constantFrom('read', 'view').map((kind) => ({ kind }) as Action);
const inner = fc.oneof({ weight: 3, arbitrary: write }, { weight: 1, arbitrary: read });
const block: fc.Arbitrary<readonly Action[]> = fc
  .tuple(
    fc.array(inner, { minLength: 1, maxLength: 4 }),
    fc.constantFrom('commit', 'commit', 'commit', 'rollback'),
  )
  .map(([actions, kind]) => [{ kind: 'begin' }, ...actions, { kind: kind as 'commit' | 'rollback' }]);
const alone: fc.Arbitrary<readonly Action[]> = fc.array(write, { minLength: 1, maxLength: 4 });
const work = fc.oneof({ weight: 2, arbitrary: block }, { weight: 1, arbitrary: alone });
/** What both sessions do, cut into each other. */
const episode = fc
  .tuple(work, work, fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }))
  .map(([a, b, cuts]) => {
    const left: Readonly<Record<0 | 1, Action[]>> = [[...a], [...b]];
    const steps: Step[] = [];
    for (const cut of cuts) {
      const session = cut && left[1].length > 0 ? 1 : left[0].length > 0 ? 0 : 1;
      const action = left[session].shift();
      if (action !== undefined) steps.push({ session, action });
    }
    return steps;
  });
const script = fc.array(episode, { minLength: 1, maxLength: 4 }).map((episodes) => episodes.flat());

it('interleaved blocks are as the model says, and views equal their query', async () => {
  await fc.assert(
    fc.asyncProperty(script, async (steps) => {
      const model = new Model();
      const third = clients[2]!;
      await third.query('TRUNCATE t');
      await third.query('INSERT INTO t VALUES (1, 1), (2, 2)');
      try {
        for (const { session, action } of steps) {
          const ours = await askMillrace(clients[session]!, textOf(action));
          const wanted = model.answer(session, action);
          expect({ session, sql: textOf(action), ...ours }).toEqual({
            session,
            sql: textOf(action),
            ...wanted,
          });
          if (action.kind === 'begin' || action.kind === 'read' || action.kind === 'view') continue;
          const [view, query] = [
            await askMillrace(third, 'SELECT parity, s FROM by_parity'),
            await askMillrace(third, 'SELECT k % 2, sum(v) FROM t GROUP BY k % 2'),
          ];
          expect(view).toEqual(query);
        }
      } finally {
        await clients[0]!.query('ROLLBACK');
        await clients[1]!.query('ROLLBACK');
      }
    }),
    { numRuns: Number(process.env['LAW_RUNS'] ?? 80) },
  );
}, 120_000);
