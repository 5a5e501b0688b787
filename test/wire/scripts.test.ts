/**
 * Conversations as text: `> Message args` is sent (neighbouring lines as one packet), `< line` must come next.
 * Arguments are JSON. Each file is one connection.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestServer } from '../support/server.ts';
import { describeMessage, encodeMessage, WirePeer } from '../support/wire-peer.ts';
import { parseArguments } from '../support/wire-script.ts';

const FOLDER = new URL('scripts/', import.meta.url);
let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start();
}, 30_000);
afterAll(() => server.stop());

function parseSend(line: string): Buffer {
  const space = line.indexOf(' ');
  const name = space < 0 ? line : line.slice(0, space);
  const rest = space < 0 ? '' : line.slice(space + 1);
  return encodeMessage(name, parseArguments(rest));
}

describe('wire scripts', () => {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith('.wire'));
  it.each(files)('%s', async (file) => {
    const lines = readFileSync(new URL(file, FOLDER), 'utf8').split('\n');
    const peer = await WirePeer.open(server.pgPort);
    const got: string[] = [];
    const wanted: string[] = [];
    let packet: Buffer[] = [];
    for (const [i, line] of lines.entries()) {
      if (line.startsWith('> ')) packet.push(parseSend(line.slice(2)));
      if (!line.startsWith('< ')) continue;
      if (packet.length > 0) peer.send(...packet);
      packet = [];
      const message = await peer.receive();
      wanted.push(`${i + 1}: ${line.slice(2)}`);
      got.push(`${i + 1}: ${message === null ? 'closed' : describeMessage(message)}`);
      if (got.at(-1) !== wanted.at(-1)) break;
    }
    expect(got).toEqual(wanted);
    expect(wanted.length).toBeGreaterThan(0);
    peer.close();
  });
});
