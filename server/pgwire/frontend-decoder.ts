/**
 * Bytes in, messages out; no sockets, no clock.
 *
 *   first packets:  int32 length (itself included) | int32 protocol or request code | body
 *   then:           byte type | int32 length (itself included, type not) | body
 *
 * Any split of the bytes gives the same messages. Memory is bounded by MESSAGE_BYTES_MAX: a longer message is skipped
 * as it arrives and reported once. What can't be a message at all throws SqlError 08P01: the connection must end.
 */
import { SqlError } from '../../common/sql-error.ts';
import { MESSAGE_BYTES_ABSURD, MESSAGE_BYTES_MAX, PASSWORD_BYTES_MAX, STARTUP_BYTES_MAX } from '../limits.ts';
import type { FrontendMessage, StartupMessage } from './frontend-message.ts';
import { MessageReader } from './message-reader.ts';

const CANCEL_REQUEST = 80_877_102;
const SSL_REQUEST = 80_877_103;
const GSS_REQUEST = 80_877_104;
const PROTOCOL_MAJOR = 3;
/** What 3.2 allows for the secret of a CancelRequest. */
const SECRET_BYTES_MAX = 256;

const TYPES = 'BCDEFHPQSXcdfp';
const PASSWORD = 112; // p
/** The type of TLS's first record: no startup packet is so long. */
const TLS_HANDSHAKE = 0x16;
/** How a request of HTTP begins; as the length of a startup packet it would be far too large. */
const HTTP_METHODS: ReadonlySet<string> = new Set(['GET ', 'POST', 'HEAD', 'PUT ', 'DELE', 'OPTI', 'PATC']);
const EXTENDED_TYPES = 'BCDEHP';

export class FrontendDecoder {
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  /** Chunks not yet joined to `#bytes`: they are joined once a whole message is there, so that nothing is copied twice. */
  readonly #chunks: Buffer[] = [];
  #chunkBytes = 0;
  #started = false;
  #expectsPassword = false;
  /** What comes is not for us to read. */
  #isForeign = false;
  /** Bytes of an oversized message still to come, and what is reported after them. */
  #skip = 0;
  #skipped: FrontendMessage | null = null;

  /** Bytes received that are not yet part of a message given out. */
  get bufferedBytes(): number {
    return this.#bytes.length - this.#at + this.#chunkBytes;
  }

  /** The next message is an answer to a question at login: nothing else will do, and it is short. */
  expectPassword(): void {
    this.#expectsPassword = true;
  }

  push(chunk: Buffer): void {
    if (this.#skip > 0) {
      const dropped = Math.min(this.#skip, chunk.length);
      this.#skip -= dropped;
      chunk = chunk.subarray(dropped);
    }
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#chunkBytes += chunk.length;
  }

  /** The next message, or null until more bytes come. Throws SqlError where the connection can't go on. */
  next(): FrontendMessage | null {
    if (this.#skipped !== null) {
      if (this.#skip > 0) return null;
      const report = this.#skipped;
      this.#skipped = null;
      return report;
    }
    if (this.#expectsPassword) return this.#nextPassword();
    return this.#started ? this.#nextMessage() : this.#nextStartup();
  }

  /** Bytes that no message was made of; the decoder is done. */
  takeRest(): Buffer {
    this.#join();
    return this.#bytes.subarray(this.#at);
  }

  #nextStartup(): StartupMessage | null {
    if (this.#isForeign) return null;
    if (this.#peek(1)?.[0] === TLS_HANDSHAKE) {
      this.#isForeign = true;
      return { kind: 'tls-hello' };
    }
    const header = this.#peek(4);
    if (header === null) return null;
    if (HTTP_METHODS.has(header.toString('latin1'))) {
      this.#isForeign = true;
      return { kind: 'http-request' };
    }
    const length = header.readUInt32BE(0);
    if (length < 8 || length > STARTUP_BYTES_MAX)
      throw new SqlError('08P01', 'invalid length of startup packet');
    const packet = this.#take(length);
    if (packet === null) return null;
    const message = parseStartup(packet.subarray(4));
    this.#started = message.kind === 'startup';
    return message;
  }

  #nextPassword(): FrontendMessage | null {
    const header = this.#peek(5);
    if (header === null) return null;
    if (header[0] !== PASSWORD) {
      throw new SqlError('08P01', `expected SASL response, got message type ${header[0]}`);
    }
    const length = header.readUInt32BE(1);
    if (length < 4 || length > PASSWORD_BYTES_MAX) throw new SqlError('08P01', 'invalid message length');
    const message = this.#take(length + 1);
    if (message === null) return null;
    this.#expectsPassword = false;
    return { kind: 'password', data: Buffer.from(message.subarray(5)) };
  }

  #nextMessage(): FrontendMessage | null {
    const header = this.#peek(5);
    if (header === null) return null;
    const type = String.fromCharCode(header[0]!);
    const length = header.readUInt32BE(1);
    if (!TYPES.includes(type)) throw new SqlError('08P01', `invalid frontend message type ${header[0]}`);
    if (length < 4 || length > MESSAGE_BYTES_ABSURD) throw new SqlError('08P01', 'invalid message length');
    if (length > MESSAGE_BYTES_MAX) return this.#skipMessage(type, length);
    const message = this.#take(length + 1);
    if (message === null) return null;
    try {
      return parseMessage(type, new MessageReader(message.subarray(5)));
    } catch (error) {
      if (!(error instanceof SqlError)) throw error;
      return { kind: 'malformed', extended: EXTENDED_TYPES.includes(type), error };
    }
  }

  #skipMessage(type: string, length: number): FrontendMessage | null {
    const here = Math.min(this.bufferedBytes, length + 1);
    this.#join();
    this.#at += here;
    this.#skip = length + 1 - here;
    const error = new SqlError('54000', `message of ${length} bytes is too long`, {
      detail: `A statement or message may have ${MESSAGE_BYTES_MAX} bytes at the most.`,
      hint: 'Use COPY for large amounts of data.',
    });
    this.#skipped = { kind: 'malformed', extended: EXTENDED_TYPES.includes(type), error };
    return this.next();
  }

