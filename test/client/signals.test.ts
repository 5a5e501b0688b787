/** pg_cancel_backend and pg_terminate_backend over pg_stat_activity. */
import type pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestServer } from '../support/server.ts';

let server: TestServer;
let owner: pg.Client;

beforeAll(async () => {
  server = await TestServer.start();
  owner = await server.connect('millrace');
  await owner.query('CREATE ROLE plain LOGIN');
  await owner.query('CREATE STREAM s (n int)');
});
afterAll(async () => {
  await owner.end();
  await server.stop();
});

/** A session that waits for what never comes; `ended`: how it ends. */
async function waiting(name: string): Promise<Readonly<{ ended: Promise<unknown> }>> {
  const client = await server.connect('millrace', { application_name: name });
  client.on('error', () => {});
  const ended = client.query('SELECT n FROM s EMIT CHANGES').then(
    () => 'an end',
    (error: unknown) => (error as { code: string }).code,
  );
  const pid = (client as unknown as { processID: number }).processID;
  const isActive = "SELECT count(*)::int AS n FROM pg_stat_activity WHERE pid = $1 AND query LIKE '%EMIT%'";
  while ((await owner.query(isActive, [pid])).rows[0].n === 0)
    await new Promise((resolve) => setTimeout(resolve, 10));
  return { ended };
}

it('signals all sessions that a query finds, and says of which it could', async () => {
  const victims = [await waiting('victim'), await waiting('victim')];
  const { rows, fields } = await owner.query(
    "SELECT application_name, pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'victim' ORDER BY pid",
  );
  expect(rows).toEqual([
    { application_name: 'victim', pg_cancel_backend: true },
    { application_name: 'victim', pg_cancel_backend: true },
  ]);
  expect(fields[1]!.dataTypeID).toBe(16);
  expect(await Promise.all(victims.map(({ ended }) => ended))).toEqual(['57014', '57014']);
});

it('terminates, with parameters and under a name', async () => {
  const { ended } = await waiting('doomed');
  const { rows } = await owner.query(
    'SELECT pg_catalog.PG_TERMINATE_BACKEND(pid) AS gone FROM pg_stat_activity WHERE application_name = $1',
    ['doomed'],
  );
  expect(rows).toEqual([{ gone: true }]);
  expect(await ended).toBe('57P01');
  expect((await owner.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
});

it('signals nobody where one of them is not to be signalled', async () => {
  const { ended } = await waiting('kept');
  const plain = await server.connect('plain');
  await expect(plain.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity')).rejects.toMatchObject({
    code: '42501',
  });
  expect((await plain.query('SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE false')).rows).toEqual(
    [],
  );
  const warnings: (string | undefined)[] = [];
  plain.on('notice', ({ message }) => warnings.push(message));
  const { rows } = await plain.query('SELECT pg_cancel_backend(oid::int4) FROM pg_class WHERE oid = 1259');
  expect([rows, warnings]).toEqual([
    [{ pg_cancel_backend: false }],
    ['PID 1259 is not a PostgreSQL backend process'],
  ]);
  await plain.end();
  const others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'kept'";
  expect((await owner.query(others)).rows).toEqual([{ pg_terminate_backend: true }]);
  expect(await ended).toBe('57P01');
});
