/** A client that speaks the wire protocol message by message, and shows each as one line of text. */
import { isUtf8 } from 'node:buffer';
import { connect, type Socket } from 'node:net';
import { typeNameOfOid } from '../../common/types.ts';

const int16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
};
export const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
export const cstring = (value: string): Buffer => Buffer.from(`${value}\0`);

export function frame(type: string, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body]);
}

export function startupPacket(parameters: Readonly<Record<string, string>>, version = 0x0003_0000): Buffer {
  const pairs = Object.entries(parameters).flatMap(([name, value]) => [cstring(name), cstring(value)]);
  const body = Buffer.concat([int32(version), ...pairs, Buffer.from([0])]);
  return Buffer.concat([int32(body.length + 4), body]);
}

export type Received = Readonly<{ type: string; body: Buffer }>;

/** The messages of a whole answer. */
export function receivedIn(bytes: Buffer): Received[] {
  const messages: Received[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 1 + bytes.readInt32BE(at + 1);
    messages.push({ type: String.fromCharCode(bytes[at]!), body: bytes.subarray(at + 5, end) });
    at = end;
  }
  return messages;
}

export class WirePeer {
  readonly socket: Socket;
  #bytes: Buffer = Buffer.alloc(0);
  #wake: (() => void) | null = null;
  closed = false;
  pid = 0;
  secret: Buffer = Buffer.alloc(0);

  /** A port of this machine, or a connection that is made already (TLS). */
  constructor(where: number | Socket) {
    this.socket = typeof where === 'number' ? connect(where, '127.0.0.1') : where;
    this.socket.on('data', (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#notify();
    });
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      this.closed = true;
      this.#notify();
    });
  }

  /** A session that is ready for its first query. */
  static async open(
    where: number | Socket,
    parameters: Readonly<Record<string, string>> = { user: 'test', database: 'millrace' },
    version = 0x0003_0000,
  ): Promise<WirePeer> {
    const peer = new WirePeer(where);
    peer.send(startupPacket(parameters, version));
    for (;;) {
      const message = await peer.receive();
      if (message === null) throw new Error('closed during startup');
      if (message.type === 'E') throw new Error(describeMessage(message));
      if (message.type === 'R' && message.body.readInt32BE(0) !== 0) {
        peer.close();
        throw new Error('a password is asked for');
      }
      if (message.type === 'K') {
        peer.pid = message.body.readInt32BE(0);
        peer.secret = message.body.subarray(4);
      }
      if (message.type === 'Z') return peer;
    }
  }

  #notify(): void {
    this.#wake?.();
    this.#wake = null;
  }

  send(...messages: readonly Buffer[]): void {
    this.socket.write(Buffer.concat(messages));
  }

  /** The next message; null when the server closed the connection. */
  async receive(): Promise<Received | null> {
    for (;;) {
      if (this.#bytes.length >= 5) {
        const end = 1 + this.#bytes.readInt32BE(1);
        if (this.#bytes.length >= end) {
          const message = { type: String.fromCharCode(this.#bytes[0]!), body: this.#bytes.subarray(5, end) };
          this.#bytes = this.#bytes.subarray(end);
          return message;
        }
      }
      if (this.closed) return null;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Lines up to and with the first that starts so. */
  async until(start: string): Promise<string[]> {
    const lines: string[] = [];
    for (;;) {
      const message = await this.receive();
      if (message === null) throw new Error(`closed before ${start}; got ${lines.join(' | ')}`);
      const line = describeMessage(message);
      lines.push(line);
      if (line.startsWith(start)) return lines;
    }
  }

  /** A simple query's answer, without ReadyForQuery. */
  async query(sql: string): Promise<string[]> {
    this.send(frame('Q', cstring(sql)));
    return (await this.until('ReadyForQuery')).slice(0, -1);
  }

  /** A CancelRequest on a connection of its own; resolves when the server has taken it. */
  cancel(port: number): Promise<void> {
    return new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        const body = Buffer.concat([int32(80_877_102), int32(this.pid), this.secret]);
        socket.write(Buffer.concat([int32(body.length + 4), body]));
      });
      socket.on('error', () => {});
      socket.on('close', () => resolve());
      socket.resume();
    });
  }

  close(): void {
    this.socket.destroy();
  }
}

/** `> Parse "s" "SELECT $1"`: what a script sends. */
export function encodeMessage(name: string, args: readonly unknown[]): Buffer {
  const text = (i: number): Buffer => cstring((args[i] as string | undefined) ?? '');
  switch (name) {
    case 'Query':
      return frame('Q', text(0));
    case 'Parse': {
      const oids = (args[2] as number[] | undefined) ?? [];
      return frame('P', text(0), text(1), int16(oids.length), ...oids.map(int32));
    }
    case 'Bind':
      return encodeBind(args);
    case 'Describe':
      return frame('D', Buffer.from(args[0] as string), text(1));
    case 'Close':
      return frame('C', Buffer.from(args[0] as string), text(1));
    case 'Execute':
      return frame('E', text(0), int32((args[1] as number | undefined) ?? 0));
    case 'Sync':
      return frame('S');
    case 'Flush':
      return frame('H');
    case 'CopyData':
      return frame('d', Buffer.from(args[0] as string));
    case 'CopyDone':
      return frame('c');
    case 'CopyFail':
      return frame('f', text(0));
    case 'Terminate':
      return frame('X');
    default:
      throw new Error(`no such message: ${name}`);
  }
}

