/** COPY whose data comes byte by byte: it takes no more than in large pieces. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startServerHere, type ServerHere } from '../support/server-here.ts';
import { encodeMessage, frame, WirePeer } from '../support/wire-peer.ts';

let server: ServerHere;
let peer: WirePeer;
beforeAll(async () => {
  server = await startServerHere();
  peer = await WirePeer.open(server.pgPort);
  await peer.query('CREATE TABLE t (n int4)');
});
afterAll(async () => {
  peer.close();
  await server.stop();
});

const ROWS = 10_000;
const data = Array.from({ length: ROWS }, (_, i) => `${i}\n`).join('');

it.each(['', 'BEGIN; '])('%sCOPY', async (before) => {
  const { engine } = server.context;
  const { ingest } = engine;
  let pushes = 0;
  engine.ingest = (options) => {
    const opened = ingest.call(engine, options);
    const { push } = opened;
    opened.push = (chunk) => {
      pushes++;
      return push.call(opened, chunk);
    };
    return opened;
  };
  await peer.query('TRUNCATE t');
  peer.send(encodeMessage('Query', [`${before}COPY t FROM STDIN; COMMIT`]));
  await peer.until('CopyInResponse');
  peer.send(...[...data].map((byte) => frame('d', Buffer.from(byte))), frame('d'), frame('c'));
  expect(await peer.until('ReadyForQuery')).toContain(`CommandComplete "COPY ${ROWS}"`);
  engine.ingest = ingest;
  expect(pushes).toBeLessThan(100);
  expect(await peer.query('SELECT count(*), sum(n) FROM t')).toContain(
    `DataRow "${ROWS}" "${(ROWS * (ROWS - 1)) / 2}"`,
  );
});
