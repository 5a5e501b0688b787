import { SCRAM_ITERATIONS } from '../limits.ts';
import { hmac, SCRAM_SALT_BYTES, type ScramVerifier } from './scram-verifier.ts';

/** What a user without a password is shown: the same each time, and nothing that tells it from a real one. */
export function mockVerifier(user: string, key: Buffer): ScramVerifier {
  return {
    iterations: SCRAM_ITERATIONS,
    salt: hmac(key, `salt ${user}`).subarray(0, SCRAM_SALT_BYTES),
    storedKey: hmac(key, `stored key ${user}`),
    serverKey: hmac(key, `server key ${user}`),
  };
}
