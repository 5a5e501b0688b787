/** Ways in, or to keep the server from others, one by one: who is refused, and what of it is recorded. */
import { createHmac, generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { exportJWK, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { initialResponse, lastSaid, saslResponse, saslText, ScramClient } from '../support/scram-client.ts';
import { type ServerHere, startServerHere } from '../support/server-here.ts';
import { startupPacket, WirePeer } from '../support/wire-peer.ts';

let directory: string;
let server: ServerHere;
const secret = randomBytes(48).toString('base64');
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const other = generateKeyPairSync('rsa', { modulusLength: 2048 });

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'millrace-'));
  const [a, b] = [await exportJWK(rsa.publicKey), await exportJWK(other.publicKey)];
  const keys = [
    { ...a, kid: 'encrypts', use: 'enc' },
    { ...a, kid: 'hs', alg: 'HS256' },
    { ...a, kid: 'two' },
    { ...b, kid: 'two' },
    { kty: 'RSA', kid: 'short', n: 'AA', e: 'AQAB' },
    { kty: 'odd', kid: 'odd' },
    { ...b, kid: 'other' },
  ];
  await writeFile(join(directory, 'keys'), JSON.stringify({ keys }));
  await writeFile(join(directory, 'secret'), secret);
  server = await startServerHere([
    ...['--jwt-secret-file', join(directory, 'secret'), '--jwt-jwks-file', join(directory, 'keys')],
    ...['--audit-log', join(directory, 'audit')],
  ]);
  await server.setRole('millrace', 'root');
  await server.setRole('anna', 'anna', { superuser: false });
});
afterAll(async () => {
  await server.stop();
  await rm(directory, { recursive: true, force: true });
});

const logIn = (user: string, password: string): Promise<string> => lastSaid(server.pgPort, user, password);

/** Status line of the answer to what is said, once the server has closed the connection. */
async function said(...parts: readonly (string | Buffer)[]): Promise<string> {
  const socket = connect(server.httpPort, '127.0.0.1');
  socket.on('error', () => {});
  for (const part of parts) socket.write(part);
  let answer = '';
  socket.on('data', (chunk: Buffer) => {
    answer += chunk.toString('latin1');
  });
  await once(socket, 'close');
  return answer;
}

