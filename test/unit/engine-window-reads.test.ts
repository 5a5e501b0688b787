/** `window_end = (SELECT max(window_end) FROM v)` looks at the rows of that window, and gives what a look at all gives. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { PlanNode, QueryPlan } from '../../runtime/plan/query-plan.ts';
import { windowReads } from '../../runtime/plan/window-reads.ts';
import { finiteInput, sourceOf } from '../../runtime/tick/finite/finite-input.ts';
import type { FiniteInput } from '../../runtime/tick/finite/finite-run.ts';
import { Millrace } from '../support/millrace.ts';

const WINDOWS = 50;
const LATEST = 'SELECT * FROM v WHERE window_end = (SELECT max(window_end) FROM v)';

let millrace: Millrace;

beforeEach(async () => {
  millrace = await Millrace.start();
  await millrace.execute('CREATE STREAM s (at timestamptz NOT NULL, k text, WATERMARK FOR at AS at)');
  await millrace.execute(`CREATE MATERIALIZED VIEW v AS SELECT k, count(*) AS n, window_end
    FROM HOP(s, at, INTERVAL '1 minute', INTERVAL '2 minutes') GROUP BY k, window_end`);
});
afterEach(() => millrace.stop());

const at = (minute: number): string => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();

async function fill(rowsOf: (minute: number) => readonly string[]): Promise<void> {
  for (let minute = 0; minute < WINDOWS; minute++) {
    const rows = rowsOf(minute).map((k) => `('${at(minute)}', '${k}')`);
    await millrace.execute(`INSERT INTO s VALUES ${rows.join(', ')}`);
  }
}

function planOf(sql: string): QueryPlan {
  const statement = millrace.plan(sql);
  if (statement.kind !== 'query') throw new Error('not a query');
  return statement.plan;
}

/** The inputs of scans that ask for windows, by the column that they ask by. */
function inputs(root: PlanNode, snapshot: number | null = null): FiniteInput[] {
  const source = sourceOf(millrace.core.state, 0, snapshot, null);
  return [...windowReads(root)].map(([scan, windows]) => {
    if (scan.kind !== 'scan') throw new Error('not a scan');
    return finiteInput(scan, source, { constants: null, windows });
  });
}

function rowsIn(parts: FiniteInput['parts'] | null | undefined): number {
  let rows = 0;
  for (let p = parts!.next(); !p.done; p = parts!.next())
    for (const { batch } of p.value.parts) rows += batch.rows;
  return rows;
}

it('looks at the rows of the latest window', async () => {
  await fill(() => ['a', 'b', 'c']);
  const all = Number((await millrace.query('SELECT count(*) FROM v'))[0]![0]);
  expect(all).toBe(3 * (WINDOWS - 1));
  const { root, subqueries } = planOf(LATEST);
  expect(rowsIn(inputs(subqueries[0]!.root)[0]!.parts)).toBe(3);
  const [input] = inputs(root);
  const [[text]] = (await millrace.query('SELECT max(extract(epoch FROM window_end)) FROM v')) as [[string]];
  expect(rowsIn(input!.narrow!([Number(text) * 1e6]))).toBe(3);
  expect(rowsIn(input!.parts)).toBe(all);
  // an error of the sub-query, or no value, is for the filter to judge
  expect(input!.narrow!([null])).toBeNull();
  const end = at(WINDOWS - 1)
    .replace('T', ' ')
    .replace('.000Z', '+00');
  expect(await millrace.query(`${LATEST} ORDER BY k`)).toEqual(['a', 'b', 'c'].map((k) => [k, '2', end]));
});

it('an older tick, another column, a filter or another aggregate are read from all rows', async () => {
  await fill(() => ['a']);
  const all = WINDOWS - 1;
  const { root, subqueries } = planOf(LATEST);
  const before = millrace.core.state.tick.number;
  await millrace.execute(`INSERT INTO s VALUES ('${at(WINDOWS)}', 'a')`);
  expect(rowsIn(inputs(subqueries[0]!.root, before)[0]!.parts)).toBe(all);
  expect(inputs(root, before)[0]!.narrow).toBeUndefined();
  for (const sql of [
    'SELECT max(window_end) FROM v WHERE n > 1',
    'SELECT max(window_end), count(*) FROM v',
    'SELECT min(window_end) FROM v',
    'SELECT max(window_end) FROM v GROUP BY k',
    "SELECT max(window_end) FILTER (WHERE k = 'a') FROM v",
  ])
    expect(windowReads(planOf(sql).root).size).toBe(0);
  expect(await millrace.query('SELECT max(window_end), count(*) FROM v')).toEqual([
    [at(WINDOWS).replace('T', ' ').replace('.000Z', '+00'), String(WINDOWS)],
  ]);
});

it('gives the same as all rows do, whatever windows hold rows and however many close at once', async () => {
  await fill((minute) => (minute % 7 === 3 ? ['a', 'b'] : ['b']));
  await millrace.execute(`INSERT INTO s VALUES ('${at(WINDOWS + 30)}', 'z')`);
  const equal = ['=', '<=', '>='].map(
    (operator) =>
      `SELECT count(*), max(window_end) FROM v WHERE window_end ${operator} (SELECT max(window_end) FROM v)`,
  );
  const [latest, least, most] = (await Promise.all(equal.map((sql) => millrace.query(sql)))).map(
    (rows) => rows[0]!,
  );
  expect(latest).toEqual(most);
  expect(latest![1]).toBe(least![1]);
  expect(await millrace.query("SELECT max(window_end + INTERVAL '0 s') FROM v")).toEqual([[latest![1]]]);
  expect(await millrace.query(LATEST.replace('SELECT *', 'SELECT k'))).toEqual([['b']]);
  await millrace.execute('CREATE MATERIALIZED VIEW empty AS SELECT * FROM v WHERE n > 1000');
  expect(await millrace.query(LATEST.replaceAll(' v', ' empty'))).toEqual([]);
});
