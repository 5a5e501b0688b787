/** Many subscribers of one relation: each gets what is its own, all get the same bytes. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { Batch } from '../../runtime/batch/column.ts';
import type { ResultEvent, ResultStream } from '../../runtime/engine-client.ts';
import { Configuration } from '../../server/settings/configuration.ts';
import { rowsTail } from '../../server/live/live-messages.ts';
import { type RunningServer, startServer } from '../../server/server.ts';
import type { LiveShape } from '../../server/session/outcome.ts';
import { cstring, frame, WirePeer } from '../support/wire-peer.ts';

let directory: string;
let server: RunningServer;
let sql: WirePeer;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'millrace-'));
  const configuration = Configuration.read(
    ['--pg-port', '0', '--http-port', '0', '--data', directory, '--no-demo'],
    {},
  );
  server = await startServer(configuration!, pino({ level: 'silent' }));
  sql = await WirePeer.open(server.pgPort);
  await sql.query('CREATE TABLE items (id int4 PRIMARY KEY, name text, at timestamptz)');
  await sql.query('CREATE MATERIALIZED VIEW names AS SELECT name, count(*) AS n FROM items GROUP BY name');
}, 30_000);
afterAll(async () => {
  sql.close();
  await server.stop();
  await rm(directory, { recursive: true });
});

const SHAPE: LiveShape = {
  columns: [
    { name: 'name', type: { name: 'text' } },
    { name: 'n', type: { name: 'int8' } },
  ],
  envelope: 'diffs',
  enveloped: true,
  progress: false,
  key: [0],
  appendOnly: false,
};

function subscribe(oid: number): ResultStream {
  return server.context.engine.subscribe({
    source: { kind: 'relation', relation: oid },
    label: 'test',
    pid: 0,
    now: 0,
    silenceNoticeMs: 0,
    snapshot: null,
    withSnapshot: false,
    progress: false,
    asOf: null,
    upTo: null,
  });
}

async function nextRows(stream: ResultStream): Promise<ResultEvent & { kind: 'rows' }> {
  for (;;) {
    const event = await stream.next();
    if (event === null || event.kind === 'error') throw new Error(JSON.stringify(event));
    if (event.kind === 'rows') return event;
  }
}

const tail = (event: ResultEvent & { kind: 'rows' }): Buffer => rowsTail({ ...event, deletes: null }, SHAPE);

it('one batch and one encoding for all subscribers of a relation', async () => {
  const oid = server.context.catalog.current.relation('public', 'names')!.oid;
  const streams = [subscribe(oid), subscribe(oid), subscribe(oid)];
  // messages are handled in order: they are all subscribed when this is answered
  await server.context.engine.metrics();
  const seen: Batch[] = [];
  for (const round of [1, 2]) {
    await sql.query(`INSERT INTO items VALUES (${-round}, 'one', NULL)`);
    // what was is retracted in a batch of its own
    if (round === 2) await Promise.all(streams.map(nextRows));
    const events = await Promise.all(streams.map(nextRows));
    expect(new Set(events.map((event) => event.batch)).size).toBe(1);
    expect(new Set(events.map(tail)).size).toBe(1);
    expect(tail(events[0]!).toString()).toContain(`["one","${round}"]`);
    seen.push(events[0]!.batch);
  }
  expect(seen[0]).not.toBe(seen[1]);
  streams.pop()!.cancel();
  streams.pop()!.cancel();
  await sql.query("INSERT INTO items VALUES (-3, 'one', NULL)");
  expect(tail(await nextRows(streams[0]!)).toString()).toContain('["one","2"]],"diffs":[-1]');
  expect(tail(await nextRows(streams[0]!)).toString()).toContain('["one","3"]],"diffs":[1]');
  streams[0]!.cancel();
  await sql.query('DELETE FROM items');
});

type Message = { id?: unknown; op: string; tick: number; rows: [number, string, string][]; diffs: number[] };

/** Sums of diffs by row. */
class Content {
  readonly #counts = new Map<string, number>();

