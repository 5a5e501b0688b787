/** What goes wrong on a wire: garbage, oversized messages, slow and vanishing clients, cancels. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestServer } from '../support/server.ts';
import {
  cstring,
  describeMessage,
  encodeMessage,
  frame,
  int32,
  startupPacket,
  WirePeer,
} from '../support/wire-peer.ts';

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start();
  const peer = await open();
  await peer.query('CREATE STREAM s (at timestamptz NOT NULL, t text, WATERMARK FOR at AS at)');
  await peer.query('CREATE TABLE t (id int4 PRIMARY KEY, v text)');
  peer.close();
}, 30_000);
afterAll(async () => {
  expect(server.running).toBe(true);
  await server.stop();
});

const open = (parameters?: Record<string, string>, version?: number): Promise<WirePeer> =>
  WirePeer.open(server.pgPort, parameters, version);

/** Everything until the server closes the connection. */
async function rest(peer: WirePeer): Promise<string[]> {
  const lines: string[] = [];
  for (let message = await peer.receive(); message !== null; message = await peer.receive())
    lines.push(describeMessage(message));
  return lines;
}

describe('startup', () => {
  it('answers SSLRequest and GSSENCRequest with N and goes on', async () => {
    const socket = connect(server.pgPort, '127.0.0.1');
    for (const code of [80_877_103, 80_877_104]) {
      socket.write(Buffer.concat([int32(8), int32(code)]));
      const [answer] = (await once(socket, 'data')) as [Buffer];
      expect(answer.toString()).toBe('N');
    }
    socket.write(startupPacket({ user: 'anna' }));
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer[0]).toBe('R'.charCodeAt(0));
    socket.destroy();
  });

  it('tells who speaks HTTP where to go', async () => {
    const answer = await fetch(`http://127.0.0.1:${server.pgPort}/views/tags`);
    expect([answer.status, await answer.text()]).toEqual([
      400,
      'This port is for PostgreSQL clients. HTTP and WebSocket are at port millrace.http_port.\n',
    ]);
  });

  it.each([
    [
      'another database',
      { user: 'anna', database: 'shop' },
      'ErrorResponse FATAL 3D000 "database \\"shop\\" does not exist"',
    ],
    ['no user', { database: 'millrace' }, 'ErrorResponse FATAL 28000'],
    ['replication', { user: 'anna', replication: 'true' }, 'ErrorResponse FATAL 0A000'],
    ['an unknown setting', { user: 'anna', nosuch: '1' }, 'ErrorResponse FATAL 42704'],
    ['another encoding', { user: 'anna', client_encoding: 'LATIN1' }, 'ErrorResponse FATAL 22023'],
  ])('refuses %s', async (_, parameters, line) => {
    const peer = new WirePeer(server.pgPort);
    peer.send(startupPacket(parameters as unknown as Record<string, string>));
    const [answer] = await rest(peer);
    expect(answer).toMatch(new RegExp(`^${line.replaceAll('\\', '\\\\')}`));
  });

  it("takes the user's name as database, and options", async () => {
    const peer = await open({
      user: 'anna',
      database: 'anna',
      options: '-c TimeZone=Asia/Tokyo --application-name=a\\ b',
    });
    expect(await peer.query('SHOW TimeZone')).toContain('DataRow "Asia/Tokyo"');
    expect(await peer.query('SHOW application_name')).toContain('DataRow "a b"');
    await peer.query("SET TimeZone = 'UTC'");
    await peer.query('RESET TimeZone');
    expect(await peer.query('SHOW TimeZone')).toContain('DataRow "Asia/Tokyo"');
    peer.close();
  });

  it('negotiates the protocol version', async () => {
    const old = await open({ user: 'anna' }, 0x0003_0000);
    expect(old.secret).toHaveLength(4);
    const current = await open({ user: 'anna' }, 0x0003_0002);
    expect(current.secret.length).toBeGreaterThan(4);
    const newer = new WirePeer(server.pgPort);
    newer.send(startupPacket({ user: 'anna', '_pq_.novelty': '1' }, 0x0003_270f));
    expect(await newer.until('ReadyForQuery')).toContain(
      `v ${Buffer.concat([int32(0x0003_0002), int32(1), cstring('_pq_.novelty')]).toString('hex')}`,
    );
    for (const peer of [old, current, newer]) peer.close();
  });

  it.each([
    ['zeroes', Buffer.alloc(64)],
    ['a length without an end', Buffer.from([0x7f, 0xff, 0xff, 0xff, 0, 3, 0, 0])],
    ['TLS', Buffer.from('16030100c8010000c40303', 'hex')],
  ])('closes on %s', async (_, bytes) => {
    const peer = new WirePeer(server.pgPort);
    peer.send(bytes);
    expect((await rest(peer))[0]).toMatch(/^ErrorResponse FATAL (08P01|0A000)/);
  });
});

