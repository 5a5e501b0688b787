/**
 * What is kept of a password (RFC 5802), in PostgreSQL's text form:
 *
 *   SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey        salt and keys in base64
 *
 *   SaltedPassword = PBKDF2(SASLprep(password), salt, iterations)
 *   StoredKey      = SHA-256(HMAC(SaltedPassword, "Client Key"))
 *   ServerKey      = HMAC(SaltedPassword, "Server Key")
 *
 * Neither the password nor what a client needs to log in can be had from it.
 */
import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { saslprep } from '@mongodb-js/saslprep';
import { SCRAM_ITERATIONS, SCRAM_ITERATIONS_MAX } from '../limits.ts';

export type ScramVerifier = Readonly<{
  iterations: number;
  salt: Buffer;
  storedKey: Buffer;
  serverKey: Buffer;
}>;

export const SCRAM_SALT_BYTES = 16;
export const SCRAM_KEY_BYTES = 32;

const derive = promisify(pbkdf2);

/** Null where the text is no verifier. */
export function parseVerifier(text: string): ScramVerifier | null {
  const match =
    /^SCRAM-SHA-256\$([1-9][0-9]{0,8}):([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+):([A-Za-z0-9+/=]+)$/.exec(text);
  if (match === null) return null;
  const [, iterations, ...encoded] = match;
  const [salt, storedKey, serverKey] = encoded.map((part) => Buffer.from(part, 'base64'));
  if (salt === undefined || salt.length === 0) return null;
  if (storedKey?.length !== SCRAM_KEY_BYTES || serverKey?.length !== SCRAM_KEY_BYTES) return null;
  if (Number(iterations) > SCRAM_ITERATIONS_MAX) return null;
  return { iterations: Number(iterations), salt, storedKey, serverKey };
}

export function formatVerifier({ iterations, salt, storedKey, serverKey }: ScramVerifier): string {
  const [a, b, c] = [salt, storedKey, serverKey].map((bytes) => bytes.toString('base64'));
  return `SCRAM-SHA-256$${iterations}:${a}$${b}:${c}`;
}

/** Slow, and in a thread of Node's pool: thousands of rounds of HMAC. */
export async function makeVerifier(
  password: string,
  salt: Buffer = randomBytes(SCRAM_SALT_BYTES),
  iterations: number = SCRAM_ITERATIONS,
): Promise<ScramVerifier> {
  const salted = await derive(preparePassword(password), salt, iterations, SCRAM_KEY_BYTES, 'sha256');
  const storedKey = sha256(hmac(salted, 'Client Key'));
  return { iterations, salt, storedKey, serverKey: hmac(salted, 'Server Key') };
}

/** Whether it is the verifier's password; as slow as making one. */
export async function isPasswordOf(password: string, verifier: ScramVerifier): Promise<boolean> {
  const made = await makeVerifier(password, verifier.salt, verifier.iterations);
  return timingSafeEqual(made.storedKey, verifier.storedKey);
}

/** SASLprep; a password that it refuses is taken as it is, as PostgreSQL and its clients do. */
export function preparePassword(password: string): string {
  try {
    const prepared = saslprep(password);
    return prepared === '' ? password : prepared;
  } catch {
    return password;
  }
}

export function hmac(key: Buffer, data: string | Buffer): Buffer {
  return createHmac('sha256', key).update(data).digest();
}

export function sha256(data: string | Buffer): Buffer {
  return createHash('sha256').update(data).digest();
}
