/** From a client's first byte to its login: encryption, cancel requests, startup packet, authentication. */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { unreachable } from '../../common/assert.ts';
import { SqlError } from '../../common/sql-error.ts';
import type { LoginEvent } from '../auth/audit-log.ts';
import type { ServerCertificate } from '../auth/certificate.ts';
import type { Peer } from '../auth/peer.ts';
import { plainAddress } from '../auth/peer-address.ts';
import type { ServerContext } from '../server-context.ts';
import type { Login } from '../session/login.ts';
import { writeAuthenticationSaslData, writeNegotiateProtocolVersion } from './backend-messages.ts';
import type { StartupMessage } from './frontend-message.ts';
import { scramLogin } from './scram-login.ts';
import { PROTOCOL_MINOR, readStartup, type StartupRequest } from './startup.ts';
import { writeWrongPort } from './wrong-port.ts';
import { WireInput } from './wire-input.ts';
import { WireOutput } from './wire-output.ts';

/** A client that has logged in; AuthenticationOk is not written yet. */
export type Handshaken = Readonly<{
  socket: Socket;
  input: WireInput;
  output: WireOutput;
  /** minor version of the protocol that the client asked for */
  minor: number;
  request: StartupRequest;
  login: Login;
  peer: Peer;
}>;

/** IANA's name of the protocol, as PostgreSQL 17 and later have it. */
const ALPN = 'postgresql';

type Startup = Extract<StartupMessage, { kind: 'startup' }>;

/** The client's first moments; when they fail, `output` and `attempt` tell where to say so, and of whom. */
export class Handshake {
  readonly #context: ServerContext;
  #socket: Socket;
  #input: WireInput;
  #output: WireOutput;
  /** Whose certificate the client was shown; null: nothing is encrypted. */
  #certificate: ServerCertificate | null = null;
  #attempt: LoginEvent | null = null;
  readonly #asked = new Set<'ssl-request' | 'gss-request'>();

  constructor(context: ServerContext, socket: Socket) {
    this.#context = context;
    this.#socket = socket;
    this.#input = new WireInput(socket);
    this.#output = new WireOutput(socket);
  }

  get output(): WireOutput {
    return this.#output;
  }

  /** Who tried to log in, once that is known. */
  get attempt(): LoginEvent | null {
    return this.#attempt;
  }

