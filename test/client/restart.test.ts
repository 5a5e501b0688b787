/** The server goes away while rows come in and a subscription runs, politely or not, and starts again on what is there. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { TestServer } from '../support/server.ts';
import { cstring, fields, frame, WirePeer } from '../support/wire-peer.ts';

const ROWS = 2_000;

async function numbers(port: number, sql: string): Promise<readonly number[]> {
  const peer = await WirePeer.open(port);
  peer.send(frame('Q', cstring(sql)));
  for (;;) {
    const message = await peer.receive();
    if (message === null || message.type === 'E') throw new Error(`no answer to ${sql}`);
    if (message.type !== 'D') continue;
    peer.close();
    return fields(message.body).map((value) => Number(value?.toString() ?? 0));
  }
}

describe.each(['SIGTERM', 'SIGKILL'] as const)('after %s under load', (signal) => {
  it('the server starts, and view and stream agree on every acknowledged row', async () => {
    const dataDirectory = await mkdtemp(join(tmpdir(), 'millrace-'));
    try {
      let server = await TestServer.start({ dataDirectory });
      const [writer, copier, reader] = await Promise.all([
        WirePeer.open(server.pgPort),
        WirePeer.open(server.pgPort),
        WirePeer.open(server.pgPort),
      ]);
      await writer.query('CREATE STREAM s (k text, n int8)');
      await writer.query('CREATE TABLE t (id int4 PRIMARY KEY)');
      await writer.query(
        'CREATE MATERIALIZED VIEW v AS SELECT k, count(*) AS c, sum(n) AS n FROM s GROUP BY k',
      );
      await writer.query("INSERT INTO s VALUES ('acknowledged', 7)");
      await writer.query('INSERT INTO t VALUES (1), (2)');
      reader.send(frame('Q', cstring('SUBSCRIBE TO v')));
      await reader.until('DataRow');
      copier.send(frame('Q', cstring('COPY s FROM STDIN')));
      await copier.until('CopyInResponse');
      const chunk = frame('d', Buffer.from('copied\t1\n'.repeat(ROWS)));
      const ended = new Promise((resolve) => copier.socket.on('close', resolve));
      const feed = setInterval(() => copier.send(chunk), 1);
      await reader.until('DataRow');
      await server.stop(signal);
      clearInterval(feed);
      await ended;
      for (const peer of [writer, reader]) peer.close();

      server = await TestServer.start({ dataDirectory });
      const rows = await numbers(server.pgPort, 'SELECT count(*), sum(n) FROM s');
      expect(await numbers(server.pgPort, 'SELECT sum(c), sum(n) FROM v')).toEqual(rows);
      expect(await numbers(server.pgPort, "SELECT c, n FROM v WHERE k = 'acknowledged'")).toEqual([1, 7]);
      expect(rows[0]).toBeGreaterThan(1);
      expect(await numbers(server.pgPort, 'SELECT count(*) FROM t')).toEqual([2]);
      await (await WirePeer.open(server.pgPort)).query("INSERT INTO s VALUES ('after', 1)");
      expect(await numbers(server.pgPort, "SELECT c FROM v WHERE k = 'after'")).toEqual([1]);
      expect(await server.stop()).toBe(0);
    } finally {
      await rm(dataDirectory, { recursive: true, force: true });
    }
  });
});
