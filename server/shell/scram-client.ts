/** The client's side of SCRAM-SHA-256; the server's, and the messages, are in server/auth/scram-exchange.ts. */
import { pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { SCRAM, SCRAM_PLUS } from '../auth/scram-exchange.ts';
import { hmac, preparePassword, SCRAM_KEY_BYTES, sha256 } from '../auth/scram-verifier.ts';
import { SCRAM_ITERATIONS_MAX } from '../limits.ts';

const NONCE_BYTES = 18;
const derive = promisify(pbkdf2);

export class ScramClient {
  readonly #password: string;
  readonly #head: string;
  readonly #binding: Buffer;
  readonly #nonce = randomBytes(NONCE_BYTES).toString('base64');
  readonly mechanism: string;
  #signature: Buffer | null = null;

  /** `endPoint`: the hash of the server's certificate; null without TLS, or where the certificate names none. */
  constructor(password: string, mechanisms: readonly string[], endPoint: Buffer | null) {
    if (!mechanisms.includes(SCRAM)) throw new Error(`the server asks for ${mechanisms.join(', ')}`);
    const bound = endPoint !== null && mechanisms.includes(SCRAM_PLUS);
    this.#password = password;
    this.mechanism = bound ? SCRAM_PLUS : SCRAM;
    // y: we could, and were not offered it; who took it off the list is found out.
    this.#head = bound ? 'p=tls-server-end-point,,' : endPoint === null ? 'n,,' : 'y,,';
    this.#binding = bound ? endPoint : Buffer.alloc(0);
  }

  get #bare(): string {
    return `n=,r=${this.#nonce}`;
  }

  get first(): string {
    return this.#head + this.#bare;
  }

  async final(challenge: string): Promise<string> {
    const [, nonce = '', salt = '', rounds] =
      /^r=([^,]+),s=([^,]+),i=([1-9][0-9]{0,8})$/.exec(challenge) ?? [];
    const iterations = Number(rounds);
    if (!nonce.startsWith(this.#nonce) || !(iterations <= SCRAM_ITERATIONS_MAX)) {
      throw new Error("the server's SCRAM message makes no sense");
    }
    const password = preparePassword(this.#password);
    const salted = await derive(password, Buffer.from(salt, 'base64'), iterations, SCRAM_KEY_BYTES, 'sha256');
    const bound = Buffer.concat([Buffer.from(this.#head), this.#binding]).toString('base64');
    const unsigned = `c=${bound},r=${nonce}`;
    const signed = `${this.#bare},${challenge},${unsigned}`;
    const proof = hmac(salted, 'Client Key');
    const signature = hmac(sha256(proof), signed);
    for (let i = 0; i < SCRAM_KEY_BYTES; i++) proof[i]! ^= signature[i]!;
    this.#signature = hmac(hmac(salted, 'Server Key'), signed);
    return `${unsigned},p=${proof.toString('base64')}`;
  }

  /** Who does not know the verifier is not the server. */
  verify(final: string): void {
    const given = Buffer.from(final.startsWith('v=') ? final.slice(2) : '', 'base64');
    const expected = this.#signature;
    if (expected === null || given.length !== expected.length || !timingSafeEqual(given, expected)) {
      throw new Error('the server does not know the password');
    }
  }
}
