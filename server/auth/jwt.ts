/**
 * JSON Web Tokens (RFC 7519), by the keys that the configuration names. Which algorithm may be used follows from the keys:
 * a secret is for HS256 alone and never a public key, an RSA key for RS256, an EC key for ES256. `none` is no algorithm.
 */
import { createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import { resolve } from 'node:path';
import {
  createLocalJWKSet,
  decodeProtectedHeader,
  type JSONWebKeySet,
  type JWTPayload,
  jwtVerify,
} from 'jose';
import { JWT_SECRET_BYTES_LEAST, JWT_TOLERANCE_SECONDS } from '../limits.ts';
import { ConfigError } from '../settings/config-error.ts';
import type { Config } from '../settings/millrace-settings.ts';
import { readConfiguredFile } from '../settings/read-configured-file.ts';

type Algorithm = 'HS256' | 'RS256' | 'ES256';
type Keys = Readonly<{
  secret: KeyObject | null;
  publicKey: KeyObject | null;
  set: ReturnType<typeof createLocalJWKSet> | null;
}>;

export type VerifiedJwt = Readonly<{
  /** the role that it names */
  role: string;
  claims: Readonly<Record<string, unknown>>;
  /** ms since 1970 */
  expiresAt: number;
}>;

export class JwtVerifier {
  readonly #keys: Keys;
  readonly #config: Config;

  private constructor(keys: Keys, config: Config) {
    this.#keys = keys;
    this.#config = config;
  }

  /** null: no key is configured. ConfigError where a file is no key. */
  static load(config: Config): JwtVerifier | null {
    const { jwtSecretFile, jwtKeyFile, jwtKeySetFile } = config;
    if (jwtSecretFile === '' && jwtKeyFile === '' && jwtKeySetFile === '') return null;
    const read = (path: string): string =>
      readConfiguredFile('file of JWT keys', resolve(config.dataDirectory, path));
    const keys: Keys = {
      secret: jwtSecretFile === '' ? null : readSecret(read(jwtSecretFile), jwtSecretFile),
      publicKey: jwtKeyFile === '' ? null : readPublicKey(read(jwtKeyFile), jwtKeyFile),
      set: jwtKeySetFile === '' ? null : readKeySet(read(jwtKeySetFile), jwtKeySetFile),
    };
    return new JwtVerifier(keys, config);
  }

  /** null for whatever is not a valid token of ours: why is nobody's business but the log's (`onReason`). */
  async verify(token: string, now: number, onReason: (reason: string) => void): Promise<VerifiedJwt | null> {
    try {
      const { jwtAudience, jwtIssuer } = this.#config;
      const key = this.#keyFor(token);
      const options = {
        algorithms: [key.algorithm],
        requiredClaims: ['exp'],
        clockTolerance: JWT_TOLERANCE_SECONDS,
        currentDate: new Date(now),
        ...(jwtAudience === '' ? {} : { audience: jwtAudience }),
        ...(jwtIssuer === '' ? {} : { issuer: jwtIssuer }),
      };
      const { payload } =
        key.source === 'set'
          ? await jwtVerify(token, key.key, options)
          : await jwtVerify(token, key.key, options);
      return { role: this.#roleOf(payload), claims: payload, expiresAt: payload.exp! * 1_000 };
    } catch (error) {
      onReason((error as Error).message);
      return null;
    }
  }

  #keyFor(
    token: string,
  ):
    | Readonly<{ algorithm: Algorithm; source: 'one'; key: KeyObject }>
    | Readonly<{ algorithm: Algorithm; source: 'set'; key: NonNullable<Keys['set']> }> {
    const { alg } = decodeProtectedHeader(token);
    const { secret, publicKey, set } = this.#keys;
    if (alg === 'HS256' && secret !== null) return { algorithm: alg, source: 'one', key: secret };
    if (alg === 'RS256' || alg === 'ES256') {
      const type = alg === 'RS256' ? 'rsa' : 'ec';
      if (publicKey?.asymmetricKeyType === type) return { algorithm: alg, source: 'one', key: publicKey };
      if (set !== null) return { algorithm: alg, source: 'set', key: set };
    }
    throw new Error(`no key for algorithm ${JSON.stringify(alg)}`);
  }

  #roleOf(payload: JWTPayload): string {
    const { jwtRoleClaim, jwtRole } = this.#config;
    const named = payload[jwtRoleClaim];
    if (typeof named === 'string' && named !== '') return named;
    if (named === undefined && jwtRole !== '') return jwtRole;
    throw new Error(`claim ${JSON.stringify(jwtRoleClaim)} names no role`);
  }
}

function readSecret(text: string, path: string): KeyObject {
  const secret = Buffer.from(text.replace(/\r?\n$/, ''));
  if (text.includes('-----BEGIN')) {
    throw new ConfigError(`JWT secret file ${path} has a key in PEM form: a public key is no secret`);
  }
  if (secret.length < JWT_SECRET_BYTES_LEAST) {
    throw new ConfigError(`JWT secret file ${path} must have ${JWT_SECRET_BYTES_LEAST} bytes at least`);
  }
  return createSecretKey(secret);
}

function readPublicKey(text: string, path: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPublicKey(text);
  } catch {
    throw new ConfigError(`JWT key file ${path} has no public key in PEM form`);
  }
  if (!['rsa', 'ec'].includes(key.asymmetricKeyType ?? '')) {
    throw new ConfigError(`JWT key file ${path} has a key that is neither of RSA nor of EC`);
  }
  return key;
}

function readKeySet(text: string, path: string): NonNullable<Keys['set']> {
  try {
    const set = JSON.parse(text) as JSONWebKeySet;
    if (set.keys.some((key) => key.kty === 'oct' || 'd' in key)) {
      throw new ConfigError(`JWT key set ${path} must hold public keys only`);
    }
    return createLocalJWKSet(set);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(`JWT key set ${path} is no JSON Web Key Set`);
  }
}
