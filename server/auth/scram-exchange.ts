/**
 * The server's side of SCRAM-SHA-256 (RFC 5802, 7677), for one login; no sockets, no clock.
 *
 *   client   n,,n=,r=NONCE                     n: no channel binding, y: it could, but was not offered any,
 *            p=tls-server-end-point,,n=,r=…    p: bound to the server's certificate (…-PLUS)
 *   server   r=NONCE+OURS,s=SALT,i=ROUNDS
 *   client   c=BASE64(head and binding),r=NONCE+OURS,p=PROOF
 *   server   v=SIGNATURE
 *
 * Our half of the nonce is fresh, so a recorded proof is good for nothing. The user's name in the message is ignored, as
 * PostgreSQL does: it is the startup packet's. Without a real verifier (`known` false) all goes the same way, but no proof
 * is right. Errors are 08P01, 28000 and 0A000 in PostgreSQL's words.
 */
import { isUtf8 } from 'node:buffer';
import { timingSafeEqual } from 'node:crypto';
import { assert } from '../../common/assert.ts';
import { SqlError } from '../../common/sql-error.ts';
import { hmac, SCRAM_KEY_BYTES, type ScramVerifier, sha256 } from './scram-verifier.ts';

export const SCRAM = 'SCRAM-SHA-256';
export const SCRAM_PLUS = 'SCRAM-SHA-256-PLUS';
const BINDING_TYPE = 'tls-server-end-point';

export type ScramOptions = Readonly<{
  verifier: ScramVerifier;
  /** false: the verifier is made up, for a user without one */
  known: boolean;
  /** The hash of our certificate, where the connection can be bound to it (RFC 5929). */
  endPoint: Buffer | null;
  /** Base64 of random bytes, never used before. */
  nonce: string;
}>;

type First = Readonly<{
  /** `n,,`, `y,,` or `p=tls-server-end-point,,` */
  head: string;
  bare: string;
  nonce: string;
  reply: string;
}>;

export class ScramExchange {
  readonly #options: ScramOptions;
  #bound = false;
  #first: First | null = null;

  constructor(options: ScramOptions) {
    this.#options = options;
  }

  /** Best first. */
  get mechanisms(): readonly string[] {
    return this.#options.endPoint === null ? [SCRAM] : [SCRAM_PLUS, SCRAM];
  }

  /** The client's first message; gives the answer to it. */
  begin(mechanism: string, message: Buffer): string {
    assert(this.#first === null, 'an exchange begins once');
    if (!this.mechanisms.includes(mechanism)) {
      throw new SqlError('08P01', 'client selected an invalid SASL authentication mechanism');
    }
    this.#bound = mechanism === SCRAM_PLUS;
    const text = readText(message);
    const head = this.#readHead(text);
    const bare = text.slice(head.length);
    const fields = new Attributes(bare);
    if (bare.startsWith('m=')) {
      throw new SqlError('0A000', 'client requires an unsupported SCRAM extension');
    }
    fields.take('n');
    const clientNonce = fields.take('r');
    if (!/^[\x21-\x2b\x2d-\x7e]+$/.test(clientNonce)) {
      throw new SqlError('08P01', 'non-printable characters in SCRAM nonce');
    }
    // Extensions may follow; none is known.
    const { verifier, nonce: ours } = this.#options;
    const nonce = clientNonce + ours;
    const reply = `r=${nonce},s=${verifier.salt.toString('base64')},i=${verifier.iterations}`;
    this.#first = { head, bare, nonce, reply };
    return reply;
  }

  /** The client's second message; null where the password is wrong. */
  finish(message: Buffer): string | null {
    const first = this.#first;
    assert(first !== null, 'an exchange has begun before it is finished');
    const text = readText(message);
    const fields = new Attributes(text);
    this.#checkBinding(fields.take('c'), first.head);
    if (!sameText(fields.take('r'), first.nonce)) {
      throw new SqlError('08P01', 'invalid SCRAM response', { detail: 'Nonce does not match.' });
    }
    const proofAt = text.lastIndexOf(',p=');
    const proof = decodeBase64(text.slice(proofAt + 3));
    if (proofAt < 0 || proof?.length !== SCRAM_KEY_BYTES)
      throw malformed('Malformed proof in client-final-message.');
    const { verifier, known } = this.#options;
    const signed = `${first.bare},${first.reply},${text.slice(0, proofAt)}`;
    const signature = hmac(verifier.storedKey, signed);
    for (let i = 0; i < SCRAM_KEY_BYTES; i++) proof[i]! ^= signature[i]!;
    const right = timingSafeEqual(sha256(proof), verifier.storedKey);
    const answer = hmac(verifier.serverKey, signed).toString('base64');
    return right && known ? `v=${answer}` : null;
  }

  /** The GS2 head, up to and with its second comma. */
  #readHead(text: string): string {
    const match = /^(?:([ny])|p=([^,]*)),([^,]*),/.exec(text);
    if (match === null) throw malformed('Unexpected channel-binding flag or malformed head.');
    const [head, flag, type, identity] = match;
    if (identity !== '') {
      throw new SqlError('0A000', 'client uses authorization identity, but it is not supported');
    }
    if (flag === 'n' && this.#bound) {
      throw malformed(
        'The client selected SCRAM-SHA-256-PLUS, but the SCRAM message does not include channel binding data.',
      );
    }
    if (flag === 'y' && this.#options.endPoint !== null) {
      // Somebody in between took the better mechanism off our list.
      throw new SqlError('28000', 'SCRAM channel binding negotiation error', {
        detail:
          'The client supports SCRAM channel binding but thinks the server does not.  ' +
          'However, this server does support channel binding.',
      });
    }
    if (type !== undefined && !this.#bound) {
      throw malformed(
        'The client selected SCRAM-SHA-256 without channel binding, but the SCRAM message includes channel binding data.',
      );
    }
    if (type !== undefined && type !== BINDING_TYPE) {
      throw new SqlError('08P01', 'unsupported SCRAM channel-binding type');
    }
    return head;
  }

  #checkBinding(given: string, head: string): void {
    const { endPoint } = this.#options;
    const data = this.#bound && endPoint !== null ? endPoint : Buffer.alloc(0);
    const expected = Buffer.concat([Buffer.from(head), data]).toString('base64');
    if (sameText(given, expected)) return;
    if (this.#bound) throw new SqlError('28000', 'SCRAM channel binding check failed');
    throw new SqlError('08P01', 'unexpected SCRAM channel-binding attribute in client-final-message');
  }
}

/** `n=…,r=…`: attributes in the order in which they must come. */
class Attributes {
  #rest: string;

  constructor(text: string) {
    this.#rest = text;
  }

  take(name: string): string {
    const rest = this.#rest;
    if (!rest.startsWith(`${name}=`)) throw malformed(`Expected attribute "${name}".`);
    const end = rest.indexOf(',');
    this.#rest = end < 0 ? '' : rest.slice(end + 1);
    return rest.slice(2, end < 0 ? undefined : end);
  }
}

function readText(message: Buffer): string {
  if (message.length === 0) throw malformed('The message is empty.');
  if (message.includes(0)) throw malformed('Message length does not match input length.');
  // What is signed must be what was sent.
  if (!isUtf8(message)) throw malformed('The message is not UTF-8.');
  return message.toString('utf8');
}

function decodeBase64(text: string): Buffer | null {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) return null;
  return Buffer.from(text, 'base64');
}

function sameText(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function malformed(detail: string): SqlError {
  return new SqlError('08P01', 'malformed SCRAM message', { detail });
}