describe('messages', () => {
  it('ends the connection on bytes that are no message', async () => {
    const peer = await open();
    peer.send(Buffer.from('\u0001garbage garbage garbage'));
    expect(await rest(peer)).toEqual(['ErrorResponse FATAL 08P01 "invalid frontend message type 1"']);
  });

  it('answers an oversized statement with 54000 and goes on', async () => {
    const peer = await open();
    const length = 17 * 1024 * 1024;
    peer.send(Buffer.from('Q'), int32(length + 4));
    const chunk = Buffer.alloc(1024 * 1024, 'x');
    for (let sent = 0; sent < length; sent += chunk.length) peer.send(chunk);
    expect(await peer.until('ReadyForQuery')).toMatchObject([
      expect.stringMatching('^ErrorResponse ERROR 54000'),
      'ReadyForQuery I',
    ]);
    expect(await peer.query('SELECT 1 AS a')).toContain('DataRow "1"');
    peer.close();
  });

  it('gives 1,664 columns and refuses more', async () => {
    const peer = await open();
    const select = (columns: number): string =>
      `SELECT ${Array.from({ length: columns }, (_, i) => i).join(',')}`;
    expect((await peer.query(select(1_664))).at(-1)).toBe('CommandComplete "SELECT 1"');
    expect((await peer.query(select(1_665))).at(-1)).toMatch(/^ErrorResponse ERROR 54011/);
    peer.close();
  });

  it('answers bad UTF-8 and bad bodies with an error and goes on', async () => {
    const peer = await open();
    peer.send(frame('Q', Buffer.from([0x53, 0xff, 0])));
    expect((await peer.until('ReadyForQuery'))[0]).toMatch(/^ErrorResponse ERROR 22021/);
    peer.send(frame('B', Buffer.from('x')), frame('S'));
    expect((await peer.until('ReadyForQuery'))[0]).toMatch(/^ErrorResponse ERROR 08P01/);
    peer.close();
  });

  it('runs a long pipeline in order', async () => {
    const peer = await open();
    const groups = 300;
    for (let i = 0; i < groups; i++) {
      peer.send(
        encodeMessage('Parse', ['', `SELECT ${i}`]),
        encodeMessage('Bind', []),
        encodeMessage('Execute', ['']),
        encodeMessage('Sync', []),
      );
    }
    for (let i = 0; i < groups; i++) expect(await peer.until('ReadyForQuery')).toContain(`DataRow "${i}"`);
    peer.close();
  });

  it('commits what a group wrote when its Sync comes', async () => {
    const peer = await open();
    const insert = (id: number): Buffer[] => [
      encodeMessage('Parse', ['', `INSERT INTO t VALUES (${id}, 'x')`]),
      encodeMessage('Bind', []),
      encodeMessage('Execute', ['']),
    ];
    peer.send(...insert(1), ...insert(2), encodeMessage('Sync', []));
    expect((await peer.until('ReadyForQuery')).filter((line) => line.startsWith('Command'))).toEqual([
      'CommandComplete "INSERT 0 1"',
      'CommandComplete "INSERT 0 1"',
    ]);
    peer.send(...insert(3), ...insert(1), encodeMessage('Sync', []));
    expect(
      (await peer.until('ReadyForQuery')).some((line) => line.startsWith('ErrorResponse ERROR 23505')),
    ).toBe(true);
    expect(await peer.query('SELECT count(*) FROM t')).toContain('DataRow "2"');
    peer.close();
  });
});