describe('passwords on the wire', () => {
  it('guessed at once are slowed down and turned away, and nobody else is', async () => {
    await server.setRole('dora', 'right');
    const words = await Promise.all(Array.from({ length: 40 }, (_, i) => logIn('dora', `guess ${i}`)));
    const kinds = new Set(words);
    expect(kinds).toContain('ErrorResponse FATAL 28P01 "password authentication failed for user \\"dora\\""');
    const turnedAway = words.filter((text) => !text.includes('28P01'));
    expect(turnedAway.length).toBeGreaterThan(10);
    for (const text of turnedAway) expect(text).toMatch(/^ErrorResponse FATAL 28000 "too many/);
    expect(await logIn('anna', 'anna')).toBe('ReadyForQuery I');
  }, 30_000);
});

describe('names', () => {
  it('forge no line of the audit log', async () => {
    const forged = 'x\n{"event" "login"}\r\u2028\u0085\u001b[2J"';
    const peer = new WirePeer(server.pgPort);
    peer.send(startupPacket({ user: forged, database: 'millrace' }));
    await peer.receive();
    const client = new ScramClient('x');
    peer.send(initialResponse('SCRAM-SHA-256', client.first));
    peer.send(saslResponse(client.final((await saslText(peer))!)));
    while ((await peer.receive()) !== null);
    const authorization = `Basic ${Buffer.from(`${forged}:x`).toString('base64')}`;
    await (await fetch(`http://127.0.0.1:${server.httpPort}/views/x`, { headers: { authorization } })).text();
    const root = `Basic ${Buffer.from('millrace:root').toString('base64')}`;
    const body = JSON.stringify({ sql: `CREATE ROLE "${forged.replaceAll('"', '""')}"` });
    const headers = { authorization: root, 'content-type': 'application/json' };
    const made = await fetch(`http://127.0.0.1:${server.httpPort}/query`, { method: 'POST', headers, body });
    expect(made.status).toBe(200);
    const lines = (await readFile(join(directory, 'audit'), 'utf8')).trimEnd().split('\n');
    const events = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    const about = events.filter(({ user, name }) => user === forged || name === forged);
    expect(about.map(({ event }) => event)).toEqual(['login-failed', 'login-failed', 'create']);
    for (const sent of ['\r', '\u001b']) expect(lines.join('')).not.toContain(sent);
  });
});

describe('a JSON Web Token', () => {
  const claims = { role: 'anna', exp: Math.floor(Date.now() / 1_000) + 600 };
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const byHand = (header: unknown, payload: unknown = claims): string => {
    const text = `${part(header)}.${part(payload)}`;
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
  };
  const signed = (kid: string, more: Readonly<Record<string, unknown>> = {}): Promise<string> =>
    new SignJWT({ ...claims }).setProtectedHeader({ alg: 'RS256', kid, ...more }).sign(rsa.privateKey);
  const status = async (token: string): Promise<number> => {
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(`http://127.0.0.1:${server.httpPort}/`, { headers });
    await response.arrayBuffer();
    return response.status;
  };

  it('is good as it is meant', async () => {
    expect(await status(byHand({ alg: 'HS256' }))).toBe(200);
  });

  it.each<[string, () => string | Promise<string>]>([
    ['whose key is for encryption', () => signed('encrypts')],
    ['whose key is for another algorithm', () => signed('hs')],
    ['whose key is one of two', () => signed('two')],
    ['whose key is too short', () => signed('short')],
    ['whose key is of no known kind', () => signed('odd')],
    ["with another key's name", () => signed('other')],
    ['whose key is a file', () => signed('../../../../../dev/null')],
    ['whose key is elsewhere', () => signed('x', { jku: 'http://127.0.0.1:9/', x5u: 'file:///etc/passwd' })],
    ['that brings its key', async () => signed('x', { jwk: await exportJWK(rsa.publicKey) })],
    ['with a list of algorithms', () => byHand({ alg: ['HS256'] })],
    ['without an algorithm', () => byHand({})],
    ['with another algorithm', () => byHand({ alg: 'HS384' })],
    ['with what must be understood', () => byHand({ alg: 'HS256', crit: ['x'], x: 1 })],
    ['that ends at a text', () => byHand({ alg: 'HS256' }, { ...claims, exp: '9999999999' })],
    ['that begins at a text', () => byHand({ alg: 'HS256' }, { ...claims, nbf: 'now' })],
    ['that is a list', () => byHand({ alg: 'HS256' }, [claims])],
    [
      'whose role is inherited',
      () => byHand({ alg: 'HS256' }, JSON.parse('{"exp":9999999999,"__proto__":{"role":"anna"}}')),
    ],
    [
      'that is deep',
      () => `${part({ alg: 'HS256' })}.${Buffer.from('['.repeat(9_000)).toString('base64url')}.x`,
    ],
    ['of five parts', () => 'a.b.c.d.e'],
  ])('%s is none', async (_, make) => {
    expect(await status(await make())).toBe(401);
  });

  it('that is huge is not read', async () => {
    expect(await status(byHand({ alg: 'HS256' }, { ...claims, x: 'y'.repeat(100_000) }))).toBe(431);
  });
});

describe('requests without a login', () => {
  it('are answered before their body is there, and closed', async () => {
    const head = 'POST /query HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
    for (const rest of [
      'Content-Length: 1000000\r\n\r\n{"sql":',
      'Transfer-Encoding: chunked\r\n\r\n5\r\n{"sql',
      'Expect: 100-continue\r\nContent-Length: 1000000\r\n\r\n',
    ])
      expect(await said(head, rest)).toMatch(/HTTP\/1.1 401 [\s\S]*connection: close/i);
  });

  it('of another Host or Origin are refused before anybody looks at a password', async () => {
    const authorization = `Authorization: Basic ${Buffer.from('anna:anna').toString('base64')}\r\n`;
    for (const lines of [
      'Host: evil.example\r\n',
      'Host: localhost\r\nHost: evil.example\r\n',
      'Host: localhost\r\nOrigin: https://evil.example\r\n',
      'Host: localhost\r\nOrigin: null\r\n',
      'Host: localhost\r\nSec-Fetch-Site: cross-site\r\n',
    ]) {
      for (const head of [
        'POST /query HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 18\r\n',
        'GET /ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n',
      ])
        expect(await said(`${head}${lines}${authorization}\r\n{"sql":"SELECT 1"}`), lines).toMatch(
          /^HTTP\/1.1 403/,
        );
    }
  });
});

describe('a WebSocket', () => {
  const head =
    'GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n' +
    `Authorization: Basic ${Buffer.from('anna:anna').toString('base64')}\r\n\r\n`;
  const masked = (first: number, payload: Buffer): Buffer => {
    const length =
      payload.length < 126 ? [payload.length | 128] : [126 | 128, payload.length >> 8, payload.length & 255];
    return Buffer.concat([Buffer.from([first, ...length, 0, 0, 0, 0]), payload]);
  };

  it.each([
    ['of a compressed bomb', [masked(0xc1, deflateRawSync(Buffer.alloc(10_000_000)).subarray(0, 9_000))]],
    [
      'of a length without end',
      [Buffer.from([0x82, 0xff, 0x7f, ...new Array<number>(7).fill(255), 0, 0, 0, 0])],
    ],
    [
      'of fragments without end',
      [masked(0x01, Buffer.from('{')), ...new Array(20_000).fill(masked(0, Buffer.from(' ')))],
    ],
    ['of a frame that is not masked', [Buffer.from([0x81, 2, 0x7b, 0x7d])]],
  ])('%s is closed, compression never agreed to', async (_, frames) => {
    const answer = await said(head, ...(frames as Buffer[]));
    expect(answer).toMatch(/^HTTP\/1.1 101/);
    expect(answer.toLowerCase()).not.toContain('permessage-deflate');
    // a close frame with a reason
    expect(answer.slice(answer.indexOf('\r\n\r\n') + 4)).toMatch(/^\x88/);
  });
});
