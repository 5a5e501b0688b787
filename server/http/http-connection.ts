/** HTTP and HTTPS on one port: the first byte tells which. */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Encryption } from '../auth/encryption.ts';
import { plainAddress } from '../auth/peer-address.ts';
import type { PendingConnections } from '../auth/pending-connections.ts';

/** The type of TLS's first record; no method of HTTP begins so. */
const TLS_HANDSHAKE = 0x16;
const ALPN = 'http/1.1';

/**
 * Takes the server's connections, and hands them on when it is known what they speak. `fresh`: those that sent no request
 * so far; who says nothing for `timeoutMs` is cut off.
 */
export function speakTls(
  server: Server,
  encryption: Encryption,
  fresh: PendingConnections,
  timeoutMs: number,
): void {
  const [serve] = server.listeners('connection') as ((socket: Socket) => void)[];
  server.removeAllListeners('connection');
  server.on('connection', (raw: Socket) => {
    if (serve === undefined) return;
    const address = plainAddress(raw.remoteAddress);
    fresh.add(raw, address);
    if (encryption.current === null) {
      serve.call(server, raw);
      return;
    }
    const timer = setTimeout(() => raw.destroy(), timeoutMs);
    const handOn = async (): Promise<void> => {
      const first = await firstByte(raw);
      if (first === null) return;
      const socket = first === TLS_HANDSHAKE ? (await encryption.accept(raw, [ALPN]))?.socket : raw;
      if (socket === undefined) return;
      if (socket !== raw) {
        fresh.remove(raw);
        fresh.add(socket, address);
      }
      serve.call(server, socket);
    };
    void handOn().finally(() => clearTimeout(timer));
  });
}

/** It is still there to be read. Null: the client left first. */
function firstByte(socket: Socket): Promise<number | null> {
  return new Promise((resolve) => {
    const onReadable = (): void => {
      const chunk = socket.read() as Buffer | null;
      if (chunk === null) return;
      leave();
      socket.unshift(chunk);
      resolve(chunk[0] ?? null);
    };
    const onEnd = (): void => {
      leave();
      socket.destroy();
      resolve(null);
    };
    const leave = (): void => {
      socket.off('readable', onReadable);
      for (const event of ['end', 'close']) socket.off(event, onEnd);
    };
    socket.on('readable', onReadable);
    for (const event of ['end', 'close']) socket.on(event, onEnd);
    socket.on('error', () => socket.destroy());
  });
}
