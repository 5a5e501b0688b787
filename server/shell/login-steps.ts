import type { Socket } from 'node:net';
import { type DatabaseError, serialize } from 'pg-protocol';
import type { BackendMessage } from 'pg-protocol/dist/messages.js';
import { ScramClient } from './scram-client.ts';

/** The parser's own type has the members of one kind only. */
type SaslMessage = BackendMessage & Readonly<{ mechanisms: readonly string[]; data: string }>;

/** The client's side of a login: answers what the server asks, and believes nobody who does not know the password either. */
export class LoginSteps {
  readonly #socket: Socket;
  readonly #endPoint: Buffer | null;
  readonly #password: () => Promise<string | null>;
  #scram: ScramClient | null = null;
  #asked = false;
  #verified = false;
  /** What fails later than `takes` returns. */
  onError: (error: unknown) => void = () => {};

  /** `password` is asked only if the server does; null: there is none. */
  constructor(socket: Socket, endPoint: Buffer | null, password: () => Promise<string | null>) {
    this.#socket = socket;
    this.#endPoint = endPoint;
    this.#password = password;
  }

  /** Whether the message belongs to the login. Throws where it must not go on. */
  takes(message: BackendMessage): boolean {
    switch (message.name) {
      case 'authenticationSASL':
        this.#asked = true;
        this.#begin((message as SaslMessage).mechanisms).catch(this.onError);
        return true;
      case 'authenticationSASLContinue':
        this.#answer((message as SaslMessage).data).catch(this.onError);
        return true;
      case 'authenticationSASLFinal':
        this.#scram?.verify((message as SaslMessage).data);
        this.#verified = true;
        return true;
      case 'authenticationOk':
        if (this.#asked && !this.#verified)
          throw new Error('the server did not show that it knows the password');
        return true;
      case 'authenticationCleartextPassword':
      case 'authenticationMD5Password':
        throw new Error('the server asks for a password in a way that others could use');
      case 'error':
        throw new Error((message as unknown as DatabaseError).message);
      default:
        return false;
    }
  }

  async #begin(mechanisms: readonly string[]): Promise<void> {
    const given = await this.#password();
    if (given === null) throw new Error('no password supplied');
    this.#scram = new ScramClient(given, mechanisms, this.#endPoint);
    this.#socket.write(serialize.sendSASLInitialResponseMessage(this.#scram.mechanism, this.#scram.first));
  }

  async #answer(challenge: string): Promise<void> {
    if (this.#scram === null) throw new Error('the server answers a question that was not asked');
    this.#socket.write(serialize.sendSCRAMClientFinalMessage(await this.#scram.final(challenge)));
  }
}
