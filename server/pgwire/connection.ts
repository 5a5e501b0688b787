import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { unreachable } from '../../common/assert.ts';
import { UNSENT_BYTES_MAX } from '../../common/limits.ts';
import { SqlError } from '../../common/sql-error.ts';
import { plainAddress } from '../auth/peer-address.ts';
import { flattenError } from '../flatten-error.ts';
import type { Notification } from '../notifications/notification-hub.ts';
import type { ServerContext } from '../server-context.ts';
import { idleLimitOf } from '../session/idle-limit.ts';
import { Session } from '../session/session.ts';
import type { Endpoints } from '../session/session-activity.ts';
import { TransactionLimit } from '../session/transaction-limit.ts';
import {
  writeAuthenticationOk,
  writeBackendKeyData,
  writeErrorResponse,
  writeNoticeResponse,
  writeNotificationResponse,
  writeParameterStatus,
  writeReadyForQuery,
} from './backend-messages.ts';
import { handleBind, handleClose, handleDescribe, handleExecute, handleParse } from './extended-query.ts';
import type { FrontendMessage } from './frontend-message.ts';
import type { Handshaken } from './handshake.ts';
import type { Wire } from './send-outcome.ts';
import { simpleQuery } from './simple-query.ts';
import { applySettings } from './startup.ts';
import type { WireInput } from './wire-input.ts';
import type { WireOutput } from './wire-output.ts';

const SECRET_BYTES = 4;
/** From 3.2 on a secret may be longer. */
const LONG_SECRET_BYTES = 32;
/** What a notification takes beside its texts, about. */
const NOTIFICATION_BYTES = 64;

/** One client that has logged in: one message after the other until either side ends it. */
export class Connection {
  readonly #context: ServerContext;
  readonly #client: Handshaken;
  readonly #socket: Socket;
  readonly #input: WireInput;
  readonly #output: WireOutput;
  #wire: Wire | null = null;
  /** After an error in the extended protocol everything up to the next Sync is skipped. */
  #skipping = false;
  /** A message's work is under way. */
  #working = false;
  /** They wait for the end of what runs, or of the block. */
  #notifications: Notification[] = [];
  #notifiedBytes = 0;
  readonly #transactionLimit = new TransactionLimit((error) => this.#terminate(error));
  /** Why the server ends the connection. */
  #ending: SqlError | null = null;

  constructor(context: ServerContext, client: Handshaken) {
    this.#context = context;
    this.#client = client;
    this.#socket = client.socket;
    this.#input = client.input;
    this.#output = client.output;
    for (const event of ['error', 'close', 'end']) this.#socket.on(event, () => this.#lost());
  }