describe('random bytes', () => {
  it('never end the server', async () => {
    // A fixed seed: a failure can be run again.
    let state = 20_261_121;
    const random = (below: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
      return state % below;
    };
    const types = 'QPBDECHSdcfXFp';
    for (let i = 0; i < 150; i++) {
      const peer = i % 3 === 0 ? new WirePeer(server.pgPort) : await open();
      for (let messages = random(6); messages >= 0; messages--) {
        const body = Buffer.from(
          Array.from({ length: random(40) }, () => (random(3) === 0 ? 0 : random(256))),
        );
        const type = types[random(types.length)]!;
        // Half of them with a length that is true.
        peer.send(random(2) === 0 ? frame(type, body) : Buffer.concat([Buffer.from(type), body]));
      }
      peer.socket.end();
      await rest(peer);
    }
    const peer = await open();
    expect(await peer.query('SELECT 1 AS a')).toContain('DataRow "1"');
    peer.close();
  });
});

describe('cancel', () => {
  it('ends a continuous query, and the session goes on', async () => {
    const peer = await open();
    peer.send(frame('Q', cstring('SELECT * FROM s EMIT CHANGES')));
    await peer.until('RowDescription');
    await peer.cancel(server.pgPort);
    expect(await peer.until('ReadyForQuery')).toEqual([
      'ErrorResponse ERROR 57014 "canceling statement due to user request"',
      'ReadyForQuery I',
    ]);
    expect(await peer.query('SELECT 1 AS a')).toContain('DataRow "1"');
    peer.close();
  });

  it('ends a long finite query', async () => {
    const peer = await open();
    const rows = `VALUES ${Array.from({ length: 1_000 }, (_, i) => `(${i})`).join(',')}`;
    await peer.query(`CREATE TABLE many (n int4)`);
    for (let i = 0; i < 5; i++) await peer.query(`INSERT INTO many ${rows}`);
    peer.send(frame('Q', cstring("SELECT repeat('x', 10000) || n::text FROM many")));
    await peer.until('DataRow');
    // What nobody reads can't end by itself: 50 MB fit into no buffer.
    peer.socket.pause();
    await peer.cancel(server.pgPort);
    peer.socket.resume();
    expect((await peer.until('ReadyForQuery')).at(-2)).toMatch(/^ErrorResponse ERROR 57014/);
    expect(await peer.query('SELECT 1 AS a')).toContain('DataRow "1"');
    peer.close();
  });

  it('ends a statement or a session by pg_cancel_backend and pg_terminate_backend', async () => {
    const [reader, other] = [await WirePeer.open(server.pgPort), await WirePeer.open(server.pgPort)];
    const [, row] = await reader.query('SELECT pg_backend_pid()');
    const pid = /\d+/.exec(row ?? '')?.[0] ?? '';
    await other.query('CREATE STREAM signalled (at timestamptz NOT NULL, WATERMARK FOR at AS at)');
    reader.send(frame('Q', cstring('SELECT * FROM signalled EMIT CHANGES')));
    await reader.until('RowDescription');
    expect(await other.query(`SELECT pid FROM millrace.subscriptions WHERE pid = ${pid}`)).toContain(
      `DataRow "${pid}"`,
    );
    expect(await other.query(`SELECT pg_cancel_backend(${pid})`)).toContain('DataRow "t"');
    expect((await reader.until('ReadyForQuery'))[0]).toMatch(/^ErrorResponse ERROR 57014/);
    expect(await other.query(`SELECT pg_terminate_backend(${pid})`)).toContain('DataRow "t"');
    expect((await reader.until('ErrorResponse')).at(-1)).toMatch(/^ErrorResponse FATAL 57P01/);
    expect(await reader.receive()).toBeNull();
    expect(await other.query(`SELECT pg_cancel_backend(${pid})`)).toEqual([
      `NoticeResponse WARNING 01000 "PID ${pid} is not a PostgreSQL backend process"`,
      'RowDescription pg_cancel_backend:bool',
      'DataRow "f"',
      'CommandComplete "SELECT 1"',
    ]);
    other.close();
  });

  it('does nothing with a wrong secret, or between statements', async () => {
    const peer = await open();
    await peer.cancel(server.pgPort);
    expect(await peer.query('SELECT 1 AS a')).toContain('DataRow "1"');
    const { secret } = peer;
    peer.secret = Buffer.alloc(4, 1);
    peer.send(frame('Q', cstring('SELECT t FROM s EMIT CHANGES')));
    await peer.until('RowDescription');
    await peer.cancel(server.pgPort);
    const writer = await open();
    await writer.query("INSERT INTO s VALUES ('2026-01-01 00:00:00+00', 'still here')");
    expect(await peer.until('DataRow')).toHaveLength(1);
    peer.secret = secret;
    await peer.cancel(server.pgPort);
    await peer.until('ReadyForQuery');
    peer.close();
    writer.close();
  });

  it('ends COPY FROM while it waits for data', async () => {
    const peer = await open();
    peer.send(frame('Q', cstring('COPY s FROM STDIN')));
    await peer.until('CopyInResponse');
    await peer.cancel(server.pgPort);
    expect((await peer.until('ReadyForQuery'))[0]).toMatch(/^ErrorResponse ERROR 57014/);
    peer.close();
  });
});