  /** Null where the connection ended without a login (cancel request, closed socket). Throws what the client is to be told. */
  async run(): Promise<Handshaken | null> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      // Whoever said who it is gets an answer.
      if (this.#attempt === null) this.#socket.destroy();
      else this.#input.close();
    }, this.#context.configuration.config.authenticationTimeoutMs);
    try {
      const startup = await this.#startup();
      const client = startup === null ? null : await this.#authenticate(startup);
      if (isLate && this.#attempt !== null) {
        throw new SqlError('57014', 'canceling authentication due to timeout');
      }
      return client;
    } finally {
      clearTimeout(timer);
    }
  }

  async #startup(): Promise<Startup | null> {
    const { encryption } = this.#context;
    for (;;) {
      const message = await this.#input.next();
      if (message === null) return null;
      switch (message.kind) {
        case 'tls-hello':
          if (!(await this.#acceptDirectTls())) return null;
          break;
        case 'ssl-request':
        case 'gss-request':
          this.#askOnce(message.kind);
          if (message.kind === 'gss-request' || encryption.current === null) this.#socket.write('N');
          else if (!(await this.#acceptTls())) return null;
          break;
        case 'cancel-request':
          this.#context.sessions.cancel(message.pid, message.secret);
          return null;
        case 'http-request':
          writeWrongPort(this.output.writer, this.#context.configuration.config.httpPort);
          return null;
        case 'startup':
          return message;
        default:
          throw new SqlError('08P01', 'expected a startup packet');
      }
    }
  }

  #askOnce(kind: 'ssl-request' | 'gss-request'): void {
    if (this.#certificate !== null || this.#asked.has(kind)) {
      throw new SqlError('08P01', 'encryption can be asked for once only, and in clear');
    }
    this.#asked.add(kind);
  }

  /** False where the client left, or speaks no TLS after all. */
  async #acceptTls(): Promise<boolean> {
    const rest = this.#input.release();
    if (rest.length > 0) {
      // Somebody in between may want its own words taken for those of the encrypted connection.
      throw new SqlError('08P01', 'received unencrypted data after SSL request', {
        detail:
          'This could be either a client-software bug or evidence of an attempted man-in-the-middle attack.',
      });
    }
    this.#socket.write('S');
    return this.#encrypt(rest);
  }

  /** Without an SSLRequest the client must name the protocol: else it may have meant another server (ALPACA). */
  async #acceptDirectTls(): Promise<boolean> {
    if (this.#certificate !== null || this.#asked.size > 0 || this.#context.encryption.current === null) {
      throw new SqlError('08P01', 'invalid length of startup packet');
    }
    if (!(await this.#encrypt(this.#input.release()))) return false;
    if ((this.#socket as TLSSocket).alpnProtocol === ALPN) return true;
    throw new SqlError(
      '08P01',
      'received direct SSL connection request without ALPN protocol negotiation extension',
    );
  }

  /** `hello`: bytes of TLS that came already. */
  async #encrypt(hello: Buffer): Promise<boolean> {
    if (hello.length > 0) this.#socket.unshift(hello);
    const encrypted = await this.#context.encryption.accept(this.#socket, [ALPN]);
    if (encrypted === null) return false;
    this.#socket = encrypted.socket;
    this.#certificate = encrypted.certificate;
    this.#input = new WireInput(encrypted.socket);
    this.#output = new WireOutput(encrypted.socket);
    return true;
  }

  async #authenticate(startup: Startup): Promise<Handshaken | null> {
    const { authentication } = this.#context;
    const request = readStartup(startup.parameters);
    if (startup.minor > PROTOCOL_MINOR || request.unknownOptions.length > 0) {
      const minor = Math.min(startup.minor, PROTOCOL_MINOR);
      writeNegotiateProtocolVersion(this.output.writer, minor, request.unknownOptions);
    }
    const peer: Peer = {
      address: plainAddress(this.#socket.remoteAddress),
      tls: this.#certificate !== null,
    };
    this.#attempt = { user: request.user, peer, protocol: 'pgwire', method: null };
    const method = authentication.method(peer, request.user, request.database);
    this.#attempt = { ...this.#attempt, method: method === 'trust' ? method : 'password' };
    switch (method) {
      case 'trust':
        break;
      case 'scram-sha-256':
        if (!(await this.#scram(request.user, peer))) return null;
        break;
      default:
        return unreachable(method);
    }
    const login = authentication.login(request.user, method);
    this.#input.openWide();
    const { output } = this;
    return { socket: this.#socket, input: this.#input, output, minor: startup.minor, request, login, peer };
  }

  /** False where the client left; 28P01 where the password is wrong, or there is none. */
  async #scram(user: string, peer: Peer): Promise<boolean> {
    const { authentication } = this.#context;
    const exchange = authentication.challenge(user, this.#certificate?.endPoint ?? null);
    const turn = (): Promise<boolean> => authentication.waitTurn(user, peer);
    const result = await scramLogin(exchange, this.#input, this.output, turn);
    switch (result.kind) {
      case 'gone':
        return false;
      case 'throttled':
        throw authentication.throttled(user);
      case 'wrong':
        authentication.judged(user, peer, false);
        throw new SqlError('28P01', `password authentication failed for user "${user}"`);
      case 'right':
        authentication.judged(user, peer, true);
        writeAuthenticationSaslData(this.output.writer, 'final', result.answer);
        return true;
    }
  }
}