  add(row: unknown, diff: number): void {
    const key = JSON.stringify(row);
    const count = (this.#counts.get(key) ?? 0) + diff;
    if (count === 0) this.#counts.delete(key);
    else this.#counts.set(key, count);
  }

  get rows(): string[] {
    return [...this.#counts.keys()].sort();
  }
}

async function webSocket(
  id: string | number,
): Promise<{ content: Content; ids: Set<unknown>; until: Until }> {
  const socket = new WebSocket(`ws://127.0.0.1:${server.httpPort}/ws`, 'millrace.v1');
  await once(socket, 'open');
  const content = new Content();
  const ids = new Set<unknown>();
  const waiting = new Waiting(() => socket.close());
  socket.on('message', (data: Buffer) => {
    const message = JSON.parse(data.toString()) as Message;
    ids.add(message.id);
    if (message.op !== 'rows') return;
    for (const [i, row] of message.rows.entries()) content.add(row, message.diffs[i]!);
    waiting.check(content);
  });
  socket.send(JSON.stringify({ op: 'subscribe', id, sql: 'SUBSCRIBE items' }));
  return { content, ids, until: waiting.until };
}

type Until = (rows: number) => Promise<Content>;

class Waiting {
  #rows = -1;
  #done: (content: Content) => void = () => {};
  #last: Content = new Content();
  readonly #close: () => void;

  constructor(close: () => void) {
    this.#close = close;
  }

  readonly until: Until = (rows) =>
    new Promise((resolve) => {
      this.#rows = rows;
      this.#done = (content) => {
        this.#close();
        resolve(content);
      };
      this.check(this.#last);
    });

  check(content: Content): void {
    this.#last = content;
    if (content.rows.length === this.#rows) this.#done(content);
  }
}

async function serverEvents(): Promise<Until> {
  const abort = new AbortController();
  const response = await fetch(`http://127.0.0.1:${server.httpPort}/views/items/live`, {
    signal: abort.signal,
  });
  const waiting = new Waiting(() => abort.abort());
  const content = new Content();
  void (async () => {
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body!) {
      text += decoder.decode(chunk, { stream: true });
      const events = text.split('\n\n');
      text = events.pop()!;
      for (const event of events) {
        const data = /^data: (.*)$/m.exec(event);
        if (data === null || event.startsWith('event:')) continue;
        const message = JSON.parse(data[1]!) as Message;
        expect(/^id: (\d+)$/m.exec(event)![1]).toBe(`${message.tick}`);
        for (const [i, row] of message.rows.entries()) content.add(row, message.diffs[i]!);
        waiting.check(content);
      }
    }
  })().catch(() => {});
  return waiting.until;
}

/** A PostgreSQL client: tab-separated lines, times in its own DateStyle. */
async function copyOut(style: string): Promise<Until> {
  const peer = await WirePeer.open(server.pgPort);
  await peer.query(`SET DateStyle = '${style}'`);
  const content = new Content();
  const waiting = new Waiting(() => peer.close());
  peer.send(frame('Q', cstring('COPY (SUBSCRIBE items) TO STDOUT')));
  void (async () => {
    for (;;) {
      const message = await peer.receive();
      if (message === null) return;
      if (message.type !== 'd') continue;
      const [, diff, ...row] = message.body.toString().trimEnd().split('\t');
      content.add(row, Number(diff));
      waiting.check(content);
    }
  })();
  return waiting.until;
}

it('every protocol, id and setting gets its own', async () => {
  await sql.query("INSERT INTO items VALUES (0, 'there before', '2026-03-04 05:06:07Z')");
  const ids = ['a', 7, 'quote"d'];
  const sockets = await Promise.all(ids.map(webSocket));
  const events = await Promise.all([serverEvents(), serverEvents()]);
  const copies = await Promise.all([copyOut('ISO'), copyOut('ISO'), copyOut('German')]);
  for (let first = 1; first <= 901; first += 300) {
    const values = Array.from(
      { length: 300 },
      (_, i) => `(${first + i}, 'name ü ${first + i}', '2026-03-04 05:06:07Z')`,
    );
    await sql.query(`INSERT INTO items VALUES ${values.join()}`);
  }
  await sql.query("UPDATE items SET name = 'changed' WHERE id > 600");
  await sql.query('DELETE FROM items WHERE id > 900');
  const rows = Array.from({ length: 901 }, (_, id) => [
    id,
    id === 0 ? 'there before' : id > 600 ? 'changed' : `name ü ${id}`,
    '2026-03-04T05:06:07Z',
  ]);
  const expected = (time: string, asText: boolean): string[] =>
    rows.map(([id, name]) => JSON.stringify([asText ? `${id}` : id, name, time])).sort();
  // the only moment with so many rows: 1,201 were there before the deletion
  const settled = 902;
  await sql.query("INSERT INTO items VALUES (5000, 'last', NULL)");
  const withLast = (list: string[], last: string): string[] => [...list, last].sort();
  for (const [i, socket] of sockets.entries()) {
    expect((await socket.until(settled)).rows).toEqual(
      withLast(expected('2026-03-04T05:06:07Z', false), '[5000,"last",null]'),
    );
    expect([...socket.ids]).toEqual([ids[i]]);
  }
  for (const until of events) {
    expect((await until(settled)).rows).toEqual(
      withLast(expected('2026-03-04T05:06:07Z', false), '[5000,"last",null]'),
    );
  }
  for (const [i, until] of copies.entries()) {
    const time = i < 2 ? '2026-03-04 05:06:07+00' : '04.03.2026 05:06:07 UTC';
    expect((await until(settled)).rows).toEqual(
      withLast(expected(time, true), JSON.stringify(['5000', 'last', '\\N'])),
    );
  }
});
