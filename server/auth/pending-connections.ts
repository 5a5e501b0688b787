import type { Duplex } from 'node:stream';

/**
 * Connections that nobody has logged in on so far, oldest first. They are bounded apart from those that have: when there are
 * too many the oldest is dropped, for a login takes milliseconds, and who holds a connection for long without one is in no
 * hurry. So a flood of them keeps out neither who is in nor who comes with a password.
 */
export class PendingConnections {
  readonly #sockets = new Set<Duplex>();
  readonly #most: number;
  #dropped = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#sockets.size;
  }

  /** How many were dropped for younger ones. */
  get dropped(): number {
    return this.#dropped;
  }

  add(socket: Duplex): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    for (const oldest of this.#sockets) {
      if (this.#sockets.size <= this.#most) break;
      this.#sockets.delete(oldest);
      this.#dropped++;
      oldest.destroy();
    }
  }

  /** Somebody has logged in on it, or it is another's to watch. */
  remove(socket: Duplex): void {
    this.#sockets.delete(socket);
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
