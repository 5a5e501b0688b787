/** Lines of a TCP server, taken when the engine asks, whatever came together until then. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { LineDecoder } from '../../runtime/format/decode/line-decoder.ts';
import { TcpSource } from '../../runtime/source/tcp-source.ts';

let server: Server;
let source: TcpSource;
let connections: number[];
let socket: Promise<Socket>;
let lines: string[];

/** Takes whole lines, as every decoder does. */
const decoder = {
  recycle: () => undefined,
  decode: (bytes: Buffer) => {
    const end = bytes.lastIndexOf(10) + 1;
    if (end > 0) lines.push(...bytes.toString('utf8', 0, end - 1).split('\n'));
    return end;
  },
} as unknown as LineDecoder;
const poll = (): string[] => {
  source.poll(0, { batch: () => undefined, reject: () => undefined }, 1);
  return lines;
};

beforeEach(async () => {
  lines = [];
  connections = [];
  server = createServer().on('connection', () => connections.push(performance.now()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  socket = once(server, 'connection').then(([first]) => first as Socket);
  const { port } = server.address() as AddressInfo;
  source = new TcpSource({ host: '127.0.0.1', port }, () => null, decoder);
});
afterEach(() => {
  source.close();
  server.close();
});

it('ends an unfinished line with its connection, behind all that came before', async () => {
  const ended = await socket;
  ended.write('first\nsec');
  await vi.waitFor(() => expect(poll()).toEqual(['first']));
  ended.end('ond\nthi');
  // the next connection: the one before is closed, and nothing of its end was asked for yet
  const [next] = (await once(server, 'connection')) as [Socket];
  expect(poll()).toEqual(['first', 'second', 'thi']);
  next.write('rd\n');
  await vi.waitFor(() => expect(poll()).toEqual(['first', 'second', 'thi', 'rd']));
});

it('waits longer each time for a server that answers and hangs up', async () => {
  server.on('connection', (accepted: Socket) => accepted.end('no\n'));
  await vi.waitFor(() => expect(connections.length).toBeGreaterThan(3), { timeout: 10_000 });
  const waited = connections.slice(1).map((at, i) => at - connections[i]!);
  // timers never come early: 100, 200 and 400 ms
  expect(waited.map((ms, i) => ms > 95 * 2 ** i)).toEqual(waited.map(() => true));
});
