/** HTTP, SSE and WebSocket with logins: passwords, tokens, JWTs, and those who try without. */
import { createHmac, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { BOOTSTRAP_ROLE_OID } from '../../runtime/plan/authorization.ts';
import { hashToken, newToken } from '../../server/auth/token.ts';
import { type ServerHere, startServerHere } from '../support/server-here.ts';

const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
const bearer = (token: string): string => `Bearer ${token}`;

async function query(
  server: ServerHere,
  authorization?: string,
  sql = 'SELECT current_user AS who',
): Promise<{ status: number; body: string }> {
  const headers = { 'content-type': 'application/json', ...(authorization ? { authorization } : {}) };
  const url = `http://127.0.0.1:${server.httpPort}/query`;
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ sql }) });
  return { status: response.status, body: await response.text() };
}

const who = (user: string): { status: number; body: unknown } => ({
  status: 200,
  body: expect.stringContaining(`"${user}"`),
});
const refused = (status: number, words: string): { status: number; body: unknown } => ({
  status,
  body: expect.stringContaining(words),
});

async function addToken(server: ServerHere, role: string, validUntil: number | null = null): Promise<string> {
  const { catalog } = server.context;
  const token = newToken();
  const oid = catalog.current.allocateOid();
  const owner = catalog.current.role(role)!.oid;
  const object = {
    kind: 'token',
    oid,
    name: `t${oid}`,
    role: owner,
    hash: hashToken(token),
    validUntil,
    comment: null,
  } as const;
  await catalog.define([{ kind: 'create', object, replaces: null }]);
  return token;
}

describe('before the first password', () => {
  it('asks this machine for nothing, but takes what it is told', async () => {
    const server = await startServerHere();
    expect(await query(server)).toEqual(who('millrace'));
    expect(await query(server, basic('whoever', 'x'))).toEqual(who('whoever'));
    expect(await query(server, bearer('mr_nonsense'))).toEqual(refused(401, 'the token is not valid'));
    await server.setRole('anna', 'x');
    expect(await query(server)).toEqual(refused(401, 'a login is required'));
    await server.stop();
  });
});