describe('clients that vanish or dawdle', () => {
  it('drops the subscription of a lost connection', async () => {
    const [peer, other] = [await open(), await open()];
    peer.send(frame('Q', cstring('SELECT t AS vanishing FROM s EMIT CHANGES')));
    await peer.until('RowDescription');
    const count = async (): Promise<string[]> =>
      other.query("SELECT count(*) FROM millrace.subscriptions WHERE query LIKE '%vanishing%'");
    expect(await count()).toContain('DataRow "1"');
    peer.socket.resetAndDestroy();
    while (!(await count()).includes('DataRow "0"'));
    other.close();
  });

  it('keeps the rows of finished ticks when a client vanishes during COPY', async () => {
    const [peer, other] = [await open(), await open()];
    peer.send(frame('Q', cstring('COPY s FROM STDIN')));
    await peer.until('CopyInResponse');
    peer.send(frame('d', Buffer.from('2026-01-01 00:00:01+00\tcopied\n')));
    const count = async (): Promise<string[]> => other.query("SELECT count(*) FROM s WHERE t = 'copied'");
    while (!(await count()).includes('DataRow "1"'));
    peer.socket.resetAndDestroy();
    expect(await count()).toContain('DataRow "1"');
    expect(await other.query("INSERT INTO s VALUES ('2026-01-01 00:00:02+00', 'after')")).toContain(
      'CommandComplete "INSERT 0 1"',
    );
    other.close();
  });

  it('ends a continuous result that is not read with 53400', async () => {
    const [reader, writer] = [await open(), await open()];
    reader.send(frame('Q', cstring('SELECT t FROM s EMIT CHANGES')));
    await reader.until('RowDescription');
    reader.socket.pause();
    // More than the kernel's buffers and the bound of unsent bytes together.
    for (let i = 0; i < 60; i++) {
      await writer.query(`INSERT INTO s VALUES ('2026-01-01 00:00:03+00', repeat('${i % 10}', 1000000))`);
    }
    reader.socket.resume();
    const lines = await reader.until('ReadyForQuery');
    expect(lines.at(-2)).toMatch(/^ErrorResponse ERROR 53400/);
    expect(await reader.query('SELECT 1 AS a')).toContain('DataRow "1"');
    reader.close();
    writer.close();
  });

  it('lets a finite result wait for its reader', async () => {
    const peer = await open();
    await peer.query('CREATE TABLE wide (n int4)');
    await peer.query(`INSERT INTO wide VALUES ${Array.from({ length: 400 }, (_, i) => `(${i})`).join(',')}`);
    peer.socket.pause();
    peer.send(frame('Q', cstring("SELECT repeat('x', 100000), n FROM wide")));
    const other = await open();
    for (let i = 0; i < 20; i++) expect(await other.query('SELECT 1 AS a')).toContain('DataRow "1"');
    peer.socket.resume();
    const lines = await peer.until('ReadyForQuery');
    expect(lines.filter((line) => line.startsWith('DataRow'))).toHaveLength(400);
    peer.close();
    other.close();
  });
});
