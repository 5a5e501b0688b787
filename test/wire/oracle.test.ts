/**
 * The same messages to the server and to a real PostgreSQL: what each answers, message by message. In the files blocks are
 * parted by empty lines; a line is a message, its arguments JSON. ParameterStatus is not compared (PGlite sends none),
 * nor how COPY's data is cut into messages.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { PGlite } from '@electric-sql/pglite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestServer } from '../support/server.ts';
import { describeMessage, encodeMessage, type Received, receivedIn, WirePeer } from '../support/wire-peer.ts';
import { parseArguments } from '../support/wire-script.ts';

const FOLDER = new URL('oracle/', import.meta.url);
const ENDS = /^(?:Query|Sync)\b/;
let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start();
}, 30_000);
afterAll(() => server.stop());

function encodeLine(line: string): Buffer {
  const [, name, rest] = /^(\w+) ?(.*)$/.exec(line)!;
  return encodeMessage(name!, parseArguments(rest!));
}

/** Positions and contexts are our own. */
function shown(messages: readonly Received[]): string[] {
  const lines: string[] = [];
  let data: Buffer[] = [];
  for (const message of messages) {
    if (message.type === 'd') data.push(message.body);
    else if (data.length > 0) {
      lines.push(describeMessage({ type: 'd', body: Buffer.concat(data) }));
      data = [];
    }
    if (message.type === 'd' || message.type === 'S') continue;
    lines.push(describeMessage(message).replace(/ (?:position|context)=.*/, ''));
  }
  return lines;
}

async function answers(peer: WirePeer, count: number): Promise<Received[]> {
  const messages: Received[] = [];
  for (let left = count; left > 0; ) {
    const message = await peer.receive();
    if (message === null) throw new Error(`closed; got ${shown(messages).join(' | ')}`);
    messages.push(message);
    if (message.type === 'Z') left--;
  }
  return messages;
}

describe('messages as PostgreSQL answers them', () => {
  it.each(readdirSync(FOLDER))(
    '%s',
    async (file) => {
      const postgres = new PGlite();
      await postgres.exec("SET timezone = 'UTC'");
      const peer = await WirePeer.open(server.pgPort, { user: file, database: 'millrace' });
      await peer.query(`CREATE SCHEMA "${file}"; SET search_path = "${file}"`);
      const text = readFileSync(new URL(file, FOLDER), 'utf8');
      const blocks = text.split(/\n\n+/).map((block) => block.split('\n').filter((l) => /^\w/.test(l)));
      const ours: string[][] = [];
      const theirs: string[][] = [];
      for (const block of blocks.filter((lines) => lines.length > 0)) {
        const bytes = Buffer.concat(block.map(encodeLine));
        theirs.push([...block, ...shown(receivedIn(Buffer.from(await postgres.execProtocolRaw(bytes))))]);
        peer.send(bytes);
        const ends = block.filter((line) => ENDS.test(line)).length;
        ours.push([...block, ...shown(await answers(peer, ends))]);
      }
      peer.close();
      await postgres.close();
      expect(ours).toEqual(theirs);
      expect(ours.length).toBeGreaterThan(15);
    },
    60_000,
  );
});
