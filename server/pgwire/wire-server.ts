import { createServer, type Server, type Socket } from 'node:net';
import { plainAddress } from '../auth/peer-address.ts';
import { PendingConnections } from '../auth/pending-connections.ts';
import type { ServerContext } from '../server-context.ts';
import { serveClient } from './serve-client.ts';

/** Listens for PostgreSQL clients. */
export class WireServer {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #pending: PendingConnections;

  constructor(context: ServerContext) {
    this.#pending = new PendingConnections(context.configuration.config.pendingConnectionsMax);
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      this.#pending.add(socket, plainAddress(socket.remoteAddress));
      serveClient(context, socket, this.#pending).catch((error: unknown) => {
        context.log.error({ err: error }, 'connection failed');
        socket.destroy();
      });
    });
  }

  /** Gives the port; rejects where it can't be had. */
  listen(port: number, host: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        const address = this.#server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : port);
      });
    });
  }

  /** No more connections; resolves when the open ones have ended, or were cut off after the time limit. */
  close(limitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        for (const socket of this.#sockets) socket.destroy();
      }, limitMs);
      this.#pending.close();
      this.#server.close(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
