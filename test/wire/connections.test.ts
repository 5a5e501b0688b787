/** Connections without number: limits by server and role, those that never log in, floods, idle ones, slow senders. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ServerHere, startServerHere } from '../support/server-here.ts';
import { TestServer } from '../support/server.ts';
import { describeMessage, startupPacket, WirePeer } from '../support/wire-peer.ts';

const login = async (port: number, user: string, password = user): Promise<pg.Client> => {
  const client = new pg.Client({ host: '127.0.0.1', port, user, password, database: 'millrace' });
  client.on('error', () => {});
  await client.connect();
  return client;
};

describe('limits', () => {
  let server: ServerHere;
  beforeAll(async () => {
    server = await startServerHere(['--max-connections', '6', '--superuser-reserved-connections', '2']);
    await server.setRole('root', 'root', { superuser: true });
    await server.setRole('anna', 'anna', { superuser: false });
    await server.setRole('bob', 'bob', { superuser: false, connectionLimit: 1 });
  });
  afterAll(() => server.stop());

  it('are those of a role, of all but superusers, and of all', async () => {
    const clients: pg.Client[] = [await login(server.pgPort, 'bob')];
    await expect(login(server.pgPort, 'bob')).rejects.toMatchObject({
      code: '53300',
      message: 'too many connections for role "bob"',
    });
    await clients[0]!.end();
    clients[0] = await login(server.pgPort, 'bob');
    for (let i = 0; i < 3; i++) clients.push(await login(server.pgPort, 'anna'));
    await expect(login(server.pgPort, 'anna')).rejects.toMatchObject({
      code: '53300',
      message: 'remaining connection slots are reserved for roles with the SUPERUSER attribute',
    });
    const basic = `Basic ${Buffer.from('anna:anna').toString('base64')}`;
    const response = await fetch(`http://127.0.0.1:${server.httpPort}/query`, {
      method: 'POST',
      headers: { authorization: basic, 'content-type': 'application/json' },
      body: '{"sql":"SELECT 1"}',
    });
    expect([response.status, await response.json()]).toEqual([
      429,
      expect.objectContaining({ code: '53300' }),
    ]);
    for (let i = 0; i < 2; i++) clients.push(await login(server.pgPort, 'root'));
    await expect(login(server.pgPort, 'root')).rejects.toMatchObject({
      code: '53300',
      message: 'sorry, too many clients already',
    });
    for (const client of clients) await client.end();
    const again = await login(server.pgPort, 'anna');
    await again.end();
  });
});

describe('those that never log in', () => {
  it('are cut off after authentication_timeout', async () => {
    const server = await startServerHere(['--authentication-timeout', '1s']);
    await server.setRole('anna', 'anna');
    const silent = connect(server.pgPort, '127.0.0.1');
    const asked = new WirePeer(server.pgPort);
    asked.send(startupPacket({ user: 'anna', database: 'millrace' }));
    // byte by byte is no faster
    const slow = connect(server.pgPort, '127.0.0.1');
    slow.on('error', () => {});
    const packet = startupPacket({ user: 'anna', database: 'millrace', options: ' '.repeat(5_000) });
    let sent = 0;
    const drip = setInterval(() => slow.write(packet.subarray(sent, ++sent)), 50);
    await Promise.all([silent, slow].map((socket) => once(socket.resume(), 'close')));
    clearInterval(drip);
    const lines: string[] = [];
    for (let message = await asked.receive(); message !== null; message = await asked.receive())
      lines.push(describeMessage(message));
    expect(lines.at(-1)).toBe('ErrorResponse FATAL 57014 "canceling authentication due to timeout"');
    await server.stop();
  });

  it('are dropped, oldest first, for those who come', async () => {
    const server = await startServerHere(['--unauthenticated-connections', '20']);
    await server.setRole('anna', 'anna');
    const open = async (port: number): Promise<Socket> => {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => {});
      await once(socket, 'connect');
      return socket.resume();
    };
    for (const port of [server.pgPort, server.httpPort]) {
      const first = await open(port);
      const gone = once(first, 'close');
      const others = [];
      for (let i = 0; i < 30; i++) others.push(await open(port));
      await gone;
      const client = await login(server.pgPort, 'anna');
      await client.end();
      expect((await fetch(`http://127.0.0.1:${server.httpPort}/healthz`)).status).toBe(200);
      for (const socket of others) socket.destroy();
    }
    // they keep no stop waiting
    await open(server.pgPort);
    await server.stop();
  });
});

describe('HTTP', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.start();
  }, 30_000);
  afterAll(() => server.stop());

  const say = async (text: string): Promise<string> => {
    const socket = connect(server.httpPort, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(text);
    let answer = '';
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString();
    });
    await once(socket, 'close');
    return answer;
  };

  it('waits for no header by header', async () => {
    const strict = await startServerHere(['--authentication-timeout', '1s']);
    const socket = connect(strict.httpPort, '127.0.0.1');
    socket.on('error', () => {});
    socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n');
    const drip = setInterval(() => socket.write('X: y\r\n'), 100);
    let answer = '';
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString();
    });
    await once(socket, 'close');
    clearInterval(drip);
    expect(answer).toMatch(/^HTTP\/1.1 408/);
    await strict.stop();
  });

  it('takes no headers without end', async () => {
    expect(await say(`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1.1 431/,
    );
    const many = Array.from({ length: 3_000 }, (_, i) => `X${i}: ${i}\r\n`).join('');
    expect(await say(`GET / HTTP/1.1\r\nHost: localhost\r\n${many}\r\n`)).toMatch(/^HTTP\/1.1 431/);
    expect(await say('nonsense\r\n\r\n')).toMatch(/^HTTP\/1.1 400/);
  });
});

describe('many at once', () => {
  let server: TestServer;
  beforeAll(async () => {
    const environment = { MILLRACE_PASSWORD: 'secret' };
    server = await TestServer.start({ environment, flags: ['--unauthenticated-connections', '1500'] });
  }, 30_000);
  afterAll(() => server.stop());

  it('holds 1,000 half-open and 2,000 idle ones while logins go on', async () => {
    const sockets: Socket[] = [];
    const open = async (port: number, first?: Buffer): Promise<void> => {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => {});
      sockets.push(socket);
      await once(socket, 'connect');
      if (first !== undefined) socket.write(first);
    };
    const half = startupPacket({ user: 'millrace', database: 'millrace' }).subarray(0, 20);
    for (let i = 0; i < 10; i++)
      await Promise.all(Array.from({ length: 100 }, () => open(server.pgPort, half)));
    const clients: pg.Client[] = [];
    for (let i = 0; i < 100; i++) {
      clients.push(
        ...(await Promise.all(Array.from({ length: 20 }, () => login(server.pgPort, 'millrace', 'secret')))),
      );
    }
    expect(clients).toHaveLength(2_000);
    const last = await login(server.pgPort, 'millrace', 'secret');
    expect((await last.query('SELECT 1 AS a')).rows).toEqual([{ a: 1 }]);
    for (const client of [clients[0]!, clients[999]!]) {
      expect((await client.query('SELECT 1 AS a')).rows).toEqual([{ a: 1 }]);
    }
    await last.end();
    await Promise.all(clients.map((client) => client.end()));
    for (const socket of sockets) socket.destroy();
  }, 120_000);

  it('outlives a flood: logins go through it', async () => {
    let running = true;
    const flood = Array.from({ length: 8 }, async () => {
      while (running) {
        const batch = Array.from({ length: 50 }, () => {
          const socket = connect(server.pgPort, '127.0.0.1');
          socket.on('error', () => {});
          return socket;
        });
        await Promise.all(
          batch.map((socket) =>
            Promise.race([once(socket, 'connect'), once(socket, 'close')]).catch(() => {}),
          ),
        );
        for (const socket of batch.slice(0, 25)) socket.destroy();
      }
    });
    for (let i = 0; i < 20; i++) {
      const client = await login(server.pgPort, 'millrace', 'secret');
      expect((await client.query('SELECT 1 AS a')).rows).toEqual([{ a: 1 }]);
      await client.end();
    }
    running = false;
    await Promise.all(flood);
    expect(server.running).toBe(true);
  }, 120_000);
});
