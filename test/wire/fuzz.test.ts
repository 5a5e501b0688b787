/**
 * Messages that no client sends, some thousands here and FUZZ_CASES (npm run fuzz: 100,000) on demand: the decoder gives the same
 * for the same bytes however they are cut, and a session is usable after any of them, or ended in words.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SqlError } from '../../common/sql-error.ts';
import { FrontendDecoder } from '../../server/pgwire/frontend-decoder.ts';
import type { FrontendMessage } from '../../server/pgwire/frontend-message.ts';
import { type ServerHere, startServerHere } from '../support/server-here.ts';
import {
  describeMessage,
  encodeMessage,
  frame,
  int32,
  startupPacket,
  WirePeer,
} from '../support/wire-peer.ts';

const CASES = Number(process.env['FUZZ_CASES'] ?? 4_000);
/** A conversation takes as long as a hundred cases of the decoder. */
const CONVERSATIONS = Math.ceil(CASES / 20);
const TIME_MS = 30_000 + CASES * 10;

const NAMES = fc.constantFrom('', 'a', 'b', 'é');
const TEXTS = fc.constantFrom(
  '',
  ';',
  'SELECT 1',
  'SELECT $1::int + 1',
  'SELECT $1::text, $2::bytea',
  'BEGIN',
  'COMMIT',
  'ROLLBACK',
  'SAVEPOINT a',
  'ROLLBACK TO a',
  'SELECT 1 / 0',
  'SELEC',
  'INSERT INTO t VALUES (1, $1) ON CONFLICT DO NOTHING',
  'INSERT INTO t VALUES (2) RETURNING id; SELECT 1; DELETE FROM t',
  'DECLARE c SCROLL CURSOR WITH HOLD FOR SELECT id FROM t',
  'FETCH BACKWARD 2 FROM c',
  'CLOSE ALL',
  'COPY t FROM STDIN',
  'COPY (SELECT 1) TO STDOUT',
  'COPY t FROM STDIN WITH (FORMAT binary)',
  'LISTEN t',
  'UNLISTEN *',
  "NOTIFY t, 'x'",
  'PREPARE a AS SELECT $1::int',
  'EXECUTE a(1)',
  'DEALLOCATE ALL',
  'DISCARD ALL',
  'CREATE TABLE u (id int PRIMARY KEY)',
  'DROP TABLE IF EXISTS u',
  'SELECT relname FROM pg_class WHERE oid = $1',
  'SHOW ALL',
);
const CODES = fc.array(fc.constantFrom(0, 1, 2), { maxLength: 3 });
const VALUES = fc.array(
  fc.oneof(
    fc.constant(null),
    fc.string({ maxLength: 8 }),
    fc.uint8Array({ maxLength: 9 }).map((bytes) => ({ hex: Buffer.from(bytes).toString('hex') })),
  ),
  { maxLength: 3 },
);

const message = (name: string, ...parts: fc.Arbitrary<unknown>[]): fc.Arbitrary<Buffer> =>
  fc.tuple(...parts).map((values) => encodeMessage(name, values));

const MESSAGE: fc.Arbitrary<Buffer> = fc.oneof(
  message('Query', TEXTS),
  message(
    'Parse',
    NAMES,
    TEXTS,
    fc.array(fc.constantFrom(0, 23, 25, 17, 16_384, 4_294_967), { maxLength: 3 }),
  ),
  message('Bind', NAMES, NAMES, VALUES, CODES),
  message('Describe', fc.constantFrom('S', 'P', 'X'), NAMES),
  message('Execute', NAMES, fc.constantFrom(0, 1, -1, 2_147_483_647)),
  message('Close', fc.constantFrom('S', 'P', 'é'), NAMES),
  message('Sync'),
  message('Flush'),
  message('CopyData', fc.constantFrom('1\n', '\\.\n', 'x', '')),
  message('CopyDone'),
  message('CopyFail', NAMES),
);

/** Bytes that were changed, cut out or put in, and a length that is not true. */
const DAMAGE = fc.oneof(
  { weight: 3, arbitrary: fc.constant((bytes: Buffer) => bytes) },
  fc.tuple(fc.nat(), fc.nat(255)).map(([at, value]) => (bytes: Buffer) => {
    const changed = Buffer.from(bytes);
    changed[at % changed.length] = value;
    return changed;
  }),
  fc.tuple(fc.nat(), fc.nat(9)).map(
    ([at, count]) =>
      (bytes: Buffer) =>
        Buffer.concat([bytes.subarray(0, at % bytes.length), bytes.subarray((at % bytes.length) + count)]),
  ),
  fc.tuple(fc.nat(), fc.uint8Array({ maxLength: 9 })).map(
    ([at, more]) =>
      (bytes: Buffer) =>
        Buffer.concat([bytes.subarray(0, at % bytes.length), more, bytes.subarray(at % bytes.length)]),
  ),
  fc
    .constantFrom(-1, 0, 3, 4, 5, 100_000, 17_000_000, 0x3fff_ffff, 0x7fff_ffff)
    .map(
      (length) => (bytes: Buffer) => Buffer.concat([bytes.subarray(0, 1), int32(length), bytes.subarray(5)]),
    ),
);
const DAMAGED = fc.tuple(MESSAGE, DAMAGE).map(([bytes, damage]) => damage(bytes));
const STARTUP = startupPacket({ user: 'test', database: 'millrace' }, 0x0003_0002);