  #peek(count: number): Buffer | null {
    if (this.bufferedBytes < count) return null;
    if (this.#bytes.length - this.#at < count) this.#join();
    return this.#bytes.subarray(this.#at, this.#at + count);
  }

  #take(count: number): Buffer | null {
    const message = this.#peek(count);
    if (message !== null) this.#at += count;
    return message;
  }

  #join(): void {
    const rest = this.#bytes.subarray(this.#at);
    const only = this.#chunks.length === 1 && rest.length === 0;
    this.#bytes = only ? this.#chunks[0]! : Buffer.concat([rest, ...this.#chunks]);
    this.#chunks.length = 0;
    this.#chunkBytes = 0;
    this.#at = 0;
  }
}

function parseStartup(packet: Buffer): StartupMessage {
  const reader = new MessageReader(packet);
  const code = reader.uint32();
  if (code === SSL_REQUEST) return { kind: 'ssl-request' };
  if (code === GSS_REQUEST) return { kind: 'gss-request' };
  if (code === CANCEL_REQUEST) {
    const pid = reader.int32();
    if (reader.remaining < 4 || reader.remaining > SECRET_BYTES_MAX) {
      throw new SqlError('08P01', 'invalid length of cancel request packet');
    }
    return { kind: 'cancel-request', pid, secret: Buffer.from(reader.rest()) };
  }
  if (code >>> 16 !== PROTOCOL_MAJOR) {
    throw new SqlError(
      '0A000',
      `unsupported frontend protocol ${code >>> 16}.${code & 0xffff}: server supports 3.0 to 3.2`,
    );
  }
  const parameters = new Map<string, string>();
  for (;;) {
    const name = reader.cstring();
    if (name === '') break;
    parameters.set(name, reader.cstring());
  }
  if (reader.remaining !== 0) {
    throw new SqlError('08P01', 'invalid startup packet layout: expected terminator as last byte');
  }
  return { kind: 'startup', minor: code & 0xffff, parameters };
}

function parseMessage(type: string, reader: MessageReader): FrontendMessage {
  const message = parseBody(type, reader);
  reader.end();
  return message;
}

function parseBody(type: string, reader: MessageReader): FrontendMessage {
  switch (type) {
    case 'Q':
      return { kind: 'query', text: reader.cstring() };
    case 'P':
      return {
        kind: 'parse',
        name: reader.cstring(),
        text: reader.cstring(),
        parameterOids: readList(reader.uint16(), () => reader.uint32()),
      };
    case 'B':
      return parseBind(reader);
    case 'D':
      return { kind: 'describe', target: readTarget(reader, 'DESCRIBE'), name: reader.cstring() };
    case 'C':
      return { kind: 'close', target: readTarget(reader, 'CLOSE'), name: reader.cstring() };
    case 'E':
      return { kind: 'execute', portal: reader.cstring(), rowsMax: Math.max(reader.int32(), 0) };
    case 'H':
      return { kind: 'flush' };
    case 'S':
      return { kind: 'sync' };
    case 'X':
      return { kind: 'terminate' };
    case 'd':
      return { kind: 'copy-data', data: reader.rest() };
    case 'c':
      return { kind: 'copy-done' };
    case 'f':
      return { kind: 'copy-fail', message: reader.cstring() };
    case 'F':
      reader.rest();
      return { kind: 'function-call' };
    default:
      // 'p': a password that nobody asked for.
      throw new SqlError('08P01', 'unexpected password message');
  }
}

function parseBind(reader: MessageReader): FrontendMessage {
  const portal = reader.cstring();
  const statement = reader.cstring();
  const parameterFormats = readList(reader.uint16(), () => readFormat(reader));
  const parameters = readList(reader.uint16(), () => {
    const length = reader.int32();
    return length === -1 ? null : reader.bytes(length);
  });
  const resultFormats = readList(reader.uint16(), () => readFormat(reader));
  return { kind: 'bind', portal, statement, parameterFormats, parameters, resultFormats };
}

function readFormat(reader: MessageReader): number {
  const code = reader.uint16();
  if (code > 1) throw new SqlError('22023', `unsupported format code: ${code}`);
  return code;
}

function readTarget(reader: MessageReader, message: string): 'statement' | 'portal' {
  const code = reader.byte();
  if (code === 83) return 'statement';
  if (code === 80) return 'portal';
  throw new SqlError('08P01', `invalid ${message} message subtype ${code}`);
}

function readList<T>(count: number, read: () => T): T[] {
  const list: T[] = [];
  for (let i = 0; i < count; i++) list.push(read());
  return list;
}
