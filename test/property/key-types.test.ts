/** Primary keys of every type: conflicts, reads by key and blocks answer as PostgreSQL does. */
import { PGlite } from '@electric-sql/pglite';
import type pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestServer } from '../support/server.ts';
import { askMillrace, askPostgres } from '../support/two-databases.ts';

/** A value, an equal one in other words, another one. */
const KEYS: Readonly<Record<string, readonly [string, string, string]>> = {
  bool: ['true', "'t'", 'false'],
  smallint: ['1', '1', '2'],
  bigint: ['9007199254740993', '9007199254740993', '9007199254740992'],
  numeric: ['1.10', '1.1', '2'],
  'numeric(8,2)': ['1.10', '1.1', '2'],
  float4: ["'1.5'", '1.50', "'NaN'"],
  float8: ["'-0'", '0', "'NaN'"],
  text: ["'a'", "'a'", "'é€😀'"],
  'char(4)': ["'a'", "'a  '", "'b'"],
  'varchar(5)': ["'a'", "'a'", "''"],
  bytea: ["'\\x00ff'", "'\\x00FF'", "'\\x'"],
  uuid: [
    "'6ba7b810-9dad-11d1-80b4-00c04fd430c8'",
    "'6BA7B810-9DAD-11D1-80B4-00C04FD430C8'",
    "'6ba7b810-9dad-11d1-80b4-00c04fd430c9'",
  ],
  date: ["'2026-01-01'", "'1 January 2026'", "'infinity'"],
  time: ["'01:00'", "'01:00:00'", "'02:00'"],
  timestamp: ["'2026-01-01 00:00'", "'2026-01-01'", "'-infinity'"],
  timestamptz: ["'2026-01-01 00:00+00'", "'2026-01-01 01:00+01'", "'2026-01-02 00:00+00'"],
  interval: ["'1 day'", "'24 hours'", "'2 days'"],
  jsonb: [`'{"a":1.0}'`, `'{"a": 1.00}'`, "'[]'"],
  'int[]': ["'{1,2}'", "'{1, 2}'", "'{}'"],
};

let server: TestServer;
let client: pg.Client;
let postgres: PGlite;

beforeAll(async () => {
  server = await TestServer.start();
  client = await server.connect();
  postgres = new PGlite();
  await postgres.exec("SET timezone = 'UTC'");
}, 30_000);
afterAll(async () => {
  await client.end();
  await server.stop();
  await postgres.close();
});

const script = (type: string, a: string, same: string, other: string): readonly string[] => [
  'DROP TABLE IF EXISTS t',
  `CREATE TABLE t (k ${type} PRIMARY KEY, v text, m ${type}, l bigint)`,
  `INSERT INTO t VALUES (${a}, 'a', ${a}, 9007199254740993)`,
  `INSERT INTO t VALUES (${same}, 'dup')`,
  `SELECT k::text, v FROM t WHERE k = ${same}`,
  'BEGIN',
  `INSERT INTO t VALUES (${same}, 'b', ${other}, 1), (${other}, 'c', NULL, 2)
   ON CONFLICT (k) DO UPDATE SET v = t.v || excluded.v, m = excluded.m RETURNING k::text, old.m::text, new.m::text, l`,
  'SELECT k::text, v, m::text, l FROM t',
  `SELECT k::text, v FROM t WHERE k IN (${same}, ${other}, ${other}) AND v <> 'c'`,
  `INSERT INTO t VALUES (${same}, 'x'), (${other}, 'y') ON CONFLICT DO NOTHING RETURNING *`,
  `UPDATE t SET m = k, l = l + 9007199254740993 WHERE k = ${same} RETURNING old.m::text, m::text, l`,
  'SAVEPOINT s',
  'DELETE FROM t WHERE k IN (SELECT m FROM t) RETURNING k::text, v',
  `SELECT count(*) FROM t WHERE k = ${a}`,
  `INSERT INTO t VALUES (${a}, 'again') RETURNING k::text`,
  'ROLLBACK TO s',
  'SELECT k::text, v, m::text, l FROM t',
  'COMMIT',
  'SELECT k::text, v, m::text, l FROM t',
  `INSERT INTO t VALUES (${same}, 'z', NULL, 5) ON CONFLICT (k) DO UPDATE SET k = ${other}`,
  `DELETE FROM t WHERE k = ${other}`,
  `INSERT INTO t VALUES (${same}, 'z', NULL, 5) ON CONFLICT (k) DO UPDATE SET k = ${other} RETURNING k::text, v`,
  `SELECT k::text, v FROM t WHERE k = NULL OR k = ${other}`,
  `SELECT k::text, v, m::text, l FROM t`,
];

it.each(Object.entries(KEYS))('%s', async (type, [a, same, other]) => {
  for (const sql of script(type, a, same, other)) {
    const [ours, theirs] = [await askMillrace(client, sql), await askPostgres(postgres, sql)];
    expect({ sql, ...ours }).toEqual({ sql, ...theirs });
  }
});
