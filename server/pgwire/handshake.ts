/** From a client's first byte to its login: encryption, cancel requests, startup packet, authentication. */
import type { Socket } from 'node:net';
import { unreachable } from '../../common/assert.ts';
import { SqlError } from '../../common/sql-error.ts';
import type { Peer } from '../auth/peer.ts';
import { plainAddress } from '../auth/peer-address.ts';
import { AUTHENTICATION_TIMEOUT_MS } from '../limits.ts';
import type { ServerContext } from '../server-context.ts';
import type { Login } from '../session/login.ts';
import { writeAuthenticationSaslData, writeNegotiateProtocolVersion } from './backend-messages.ts';
import type { StartupMessage } from './frontend-message.ts';
import { scramLogin } from './scram-login.ts';
import { PROTOCOL_MINOR, readStartup, type StartupRequest } from './startup.ts';
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

type Startup = Extract<StartupMessage, { kind: 'startup' }>;

/** What `Handshake.run` was doing when it failed: errors are told on it. */
export class Handshake {
  readonly #context: ServerContext;
  readonly #socket: Socket;
  readonly #input: WireInput;
  readonly output: WireOutput;

  constructor(context: ServerContext, socket: Socket) {
    this.#context = context;
    this.#socket = socket;
    this.#input = new WireInput(socket);
    this.output = new WireOutput(socket);
  }

  /** Null where the connection ended without a login (cancel request, closed socket). Throws what the client is to be told. */
  async run(): Promise<Handshaken | null> {
    const timer = setTimeout(() => this.#socket.destroy(), AUTHENTICATION_TIMEOUT_MS);
    try {
      const startup = await this.#startup();
      return startup === null ? null : await this.#authenticate(startup);
    } finally {
      clearTimeout(timer);
    }
  }

  async #startup(): Promise<Startup | null> {
    for (;;) {
      const message = await this.#input.next();
      if (message === null) return null;
      switch (message.kind) {
        case 'ssl-request':
        case 'gss-request':
          this.#socket.write('N');
          break;
        case 'cancel-request':
          this.#context.sessions.cancel(message.pid, message.secret);
          return null;
        case 'startup':
          return message;
        default:
          throw new SqlError('08P01', 'expected a startup packet');
      }
    }
  }

  async #authenticate(startup: Startup): Promise<Handshaken | null> {
    const { authentication } = this.#context;
    const request = readStartup(startup.parameters);
    if (startup.minor > PROTOCOL_MINOR || request.unknownOptions.length > 0) {
      const minor = Math.min(startup.minor, PROTOCOL_MINOR);
      writeNegotiateProtocolVersion(this.output.writer, minor, request.unknownOptions);
    }
    const peer: Peer = { address: plainAddress(this.#socket.remoteAddress), tls: false };
    const method = authentication.method(peer, request.user, request.database);
    switch (method) {
      case 'trust':
        break;
      case 'scram-sha-256':
        if (!(await this.#scram(request.user))) return null;
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
  async #scram(user: string): Promise<boolean> {
    const exchange = this.#context.authentication.challenge(user, null);
    const result = await scramLogin(exchange, this.#input, this.output);
    switch (result.kind) {
      case 'gone':
        return false;
      case 'wrong':
        throw new SqlError('28P01', `password authentication failed for user "${user}"`);
      case 'right':
        writeAuthenticationSaslData(this.output.writer, 'final', result.answer);
        return true;
    }
  }
}
