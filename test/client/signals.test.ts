/** pg_cancel_backend and pg_terminate_backend over pg_stat_activity. */
import type pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestServer } from '../support/server.ts';
import { encodeMessage, WirePeer } from '../support/wire-peer.ts';

let server: TestServer;
let owner: pg.Client;

beforeAll(async () => {
  server = await TestServer.start();
  owner = await server.connect('millrace');
  await owner.query('CREATE ROLE plain LOGIN');
  await owner.query('CREATE STREAM s (n int)');
  await owner.query('CREATE TABLE t (n int)');
  await owner.query('CREATE TABLE texts (v text)');
  await owner.query(`INSERT INTO texts VALUES ('${'x'.repeat(100_000)}')`);
  for (let i = 0; i < 8; i++) await owner.query('INSERT INTO texts SELECT v FROM texts');
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

const query = (sql: string): Buffer => encodeMessage('Query', [sql]);
const portal = (sql: string, rowsMax: number): Buffer =>
  Buffer.concat([
    encodeMessage('Parse', ['', sql]),
    encodeMessage('Bind', []),
    encodeMessage('Execute', ['', rowsMax]),
    encodeMessage('Flush', []),
  ]);

type Kind = Readonly<{ messages: Buffer; state: string; query: string; stalls?: boolean }>;
const active = (sql: string, stalls = false): Kind => ({
  messages: query(sql),
  state: 'active',
  query: sql.split('; ').at(-1)!,
  stalls,
});
/** What a session may be at. */
const KINDS: readonly Kind[] = [
  active('SELECT n FROM s EMIT CHANGES'),
  active('SUBSCRIBE t'),
  active('COPY s FROM STDIN'),
  active('COPY t FROM STDIN'),
  active('COPY (SUBSCRIBE t) TO STDOUT (FORMAT csv)'),
  active('BEGIN; DECLARE c CURSOR FOR SUBSCRIBE t; FETCH 1 FROM c'),
  active('INSERT INTO s SELECT n FROM s EMIT CHANGES'),
  active("EXPLAIN (ANALYZE, DURATION '10min') SELECT n FROM s EMIT CHANGES"),
  active('COPY texts TO STDOUT', true),
  active('SELECT v FROM texts', true),
  { messages: portal('SUBSCRIBE t', 5), state: 'active', query: 'SUBSCRIBE t' },
];
const AT_REST: readonly Kind[] = [
  { messages: query('LISTEN news'), state: 'idle', query: 'LISTEN news' },
  { messages: query('BEGIN'), state: 'idle in transaction', query: 'BEGIN' },
  { messages: query('BEGIN; SELECT nosuch'), state: 'idle in transaction (aborted)', query: 'SELECT nosuch' },
  { messages: portal('SELECT v FROM texts', 1), state: 'active', query: 'SELECT v FROM texts' },
  // half a message
  { messages: query('SELECT 1').subarray(0, 8), state: 'idle', query: '' },
];

async function at({ messages, stalls, state, query: text }: Kind): Promise<WirePeer> {
  const peer = await WirePeer.open(server.pgPort);
  if (stalls) peer.socket.pause();
  peer.send(messages);
  const is = async (): Promise<boolean> => {
    const { rows } = await owner.query('SELECT state, query FROM pg_stat_activity WHERE pid = $1', [
      peer.pid,
    ]);
    return rows[0].state === state && rows[0].query === text;
  };
  while (!(await is()));
  return peer;
}

it.each(KINDS)('cancels $query, and the session goes on', async (kind) => {
  const peer = await at(kind);
  await owner.query('SELECT pg_cancel_backend($1)', [peer.pid]);
  peer.socket.resume();
  if (kind.messages[0] !== 'Q'.charCodeAt(0)) peer.send(encodeMessage('Sync', []));
  expect((await peer.until('ReadyForQuery')).at(-2)).toMatch(/^ErrorResponse ERROR 57014/);
  await peer.query('ROLLBACK');
  expect(await peer.query('SELECT 1 AS one')).toContain('DataRow "1"');
  peer.close();
});

it.each([...KINDS, ...AT_REST])('terminates a session that is $state at $query', async (kind) => {
  const peer = await at(kind);
  await owner.query('SELECT pg_terminate_backend($1)', [peer.pid]);
  const isThere = async (): Promise<boolean> =>
    (await owner.query('SELECT FROM pg_stat_activity WHERE pid = $1', [peer.pid])).rowCount !== 0;
  while (await isThere());
  peer.socket.resume();
  expect((await peer.until('ErrorResponse FATAL')).at(-1)).toMatch(/57P01/);
  expect(await peer.receive()).toBeNull();
});
