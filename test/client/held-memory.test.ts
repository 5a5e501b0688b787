/** What sessions keep between statements is bounded, for one and for all together, and given back. */
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { HELD_BYTES_MAX, HELD_BYTES_SESSION_MAX, PORTALS_MAX } from '../../server/limits.ts';
import { HeldMemory, HeldShare } from '../../server/session/held-memory.ts';
import { type ServerHere, startServerHere } from '../support/server-here.ts';
import { encodeMessage, frame, WirePeer } from '../support/wire-peer.ts';

const MIB = 1024 * 1024;

describe('HeldShare', () => {
  it('gives a session its part, and no more than is there', () => {
    const memory = new HeldMemory();
    const shares = Array.from({ length: 5 }, () => new HeldShare(memory));
    for (const share of shares.slice(0, 4)) share.take(HELD_BYTES_SESSION_MAX);
    expect(() => shares[0]!.take(1)).toThrow(expect.objectContaining({ code: '53200' }));
    expect(memory.bytes).toBe(HELD_BYTES_MAX);
    expect(() => shares[4]!.take(1)).toThrow(/hold too much memory/);
    shares[1]!.give(100);
    shares[4]!.take(100);
    expect(() => shares[4]!.take(1)).toThrow(/hold too much memory/);
  });
});

