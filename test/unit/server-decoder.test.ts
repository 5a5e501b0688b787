/** The wire decoder: every split of every message, oversized ones, and bytes that are no messages. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SqlError } from '../../common/sql-error.ts';
import { MESSAGE_BYTES_MAX } from '../../server/limits.ts';
import { FrontendDecoder } from '../../server/pgwire/frontend-decoder.ts';
import type { FrontendMessage } from '../../server/pgwire/frontend-message.ts';

const int16 = (value: number): Buffer => Buffer.from([value >> 8, value & 255]);
const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
};
const text = (value: string): Buffer => Buffer.from(`${value}\0`);
const message = (type: string, ...parts: Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body]);
};
const packet = (...parts: Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  return Buffer.concat([int32(body.length + 4), body]);
};

const STARTUP = packet(
  int32(0x0003_0002),
  text('user'),
  text('anna'),
  text('database'),
  text('millrace'),
  Buffer.from([0]),
);
const CONVERSATION: readonly (readonly [Buffer, FrontendMessage])[] = [
  [packet(int32(80_877_103)), { kind: 'ssl-request' }],
  [packet(int32(80_877_104)), { kind: 'gss-request' }],
  [
    STARTUP,
    {
      kind: 'startup',
      minor: 2,
      parameters: new Map([
        ['user', 'anna'],
        ['database', 'millrace'],
      ]),
    },
  ],
  [message('Q', text('SELECT 1 -- é')), { kind: 'query', text: 'SELECT 1 -- é' }],
  [
    message('P', text('s'), text('SELECT $1'), int16(2), int32(23), int32(0)),
    { kind: 'parse', name: 's', text: 'SELECT $1', parameterOids: [23, 0] },
  ],
  [
    message(
      'B',
      text(''),
      text('s'),
      int16(1),
      int16(1),
      int16(3),
      int32(-1),
      int32(2),
      Buffer.from('ab'),
      int32(0),
      int16(1),
      int16(0),
    ),
    {
      kind: 'bind',
      portal: '',
      statement: 's',
      parameterFormats: [1],
      parameters: [null, Buffer.from('ab'), Buffer.from('')],
      resultFormats: [0],
    },
  ],
  [message('D', Buffer.from('S'), text('s')), { kind: 'describe', target: 'statement', name: 's' }],
  [message('E', text('p'), int32(100)), { kind: 'execute', portal: 'p', rowsMax: 100 }],
  [message('C', Buffer.from('P'), text('p')), { kind: 'close', target: 'portal', name: 'p' }],
  [message('H'), { kind: 'flush' }],
  [message('S'), { kind: 'sync' }],
  [message('d', Buffer.from([0, 1, 255])), { kind: 'copy-data', data: Buffer.from([0, 1, 255]) }],
  [message('c'), { kind: 'copy-done' }],
  [message('f', text('no')), { kind: 'copy-fail', message: 'no' }],
  [message('X'), { kind: 'terminate' }],
];
const BYTES = Buffer.concat(CONVERSATION.map(([bytes]) => bytes));
const MESSAGES = CONVERSATION.map(([, decoded]) => decoded);

function decodeAll(decoder: FrontendDecoder, chunks: readonly Buffer[]): FrontendMessage[] {
  const messages: FrontendMessage[] = [];
  for (const chunk of chunks) {
    decoder.push(chunk);
    for (let next = decoder.next(); next !== null; next = decoder.next()) messages.push(next);
  }
  return messages;
}

function started(): FrontendDecoder {
  const decoder = new FrontendDecoder();
  expect(decodeAll(decoder, [STARTUP])).toHaveLength(1);
  return decoder;
}

describe('FrontendDecoder', () => {
  it('tells TLS by its first byte, once, and leaves it as it came', () => {
    const hello = Buffer.from('16030100c8010000c40303', 'hex');
    const decoder = new FrontendDecoder();
    expect(decodeAll(decoder, [hello])).toEqual([{ kind: 'tls-hello' }]);
    expect(decoder.takeRest()).toEqual(hello);
  });

  it('tells a request of HTTP by its method, once, and reads no more of it', () => {
    const request = Buffer.from('GET /views/tags HTTP/1.1\r\n\r\n');
    const bytes = Array.from(request, (byte) => Buffer.from([byte]));
    expect(decodeAll(new FrontendDecoder(), bytes)).toEqual([{ kind: 'http-request' }]);
  });

  it('takes nothing but a short answer when it is asked for one', () => {
    const decoder = started();
    decoder.expectPassword();
    const answer = Buffer.concat([Buffer.from('p'), int32(7), Buffer.from('abc')]);
    expect(decodeAll(decoder, [answer.subarray(0, 3), answer.subarray(3)])).toEqual([
      { kind: 'password', data: Buffer.from('abc') },
    ]);
    decoder.expectPassword();
    expect(() => decodeAll(decoder, [Buffer.from([81, 0, 0, 0, 5, 0])])).toThrow('expected SASL response');
  });

  it('decodes a conversation in one piece', () => {
    expect(decodeAll(new FrontendDecoder(), [BYTES])).toEqual(MESSAGES);
  });

  it('decodes it alike for every split in two, and byte by byte', () => {
    for (let at = 0; at <= BYTES.length; at++) {
      expect(decodeAll(new FrontendDecoder(), [BYTES.subarray(0, at), BYTES.subarray(at)])).toEqual(MESSAGES);
    }
    const bytes = Array.from(BYTES, (byte) => Buffer.from([byte]));
    expect(decodeAll(new FrontendDecoder(), bytes)).toEqual(MESSAGES);
  });

  it('gives what is whole before what is not', () => {
    const decoder = started();
    decoder.push(Buffer.concat([message('S'), message('H').subarray(0, 3)]));
    expect(decoder.next()).toEqual({ kind: 'sync' });
    expect(decoder.next()).toBeNull();
    expect(decoder.bufferedBytes).toBe(3);
  });

  it('survives random bytes: messages, 08P01, or a wait for more', () => {
    fc.assert(
      fc.property(
        fc.boolean(),
        fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 8 }),
        (start, chunks) => {
          const decoder = start ? started() : new FrontendDecoder();
          try {
            decodeAll(
              decoder,
              chunks.map((chunk) => Buffer.from(chunk)),
            );
          } catch (error) {
            expect(error).toBeInstanceOf(SqlError);
            expect(['08P01', '0A000', '22021']).toContain((error as SqlError).code);
          }
        },
      ),
      { numRuns: 5_000 },
    );
  });

  it('survives a conversation with bytes changed', () => {
    fc.assert(
      fc.property(fc.nat(BYTES.length - 1), fc.nat(255), fc.nat(BYTES.length), (place, value, cut) => {
        const bytes = Buffer.from(BYTES);
        bytes[place] = value;
        try {
          for (const decoded of decodeAll(new FrontendDecoder(), [
            bytes.subarray(0, cut),
            bytes.subarray(cut),
          ])) {
            if (decoded.kind === 'malformed') expect(decoded.error).toBeInstanceOf(SqlError);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(SqlError);
        }
      }),
      { numRuns: 3_000 },
    );
  });

  it('skips an oversized message without keeping it', () => {
    const decoder = started();
    const length = MESSAGE_BYTES_MAX + 1_000_000;
    decoder.push(Buffer.concat([Buffer.from('Q'), int32(length)]));
    const chunk = Buffer.alloc(100_000, 120);
    for (let sent = 0; sent + chunk.length <= length - 4; sent += chunk.length) {
      decoder.push(chunk);
      expect(decoder.next()).toBeNull();
      expect(decoder.bufferedBytes).toBe(0);
    }
    decoder.push(Buffer.concat([chunk.subarray(0, (length - 4) % chunk.length), message('S')]));
    const report = decoder.next();
    expect(report).toMatchObject({ kind: 'malformed', extended: false, error: { code: '54000' } });
    expect(decoder.next()).toEqual({ kind: 'sync' });
  });

  it.each([
    ['an unknown type', message('z'), 'invalid frontend message type 122'],
    ['an absurd length', Buffer.concat([Buffer.from('Q'), int32(0x7fff_ffff)]), 'invalid message length'],
    ['a length below its own', Buffer.concat([Buffer.from('Q'), int32(3)]), 'invalid message length'],
  ])('ends the connection on %s', (_, bytes, words) => {
    const decoder = started();
    decoder.push(bytes);
    expect(() => decoder.next()).toThrow(words);
  });

  it.each([
    ['text without its end', message('Q', Buffer.from('SELECT 1')), '08P01'],
    ['bytes after the end', message('Q', text('SELECT 1'), Buffer.from('x')), '08P01'],
    [
      'a parameter longer than the message',
      message('B', text(''), text(''), int16(0), int16(1), int32(1000)),
      '08P01',
    ],
    ['a negative parameter length', message('B', text(''), text(''), int16(0), int16(1), int32(-2)), '08P01'],
    [
      'a format code that is none',
      message('B', text(''), text(''), int16(1), int16(2), int16(0), int16(0)),
      '22023',
    ],
    ['text that is no UTF-8', message('Q', Buffer.from([83, 0xff, 0])), '22021'],
    ['a target that is none', message('D', Buffer.from('X'), text('')), '08P01'],
    ['a password', message('p', text('secret')), '08P01'],
  ])('reports %s and goes on', (_, bytes, code) => {
    expect(decodeAll(started(), [Buffer.concat([bytes, message('S')])])).toMatchObject([
      { kind: 'malformed', error: { code } },
      { kind: 'sync' },
    ]);
  });

  it('names the first bad byte', () => {
    const [report] = decodeAll(started(), [message('Q', Buffer.from('é€'), Buffer.from([0xc3, 0x28, 0]))]);
    expect(report).toMatchObject({ error: { message: 'invalid byte sequence for encoding "UTF8": 0xc3' } });
  });

  it.each([
    ['too short', packet(), '08P01'],
    ['too long', Buffer.concat([int32(10_001), int32(0x0003_0000)]), '08P01'],
    ['another major version', packet(int32(0x0002_0000), Buffer.from([0])), '0A000'],
    ['without its end', packet(int32(0x0003_0000), text('user')), '08P01'],
  ])('refuses a startup packet that is %s', (_, bytes, code) => {
    const decoder = new FrontendDecoder();
    decoder.push(bytes);
    expect(() => decoder.next()).toThrow(expect.objectContaining({ code }));
  });

  it('reads a cancel request with a secret of either length', () => {
    for (const length of [4, 32]) {
      const secret = Buffer.alloc(length, 7);
      const decoder = new FrontendDecoder();
      decoder.push(packet(int32(80_877_102), int32(42), secret));
      expect(decoder.next()).toEqual({ kind: 'cancel-request', pid: 42, secret });
    }
  });
});
