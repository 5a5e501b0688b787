/** A maintained top-n over rows that are never taken back: right, and no larger than what it shows. */
import { expect, it } from 'vitest';
import type { Schema } from '../../common/types.ts';
import type { Batch, Column } from '../../runtime/batch/column.ts';
import { unweighted } from '../../runtime/batch/unweighted.ts';
import { TopN } from '../../runtime/dstream/top-n.ts';
import { Millrace, sortedLines } from '../support/millrace.ts';

const QUERIES = [
  'SELECT key, value, n FROM s ORDER BY value DESC, n LIMIT 3',
  'SELECT key, value FROM s ORDER BY value LIMIT 2 OFFSET 4',
  'SELECT DISTINCT ON (key) key, value, n FROM s ORDER BY key, value DESC NULLS FIRST',
  'SELECT * FROM (SELECT key, n, row_number() OVER (PARTITION BY key ORDER BY value, n DESC) AS r FROM s) AS t WHERE r <= 2',
];
const ROWS = 400;

it.each(QUERIES)('%s', async (sql) => {
  const millrace = await Millrace.start();
  await millrace.execute('CREATE STREAM s (key int, value float8, n int)');
  await millrace.execute(`CREATE MATERIALIZED VIEW v AS ${sql}`);
  for (let from = 0; from < ROWS; from += 20) {
    const rows = Array.from({ length: 20 }, (_, i) => {
      const n = from + i;
      return `(${n % 4}, ${n % 17 === 0 ? 'NULL' : (n * 7919) % 101}, ${n})`;
    });
    await millrace.execute(`INSERT INTO s VALUES ${rows.join(', ')}`);
    expect(sortedLines(await millrace.query('SELECT * FROM v'))).toEqual(
      sortedLines(await millrace.query(sql)),
    );
  }
  const view = millrace.core.catalog.objects.find((o) => o.name === 'v');
  const operators = await millrace.core.statistics(view!.oid);
  const { memoryBytes } = operators.find((o) => o.operator === 'top-n')!;
  expect(memoryBytes).toBeGreaterThan(0);
  expect(memoryBytes).toBeLessThan((64 * ROWS) / 10);
  await millrace.stop();
});

it('a row that comes with a weight counts as often, and no more of it is shown than the limit', () => {
  const schema: Schema = [{ name: 'v', type: { name: 'float8' }, nullable: true }] as unknown as Schema;
  const input = { schema, timeColumns: [] } as unknown as ConstructorParameters<typeof TopN>[0];
  const node = {
    kind: 'top-n',
    id: 1,
    schema,
    timeColumns: [],
    perWindow: null,
    partition: [],
    order: [{ column: 0, descending: false, nullsFirst: false }],
    limit: 3,
    offset: 0,
    rank: false,
    input: { appendOnly: true },
  } as unknown as ConstructorParameters<typeof TopN>[1];
  const topN = new TopN(input, node, false);
  const values: Column = { kind: 'float64', values: Float64Array.from([7, 5]), valid: null };
  const batch: Batch = { rows: 2, columns: [values], weights: Int32Array.from([50, 2]) };
  const { batches } = topN.step({ number: 1, time: 0 }, [{ batches: [batch], watermarks: [], ended: false }]);
  const shown = batches
    .map(unweighted)
    .flatMap((b) => [...(b.columns[0] as typeof values).values].slice(0, b.rows));
  expect(shown.sort()).toEqual([5, 5, 7]);
});