describe('a session', () => {
  let server: ServerHere;
  const clients: pg.Client[] = [];

  const connect = async (): Promise<pg.Client> => {
    const client = new pg.Client({
      host: '127.0.0.1',
      port: server.pgPort,
      user: 'test',
      database: 'millrace',
    });
    await client.connect();
    clients.push(client);
    return client;
  };
  const held = (): number => server.context.heldMemory.bytes;

  beforeAll(async () => {
    server = await startServerHere();
    const client = await connect();
    await client.query('CREATE TABLE big (id int PRIMARY KEY, text text)');
    for (let from = 0; from < 5_000; from += 500) {
      const rows = Array.from({ length: 500 }, (_, i) => `(${from + i}, '${'x'.repeat(4_000)}')`);
      await client.query(`INSERT INTO big VALUES ${rows.join(', ')}`);
    }
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) await client.end();
    await expect.poll(held).toBe(0);
  });
  afterAll(() => server.stop());

  it.each(['done', 'failed', 'gone'])('keeps what a COPY in a block sends until that is %s', async (end) => {
    const peer = await WirePeer.open(server.pgPort);
    peer.send(encodeMessage('Query', ['BEGIN; CREATE TABLE copied (t text); COPY copied FROM STDIN']));
    await peer.until('CopyInResponse');
    peer.send(frame('d', Buffer.from(`${'x'.repeat(MIB - 1)}\n`)));
    await expect.poll(held).toBe(MIB);
    if (end === 'gone') return peer.close();
    peer.send(end === 'done' ? frame('c') : encodeMessage('CopyFail', ['no']));
    await peer.until('ReadyForQuery');
    expect(held()).toBe(0);
    peer.close();
  });

  it('keeps cursors WITH HOLD up to its part; one that there is no room for leaves nothing', async () => {
    const client = await connect();
    const declare = (name: string): Promise<unknown> =>
      client.query(`DECLARE ${name} CURSOR WITH HOLD FOR SELECT * FROM big`);
    let kept = 0;
    await expect(
      (async () => {
        for (; kept < 20; kept++) await declare(`c${kept}`);
      })(),
    ).rejects.toMatchObject({ code: '53200' });
    expect(kept).toBeGreaterThan(3);
    expect(held()).toBeGreaterThan(HELD_BYTES_SESSION_MAX / 2);
    // the name is free, and once others are closed there is room
    await client.query('CLOSE c0');
    await declare(`c${kept}`);
    expect((await client.query(`FETCH ALL FROM c${kept}`)).rows).toHaveLength(5_000);
    await client.query('CLOSE ALL');
    expect(held()).toBe(0);
  });

  it('a cursor that ran out of room in a transaction gives no rows after it that skip some', async () => {
    const client = await connect();
    await client.query('BEGIN');
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g'])
      await client.query(`DECLARE ${name} SCROLL CURSOR FOR SELECT * FROM big`);
    await client.query('SAVEPOINT s');
    let last = '';
    await expect(
      (async () => {
        for (last of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) await client.query(`MOVE ALL FROM ${last}`);
      })(),
    ).rejects.toMatchObject({ code: '53200' });
    for (const fetch of ['NEXT', 'PRIOR', 'FIRST']) {
      await client.query('ROLLBACK TO s');
      await expect(client.query(`FETCH ${fetch} FROM ${last}`)).rejects.toMatchObject({ code: '53200' });
    }
    await client.query('ROLLBACK');
  });

  it('keeps prepared statements by their size', async () => {
    const client = await connect();
    const text = 'y'.repeat(4 * MIB);
    let made = 0;
    await expect(
      (async () => {
        for (; made < 20; made++) await client.query(`PREPARE p${made} AS SELECT '${text}'`);
      })(),
    ).rejects.toMatchObject({ code: '53200' });
    expect(made).toBeGreaterThan(1);
    await client.query('DEALLOCATE p0');
    await client.query(`PREPARE again AS SELECT '${text}' AS text`);
    expect((await client.query('EXECUTE again')).rows[0].text).toHaveLength(4 * MIB);
    await client.query('DISCARD ALL');
    expect(held()).toBe(0);
  });

  it('keeps parameters of portals by their size', async () => {
    const peer = await WirePeer.open(server.pgPort);
    peer.send(encodeMessage('Parse', ['s', 'SELECT $1::text']));
    for (let i = 0; i < 12; i++) peer.send(encodeMessage('Bind', [`p${i}`, 's', ['z'.repeat(14 * MIB)]]));
    peer.send(encodeMessage('Sync', []));
    const lines = await peer.until('ReadyForQuery');
    expect(lines.filter((line) => line === 'BindComplete').length).toBeLessThan(10);
    expect(lines.join('\n')).toContain('53200');
    // but for the statement itself
    expect(held()).toBeLessThan(1_000);
    peer.close();
  });

  it('a cursor beyond those that it may have is over', async () => {
    const client = await connect();
    await client.query('BEGIN');
    for (let i = 0; i < PORTALS_MAX; i++) await client.query(`DECLARE c${i} CURSOR FOR SELECT ${i}`);
    await expect(client.query('DECLARE more SCROLL CURSOR FOR SELECT * FROM big')).rejects.toMatchObject({
      code: '54000',
    });
    await client.query('ROLLBACK');
  });

  it('results that nobody reads end before they fill the memory', async () => {
    const client = await connect();
    await client.query('BEGIN');
    for (let i = 0; i < 400; i++) await client.query(`DECLARE c${i} NO SCROLL CURSOR FOR SELECT * FROM big`);
    await expect
      .poll(
        async () => {
          try {
            await client.query('SAVEPOINT s');
            await client.query('FETCH 1 FROM c0');
            return '';
          } catch (error) {
            await client.query('ROLLBACK TO s');
            return (error as { code: string }).code;
          }
        },
        { timeout: 20_000, interval: 100 },
      )
      .toBe('53200');
    await client.query('ROLLBACK');
    expect((await client.query('SELECT count(*)::int AS n FROM big')).rows).toEqual([{ n: 5_000 }]);
  }, 40_000);

  it('an endless row of Close messages after an Execute is answered as it comes', async () => {
    const peer = await WirePeer.open(server.pgPort);
    peer.send(encodeMessage('Parse', ['', 'SELECT 1']), encodeMessage('Bind', ['', '']));
    peer.send(encodeMessage('Execute', ['']));
    // no Sync, no Flush
    for (let i = 0; i < 300; i++) peer.send(encodeMessage('Close', ['S', `none${i}`]));
    expect(await peer.until('CloseComplete')).toContain('CommandComplete "SELECT 1"');
    peer.close();
  });
});
