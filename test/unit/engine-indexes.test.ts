/** What an index spares: how many rows a finite query's scan looks at, as of which tick, inside a block and outside. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { BlockScope } from '../../runtime/engine-client.ts';
import { Millrace } from '../support/millrace.ts';
import { scannedRows } from '../support/scanned-rows.ts';

const ROWS = 10_000;
const GROUPS = 1000;

let millrace: Millrace;

beforeEach(async () => {
  millrace = await Millrace.start();
  await millrace.execute('CREATE TABLE t (k int PRIMARY KEY, g int, h text)');
  const rows = Array.from({ length: ROWS }, (_, k) => `(${k}, ${k % GROUPS}, 'h${k % 3}')`);
  await millrace.execute(`INSERT INTO t VALUES ${rows.join(', ')}`);
  await millrace.execute(
    'CREATE MATERIALIZED VIEW v AS SELECT g, count(*) AS n, min(k) AS k FROM t GROUP BY g',
  );
});
afterEach(() => millrace.stop());

const looksAt = (sql: string, block: BlockScope | null = null, snapshot?: number): number =>
  scannedRows(millrace, sql, block, snapshot);

it('a table: the longest index whose columns are held, where it gives few of the rows', async () => {
  expect(looksAt('SELECT * FROM t WHERE g = 7')).toBe(ROWS);
  await millrace.execute('CREATE INDEX ON t (g)');
  expect(looksAt('SELECT * FROM t WHERE g = 7')).toBe(10);
  expect(looksAt('SELECT * FROM t WHERE g IN (7, 8, 8, 70000) AND k > 3')).toBe(20);
  expect(looksAt("SELECT * FROM t WHERE g = 7 AND h = 'h1'")).toBe(10);
  expect(looksAt('SELECT * FROM t WHERE g = 7 OR k = 1')).toBe(0);
  await millrace.execute('CREATE INDEX ON t (h, g)');
  expect(looksAt("SELECT * FROM t WHERE g = 7 AND h = 'h1'")).toBe(4);
  expect(looksAt('SELECT * FROM t WHERE g = 7 AND k = 7')).toBe(1);
  // a third of the rows is as well read as all
  await millrace.execute('CREATE INDEX ON t (h)');
  expect(looksAt("SELECT * FROM t WHERE h = 'h1'")).toBe(ROWS);
  await millrace.execute('DROP INDEX t_g_idx');
  expect(looksAt('SELECT * FROM t WHERE g = 7')).toBe(ROWS);
});

it('a view, as it changes', async () => {
  await millrace.execute('CREATE INDEX ON v (n)');
  expect(looksAt('SELECT * FROM v WHERE n = 11')).toBe(0);
  await millrace.execute("UPDATE t SET g = 1 WHERE k = 0; INSERT INTO t VALUES (10000, 2, 'x')");
  expect(looksAt('SELECT * FROM v WHERE n = 11')).toBe(2);
  expect(await millrace.query('SELECT g, k FROM v WHERE n = 11 ORDER BY g')).toEqual([
    ['1', '0'],
    ['2', '2'],
  ]);
});

it('an older tick, and a block that wrote, are read from all rows', async () => {
  await millrace.execute('CREATE INDEX ON t (g); CREATE INDEX ON v (g)');
  const snapshot = millrace.core.state.tick.number;
  const block: BlockScope = { id: 1, snapshot, created: [] };
  expect(looksAt('SELECT * FROM t WHERE g = 7', block)).toBe(10);
  expect(looksAt('SELECT * FROM v WHERE g = 7', block)).toBe(1);
  await millrace.execute('DELETE FROM t WHERE g = 7');
  expect(looksAt('SELECT * FROM t WHERE g = 7')).toBe(0);
  expect(looksAt('SELECT * FROM t WHERE g = 7', block)).toBe(ROWS);
  expect(looksAt('SELECT * FROM v WHERE g = 7', block)).toBe(GROUPS);
});

it('an index goes with its relation, and its memory with it', async () => {
  const table = [...millrace.core.state.relations.tables.values()][0]!;
  const before = table.store.memoryBytes();
  await millrace.execute('CREATE INDEX ON t (g); CREATE INDEX ON t (h, g)');
  expect(table.store.memoryBytes()).toBeGreaterThan(before + 2 * 12 * ROWS);
  await millrace.execute('DROP INDEX t_g_idx; DROP INDEX t_h_g_idx');
  expect(table.store.memoryBytes()).toBe(before);
  await millrace.execute('CREATE INDEX named ON t (g)');
  await millrace.execute('DROP TABLE t CASCADE');
  expect(millrace.core.catalog.objects.filter(({ kind }) => kind === 'index')).toEqual([]);
  await millrace.execute('CREATE TABLE named (a int)');
});
