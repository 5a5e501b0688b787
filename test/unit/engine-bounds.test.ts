/** Queries that would take the machine: what they hold at a time is bounded, and where it can't be they are refused. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Millrace } from '../support/millrace.ts';

let millrace: Millrace;
beforeEach(async () => {
  millrace = await Millrace.start();
});
afterEach(() => millrace.stop());

describe('rows in very many windows', () => {
  // three rows in 70,000 windows each: more than goes out in a step
  const HOP = `HOP(s, at, INTERVAL '1 second', INTERVAL '70000 seconds')`;
  beforeEach(async () => {
    await millrace.execute('CREATE STREAM s (at timestamptz, v int, WATERMARK FOR at AS at)');
    await millrace.execute(
      `INSERT INTO s VALUES ('2026-01-01 00:00:00Z', 1), ('2026-01-01 00:00:10Z', 2), ('2026-01-01 00:00:20Z', 4)`,
    );
  });

  it('are each there once, in a finite query', async () => {
    expect(
      await millrace.query(
        `SELECT v, count(*), min(window_start), max(window_start) FROM ${HOP} GROUP BY v ORDER BY v`,
      ),
    ).toEqual(
      [
        [1, '00:00:00', '04:33:21'],
        [2, '00:00:10', '04:33:31'],
        [4, '00:00:20', '04:33:41'],
      ].map(([v, last, first]) => [String(v), '70000', `2025-12-31 ${first}+00`, `2026-01-01 ${last}+00`]),
    );
    expect(await millrace.query(`SELECT v FROM ${HOP} LIMIT 2`)).toEqual([['1'], ['1']]);
  });

  it('count in each, in a view, and are late once', async () => {
    await millrace.execute(
      `CREATE MATERIALIZED VIEW w AS SELECT window_end, sum(v) AS v FROM ${HOP} GROUP BY window_end EMIT CHANGES`,
    );
    await millrace.advance(1);
    const totals = 'SELECT count(*), sum(v), max(v) FROM w';
    expect(await millrace.query(totals)).toEqual([['70020', '490000', '7']]);
    await millrace.execute(`INSERT INTO s VALUES ('2025-12-31 23:59:50Z', 8), ('2026-01-01 00:00:21Z', 16)`);
    await millrace.advance(1);
    // the first is late for all windows that had ended: 30 of its own
    expect(await millrace.query(totals)).toEqual([['70021', `${490_000 + 8 * 69_970 + 16 * 70_000}`, '31']]);
    expect(await millrace.query('SELECT count(*) FROM millrace.late_rows')).toEqual([['1']]);
  });
});

describe('rows that match a whole table', () => {
  beforeEach(async () => {
    await millrace.execute('CREATE STREAM s (v int)');
    await millrace.execute('CREATE TABLE t (id int PRIMARY KEY)');
    const ids = Array.from({ length: 8_000 }, (_, id) => `(${id})`);
    await millrace.execute(`INSERT INTO t VALUES ${ids.join(', ')}`);
    await millrace.execute('INSERT INTO s SELECT id FROM t WHERE id < 60');
  });
  const join = (kind: string, on: string): string =>
    `FROM s ${kind} t FOR SYSTEM_TIME AS OF PROCTIME() ON ${on}`;

  it('are joined with each of its rows once', async () => {
    expect(await millrace.query(`SELECT count(*), sum(v), sum(id), max(id) ${join('JOIN', 'true')}`)).toEqual(
      [['480000', `${8_000 * 1770}`, `${60 * ((8_000 * 7_999) / 2)}`, '7999']],
    );
  });

  it('and those that match none, once, in a view too', async () => {
    const query = `SELECT count(*) AS n, count(id) AS matched, sum(v)::int AS v ${join('LEFT JOIN', 'v % 2 = 0')}`;
    expect(await millrace.query(query)).toEqual([['240030', '240000', `${8_000 * 870 + 900}`]]);
    await millrace.execute(`CREATE MATERIALIZED VIEW joined AS ${query}`);
    await millrace.execute('INSERT INTO s VALUES (60), (61), (62)');
    await millrace.advance(1);
    expect(await millrace.query('SELECT * FROM joined')).toEqual([
      ['256031', '256000', `${8_000 * (870 + 122) + 900 + 61}`],
    ]);
  });
});

describe('long texts', () => {
  beforeEach(async () => {
    await millrace.execute('CREATE TABLE t (id int PRIMARY KEY)');
    const ids = Array.from({ length: 5_000 }, (_, id) => `(${id})`);
    await millrace.execute(`INSERT INTO t VALUES ${ids.join(', ')}`);
  });

  it('that are constants are there once, however many rows show them', async () => {
    const rows = `SELECT repeat('x', 60000000) AS text, id FROM t`;
    expect(await millrace.query(`SELECT count(*) FROM (${rows}) AS r WHERE id >= 0`)).toEqual([['5000']]);
    expect(await millrace.query(`SELECT length(text) FROM (${rows}) AS r WHERE id = 4999`)).toEqual([
      ['60000000'],
    ]);
  });

  it.each([
    ['of constants', "repeat('x', 60000000)"],
    ['of each row', "repeat('x', 60000000 + id)"],
  ])('%s, too many in a row, are refused', async (_, text) => {
    const columns = Array.from({ length: 20 }, (__, i) => `${text} AS c${i}`);
    await expect(millrace.query(`SELECT ${columns.join(', ')} FROM t`)).rejects.toMatchObject({
      code: '54000',
    });
    expect(await millrace.query('SELECT 1')).toEqual([['1']]);
  });
});

it('comments in comments without end are refused before the grammar reads them', async () => {
  for (const depth of [10_000, 100_000]) {
    const text = `${'/*'.repeat(depth)}${'*/'.repeat(depth)} SELECT 1`;
    await expect(millrace.query(text)).rejects.toMatchObject({ code: '54001' });
  }
  const banner = `/${'*'.repeat(5_000)}/ /* /* nested */ */ SELECT 1`;
  expect(await millrace.query(banner)).toEqual([['1']]);
});
