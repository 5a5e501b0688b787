/** The client's side of SCRAM-SHA-256, step by step, so that tests can do each wrong. */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { cstring, describeMessage, frame, int32, startupPacket, WirePeer } from './wire-peer.ts';

const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

export type ScramClientOptions = Readonly<{
  nonce?: string;
  /** the GS2 head: what the client says of channel binding */
  head?: string;
  /** what it says it bound to, behind the head */
  binding?: Buffer;
}>;

export class ScramClient {
  readonly #password: string;
  readonly #head: string;
  readonly #binding: Buffer;
  readonly #bare: string;

  constructor(password: string, options: ScramClientOptions = {}) {
    this.#password = password;
    this.#head = options.head ?? 'n,,';
    this.#binding = options.binding ?? Buffer.alloc(0);
    this.#bare = `n=,r=${options.nonce ?? randomBytes(18).toString('base64')}`;
  }

  get first(): string {
    return this.#head + this.#bare;
  }

  final(challenge: string): string {
    const { nonce, salt, iterations } = readChallenge(challenge);
    const salted = pbkdf2Sync(this.#password, salt, iterations, 32, 'sha256');
    const clientKey = hmac(salted, 'Client Key');
    const storedKey = createHash('sha256').update(clientKey).digest();
    const bound = Buffer.concat([Buffer.from(this.#head), this.#binding]).toString('base64');
    const unsigned = `c=${bound},r=${nonce}`;
    const signature = hmac(storedKey, `${this.#bare},${challenge},${unsigned}`);
    const proof = clientKey.map((byte, i) => byte ^ signature[i]!);
    return `${unsigned},p=${Buffer.from(proof).toString('base64')}`;
  }
}

export function readChallenge(text: string): Readonly<{ nonce: string; salt: Buffer; iterations: number }> {
  const match = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(text);
  if (match === null) throw new Error(`not a challenge: ${text}`);
  return { nonce: match[1]!, salt: Buffer.from(match[2]!, 'base64'), iterations: Number(match[3]) };
}

export const initialResponse = (mechanism: string, data: string): Buffer =>
  frame('p', cstring(mechanism), int32(Buffer.byteLength(data)), Buffer.from(data));
export const saslResponse = (data: string): Buffer => frame('p', Buffer.from(data));

/** A peer that was asked for SASL, and the mechanisms that it was offered. */
export async function challenged(
  where: number | Socket,
  user: string,
): Promise<Readonly<{ peer: WirePeer; mechanisms: readonly string[] }>> {
  const peer = new WirePeer(where);
  peer.send(startupPacket({ user, database: 'millrace' }));
  const message = await peer.receive();
  if (message?.type !== 'R' || message.body.readInt32BE(0) !== 10) throw new Error('not asked for SASL');
  return { peer, mechanisms: message.body.toString('utf8', 4).split('\0').slice(0, -2) };
}

/** The text of AuthenticationSASLContinue or …Final; null where the server said something else. */
export async function saslText(peer: WirePeer): Promise<string | null> {
  const message = await peer.receive();
  if (message?.type !== 'R' || message.body.readInt32BE(0) < 11) return null;
  return message.body.toString('utf8', 4);
}

/** The last thing that the server says to a whole login: ReadyForQuery, or why not. */
export async function lastSaid(port: number, user: string, password: string): Promise<string> {
  const { peer } = await challenged(port, user);
  const client = new ScramClient(password);
  peer.send(initialResponse('SCRAM-SHA-256', client.first));
  peer.send(saslResponse(client.final((await saslText(peer))!)));
  const answer = await peer.receive();
  if (answer?.type !== 'R') return answer === null ? '' : describeMessage(answer);
  const lines = await peer.until('ReadyForQuery');
  peer.close();
  return lines.at(-1)!;
}
