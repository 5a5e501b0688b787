/** Server-Sent Events, as a browser's EventSource reads them. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { httpCalls } from '../support/http-calls.ts';
import { TestServer } from '../support/server.ts';

let server: TestServer;
const { call, query, post } = httpCalls(() => server.url);

beforeAll(async () => {
  server = await TestServer.start();
  await query('CREATE STREAM tweets (at timestamptz NOT NULL, tag text, WATERMARK FOR at AS at)');
}, 30_000);
afterAll(() => server.stop());

type Event = { event: string; id: string | null; data: Record<string, unknown> };

async function* events(path: string, headers: Record<string, string> = {}): AsyncGenerator<Event> {
  const abort = new AbortController();
  const response = await fetch(server.url + path, { headers, signal: abort.signal });
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  let text = '';
  try {
    for await (const chunk of response.body!) {
      text += Buffer.from(chunk).toString();
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const members = new Map(
          text
            .slice(0, end)
            .split('\n')
            .map((part) => part.split(/: (.*)/s) as [string, string]),
        );
        text = text.slice(end + 2);
        const data = members.get('data');
        if (data === undefined) continue;
        yield {
          event: members.get('event') ?? 'message',
          id: members.get('id') ?? null,
          data: JSON.parse(data) as Record<string, unknown>,
        };
      }
    }
  } finally {
    abort.abort();
  }
}

async function next(stream: AsyncGenerator<Event>, wanted: (event: Event) => boolean): Promise<Event> {
  for (;;) {
    const { value, done } = await stream.next();
    if (done) throw new Error('the stream ended');
    if (wanted(value)) return value;
  }
}

it('follows a view, and resumes after the last tick seen', async () => {
  await query('CREATE TABLE followed (id int4 PRIMARY KEY, v text)');
  await query("INSERT INTO followed VALUES (1, 'one')");
  const first = events('/views/followed/live');
  const isRows = (event: Event): boolean => event.data['op'] === 'rows';
  expect((await first.next()).value).toMatchObject({
    event: 'schema',
    data: { columns: [{ name: 'id' }, { name: 'v' }] },
  });
  const snapshot = await next(first, isRows);
  expect(snapshot.data).toMatchObject({ rows: [[1, 'one']], diffs: [1] });
  expect(snapshot.id).toBe(String(snapshot.data['tick']));
  await first.return(undefined);
  await query("UPDATE followed SET v = 'two'");
  const second = events('/views/followed/live', { 'last-event-id': snapshot.id! });
  const change = await next(second, isRows);
  expect(change.data['rows']).toHaveLength(2);
  expect([...(change.data['diffs'] as number[])].sort()).toEqual([-1, 1]);
  await second.return(undefined);
});

it('follows a query', async () => {
  const stream = events(`/live?sql=${encodeURIComponent('SELECT tag FROM tweets EMIT CHANGES')}`);
  await next(stream, (event) => event.event === 'schema');
  await post(`${JSON.stringify({ at: '2026-01-01T00:00:30Z', tag: 'live' })}\n`, 'application/x-ndjson');
  const { data } = await next(stream, (event) => event.data['op'] === 'rows');
  expect(data).toMatchObject({ rows: [['live']], diffs: [1] });
  await stream.return(undefined);
});

it('refuses finite queries and unknown views', async () => {
  expect((await call(`/live?sql=${encodeURIComponent('SELECT 1')}`)).body).toMatchObject({ code: '0A000' });
  expect((await call('/live')).status).toBe(400);
  expect((await call('/views/nosuch/live')).status).toBe(404);
});
