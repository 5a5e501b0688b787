/** Keys of JSON Web Tokens: which files are some, which are refused, and what a reload takes. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, SignJWT } from 'jose';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JwtKeys } from '../../server/auth/jwt-keys.ts';
import { JwtVerifier } from '../../server/auth/jwt.ts';
import { Configuration } from '../../server/settings/configuration.ts';
import type { Config } from '../../server/settings/millrace-settings.ts';

let directory: string;
const logged: string[] = [];
const log = pino({ level: 'error' }, { write: (line: string) => void logged.push(line) });
const NOW = Date.UTC(2026, 0, 1);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'millrace-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const configOf = (...flags: string[]): Config =>
  Configuration.read(['--data', directory, ...flags], {})!.config;
const sign = (secret: string, claims: Readonly<Record<string, unknown>>): Promise<string> =>
  new SignJWT({ exp: NOW / 1_000 + 60, ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(Buffer.from(secret));

async function roleOf(verifier: JwtVerifier | null, token: string): Promise<string | null> {
  return (await verifier?.verify(token, NOW, () => {}))?.role ?? null;
}

describe('keys', () => {
  it('are read again; files that hold none change nothing', async () => {
    const [first, second] = [randomBytes(32).toString('hex'), randomBytes(32).toString('hex')];
    await writeFile(join(directory, 'secret'), first);
    const config = configOf('--jwt-secret-file', 'secret');
    const keys = new JwtKeys(config, log);
    expect(await roleOf(keys.current, await sign(first, { role: 'anna' }))).toBe('anna');
    await writeFile(join(directory, 'secret'), second);
    keys.reload(config);
    expect(await roleOf(keys.current, await sign(first, { role: 'anna' }))).toBeNull();
    expect(await roleOf(keys.current, await sign(second, { role: 'anna' }))).toBe('anna');
    await writeFile(join(directory, 'secret'), 'short');
    keys.reload(config);
    expect(await roleOf(keys.current, await sign(second, { role: 'anna' }))).toBe('anna');
    expect(logged.at(-1)).toContain('must have 32 bytes at least');
    keys.reload(configOf());
    expect(keys.current).toBeNull();
  });

  it('are none where that would be a hole', async () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const ed = generateKeyPairSync('ed25519');
    const pem = rsa.publicKey.export({ type: 'spki', format: 'pem' }) as string;
    const set = (key: unknown): string => JSON.stringify({ keys: [key] });
    const wrong: [string, string, string | Buffer, string][] = [
      ['--jwt-secret-file', 'public', pem, 'a public key is no secret'],
      ['--jwt-key-file', 'text', 'no key', 'has no public key in PEM form'],
      [
        '--jwt-key-file',
        'ed',
        ed.publicKey.export({ type: 'spki', format: 'pem' }),
        'neither of RSA nor of EC',
      ],
      ['--jwt-jwks-file', 'json', '{', 'is no JSON Web Key Set'],
      ['--jwt-jwks-file', 'empty', '{}', 'is no JSON Web Key Set'],
      ['--jwt-jwks-file', 'private', set(await exportJWK(rsa.privateKey)), 'must hold public keys only'],
      ['--jwt-jwks-file', 'oct', set({ kty: 'oct', k: 'AAAA' }), 'must hold public keys only'],
      ['--jwt-key-file', 'large', 'x'.repeat(2 ** 20 + 1), 'is too large'],
    ];
    for (const [flag, name, text, words] of wrong) {
      await writeFile(join(directory, name), text);
      expect(() => JwtVerifier.load(configOf(flag, name)), name).toThrow(words);
    }
    expect(() => JwtVerifier.load(configOf('--jwt-key-file', 'nowhere'))).toThrow('cannot be read: ENOENT');
  });

  it('name the role by another claim, or by none', async () => {
    const secret = randomBytes(32).toString('hex');
    await writeFile(join(directory, 'roles'), secret);
    const load = (...flags: string[]): JwtVerifier | null =>
      JwtVerifier.load(configOf('--jwt-secret-file', 'roles', ...flags));
    const group = load('--jwt-role-claim', 'group');
    expect(await roleOf(group, await sign(secret, { role: 'anna', group: 'staff' }))).toBe('staff');
    expect(await roleOf(group, await sign(secret, { role: 'anna' }))).toBeNull();
    const guest = load('--jwt-role', 'guest');
    expect(await roleOf(guest, await sign(secret, {}))).toBe('guest');
    expect(await roleOf(guest, await sign(secret, { role: 'anna' }))).toBe('anna');
    expect(await roleOf(guest, await sign(secret, { role: 7 }))).toBeNull();
    expect(await roleOf(guest, await sign(secret, { role: '' }))).toBeNull();
  });
});
