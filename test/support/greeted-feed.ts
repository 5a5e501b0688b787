/** A server of lines on the loopback that says nothing before it was greeted as it wants to be. */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';

export class GreetedFeed {
  /** What it takes; whoever says something else is shown out. */
  wanted: string;
  /** What was said, a connection each. */
  readonly greetings: string[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #greeted: (() => void)[] = [];
  #sent = 0;

  private constructor(server: Server, wanted: string) {
    this.#server = server;
    this.wanted = wanted;
  }

  static async listen(wanted: string): Promise<GreetedFeed> {
    const server = createServer();
    const feed = new GreetedFeed(server, wanted);
    server.on('connection', (socket) => feed.#welcome(socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return feed;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  /** Resolves when so many were greeted rightly or wrongly. */
  async heard(count: number): Promise<void> {
    while (this.greetings.length < count)
      await new Promise<void>((resolve) => {
        this.#greeted.push(resolve);
      });
  }

  /** Drops who is connected. */
  drop(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.drop();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #welcome(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {});
    let said = Buffer.alloc(0);
    const listen = (chunk: Buffer): void => {
      said = Buffer.concat([said, chunk]);
      if (said.at(-1) !== 0x0a) return;
      const greeting = said.subarray(0, -1).toString('latin1');
      this.greetings.push(greeting);
      socket.off('data', listen);
      if (greeting === Buffer.from(this.wanted).toString('latin1')) socket.write(`${++this.#sent}\n`);
      else socket.end('who are you?\n');
      for (const resolve of this.#greeted.splice(0)) resolve();
    };
    socket.on('data', listen);
  }
}
