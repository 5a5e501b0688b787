/** More late rows in a tick than are kept: the newest stay, all are counted. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { KEPT_ROWS_MAX } from '../../common/limits.ts';
import { Millrace } from '../support/millrace.ts';

let millrace: Millrace;
beforeEach(async () => {
  millrace = await Millrace.start();
  await millrace.execute('CREATE STREAM s (at timestamptz, n int, WATERMARK FOR at AS at)');
  for (const name of ['one', 'two']) {
    await millrace.execute(
      `CREATE MATERIALIZED VIEW ${name} AS SELECT window_end, count(*) AS c FROM TUMBLE(s, at, INTERVAL '1 second') GROUP BY window_end`,
    );
  }
  await millrace.execute("INSERT INTO s VALUES ('2026-01-01 00:01Z', 0)");
});
afterEach(() => millrace.stop());

const late = (view: string): Promise<readonly (readonly (string | null)[])[]> =>
  millrace.query(
    `SELECT count(*), min((row ->> 'n')::int), max((row ->> 'n')::int) FROM millrace.late_rows WHERE view = '${view}'`,
  );

it('keeps the newest of one tick, and counts all', async () => {
  const rows = KEPT_ROWS_MAX + 500;
  const values = Array.from({ length: rows }, (_, i) => `('2026-01-01 00:00:01Z', ${i + 1})`);
  await millrace.execute(`INSERT INTO s VALUES ${values.join(', ')}`);
  expect((await millrace.core.metrics())['millrace_late_rows_total']).toBe(2 * rows);
  // the views are stepped one after the other: the second one's rows are the newer ones
  expect(await late('two')).toEqual([[`${KEPT_ROWS_MAX}`, '501', `${rows}`]]);
  expect(await late('one')).toEqual([['0', null, null]]);
});

it('keeps them over ticks, in order', async () => {
  await millrace.execute("INSERT INTO s VALUES ('2026-01-01 00:00:01Z', 7), ('2026-01-01 00:00:02Z', 8)");
  await millrace.execute("INSERT INTO s VALUES ('2026-01-01 00:00:03Z', 9)");
  expect(await late('one')).toEqual([['3', '7', '9']]);
  expect(await millrace.query("SELECT row ->> 'n' FROM millrace.late_rows WHERE view = 'two'")).toEqual([
    ['7'],
    ['8'],
    ['9'],
  ]);
  expect((await millrace.core.metrics())['millrace_late_rows_total']).toBe(6);
});
