import type { Socket } from 'node:net';
import { INPUT_BYTES_HIGH, LOGIN_BYTES_HIGH } from '../limits.ts';
import { FrontendDecoder } from './frontend-decoder.ts';
import type { FrontendMessage } from './frontend-message.ts';

/** The client's messages, decoded as they are asked for; the socket is not read while enough of them wait. */
export class WireInput {
  readonly #socket: Socket;
  readonly #decoder = new FrontendDecoder();
  readonly #messages: FrontendMessage[] = [];
  #wake: (() => void) | null = null;
  #closed = false;
  /** Received and not yet decoded; above it the socket is no longer read. */
  #bytesHigh = LOGIN_BYTES_HIGH;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', this.#onData);
    for (const event of ['error', 'close', 'end']) socket.on(event, () => this.close());
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#decoder.push(chunk);
    if (this.#decoder.bufferedBytes > this.#bytesHigh && this.#wake === null) this.#socket.pause();
    this.#notify();
  };

  /** Reads no more; gives what came and was not used. */
  release(): Buffer {
    this.#socket.pause();
    this.#socket.off('data', this.#onData);
    return this.#decoder.takeRest();
  }

  /** The answer to a question at login; null when the connection has ended. 08P01 for anything else. */
  async nextPassword(): Promise<Buffer | null> {
    this.#decoder.expectPassword();
    const message = await this.next();
    return message?.kind === 'password' ? message.data : null;
  }

  /** The client has logged in: it may send statements. */
  openWide(): void {
    this.#bytesHigh = INPUT_BYTES_HIGH;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** The connection ended: what was not read is lost with it. */
  close(): void {
    this.#closed = true;
    this.#notify();
  }

  /** Wakes whoever waits without a message. */
  #notify(): void {
    this.#wake?.();
    this.#wake = null;
  }

  /** The next message if it is there. Throws SqlError 08P01 where the bytes can't be a message. */
  poll(): FrontendMessage | null {
    return this.#messages.shift() ?? this.#decoder.next();
  }

  /** The message after `index` others, without taking it; null where the connection ended first. */
  async peek(index: number): Promise<FrontendMessage | null> {
    for (;;) {
      while (this.#messages.length <= index) {
        const message = this.#decoder.next();
        if (message === null) break;
        this.#messages.push(message);
      }
      const found = this.#messages[index];
      if (found !== undefined) return found;
      if (this.#closed) return null;
      await this.ready();
    }
  }

  /** The next message, waited for; null when the connection has ended. */
  async next(): Promise<FrontendMessage | null> {
    for (;;) {
      if (this.#closed) return null;
      const message = this.poll();
      if (message !== null) return message;
      await this.ready();
    }
  }

  /** Resolves when more bytes came or the connection ended. */
  ready(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    return new Promise((resolve) => {
      const earlier = this.#wake;
      this.#wake = () => {
        earlier?.();
        resolve();
      };
      if (this.#socket.isPaused()) this.#socket.resume();
    });
  }
}
