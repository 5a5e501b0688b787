import type { RawData, WebSocket } from 'ws';
import { SqlError } from '../../common/sql-error.ts';
import { flattenError } from '../flatten-error.ts';
import { collectRows } from '../http/collect-rows.ts';
import { errorMembers } from '../http/http-error.ts';
import { runStatement } from '../http/query-route.ts';
import { appendRows, requireStream } from '../http/streams-route.ts';
import { INPUT_BYTES_HIGH, SOCKET_PING_MS, SOCKET_SUBSCRIPTIONS_MAX } from '../limits.ts';
import { noticeMessage, schemaMessage } from '../live/live-messages.ts';
import type { ServerContext } from '../server-context.ts';
import type { Login } from '../session/login.ts';
import { closeSession, openSession } from '../session/open-session.ts';
import type { Session } from '../session/session.ts';
import {
  type ClientId,
  type ClientMessage,
  idOf,
  parseClientMessage,
  readClientMessage,
} from './client-message.ts';
import { type Peer, runSubscription } from './subscription.ts';

type Operation<K extends ClientMessage['op']> = Extract<ClientMessage, { op: K }>;

/** One client of /ws: any number of subscriptions, inserts and queries at a time, told apart by their ids. */
export class SocketConnection {
  readonly #context: ServerContext;
  readonly #login: Login;
  readonly #socket: WebSocket;
  readonly #peer: Peer;
  /** What runs, by the JSON of its id. */
  readonly #running = new Map<string, Session>();
  /** Ids that were unsubscribed: their end is no error. */
  readonly #stopping = new Set<string>();
  #pendingBytes = 0;
  #alive = true;

  constructor(context: ServerContext, login: Login, peer: Peer) {
    const { socket } = peer;
    this.#context = context;
    this.#login = login;
    this.#socket = socket;
    this.#peer = peer;
    const ping = setInterval(() => this.#ping(), SOCKET_PING_MS);
    context.metrics.connections.inc({ protocol: 'websocket' });
    context.metrics.openConnections.inc({ protocol: 'websocket' });
    socket.on('pong', () => {
      this.#alive = true;
    });
    socket.on('message', (data, binary) => this.#receive(data, binary));
    // A frame that breaks the protocol: ws has sent the close code already.
    socket.on('error', () => socket.terminate());
    socket.on('close', () => {
      clearInterval(ping);
      context.metrics.openConnections.dec({ protocol: 'websocket' });
      for (const session of this.#running.values()) session.close();
    });
  }

  #ping(): void {
    if (!this.#alive) {
      this.#socket.terminate();
      return;
    }
    this.#alive = false;
    this.#socket.ping();
  }

  #receive(data: RawData, binary: boolean): void {
    const bytes = Buffer.isBuffer(data)
      ? data
      : Buffer.concat(Array.isArray(data) ? data : [Buffer.from(data)]);
    let id: ClientId | null = null;
    try {
      const members = parseClientMessage(bytes, binary);
      id = idOf(members);
      this.#start(readClientMessage(members), bytes.length);
    } catch (error) {
      this.#sendError(id, error);
    }
  }

  #start(message: ClientMessage, bytes: number): void {
    const key = JSON.stringify(message.id);
    if (message.op === 'unsubscribe') {
      const session = this.#running.get(key);
      if (session === undefined) throw new SqlError('42704', `there is no subscription ${key}`);
      this.#stopping.add(key);
      session.cancel();
      return;
    }
    if (this.#running.has(key)) throw new SqlError('42710', `id ${key} is in use`);
    if (this.#running.size >= SOCKET_SUBSCRIPTIONS_MAX) {
      throw new SqlError('53300', `a connection can run ${SOCKET_SUBSCRIPTIONS_MAX} operations at a time`);
    }
    const session = openSession(this.#context, this.#login, (notice) =>
      this.#send(noticeMessage(notice, message.id)),
    );
    this.#running.set(key, session);
    this.#hold(bytes);
    void this.#run(session, message)
      .catch((error: unknown) => this.#fail(key, message.id, error))
      .finally(() => {
        this.#hold(-bytes);
        this.#running.delete(key);
        this.#stopping.delete(key);
        closeSession(session);
      });
  }

  /** A client that sends faster than its rows are taken is no longer read. */
  #hold(bytes: number): void {
    this.#pendingBytes += bytes;
    if (this.#pendingBytes > INPUT_BYTES_HIGH) this.#socket.pause();
    else if (this.#socket.isPaused) this.#socket.resume();
  }

  async #run(session: Session, message: Exclude<ClientMessage, { op: 'unsubscribe' }>): Promise<void> {
    switch (message.op) {
      case 'subscribe': {
        const tick = await runSubscription(session, this.#peer, message);
        this.#send({ id: message.id, op: 'end', tick });
        return;
      }
      case 'insert':
        return this.#insert(session, message);
      case 'query':
        return this.#query(session, message);
    }
  }

  async #insert(session: Session, message: Operation<'insert'>): Promise<void> {
    const context = this.#context;
    const stream = requireStream(context, message.stream, session.role);
    const text = new TextEncoder().encode(JSON.stringify(message.rows));
    const label = `insert into ${stream.name}`;
    const result = await appendRows(
      context,
      stream,
      { format: 'json-array', timestampUnit: stream.format.timestampUnit },
      label,
      text,
    );
    const { accepted, rejected, tick } = result;
    this.#send({ id: message.id, op: 'inserted', accepted, rejected, tick });
  }

  async #query(session: Session, message: Operation<'query'>): Promise<void> {
    const { id } = message;
    const answer = await runStatement(session, message.sql, message.params);
    if ('command' in answer) {
      this.#send({ id, op: 'end', command: answer.command, tick: answer.tick });
      return;
    }
    const { tick, body } = await collectRows(session, answer, 'json');
    this.#send(schemaMessage(answer.columns, id));
    const head = `{"id":${JSON.stringify(id)},"op":"rows","tick":${tick},"rows":[`;
    this.#socket.send(Buffer.concat([Buffer.from(head), body, Buffer.from(']}')]), { binary: false });
    this.#send({ id, op: 'end', tick });
  }

  #fail(key: string, id: ClientId, error: unknown): void {
    if (this.#stopping.has(key)) this.#send({ id, op: 'end' });
    else this.#sendError(id, error);
  }

  #sendError(id: ClientId | null, error: unknown): void {
    const flat = flattenError(error, this.#context.log);
    this.#send({ ...(id === null ? {} : { id }), op: 'error', ...errorMembers(flat) });
  }

  #send(message: Readonly<Record<string, unknown>>): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  /** 1001: the server goes away. */
  shutDown(): void {
    this.#socket.close(1001, 'server is shutting down');
  }
}
