/** Every type in binary, both ways: parameters, results and COPY, with the bytes that PostgreSQL has for the same values. */
import { PGlite } from '@electric-sql/pglite';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { formatType } from '../../common/types.ts';
import { TYPES } from '../../runtime/plan/functions/types.ts';
import { TestServer } from '../support/server.ts';
import { samplesOf } from '../support/type-samples.ts';
import { encodeMessage, fields, frame, type Received, receivedIn, WirePeer } from '../support/wire-peer.ts';

let server: TestServer;
let peer: WirePeer;
let postgres: PGlite;

beforeAll(async () => {
  server = await TestServer.start();
  peer = await WirePeer.open(server.pgPort);
  postgres = new PGlite();
  await postgres.exec("SET timezone = 'UTC'");
}, 60_000);
afterAll(async () => {
  peer.close();
  await postgres.close();
  await server.stop();
});

type Ask = (messages: Buffer) => Promise<readonly Received[]>;

const askPostgres: Ask = async (messages) =>
  receivedIn(Buffer.from(await postgres.execProtocolRaw(messages)));

const askMillrace: Ask = async (messages) => {
  peer.send(messages);
  const answers: Received[] = [];
  for (;;) {
    const message = await peer.receive();
    if (message === null) throw new Error('closed');
    answers.push(message);
    if (message.type === 'Z') return answers;
  }
};

const MORE: Readonly<Record<string, readonly string[]>> = {
  numeric: [
    '1e-100',
    '1e100',
    '-0.00000000000000000000000000000000000001',
    '12345678901234567890.0987654321',
    '0.000',
  ],
  interval: ['178000000 years', '-178000000 years', '2147483647 days', '-2147483648 days', '00:00:00.000001'],
  date: ['infinity', '-infinity', '4713-01-01 BC', '5874897-12-31'],
  timestamp: ['infinity', '-infinity', '0001-01-01 00:00:00 BC', '9999-12-31 23:59:59'],
  timestamptz: ['infinity', '-infinity', '1900-01-01 00:00:00+00', '9999-12-31 23:59:59+00'],
  jsonb: ['null', '{}', '[]', '"\\u00e9"', '{"b":1,"a":[1,2,{"c":null}]}', '1.0', '1e20'],
  json: ['{"b" : 1,"a":[1, 2]}', 'null'],
  text: ['', '\u{1f600}', 'a\nb'],
  bytea: ['\\x', '\\x00ff00'],
  _int4: ['{}', '{NULL}', '{1,NULL,-3}'],
  _text: ['{}', '{"",NULL,"a,b","\\"q\\""}'],
  _numeric: ['{NaN,Infinity,-Infinity,1.50}'],
};

const sqlName = (name: string): string =>
  formatType({ name: name as never }).replace(/^character(?=$|\[)/, 'bpchar');

const CASES = TYPES.flatMap((name) =>
  [...samplesOf(name), ...(MORE[name] ?? [])].map((text) => ({ name, type: sqlName(name), text })),
);

/** The value's bytes in the answer to `SELECT $1::type`. */
async function echoed(
  ask: Ask,
  type: string,
  value: string | { hex: string },
  format: 0 | 1,
): Promise<string> {
  const answers = await ask(
    Buffer.concat([
      encodeMessage('Parse', ['', `SELECT $1::${type}`]),
      encodeMessage('Bind', ['', '', [value], [format]]),
      encodeMessage('Execute', ['']),
      encodeMessage('Sync', []),
    ]),
  );
  const row = answers.find((message) => message.type === 'D');
  if (row === undefined) return answers.map((message) => message.body.toString('latin1')).join(' ');
  return fields(row.body)[0]!.toString('hex');
}

it('parameters and results', async () => {
  const differ: unknown[] = [];
  for (const { type, text } of CASES) {
    const theirs = await echoed(askPostgres, type, text, 1);
    const shown = await echoed(askPostgres, type, { hex: theirs }, 0);
    const found = [
      await echoed(askMillrace, type, text, 1),
      await echoed(askMillrace, type, { hex: theirs }, 1),
      await echoed(askMillrace, type, { hex: theirs }, 0),
    ];
    if (found.join() !== [theirs, theirs, shown].join()) differ.push({ type, text, found, theirs, shown });
  }
  expect(differ).toEqual([]);
  expect(CASES.length).toBeGreaterThan(200);
}, 60_000);

it('arrays that ours can not be are refused, in text and in binary', async () => {
  for (const [type, text] of [
    ['int4[]', '{{1,2},{3,NULL}}'],
    ['int4[]', '[0:1]={5,6}'],
    ['int4[]', '[2:2][-1:0]={{1,2}}'],
    ['text[]', '{{a,NULL},{"",NULL}}'],
  ] as const) {
    const hex = await echoed(askPostgres, type, text, 1);
    for (const value of [text, { hex }]) {
      const answers = await echoed(askMillrace, type, value, 1);
      expect(answers).toMatch(/C0A000\0Marray.*not supported\0H/);
    }
  }
});

it('COPY out and in again', async () => {
  for (const name of TYPES) {
    const type = sqlName(name);
    const values = CASES.filter((c) => c.name === name).map(
      ({ text }) => `('${text.replaceAll("'", "''")}')`,
    );
    const query = (sql: string): Buffer => encodeMessage('Query', [sql]);
    const make = query(`CREATE TABLE copied (n ${type}); INSERT INTO copied VALUES ${values.join()}, (NULL)`);
    const out = query('COPY copied TO STDOUT (FORMAT binary)');
    const data = async (ask: Ask): Promise<string> => {
      const answers = await ask(out);
      return Buffer.concat(answers.filter((m) => m.type === 'd').map((m) => m.body)).toString('hex');
    };
    for (const ask of [askPostgres, askMillrace]) await ask(make);
    const theirs = await data(askPostgres);
    expect(`${type} ${sorted(await data(askMillrace))}`).toBe(`${type} ${sorted(theirs)}`);
    await askMillrace(query('DELETE FROM copied'));
    const copied = await askMillrace(
      Buffer.concat([
        query('COPY copied FROM STDIN (FORMAT binary)'),
        frame('d', Buffer.from(theirs, 'hex')),
        encodeMessage('CopyDone', []),
      ]),
    );
    expect(
      copied.some((m) => m.type === 'C'),
      `${type} is taken`,
    ).toBe(true);
    expect(`${type} ${sorted(await data(askMillrace))}`).toBe(`${type} ${sorted(theirs)}`);
    for (const ask of [askPostgres, askMillrace]) await ask(query('DROP TABLE copied'));
  }
}, 60_000);

/** The rows of a COPY in any order. */
function sorted(hex: string): string {
  const bytes = Buffer.from(hex, 'hex');
  const rows: string[] = [];
  for (let at = 19; bytes.readInt16BE(at) === 1; ) {
    const length = Math.max(bytes.readInt32BE(at + 2), 0);
    rows.push(bytes.toString('hex', at, at + 6 + length));
    at += 6 + length;
  }
  return rows.sort().join(' ');
}