describe('with passwords', () => {
  let server: ServerHere;
  beforeAll(async () => {
    server = await startServerHere();
    await server.setRole('anna', 'ge:heim', { superuser: true });
    await server.setRole('plain', 'plain', { superuser: false });
    await server.setRole('nobody', 'x', { login: false });
    await server.setRole('late', 'x', { validUntil: 0 });
  });
  afterAll(() => server.stop());

  it('takes the right one, and tells the others how to ask', async () => {
    expect(await query(server, basic('anna', 'ge:heim'))).toEqual(who('anna'));
    // the second time from memory
    expect(await query(server, basic('anna', 'ge:heim'))).toEqual(who('anna'));
    const response = await fetch(`http://127.0.0.1:${server.httpPort}/views/x`);
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toMatch(/^Basic realm="millrace".*Bearer/);
    expect(response.headers.get('set-cookie')).toBeNull();
    expect(await response.json()).toMatchObject({ code: '28000', message: 'a login is required' });
  });

  it.each([
    ['a wrong password', basic('anna', 'geheim'), 401, 'password authentication failed for user'],
    ['a user that is not there', basic('mallory', 'x'), 401, 'password authentication failed for user'],
    ['a password that ran out', basic('late', 'x'), 401, 'password authentication failed for user'],
    ['NOLOGIN', basic('nobody', 'x'), 403, 'is not permitted to log in'],
    ['an unknown scheme', 'Digest username=anna', 401, 'neither Basic nor Bearer'],
    ['nonsense', 'Basic %%%', 401, 'neither Basic nor Bearer'],
    ['no colon', `Basic ${Buffer.from('anna').toString('base64')}`, 401, 'neither Basic nor Bearer'],
    [
      'bytes that are no text',
      `Basic ${Buffer.from([0xff, 58, 1]).toString('base64')}`,
      401,
      'neither Basic',
    ],
    ['a JWT where none is configured', bearer('a.b.c'), 401, 'the token is not valid'],
  ])('refuses %s', async (_, authorization, status, words) => {
    expect(await query(server, authorization)).toEqual(refused(status, words));
  });

  it('forgets a password that was changed', async () => {
    await server.setRole('carol', 'one');
    expect(await query(server, basic('carol', 'one'))).toEqual(who('carol'));
    await server.setRole('carol', 'two');
    expect((await query(server, basic('carol', 'one'))).status).toBe(401);
    expect(await query(server, basic('carol', 'two'))).toEqual(who('carol'));
    await server.setRole('carol', 'two', { validUntil: 0 });
    expect((await query(server, basic('carol', 'two'))).status).toBe(401);
  });

  it('slows down who guesses, and nobody else', async () => {
    await server.setRole('dora', 'right');
    const guesses = Array.from({ length: 40 }, (_, i) => query(server, basic('dora', `guess ${i}`)));
    const statuses = (await Promise.all(guesses)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThan(10);
    expect(statuses.filter((status) => status === 401).length).toBeGreaterThan(5);
    expect(await query(server, basic('anna', 'ge:heim'))).toEqual(who('anna'));
    expect(
      server.logged.filter(({ event, user }) => event === 'login-failed' && user === 'dora').length,
    ).toBeGreaterThan(5);
    expect(JSON.stringify(server.logged)).not.toContain('guess');
  });

  it('leaves health open, shows metrics to superusers and monitors, and the page to who is in', async () => {
    const get = async (path: string, authorization?: string): Promise<number> => {
      const headers = authorization === undefined ? {} : { authorization };
      const response = await fetch(`http://127.0.0.1:${server.httpPort}${path}`, { headers });
      await response.arrayBuffer();
      return response.status;
    };
    expect(await get('/healthz')).toBe(200);
    expect(await get('/readyz')).toBe(200);
    expect(await get('/metrics')).toBe(401);
    expect(await get('/')).toBe(401);
    expect(await get('/', basic('plain', 'plain'))).toBe(200);
    expect(await get('/metrics', basic('plain', 'plain'))).toBe(403);
    expect(await get('/metrics', basic('anna', 'ge:heim'))).toBe(200);
    const { oid } = server.context.catalog.current.role('pg_monitor')!;
    const memberOf = [{ role: oid, grantor: BOOTSTRAP_ROLE_OID, admin: false, inherit: true, set: true }];
    await server.setRole('watch', 'watch', { superuser: false, memberOf });
    expect(await get('/metrics', basic('watch', 'watch'))).toBe(200);
  });

  it('takes tokens for as long as they are good', async () => {
    const token = await addToken(server, 'plain');
    expect(await query(server, bearer(token))).toEqual(who('plain'));
    expect(await query(server, bearer(`${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`))).toEqual(
      refused(401, 'the token is not valid'),
    );
    const late = await addToken(server, 'plain', (Date.now() - 1) * 1_000);
    expect(await query(server, bearer(late))).toEqual(refused(401, 'the token is not valid'));
    const { catalog } = server.context;
    await catalog.define([{ kind: 'drop', oids: [catalog.current.tokenByHash(hashToken(token))!.oid] }]);
    expect(await query(server, bearer(token))).toEqual(refused(401, 'the token is not valid'));
    const nobody = await addToken(server, 'nobody');
    expect(await query(server, bearer(nobody))).toEqual(refused(403, 'is not permitted to log in'));
  });

  it('opens a WebSocket to who logged in, by header or subprotocol, never by the URL', async () => {
    const token = await addToken(server, 'plain');
    const url = `ws://127.0.0.1:${server.httpPort}/ws`;
    const ask = async (socket: WebSocket): Promise<string> => {
      const messages: { op: string }[] = [];
      let wake = (): void => {};
      socket.on('message', (data: Buffer) => {
        messages.push(JSON.parse(data.toString()));
        wake();
      });
      await once(socket, 'open');
      socket.send(JSON.stringify({ id: 1, op: 'query', sql: 'SELECT current_user AS who' }));
      while (messages.length < 2) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      socket.close();
      return JSON.stringify(messages);
    };
    expect(await ask(new WebSocket(url, { headers: { authorization: basic('anna', 'ge:heim') } }))).toContain(
      'anna',
    );
    const browser = new WebSocket(url, ['millrace.v1', `bearer.${token}`]);
    expect(await ask(browser)).toContain('plain');
    expect(browser.protocol).toBe('millrace.v1');
    const fails = async (socket: WebSocket): Promise<number | undefined> => {
      socket.on('error', () => {});
      const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
      socket.terminate();
      return response.statusCode;
    };
    expect(await fails(new WebSocket(url))).toBe(401);
    expect(await fails(new WebSocket(`${url}?token=${token}`))).toBe(401);
    expect(await fails(new WebSocket(url, ['millrace.v1', 'bearer.mr_wrong']))).toBe(401);
    const origin = 'https://evil.example';
    expect(await fails(new WebSocket(url, ['millrace.v1', `bearer.${token}`], { origin }))).toBe(403);
  });

  it('ends what a token opened when it ends', async () => {
    const token = await addToken(server, 'anna', (Date.now() + 1_500) * 1_000);
    const headers = { authorization: bearer(token) };
    const body = JSON.stringify({ sql: 'CREATE STREAM s (at timestamptz NOT NULL, WATERMARK FOR at AS at)' });
    const type = { 'content-type': 'application/json' };
    await fetch(`http://127.0.0.1:${server.httpPort}/query`, {
      method: 'POST',
      headers: { ...headers, ...type },
      body,
    });
    const sql = encodeURIComponent('SUBSCRIBE TO s');
    const response = await fetch(`http://127.0.0.1:${server.httpPort}/live?sql=${sql}`, { headers });
    expect(response.status).toBe(200);
    expect(await response.text()).toContain('the token has expired');
  });
});

describe('rules', () => {
  it('hold for HTTP as for the wire', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'millrace-'));
    const path = join(directory, 'hba.conf');
    const lines = [
      'host all mallory all reject',
      'host all carol all trust',
      'host all anna all scram-sha-256',
    ];
    await writeFile(path, lines.join('\n'));
    const server = await startServerHere(['--hba-file', path]);
    for (const name of ['anna', 'mallory', 'carol']) await server.setRole(name, name);
    expect(await query(server, basic('anna', 'anna'))).toEqual(who('anna'));
    expect(await query(server, basic('carol', 'whatever'))).toEqual(who('carol'));
    expect(await query(server, basic('mallory', 'mallory'))).toEqual(
      refused(403, 'pg_hba.conf rejects connection'),
    );
    expect(await query(server, bearer(await addToken(server, 'mallory')))).toEqual(refused(403, 'rejects'));
    expect(await query(server, basic('zoe', 'zoe'))).toEqual(refused(403, 'no pg_hba.conf entry'));
    expect(await query(server)).toEqual(refused(401, 'a login is required'));
    expect((await fetch(`http://127.0.0.1:${server.httpPort}/healthz`)).status).toBe(200);
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  });
});

