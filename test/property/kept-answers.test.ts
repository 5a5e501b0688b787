/**
 * Sessions that differ in a role, a policy, search_path, a setting of texts, a format or a parameter never share an
 * answer: what is kept equals what a transaction block, which keeps none, reads.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestServer } from '../support/server.ts';
import { encodeMessage, WirePeer } from '../support/wire-peer.ts';

let server: TestServer;
let owner: WirePeer;
/** Those that ask; each keeps its settings from one question to the next. */
const sessions: WirePeer[] = [];

beforeAll(async () => {
  server = await TestServer.start();
  owner = await WirePeer.open(server.pgPort, { user: 'millrace', database: 'millrace' });
  const rows = [1, 2, 3].map(
    (id) =>
      `(${id}, '2026-0${id}-02 10:00Z', '2026-0${id}-03', '${id} days 02:03', ${id} / 3.0, '\\x0${id}ff')`,
  );
  const schemas = ['one', 'two'].map(
    (schema) => `
      CREATE SCHEMA ${schema};
      GRANT USAGE ON SCHEMA ${schema} TO anna, bob;
      CREATE TABLE ${schema}.v (id int PRIMARY KEY, at timestamptz, day date, span interval, part float8, bytes bytea);
      INSERT INTO ${schema}.v VALUES ${rows.slice(0, schema === 'one' ? 3 : 2).join()};
      GRANT SELECT ON ${schema}.v TO anna, bob;
      ALTER TABLE ${schema}.v ENABLE ROW LEVEL SECURITY;
      CREATE POLICY mine ON ${schema}.v USING (id <> length(current_user));
      CREATE MATERIALIZED VIEW ${schema}.totals AS SELECT id % 2 AS k, count(*) AS n FROM ${schema}.v GROUP BY id % 2;
      GRANT SELECT ON ${schema}.totals TO anna`,
  );
  const lines = await owner.query(`CREATE ROLE anna; CREATE ROLE bob; ${schemas.join(';')}`);
  expect(lines.filter((line) => line.startsWith('ErrorResponse'))).toEqual([]);
  for (let i = 0; i < 4; i++)
    sessions.push(await WirePeer.open(server.pgPort, { user: 'millrace', database: 'millrace' }));
});
afterAll(async () => {
  for (const peer of [owner, ...sessions]) peer.close();
  await server.stop();
});

const QUERIES = [
  'SELECT id, at, day, span, part, bytes FROM v ORDER BY id',
  'SELECT id, at::text, day::text, span::text, part::text, bytes::text FROM v ORDER BY id',
  "SELECT id, current_user AS me FROM v WHERE at > '2026-02-02 09:30' ORDER BY id",
  "SELECT id, '01/02/2026'::date AS day, '2026-01-01 00:00'::timestamptz AS at FROM v ORDER BY id",
  'SELECT k, n FROM totals ORDER BY k',
  'SELECT id, $1::timestamptz AS at, $2::date AS day FROM v WHERE id >= $3::int4 ORDER BY id',
];

const SETTINGS = {
  role: ['none', 'anna', 'bob'],
  search_path: ['one', 'two', '"$user", two', 'two, one'],
  TimeZone: ['UTC', 'Asia/Tokyo', '<+02>-02'],
  DateStyle: ['ISO, MDY', 'ISO, DMY', 'SQL, DMY', 'German'],
  IntervalStyle: ['postgres', 'iso_8601', 'sql_standard'],
  extra_float_digits: ['1', '0', '-3'],
  bytea_output: ['hex', 'escape'],
  row_security: ['on', 'off'],
} as const;

type Name = keyof typeof SETTINGS;
const names = Object.keys(SETTINGS) as Name[];

const questionOf = (varied: readonly Name[]) =>
  fc.record({
    session: fc.nat(3),
    change: fc
      .constantFrom(...varied)
      .chain((name) => fc.tuple(fc.constant(name), fc.constantFrom(...SETTINGS[name]))),
    query: fc.constantFrom(...QUERIES),
    values: fc.tuple(
      fc.constantFrom('2026-01-01 10:00', '01/02/2026 11:00'),
      fc.constantFrom('01/02/2026', null),
      fc.constantFrom('1', '2'),
    ),
    format: fc.constantFrom([], [0], [1]),
    extended: fc.boolean(),
  });
/** Sessions that differ in one or two things, so that many are alike. */
const conversation = fc
  .subarray(names, { minLength: 1, maxLength: 2 })
  .chain((varied) => fc.array(questionOf(varied), { minLength: 10, maxLength: 60 }));
type Question = typeof conversation extends fc.Arbitrary<(infer Q)[]> ? Q : never;

async function ask(peer: WirePeer, { query, values, format, extended }: Question): Promise<string[]> {
  const hasParameters = query.includes('$');
  if (!extended && !hasParameters) return peer.query(query);
  peer.send(
    encodeMessage('Parse', ['', query]),
    encodeMessage('Bind', ['', '', hasParameters ? values : [], format]),
    encodeMessage('Describe', ['P', '']),
    encodeMessage('Execute', ['']),
    encodeMessage('Sync', []),
  );
  return (await peer.until('ReadyForQuery')).slice(0, -1);
}

it('whatever they differ in', async () => {
  await fc.assert(
    fc.asyncProperty(conversation, async (questions) => {
      for (const peer of sessions) await peer.query('RESET ROLE; RESET ALL; SET search_path = one');
      for (const asked of questions) {
        const peer = sessions[asked.session]!;
        const [name, value] = asked.change;
        await peer.query(name === 'search_path' ? `SET search_path = ${value}` : `SET ${name} = '${value}'`);
        const kept = await ask(peer, asked);
        await peer.query('BEGIN');
        const read = await ask(peer, asked);
        await peer.query('ROLLBACK');
        expect(kept).toEqual(read);
      }
    }),
    { numRuns: 40 },
  );
  expect(await server.metric('millrace_result_cache_total{outcome="hit"}')).toBeGreaterThan(100);
}, 120_000);
