/** IN, = ANY and EXISTS over sub-queries: the rows that PostgreSQL gives, with NULLs and empty answers on both sides. */
import { PGlite } from '@electric-sql/pglite';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Millrace, sortedLines } from '../support/millrace.ts';

const SETUP = [
  'CREATE TABLE a (k int PRIMARY KEY, g text, n numeric(6,2), f float8, c char(3), b bigint)',
  'CREATE TABLE empty (k int)',
  'CREATE TABLE m (k int, t text, l bigint)',
  "INSERT INTO a VALUES (1, 'x', 1.10, 1.5, 'a', 1), (2, 'y', 2, 2, 'b ', 9007199254740993), (3, NULL, NULL, NULL, NULL, NULL)",
  "INSERT INTO m VALUES (1, 'x', 9007199254740993), (NULL, 'z', 2), (7, NULL, 1)",
];

const CONDITIONS = [
  'k IN (SELECT k FROM m)',
  'k NOT IN (SELECT k FROM m)',
  'k NOT IN (SELECT k FROM m WHERE k IS NOT NULL)',
  'g IN (SELECT t FROM m)',
  'NOT (g IN (SELECT t FROM m))',
  'g IN (SELECT k::text FROM empty)',
  'g NOT IN (SELECT k::text FROM empty)',
  '(k IN (SELECT k FROM m)) IS NULL',
  '(g IN (SELECT k::text FROM empty)) IS NULL',
  'b IN (SELECT l FROM m)',
  'b IN (SELECT k FROM m)',
  'k IN (SELECT l FROM m)',
  'n IN (SELECT n FROM a)',
  'n IN (SELECT k + 0.1 FROM m)',
  'f IN (SELECT n FROM a)',
  "c IN (SELECT 'b')",
  'c IN (SELECT c FROM a)',
  'k = ANY (SELECT k FROM m)',
  "'x' IN (SELECT t FROM m)",
  'k IN (SELECT k FROM m ORDER BY k DESC NULLS LAST LIMIT 1)',
  'k IN (SELECT k FROM m ORDER BY k NULLS FIRST LIMIT 1 OFFSET 1)',
  'k IN (SELECT k FROM m LIMIT 0)',
  'k IN (SELECT max(k) FROM m GROUP BY t)',
  'CASE WHEN k IN (SELECT k FROM m) THEN k = 1 ELSE k = 2 END',
  'EXISTS (SELECT 1 FROM m WHERE k = 7)',
  'EXISTS (SELECT k, t FROM m ORDER BY k LIMIT 5)',
  'EXISTS (SELECT * FROM empty)',
  'NOT EXISTS (SELECT * FROM empty)',
  'EXISTS (SELECT * FROM m OFFSET 3)',
  'EXISTS (SELECT * FROM m LIMIT 0)',
  'EXISTS (SELECT count(*) FROM empty)',
  'k IN (SELECT k FROM m WHERE t IN (SELECT g FROM a))',
  'k = (SELECT k FROM m)',
  'k > 0 OR k = (SELECT 1 / (k - 1) FROM m WHERE k = 1)',
  'k = (SELECT 1 / (k - 1) FROM m WHERE k = 1)',
  'k IN (SELECT 1 / (k - 1) FROM m)',
  'k < 0 AND k IN (SELECT 1 / (k - 1) FROM m)',
  'CASE WHEN k < 9 THEN true ELSE (SELECT t FROM m) IS NULL END',
  '(SELECT k FROM m) IS NULL',
  'EXISTS (SELECT 1 FROM m WHERE 1 / (k - 1) > 0)',
  'g IN (SELECT k FROM m)',
  'k IN (SELECT k, t FROM m)',
];

let millrace: Millrace;
let postgres: PGlite;

beforeAll(async () => {
  millrace = await Millrace.start();
  postgres = new PGlite();
  for (const sql of SETUP) {
    await millrace.execute(sql);
    await postgres.exec(sql);
  }
}, 30_000);
afterAll(async () => {
  await millrace.stop();
  await postgres.close();
});

async function ours(sql: string): Promise<unknown> {
  try {
    const rows = millrace.query(sql);
    await millrace.advance(1);
    return sortedLines(await rows);
  } catch (error) {
    return (error as { code?: string }).code;
  }
}

async function theirs(sql: string): Promise<unknown> {
  try {
    const { rows } = await postgres.query<{ k: number }>(sql);
    return rows.map((row) => String(row.k)).sort();
  } catch (error) {
    return (error as { code?: string }).code;
  }
}

it.each(CONDITIONS)('%s', async (condition) => {
  const sql = `SELECT k FROM a WHERE ${condition}`;
  expect(await ours(sql)).toEqual(await theirs(sql));
});
