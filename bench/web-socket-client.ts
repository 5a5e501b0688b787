/** A WebSocket client that costs its machine little: thousands of them share two cores with the server they measure. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

const TEXT = 0x81;
const MASKED = 0x80;
/** A mask of zeros leaves the bytes as they are. */
const MASK = Buffer.alloc(4);

/** Text messages that fit a short frame (125 bytes) out, and whatever comes in as bytes, frames and all. */
export class WebSocketClient {
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  static async open(port: number, path: string, protocol: string): Promise<WebSocketClient> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    await once(socket, 'connect');
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${btoa('0123456789abcdef')}\r\n` +
        `Sec-WebSocket-Protocol: ${protocol}\r\n\r\n`,
    );
    const [answer] = (await once(socket, 'data')) as [Buffer];
    if (!answer.toString('latin1').startsWith('HTTP/1.1 101 '))
      throw new Error(`refused: ${answer.toString()}`);
    return new WebSocketClient(socket);
  }

  send(message: unknown): void {
    const text = Buffer.from(JSON.stringify(message));
    if (text.length > 125) throw new Error(`a message of ${text.length} bytes`);
    this.#socket.write(Buffer.concat([Buffer.from([TEXT, MASKED | text.length]), MASK, text]));
  }

  /** The next bytes. */
  async received(): Promise<Buffer> {
    return ((await once(this.#socket, 'data')) as [Buffer])[0];
  }

  onBytes(listener: (bytes: Buffer) => void): void {
    this.#socket.on('data', listener);
  }

  close(): void {
    this.#socket.destroy();
  }
}
