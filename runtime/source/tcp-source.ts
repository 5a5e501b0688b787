/**
 * Lines from a TCP server: connects as a client, greets, reads lines. A connection that brought nothing, or ended within a
 * second, is tried again with a growing delay (0.1 s to 10 s), so that a server that does not like the greeting is not
 * asked again and again.
 */
import { connect, type Socket } from 'node:net';
import { LINE_BYTES_MAX, TICK_BYTES_MAX } from '../../common/limits.ts';
import { SqlError } from '../../common/sql-error.ts';
import { payloadText, type LineDecoder } from '../format/decode/line-decoder.ts';
import type { Source, SourceOutput } from './source.ts';

const BACKOFF_MS = { first: 100, greatest: 10_000 };
const WELL_MS = 1_000;
const LINE_FEED = 10;

export class TcpSource implements Source {
  readonly #host: string;
  readonly #port: number;
  readonly #greeting: () => Buffer | null;
  readonly #decoder: LineDecoder;
  #socket: Socket | null = null;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #rest: Buffer = Buffer.alloc(0);
  #backoffMs = BACKOFF_MS.first;
  #timer: NodeJS.Timeout | null = null;
  #connectedAt = 0;
  /** It has brought something. */
  #isWell = false;
  #closed = false;
  /** Why it can't greet, and whether that was told. */
  #failure: SqlError | null = null;
  #failureTold = false;
  #line = 0;
  #listener: () => void = () => undefined;

  /** `greeting`: asked for at each connection; null: there is none. What it throws is told in millrace.rejected_rows. */
  constructor(
    { host, port }: Readonly<{ host: string; port: number }>,
    greeting: () => Buffer | null,
    decoder: LineDecoder,
  ) {
    this.#host = host;
    this.#port = port;
    this.#greeting = greeting;
    this.#decoder = decoder;
    this.#connect();
  }

  get ready(): boolean {
    return this.#waitingBytes > 0 || this.#untold !== null;
  }

  get ended(): boolean {
    return false;
  }

  onReady(listener: () => void): void {
    this.#listener = listener;
  }

  poll(_nowMicros: number, out: SourceOutput, share: number): void {
    const failure = this.#untold;
    if (failure !== null) {
      this.#failureTold = true;
      out.reject({ error: failure, line: 0, payload: null }, `${this.#host}:${this.#port}`);
    }
    if (this.#waitingBytes === 0) return;
    this.#decoder.recycle();
    let bytes = 0;
    let count = 0;
    while (count < this.#waiting.length && bytes < share * TICK_BYTES_MAX)
      bytes += this.#waiting[count++]!.length;
    const chunk = Buffer.concat([this.#rest, ...this.#waiting.slice(0, count)]);
    this.#waiting = this.#waiting.slice(count);
    this.#waitingBytes -= bytes;
    if (this.#waitingBytes < TICK_BYTES_MAX) this.#socket?.resume();
    const offset = (row: { line: number }): string => `${this.#host}:${this.#port}:${this.#line + row.line}`;
    const taken = this.#decoder.decode(chunk, 0, chunk.length, false, {
      batch: (batch) => out.batch(batch),
      reject: (row) => out.reject(row, offset(row)),
    });
    this.#rest = Buffer.from(chunk.subarray(taken));
    if (this.#rest.length <= LINE_BYTES_MAX) return;
    const error = new SqlError('54000', `a line is longer than ${LINE_BYTES_MAX} bytes`);
    const row = { error, line: 0, payload: payloadText(this.#rest, 0, this.#rest.length) };
    out.reject(row, offset(row));
    this.#rest = Buffer.alloc(0);
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#socket?.destroy();
  }

  save(): void {
    // a socket has no position to come back to
  }

  load(): void {
    // as above: the connection starts anew
  }

  get #untold(): SqlError | null {
    return this.#failureTold ? null : this.#failure;
  }

  #connect(): void {
    const socket = connect({ host: this.#host, port: this.#port });
    this.#socket = socket;
    this.#isWell = false;
    socket.once('connect', () => {
      this.#connectedAt = performance.now();
      this.#greet(socket);
    });
    socket.on('data', (data) => {
      this.#isWell = true;
      this.#waiting.push(data);
      this.#waitingBytes += data.length;
      if (this.#waitingBytes >= TICK_BYTES_MAX) socket.pause();
      this.#listener();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => this.#reconnect());
  }

  #reconnect(): void {
    if (this.#closed) return;
    // an unfinished line ends with its connection
    const last = this.#waiting.at(-1) ?? this.#rest;
    if (last.length > 0 && last.at(-1) !== LINE_FEED) {
      this.#waiting.push(Buffer.of(LINE_FEED));
      this.#waitingBytes++;
      this.#listener();
    }
    if (this.#isWell && performance.now() - this.#connectedAt >= WELL_MS) this.#backoffMs = BACKOFF_MS.first;
    this.#timer = setTimeout(() => this.#connect(), this.#backoffMs);
    this.#timer.unref();
    this.#backoffMs = Math.min(2 * this.#backoffMs, BACKOFF_MS.greatest);
  }

  /** Each reason why it can't is told once, until there is another one or none. */
  #greet(socket: Socket): void {
    try {
      const greeting = this.#greeting();
      this.#failure = null;
      if (greeting !== null) socket.write(greeting);
    } catch (error) {
      socket.destroy();
      if (!(error instanceof SqlError)) throw error;
      if (error.message === this.#failure?.message) return;
      this.#failure = error;
      this.#failureTold = false;
      this.#listener();
    }
  }
}