const INPUT = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.array(DAMAGED, { maxLength: 8 }).map((all) => Buffer.concat([STARTUP, ...all])),
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.concat([STARTUP, bytes])) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)) },
  { weight: 1, arbitrary: DAMAGE.map((damage) => damage(STARTUP)) },
);

type Decoded = Readonly<{ messages: readonly unknown[]; error: string | null }>;

const plain = (decoded: FrontendMessage): unknown =>
  decoded.kind === 'malformed'
    ? { kind: 'malformed', code: decoded.error.code, text: decoded.error.message }
    : decoded;

function decode(chunks: readonly Buffer[]): Decoded {
  const decoder = new FrontendDecoder();
  const messages: unknown[] = [];
  let bytes = 0;
  try {
    for (const chunk of chunks) {
      decoder.push(chunk);
      bytes += chunk.length;
      for (let next = decoder.next(); next !== null; next = decoder.next()) messages.push(plain(next));
      expect(decoder.bufferedBytes).toBeLessThanOrEqual(bytes);
    }
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    expect(['08P01', '0A000', '22021', '54000']).toContain(error.code);
    return { messages, error: `${error.code} ${error.message}` };
  }
  return { messages, error: null };
}

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return ends.map((end, i) => bytes.subarray(i === 0 ? 0 : ends[i - 1], end));
}

describe('the decoder', () => {
  it(
    'gives the same however its input is cut',
    () => {
      fc.assert(
        fc.property(INPUT, fc.array(fc.nat(), { maxLength: 6 }), (bytes, places) => {
          const whole = decode([bytes]);
          expect(decode(cut(bytes, places))).toEqual(whole);
          if (bytes.length < 40)
            expect(decode(Array.from(bytes, (byte) => Buffer.from([byte])))).toEqual(whole);
        }),
        { numRuns: CASES },
      );
    },
    TIME_MS,
  );

  it(
    'gives every message that comes after those with wrong bodies',
    () => {
      const body = fc.uint8Array({ maxLength: 40 });
      const framed = fc
        .tuple(fc.constantFrom(...'QPBDECHdcfF'), body)
        .map(([type, b]) => frame(type, Buffer.from(b)));
      fc.assert(
        fc.property(fc.array(framed, { maxLength: 8 }), (frames) => {
          const { messages, error } = decode([STARTUP, ...frames, encodeMessage('Sync', [])]);
          expect(error).toBeNull();
          expect(messages).toHaveLength(frames.length + 2);
          expect(messages.at(-1)).toEqual({ kind: 'sync' });
        }),
        { numRuns: CASES },
      );
    },
    TIME_MS,
  );
});

describe('a session', () => {
  let server: ServerHere;

  beforeAll(async () => {
    server = await startServerHere();
    const peer = await WirePeer.open(server.pgPort);
    await peer.query('CREATE TABLE t (id int PRIMARY KEY, v text)');
    peer.close();
  });
  afterAll(() => server.stop());

  /** Whatever was sent: the question is answered after it, or the server has said why it ended the connection. */
  async function converse(messages: readonly Buffer[]): Promise<void> {
    const peer = await WirePeer.open(server.pgPort);
    // a COPY that was begun is ended; an endless result would be cancelled by the next one
    const close = ['CopyFail', 'Sync'].map((name) => encodeMessage(name, []));
    peer.send(...messages, ...close, encodeMessage('Query', ['ROLLBACK']));
    peer.send(...close, encodeMessage('Query', ["SELECT 'still ' || 'there' AS answer"]));
    const lines: string[] = [];
    try {
      for (;;) {
        const received = await peer.receive();
        if (received === null) break;
        lines.push(describeMessage(received));
        if (lines.at(-1) === 'DataRow "still there"') return;
      }
      expect(lines.at(-1)).toMatch(/^ErrorResponse FATAL (08P01|54000|22021)/);
    } finally {
      peer.close();
    }
  }

  it(
    'answers after messages in any order',
    () =>
      fc.assert(fc.asyncProperty(fc.array(MESSAGE, { maxLength: 12 }), converse), { numRuns: CONVERSATIONS }),
    TIME_MS,
  );

  it(
    'is left with nothing of its own',
    async () => {
      const { sessions, heldMemory, engine } = server.context;
      await expect.poll(() => sessions.size).toBe(0);
      expect(heldMemory.bytes).toBe(0);
      await expect.poll(async () => (await engine.metrics())['millrace_subscriptions'] ?? 0).toBe(0);
      expect(server.logged.filter(({ level }) => Number(level) >= 50)).toEqual([]);
    },
    TIME_MS,
  );
});