  #lost(): void {
    this.#wire?.session.close();
  }

  /** Between statements, and in no transaction block: what is written now belongs to no answer. */
  get #isIdle(): boolean {
    return !this.#working && this.#wire?.session.transaction === null;
  }

  #notify(notification: Notification): void {
    this.#notifications.push(notification);
    this.#notifiedBytes += notification.channel.length + notification.payload.length + NOTIFICATION_BYTES;
    if (this.#isIdle) {
      this.#writeNotifications();
      this.#output.flush();
    }
    if (this.#notifiedBytes + this.#output.unsentBytes > UNSENT_BYTES_MAX) this.#refuseSlowReader();
  }

  #writeNotifications(): void {
    for (const { pid, channel, payload } of this.#notifications)
      writeNotificationResponse(this.#output.writer, pid, channel, payload);
    this.#notifications = [];
    this.#notifiedBytes = 0;
  }

  #refuseSlowReader(): void {
    this.#terminate(
      new SqlError('53400', 'too many notifications wait to be read', {
        detail: `More than ${UNSENT_BYTES_MAX} bytes wait to be sent.`,
      }),
    );
  }

  /** Ends the session with 57P01, whatever it does. */
  shutDown(): void {
    this.#terminate(new SqlError('57P01', 'terminating connection due to administrator command'));
  }

  #terminate(error: SqlError): void {
    this.#ending ??= error;
    this.#wire?.session.interrupt.raise(this.#ending);
    if (!this.#working) this.#end(this.#ending);
  }

  /** Throws what the client is to be told before the connection ends. */
  async run(): Promise<void> {
    try {
      this.#open();
      await this.#serve();
    } finally {
      this.#transactionLimit.stop();
      const session = this.#wire?.session;
      if (session !== undefined) {
        this.#context.sessions.remove(session.pid);
        session.close();
      }
    }
  }

  #open(): void {
    const { request, login, minor } = this.#client;
    const out = this.#output.writer;
    const session = new Session(this.#context, login, {
      onNotice: (notice) => {
        if (!wantsNotice(session, notice.severity)) return;
        writeNoticeResponse(out, notice);
        // nothing else would send it
        if (this.#isIdle) this.#output.flush();
      },
      onParameter: (name, value) => {
        if (this.#wire !== null) writeParameterStatus(out, name, value);
      },
      notifications: {
        deliver: (notification) => this.#notify(notification),
        isOpen: () => this.#isIdle && !this.#output.congested,
      },
    });
    applySettings(session, request);
    const secretBytes = minor >= 2 ? LONG_SECRET_BYTES : SECRET_BYTES;
    const { pid, secret } = this.#context.sessions.add(
      { session, cancel: () => session.cancel(), shutDown: () => this.shutDown() },
      secretBytes,
    );
    session.pid = pid;
    session.endpoints = endpointsOf(this.#socket);
    writeAuthenticationOk(out);
    for (const { name, value } of session.settings.reported()) writeParameterStatus(out, name, value);
    writeBackendKeyData(out, pid, secret);
    writeReadyForQuery(out, 'idle');
    this.#wire = { session, input: this.#input, output: this.#output };
  }

  async #serve(): Promise<void> {
    for (;;) {
      if (this.#ending !== null) return this.#end(this.#ending);
      let message = this.#input.poll();
      if (message === null) {
        this.#output.flush();
        message = await this.#nextMessage();
      }
      if (message === null || message.kind === 'terminate') return;
      await this.#dispatch(this.#wire!, message);
      this.#output.flushLarge();
    }
  }

  /** Waits for the client, but for no longer than the session's idle limits. */
  async #nextMessage(): Promise<FrontendMessage | null> {
    const limit = idleLimitOf(this.#wire!.session);
    if (limit === null) return this.#input.next();
    const timer = setTimeout(() => {
      this.#ending = limit.error;
      this.#end(limit.error);
    }, limit.milliseconds);
    try {
      return await this.#input.next();
    } finally {
      clearTimeout(timer);
    }
  }

  async #dispatch(wire: Wire, message: FrontendMessage): Promise<void> {
    const { session, output } = wire;
    if (this.#skipping && message.kind !== 'sync') return;
    switch (message.kind) {
      case 'query':
        return this.#group(wire, () => simpleQuery(wire, message.text), true);
      case 'sync':
        this.#skipping = false;
        return this.#group(wire, () => session.endImplicit(), true);
      case 'parse':
        return this.#group(wire, () => handleParse(wire, message), false);
      case 'bind':
        return this.#group(wire, async () => handleBind(wire, message), false);
      case 'describe':
        return this.#group(wire, async () => handleDescribe(wire, message), false);
      case 'execute':
        return this.#group(wire, () => handleExecute(wire, message), false);
      case 'close':
        return this.#group(wire, async () => handleClose(wire, message), false);
      case 'flush':
        output.flush();
        return;
      case 'malformed':
        return this.#group(wire, () => Promise.reject(message.error), !message.extended);
      case 'function-call': {
        const error = new SqlError('0A000', 'the function call protocol is not supported');
        return this.#group(wire, () => Promise.reject(error), true);
      }
      case 'copy-data':
      case 'copy-done':
      case 'copy-fail':
        return; // What a client still sends of a COPY that failed.
      case 'password':
      case 'terminate':
      case 'startup':
      case 'ssl-request':
      case 'gss-request':
      case 'tls-hello':
      case 'http-request':
      case 'cancel-request':
        throw new SqlError('08P01', `unexpected message "${message.kind}"`);
      default:
        return unreachable(message);
    }
  }

  /** Runs a message's work; an error is sent, fails the block and, in the extended protocol, skips to Sync. */
  async #group(wire: Wire, work: () => Promise<void>, last: boolean): Promise<void> {
    const { session, output } = wire;
    session.start();
    this.#transactionLimit.follow(session, true);
    this.#working = true;
    try {
      await work();
    } catch (error) {
      if (this.#input.closed) return;
      session.fail();
      if (this.#ending !== null) return;
      this.#context.metrics.errors.inc();
      writeErrorResponse(output.writer, 'ERROR', flattenError(error, this.#context.log));
      this.#skipping = !last;
    } finally {
      session.finish();
      this.#working = false;
    }
    this.#transactionLimit.follow(session, false);
    if (!last) return;
    if (session.transaction === null) session.portals.endTransaction(false);
    if (session.transaction === null) this.#writeNotifications();
    writeReadyForQuery(output.writer, session.status);
  }

  #end(error: SqlError): void {
    writeErrorResponse(this.#output.writer, 'FATAL', error);
    this.#output.finish();
  }
}

/** client_min_messages: warnings and notices below it stay here. */
function wantsNotice(session: Session, severity: 'NOTICE' | 'WARNING'): boolean {
  const least = session.settings.get('client_min_messages');
  if (least === 'error') return false;
  return severity === 'WARNING' || least !== 'warning';
}

/** null: the client has left already. */
function endpointsOf(socket: Socket): Endpoints | null {
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  if (remoteAddress === undefined || localAddress === undefined) return null;
  const encrypted = socket instanceof TLSSocket;
  return {
    address: plainAddress(remoteAddress),
    port: remotePort ?? 0,
    serverAddress: plainAddress(localAddress),
    serverPort: localPort ?? 0,
    encryption: encrypted ? { protocol: socket.getProtocol() ?? '', cipher: socket.getCipher().name } : null,
  };
}
