import type { Socket } from 'node:net';
import { ByteWriter } from '../../runtime/format/encode/byte-writer.ts';
import { CLOSE_TIMEOUT_MS, FLUSH_BYTES, OUTPUT_BYTES_HIGH } from '../limits.ts';

/** Buffers that wait to be filled again; a long result goes through a handful of them instead of thousands. */
const SPARE_MAX = 4;

/** The server's messages on their way to a client. */
export class WireOutput {
  readonly writer = new ByteWriter();
  readonly #socket: Socket;
  #spare: Buffer[] = [];

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  flush(): void {
    if (this.writer.length === 0) return;
    const bytes = this.writer.take();
    if (this.#socket.writable) this.#socket.write(bytes);
  }

  /** Hands over large portions; true where the event loop should get a turn before more is encoded. */
  flushLarge(): boolean {
    if (this.writer.length < FLUSH_BYTES) return false;
    const { bytes, length } = this.writer.exchange(this.#spare.pop());
    if (!this.#socket.writable) return true;
    this.#socket.write(bytes.subarray(0, length), () => {
      if (this.#spare.length < SPARE_MAX) this.#spare.push(bytes);
    });
    return true;
  }

  /** Says what there is to say and ends the connection; the client gets a moment to read it. */
  finish(): void {
    this.flush();
    if (this.#socket.destroyed) return;
    this.#socket.end();
    setTimeout(() => this.#socket.destroy(), CLOSE_TIMEOUT_MS).unref();
  }

  /** A result has ended: the next one may be long in coming. */
  rest(): void {
    this.#spare = [];
  }

  /** Whether the client takes less than it is sent. */
  get congested(): boolean {
    return this.#socket.writableLength > OUTPUT_BYTES_HIGH && this.#socket.writable;
  }

  /** Given to the socket and not yet taken by the kernel. */
  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  /** Resolves when the socket took what it has, when it closed, or after `limitMs`. */
  drained(limitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#socket.off('drain', done);
        this.#socket.off('close', done);
        resolve();
      };
      const timer = setTimeout(done, limitMs);
      this.#socket.on('drain', done);
      this.#socket.on('close', done);
    });
  }
}
