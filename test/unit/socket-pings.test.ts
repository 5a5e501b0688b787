/** WebSocket: a client is pinged every 30 s, and let go when it did not answer the last time. */
import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { WebSocket } from 'ws';
import type { ServerContext } from '../../server/server-context.ts';
import { ServerMetrics } from '../../server/metrics.ts';
import { OWNER } from '../../server/session/open-session.ts';
import { SocketConnection } from '../../server/websocket/socket-connection.ts';

class Peer extends EventEmitter {
  readonly seen: string[] = [];
  answers = true;

  ping(): void {
    this.seen.push('ping');
    if (this.answers) this.emit('pong');
  }

  terminate(): void {
    this.seen.push('terminated');
    this.emit('close');
  }
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it('pings, and ends who is silent', () => {
  const peer = new Peer();
  const context = { metrics: new ServerMetrics() } as unknown as ServerContext;
  new SocketConnection(context, OWNER, { socket: peer as unknown as WebSocket, stream: new PassThrough() });
  vi.advanceTimersByTime(29_000);
  expect(peer.seen).toEqual([]);
  vi.advanceTimersByTime(61_000);
  expect(peer.seen).toEqual(['ping', 'ping', 'ping']);
  peer.answers = false;
  vi.advanceTimersByTime(60_000);
  expect(peer.seen.slice(3)).toEqual(['ping', 'terminated']);
  vi.advanceTimersByTime(300_000);
  expect(peer.seen).toHaveLength(5);
});
