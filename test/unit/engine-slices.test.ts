/** Finite queries work in slices: costly rows do not hold the ticks up, and the cut does not show in the answer. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FiniteRun } from '../../runtime/tick/finite/finite-run.ts';
import { finiteInput, sourceOf } from '../../runtime/tick/finite/finite-input.ts';
import { Millrace } from '../support/millrace.ts';

const ROWS = 2000;
/** Far more than a slice for all rows together. */
const COSTLY = "regexp_replace(repeat(t, 4000), '(a|b|ab)*c', 'x', 'g')";

let millrace: Millrace;
beforeEach(async () => {
  millrace = await Millrace.start();
  await millrace.execute("CREATE STREAM s (n int, t text) WITH (retention = 'forever')");
  const rows = Array.from({ length: ROWS }, (_, n) => `(${n}, 'ab${n}')`);
  await millrace.execute(`INSERT INTO s VALUES ${rows.join(', ')}`);
});
afterEach(() => millrace.stop());

function startRun(sql: string): FiniteRun {
  const { state } = millrace.core;
  const statement = millrace.plan(sql);
  if (statement.kind !== 'query') throw new Error('not a query');
  const source = sourceOf(state, state.now, null, null);
  const { tick } = state;
  return new FiniteRun({
    plan: statement.plan,
    tick,
    now: state.now,
    inputOf: (scan) => finiteInput(scan.node, source),
  });
}

/** Turns until the run is over, and its rows. */
function turns(run: FiniteRun): { turns: number; rows: number } {
  let count = 0;
  let rows = 0;
  while (!run.done) {
    for (const batch of run.advance()) rows += batch.rows;
    count++;
  }
  return { turns: count, rows };
}

it('costly rows come in small portions, cheap ones in large', () => {
  const cheap = turns(startRun('SELECT n FROM s'));
  const costly = turns(startRun(`SELECT ${COSTLY} FROM s`));
  expect([cheap.rows, costly.rows]).toEqual([ROWS, ROWS]);
  expect(cheap.turns).toBeLessThan(20);
  expect(costly.turns).toBeGreaterThan(2 * cheap.turns);
});

it('the answer is the same', async () => {
  expect(
    await millrace.query(
      'SELECT count(*), sum(n), min(n), first(n), last(n), count(DISTINCT t) FROM s WHERE n >= (SELECT min(n) FROM s)',
    ),
  ).toEqual([[String(ROWS), String((ROWS * (ROWS - 1)) / 2), '0', '0', String(ROWS - 1), String(ROWS)]]);
  const rows = await millrace.query('SELECT n FROM s OFFSET 100 LIMIT 1500');
  expect([rows.length, rows[0], rows.at(-1)]).toEqual([1500, ['100'], ['1599']]);
});