describe('JWT', () => {
  const secret = randomBytes(48).toString('base64');
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = rsa.publicKey.export({ type: 'spki', format: 'pem' }) as string;
  let directory: string;
  let server: ServerHere;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'millrace-'));
    const path = (name: string): string => join(directory, name);
    await writeFile(path('secret'), `${secret}\n`);
    await writeFile(path('rsa.pem'), pem);
    const jwk = { ...(await exportJWK(ec.publicKey)), kid: 'one', alg: 'ES256', use: 'sig' };
    await writeFile(path('jwks.json'), JSON.stringify({ keys: [jwk] }));
    server = await startServerHere([
      ...[
        '--jwt-secret-file',
        path('secret'),
        '--jwt-key-file',
        path('rsa.pem'),
        '--jwt-jwks-file',
        path('jwks.json'),
      ],
      ...['--jwt-audience', 'millrace', '--jwt-issuer', 'https://issuer.example'],
    ]);
    await server.setRole('plain', 'plain', { superuser: false });
  });
  afterAll(async () => {
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  });

  type Claims = Readonly<Record<string, unknown>>;
  const now = Math.floor(Date.now() / 1_000);
  const GOOD: Claims = {
    role: 'plain',
    aud: 'millrace',
    iss: 'https://issuer.example',
    exp: now + 60,
    tenant: 'a',
  };
  const sign = (alg: 'HS256' | 'RS256' | 'ES256', claims: Claims = GOOD, kid = 'one'): Promise<string> => {
    const keys = { HS256: Buffer.from(secret), RS256: rsa.privateKey, ES256: ec.privateKey };
    return new SignJWT({ ...claims }).setProtectedHeader({ alg, kid }).sign(keys[alg]);
  };
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const hmacToken = (key: string | Buffer, header: unknown = { alg: 'HS256', typ: 'JWT' }): string => {
    const text = `${part(header)}.${part(GOOD)}`;
    return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`;
  };

  it.each(['HS256', 'RS256', 'ES256'] as const)('is taken when it is signed with %s', async (alg) => {
    expect(await query(server, bearer(await sign(alg)))).toEqual(who('plain'));
  });

  it('gives its claims to the session', async () => {
    const claimed = "SELECT millrace.claim('tenant') AS tenant";
    expect(await query(server, bearer(await sign('RS256')), claimed)).toEqual(who('a'));
    const other = await sign('RS256', { ...GOOD, tenant: 'b' });
    expect(await query(server, bearer(other), claimed)).toEqual(who('b'));
    expect(await query(server, basic('plain', 'plain'), claimed)).toEqual({
      status: 200,
      body: expect.stringContaining('[null]'),
    });
  });

  it.each<[string, () => string | Promise<string>]>([
    ['of no algorithm', () => `${part({ alg: 'none' })}.${part(GOOD)}.`],
    ['of no algorithm, in capitals', () => `${part({ alg: 'NONE' })}.${part(GOOD)}.AAAA`],
    ['signed with the public key as a secret', () => hmacToken(pem)],
    ['the same without its last line end', () => hmacToken(pem.trimEnd())],
    ['the same in DER', () => hmacToken(createPublicKey(pem).export({ type: 'spki', format: 'der' }))],
    ['signed with another secret', () => hmacToken('x'.repeat(48))],
    ['with a key of its own', () => hmacToken('k', { alg: 'HS256', jwk: { kty: 'oct', k: 'aw' } })],
    [
      'of RS256 with the signature of another',
      async () => `${(await sign('RS256')).split('.').slice(0, 2).join('.')}.AAAA`,
    ],
    [
      'changed behind its signature',
      async () => {
        const [head, , signature] = (await sign('HS256')).split('.');
        return `${head}.${part({ ...GOOD, role: 'millrace' })}.${signature}`;
      },
    ],
    ['that ran out', () => sign('HS256', { ...GOOD, exp: now - 60 })],
    ['that never runs out', () => sign('HS256', { role: 'plain', aud: 'millrace', iss: GOOD['iss'] })],
    ['of tomorrow', () => sign('HS256', { ...GOOD, nbf: now + 3_600 })],
    ['for others', () => sign('HS256', { ...GOOD, aud: 'elsewhere' })],
    ['for nobody', () => sign('HS256', { role: 'plain', iss: GOOD['iss'], exp: GOOD['exp'] })],
    ['by others', () => sign('HS256', { ...GOOD, iss: 'https://evil.example' })],
    ['without a role', () => sign('HS256', { ...GOOD, role: undefined })],
    ['with a list for a role', () => sign('HS256', { ...GOOD, role: ['plain'] })],
    ['of an unknown key', () => sign('ES256', GOOD, 'two')],
    ['that is none', () => 'a.b'],
  ])('is refused: one %s', async (_, make) => {
    expect(await query(server, bearer(await make()))).toEqual(refused(401, 'the token is not valid'));
  });

  it('of a role that is not there gets nowhere', async () => {
    expect(await query(server, bearer(await sign('HS256', { ...GOOD, role: 'mallory' })))).toEqual(
      refused(403, 'does not exist'),
    );
  });
});