/** Values: text, null, or {"hex": "…"} for binary; result formats as a list of codes. */
function encodeBind(args: readonly unknown[]): Buffer {
  const values = (args[2] as (string | null | { hex: string })[] | undefined) ?? [];
  const formats = (args[3] as number[] | undefined) ?? [];
  const codes = values.map((value) => (typeof value === 'object' && value !== null ? 1 : 0));
  const fields = values.map((value) => {
    if (value === null) return int32(-1);
    const bytes = typeof value === 'string' ? Buffer.from(value) : Buffer.from(value.hex, 'hex');
    return Buffer.concat([int32(bytes.length), bytes]);
  });
  return frame(
    'B',
    cstring((args[0] as string | undefined) ?? ''),
    cstring((args[1] as string | undefined) ?? ''),
    int16(codes.length),
    ...codes.map(int16),
    int16(fields.length),
    ...fields,
    int16(formats.length),
    ...formats.map(int16),
  );
}

const BARE: Readonly<Record<string, string>> = {
  '1': 'ParseComplete',
  '2': 'BindComplete',
  '3': 'CloseComplete',
  I: 'EmptyQueryResponse',
  n: 'NoData',
  s: 'PortalSuspended',
  c: 'CopyDone',
};

/** One line a message; values are JSON. */
export function describeMessage({ type, body }: Received): string {
  const bare = BARE[type];
  if (bare !== undefined) return bare;
  switch (type) {
    case 'Z':
      return `ReadyForQuery ${body.toString('latin1')}`;
    case 'C':
      return `CommandComplete ${JSON.stringify(strings(body)[0])}`;
    case 'T':
      return describeRows(body);
    case 'D':
      return `DataRow ${fields(body).map(showField).join(' ')}`.trimEnd();
    case 't': {
      const types = Array.from({ length: body.readInt16BE(0) }, (_, i) =>
        typeNameOfOid(body.readInt32BE(2 + 4 * i)),
      );
      return `ParameterDescription ${types.join(' ')}`.trimEnd();
    }
    case 'G':
    case 'H':
      return `${type === 'G' ? 'CopyInResponse' : 'CopyOutResponse'} ${body[0] === 0 ? 'text' : 'binary'} ${body.readInt16BE(1)}`;
    case 'd':
      return `CopyData ${showField(body)}`;
    case 'S':
      return `ParameterStatus ${strings(body).slice(0, 2).join('=')}`;
    case 'E':
    case 'N':
      return describeReport(type === 'E' ? 'ErrorResponse' : 'NoticeResponse', body);
    default:
      return `${type} ${body.toString('hex')}`;
  }
}

const strings = (body: Buffer): string[] => body.toString('utf8').split('\0');

function describeRows(body: Buffer): string {
  const columns: string[] = [];
  let at = 2;
  for (let i = body.readInt16BE(0); i > 0; i--) {
    const end = body.indexOf(0, at);
    const name = body.toString('utf8', at, end);
    const oid = body.readInt32BE(end + 7);
    const binary = body.readInt16BE(end + 17) === 1 ? ':binary' : '';
    columns.push(`${name}:${typeNameOfOid(oid) ?? oid}${binary}`);
    at = end + 19;
  }
  return `RowDescription ${columns.join(' ')}`.trimEnd();
}

export function fields(body: Buffer): (Buffer | null)[] {
  const values: (Buffer | null)[] = [];
  let at = 2;
  for (let i = body.readInt16BE(0); i > 0; i--) {
    const length = body.readInt32BE(at);
    at += 4;
    values.push(length < 0 ? null : body.subarray(at, at + length));
    at += Math.max(length, 0);
  }
  return values;
}

/** Text as JSON; what is no text is shown in hex. */
function showField(value: Buffer | null): string {
  if (value === null) return 'NULL';
  return value.includes(0) || !isUtf8(value)
    ? `x${value.toString('hex')}`
    : JSON.stringify(value.toString('utf8'));
}

function describeReport(name: string, body: Buffer): string {
  const parts = new Map(
    strings(body)
      .filter((field) => field !== '')
      .map((field) => [field[0]!, field.slice(1)]),
  );
  let line = `${name} ${parts.get('S')} ${parts.get('C')} ${JSON.stringify(parts.get('M'))}`;
  if (parts.has('P')) line += ` position=${parts.get('P')}`;
  if (parts.has('W')) line += ` context=${JSON.stringify(parts.get('W'))}`;
  return line;
}
