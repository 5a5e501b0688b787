/** A small client of the wire protocol, for the shell: one simple query at a time, results as they come. */
import type { Socket } from 'node:net';
import { type DatabaseError, parse, serialize } from 'pg-protocol';
import type {
  BackendKeyDataMessage,
  BackendMessage,
  CommandCompleteMessage,
  CopyDataMessage,
  DataRowMessage,
  NoticeMessage,
  ReadyForQueryMessage,
  RowDescriptionMessage,
} from 'pg-protocol/dist/messages.js';

import { type Address, openSocket } from './open-socket.ts';
import { LoginSteps } from './login-steps.ts';

export type Column = Readonly<{ name: string; typeOid: number }>;
export type Report = Readonly<{
  severity: string;
  code: string;
  message: string;
  detail?: string | undefined;
  hint?: string | undefined;
  position?: number | undefined;
}>;

export type QueryEvents = Readonly<{
  columns: (columns: readonly Column[]) => void;
  row: (values: readonly (string | null)[]) => void;
  copyData: (chunk: Buffer) => void;
  complete: (tag: string) => void;
  notice: (notice: Report) => void;
  error: (error: Report) => void;
}>;

export class WireClient {
  readonly #address: Address;
  readonly #socket: Socket;
  #events: QueryEvents | null = null;
  #done: (() => void) | null = null;
  #key: Readonly<{ pid: number; secret: number }> | null = null;
  /** I, T or E. */
  status = 'I';
  closed = false;

  private constructor(address: Address, socket: Socket) {
    this.#address = address;
    this.#socket = socket;
  }

  /**
   * Rejects where nobody listens, or the server refuses. `password` is asked only if the server does; null: there is none.
   */
  static async open(
    address: Address,
    startup: Readonly<Record<string, string>>,
    password: () => Promise<string | null>,
  ): Promise<WireClient> {
    const { socket, endPoint } = await openSocket(address);
    const client = new WireClient(address, socket);
    return new Promise((resolve, reject) => {
      let state: 'login' | 'ready' | 'failed' = 'login';
      const fail = (error: unknown): void => {
        state = 'failed';
        socket.destroy();
        reject(error);
      };
      const login = new LoginSteps(socket, endPoint, password);
      socket.on('error', fail);
      socket.on('close', () => {
        client.closed = true;
        reject(new Error('the server closed the connection'));
        client.#finish();
      });
      const receive = (message: BackendMessage): void => {
        if (state === 'failed') return;
        if (state === 'ready' || !login.takes(message)) client.#receive(message);
        if (state === 'login' && message.name === 'readyForQuery') {
          state = 'ready';
          resolve(client);
        }
      };
      login.onError = fail;
      void parse(socket, (message) => {
        try {
          receive(message);
        } catch (error) {
          fail(error);
        }
      }).catch(fail);
      socket.write(serialize.startup({ ...startup }));
    });
  }

  /** Resolves when the server is ready for the next one, whatever came of this. */
  query(text: string, events: QueryEvents): Promise<void> {
    if (this.closed) return Promise.reject(new Error('not connected'));
    return new Promise((resolve) => {
      this.#events = events;
      this.#done = resolve;
      this.#socket.write(serialize.query(text));
    });
  }

  /** Asks the server, on a connection of its own, to end what runs. */
  cancel(): void {
    if (this.#key === null) return;
    const { pid, secret } = this.#key;
    openSocket(this.#address).then(
      ({ socket }) => socket.on('error', () => socket.destroy()).end(serialize.cancel(pid, secret)),
      () => {},
    );
  }

  end(): void {
    this.#socket.end(serialize.end());
  }

  #finish(): void {
    this.#events = null;
    this.#done?.();
    this.#done = null;
  }

  #receive(message: BackendMessage): void {
    const events = this.#events;
    switch (message.name) {
      case 'backendKeyData': {
        const { processID, secretKey } = message as BackendKeyDataMessage;
        this.#key = { pid: processID, secret: secretKey };
        return;
      }
      case 'rowDescription': {
        const { fields } = message as RowDescriptionMessage;
        events?.columns(fields.map((field) => ({ name: field.name, typeOid: field.dataTypeID })));
        return;
      }
      case 'dataRow':
        events?.row((message as DataRowMessage).fields as (string | null)[]);
        return;
      case 'copyData':
        events?.copyData((message as CopyDataMessage).chunk);
        return;
      case 'copyInResponse':
        // The shell has no data to give.
        this.#socket.write(serialize.copyFail('the shell sends no data; use psql'));
        return;
      case 'commandComplete':
        events?.complete((message as CommandCompleteMessage).text);
        return;
      case 'notice':
        events?.notice(reportOf(message as NoticeMessage));
        return;
      case 'error':
        events?.error(reportOf(message as unknown as DatabaseError));
        return;
      case 'readyForQuery':
        this.status = (message as ReadyForQueryMessage).status;
        this.#finish();
        return;
      default:
        return;
    }
  }
}

function reportOf(message: NoticeMessage | DatabaseError): Report {
  return {
    severity: message.severity ?? 'ERROR',
    code: message.code ?? '',
    message: message.message ?? '',
    detail: message.detail,
    hint: message.hint,
    position: message.position === undefined ? undefined : Number(message.position),
  };
}
