import type { Duplex } from 'node:stream';

/**
 * Connections that nobody has logged in on so far. They are bounded apart from those that have: when there are too many, the
 * address with the most of them loses its oldest one, for a login takes milliseconds, and who holds connections without one is
 * in no hurry. So a flood keeps out neither who is in nor who comes with a password.
 */
export class PendingConnections {
  /** By address, in the order in which they came. */
  readonly #sockets = new Map<string, Set<Duplex>>();
  readonly #addressOf = new Map<Duplex, string>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  add(socket: Duplex, address: string): void {
    const beside = this.#sockets.get(address);
    if (beside === undefined) this.#sockets.set(address, new Set([socket]));
    else beside.add(socket);
    this.#addressOf.set(socket, address);
    socket.once('close', () => this.remove(socket));
    if (this.#addressOf.size > this.#most) this.#dropOne();
  }

  #dropOne(): void {
    let largest: Set<Duplex> = new Set();
    for (const sockets of this.#sockets.values()) if (sockets.size > largest.size) largest = sockets;
    const [oldest] = largest;
    if (oldest === undefined) return;
    this.remove(oldest);
    oldest.destroy();
  }

  /** Somebody has logged in on it, or it is another's to watch. */
  remove(socket: Duplex): void {
    const address = this.#addressOf.get(socket);
    if (address === undefined) return;
    this.#addressOf.delete(socket);
    const beside = this.#sockets.get(address);
    beside?.delete(socket);
    if (beside?.size === 0) this.#sockets.delete(address);
  }

  close(): void {
    for (const socket of [...this.#addressOf.keys()]) socket.destroy();
  }
}
