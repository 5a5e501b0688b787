/** What is open when the server is told to stop. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { TestServer } from '../support/server.ts';
import { WirePeer } from '../support/wire-peer.ts';

/** A connection of HTTP by hand: what was sent can stay unfinished. */
class RawRequest {
  readonly socket: Socket;
  text = '';

  constructor(port: number, head: string, body = '') {
    this.socket = connect(port, '127.0.0.1', () =>
      this.socket.write(`${head}\r\nhost: 127.0.0.1:${port}\r\n\r\n${body}`),
    );
    this.socket.setEncoding('utf8');
    this.socket.on('data', (chunk: string) => {
      this.text += chunk;
    });
    this.socket.on('error', () => {});
  }

  /** What came until the server closed the connection. */
  async closed(): Promise<string> {
    if (!this.socket.closed) await once(this.socket, 'close');
    return this.text;
  }

  async has(text: string): Promise<void> {
    while (!this.text.includes(text)) await once(this.socket, 'data');
  }
}

const line = '{"n":1}\n';
const head = (length: number): string =>
  `POST /streams/numbers HTTP/1.1\r\ncontent-type: application/x-ndjson\r\ncontent-length: ${length}\r\nexpect: 100-continue`;

async function startWithStream(): Promise<TestServer> {
  const server = await TestServer.start();
  const peer = await WirePeer.open(server.pgPort);
  await peer.query('CREATE STREAM numbers (n int)');
  peer.close();
  return server;
}

it('a request whose body comes in time is answered; live results end; idle connections are closed', async () => {
  const server = await startWithStream();
  const idle = new RawRequest(server.httpPort, 'GET /healthz HTTP/1.1');
  await idle.has('"ok"');
  const live = new RawRequest(server.httpPort, 'GET /views/numbers/live HTTP/1.1');
  await live.has('event: schema');
  const late = new RawRequest(server.httpPort, head(line.length), line.slice(0, 3));
  // the server says that it reads the body
  await late.has('100 Continue');
  const exit = once(server.process, 'exit');
  server.process.kill('SIGTERM');
  expect(await live.closed()).toContain('"code":"57P01"');
  await idle.closed();
  late.socket.write(line.slice(3));
  expect(await late.closed()).toMatch(/200 OK.*"accepted":1,/s);
  expect(await exit).toEqual([0, null]);
});

it('a request that never ends is cut off, and does not keep the server', async () => {
  const server = await startWithStream();
  const stuck = [1, 2].map(() => new RawRequest(server.httpPort, head(1_000), line));
  for (const request of stuck) await request.has('100 Continue');
  const exit = once(server.process, 'exit');
  server.process.kill('SIGTERM');
  for (const request of stuck) expect(await request.closed()).not.toContain('200 OK');
  expect(await exit).toEqual([0, null]);
});
