import type { Socket } from 'node:net';
import { ByteWriter } from '../../runtime/format/encode/byte-writer.ts';
import { FLUSH_BYTES, OUTPUT_BYTES_HIGH } from '../limits.ts';

/** The server's messages on their way to a client. */
export class WireOutput {
  readonly writer = new ByteWriter();
  readonly #socket: Socket;

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
    this.flush();
    return true;
  }

  /** Whether the client takes less than it is sent. */
  get congested(): boolean {
    return this.#socket.writableLength > OUTPUT_BYTES_HIGH && this.#socket.writable;
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
