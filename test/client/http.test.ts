/** The HTTP interface by fetch, and what a browser of another site, or garbage, gets. */
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, httpCalls } from '../support/http-calls.ts';
import { TestServer } from '../support/server.ts';
import { int32, startupPacket, WirePeer } from '../support/wire-peer.ts';

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start();
  await query('CREATE STREAM tweets (at timestamptz NOT NULL, tag text, n int8, WATERMARK FOR at AS at)');
  await query(
    `CREATE MATERIALIZED VIEW by_tag AS SELECT tag, count(*) AS n FROM tweets GROUP BY tag EMIT CHANGES`,
  );
}, 30_000);
afterAll(() => server.stop());

const { call, query, post } = httpCalls(() => server.url);

const line = (second: number, tag: string, n: number | string = second): string =>
  `${JSON.stringify({ at: new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString(), tag, n })}\n`;

describe('POST /query', () => {
  it('answers with columns, rows and a tick', async () => {
    const { status, body } = await query(
      'SELECT $1::int8 AS n, $2::text AS t, NULL::int4 AS x, 1.5::float8 AS f',
      ['9007199254740993', 'é'],
    );
    expect(status).toBe(200);
    expect(body).toMatchObject({
      columns: [
        { name: 'n', type: 'bigint' },
        { name: 't', type: 'text' },
        { name: 'x', type: 'integer' },
        { name: 'f', type: 'double precision' },
      ],
      rows: [['9007199254740993', 'é', null, 1.5]],
    });
  });

  it('keeps the digits of numbers in parameters', async () => {
    const answer = await call('/query', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"sql":"SELECT $1::int8 AS n, $2::numeric AS d","params":[9007199254740993,0.10000000000000000000001]}',
    });
    expect(answer.body).toMatchObject({ rows: [['9007199254740993', '0.10000000000000000000001']] });
  });

  it('runs DDL and writes', async () => {
    expect((await query('CREATE TABLE things (id int4 PRIMARY KEY, name text)')).body).toMatchObject({
      command: 'CREATE TABLE',
      tick: expect.any(Number) as number,
    });
    expect((await query("INSERT INTO things VALUES (1, 'a'), (2, 'b'), (3, NULL)")).body).toMatchObject({
      command: 'INSERT 0 3',
    });
    expect((await query('INSERT INTO things VALUES (1, NULL)')).status).toBe(409);
  });

  it('gives NDJSON and CSV', async () => {
    const sql = "SELECT 1 AS a, 'x,y' AS b UNION ALL SELECT 2, NULL ORDER BY a";
    const ndjson = await query(sql, undefined, { accept: 'application/x-ndjson' });
    expect(ndjson.text).toBe('{"a":1,"b":"x,y"}\n{"a":2,"b":null}\n');
    const csv = await query(sql, undefined, { accept: 'text/csv' });
    expect(csv.text).toBe('a,b\n1,"x,y"\n2,\n');
    expect((await query(sql, undefined, { accept: 'image/png' })).status).toBe(406);
  });

  it.each([
    ['a syntax error', 'SELEC 1', 400, '42601'],
    ['an unknown table', 'SELECT * FROM nosuch', 404, '42P01'],
    ['two statements', 'SELECT 1; SELECT 2', 400, '42601'],
    ['a continuous query', 'SELECT * FROM tweets EMIT CHANGES', 400, '0A000'],
    ['a statement that needs a session', 'BEGIN', 400, '0A000'],
    ['nothing', '', 400, '42601'],
    ['a missing parameter', 'SELECT $1::int4', 400, '08P01'],
  ])('refuses %s', async (_, sql, status, code) => {
    const answer = await query(sql);
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({ code });
  });

  it('refuses what is not JSON', async () => {
    const headers = { 'content-type': 'application/json' };
    expect((await call('/query', { method: 'POST', headers, body: '{"sql":' })).body).toMatchObject({
      code: '22P02',
    });
    expect((await call('/query', { method: 'POST', headers, body: '[]' })).status).toBe(400);
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const refused = await call('/query', { method: 'POST', headers: form, body: 'sql=SELECT 1' });
    expect(refused.status).toBe(415);
    expect(refused.text).toContain('Content-Type: application/json');
  });
});

describe('POST /streams/{name}', () => {
  it('takes NDJSON and rejects row by row', async () => {
    const { status, body } = await post(`${line(1, 'a')}not json\n${line(2, 'b')}`, 'application/x-ndjson');
    expect([status, body]).toEqual([200, { accepted: 2, rejected: 1, tick: expect.any(Number) as number }]);
    const rows = await query("SELECT tag FROM tweets WHERE tag IN ('a', 'b') ORDER BY tag");
    expect(rows.body).toMatchObject({ rows: [['a'], ['b']] });
  });

  it('takes a JSON array and CSV', async () => {
    const array = `[${line(3, 'array').trim()}, ["2026-01-01T00:00:04Z", "array", 4]]`;
    expect((await post(array, 'application/json')).body).toMatchObject({ accepted: 2, rejected: 0 });
    const csv = 'tag,at\ncsv,2026-01-01T00:00:05Z\n';
    expect((await post(csv, 'text/csv; header=present')).body).toMatchObject({ accepted: 1, rejected: 0 });
    expect(
      (
        await query(
          "SELECT tag, count(*) AS n FROM tweets WHERE tag IN ('array', 'csv') GROUP BY tag ORDER BY tag",
        )
      ).body,
    ).toMatchObject({
      rows: [
        ['array', '2'],
        ['csv', '1'],
      ],
    });
  });

  it('outlives values that are nested too deep', async () => {
    await query('CREATE STREAM nested (at timestamptz, doc jsonb)');
    const depth = 20_000;
    const body = `{"doc":${'['.repeat(depth)}${']'.repeat(depth)}}\n`;
    const answer = await call('/streams/nested', {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: `{"doc":1}\n${body}`,
    });
    expect([answer.status, answer.body]).toMatchObject([200, { accepted: 1, rejected: 1 }]);
    expect((await query('SELECT count(*) FROM nested')).body).toMatchObject({ rows: [['1']] });
  });

  it('shows rows that are late by ages', async () => {
    await query('CREATE STREAM ages (at timestamptz NOT NULL, WATERMARK FOR at AS at)');
    await query(
      "CREATE MATERIALIZED VIEW by_age AS SELECT window_end, count(*) FROM TUMBLE(ages, at, INTERVAL '1 day') GROUP BY window_end",
    );
    await query("INSERT INTO ages VALUES ('20000-01-01 00:00:00+00')");
    await query("INSERT INTO ages VALUES ('0001-01-01 12:00:00+00')");
    const late = "SELECT late_by FROM millrace.late_rows WHERE view = 'by_age'";
    const difference = "SELECT TIMESTAMPTZ '20000-01-01 00:00:00+00' - TIMESTAMPTZ '0001-01-01 12:00:00+00'";
    const { rows } = (await query(difference)).body as { rows: unknown[] };
    expect((await query(late)).body).toMatchObject({ rows });
  });

  it('inflates gzip', async () => {
    const body = gzipSync(line(6, 'zipped').repeat(1_000));
    expect((await post(body, 'application/x-ndjson', { 'content-encoding': 'gzip' })).body).toMatchObject({
      accepted: 1_000,
    });
    expect((await post('plain', 'application/x-ndjson', { 'content-encoding': 'gzip' })).status).toBe(400);
  });

  it('refuses a body that inflates beyond the bound, and keeps nothing of it', async () => {
    const bomb = gzipSync(Buffer.alloc(80 * 1024 * 1024, line(7, 'bomb')));
    expect(bomb.length).toBeLessThan(2_000_000);
    const answer = await post(bomb, 'application/x-ndjson', { 'content-encoding': 'gzip' });
    expect(answer.status).toBe(413);
    expect((await query("SELECT count(*) FROM tweets WHERE tag = 'bomb'")).body).toMatchObject({
      rows: [['0']],
    });
  });

  it('adds the rows of one Idempotency-Key once', async () => {
    const send = (): Promise<Answer> =>
      post(line(8, 'once'), 'application/x-ndjson', { 'idempotency-key': 'k1' });
    const answers = await Promise.all([send(), send()]);
    answers.push(await send());
    expect(new Set(answers.map((answer) => answer.text)).size).toBe(1);
    expect((await query("SELECT count(*) FROM tweets WHERE tag = 'once'")).body).toMatchObject({
      rows: [['1']],
    });
    const other = await post(line(8, 'other'), 'application/x-ndjson', { 'idempotency-key': 'k1' });
    expect([other.status, other.body]).toEqual([409, expect.objectContaining({ code: '22023' })]);
    expect((await post('broken', 'application/json', { 'idempotency-key': 'k2' })).status).toBe(400);
    expect((await post('[]', 'application/json', { 'idempotency-key': 'k2' })).status).toBe(200);
  });

  it('takes numbers for times, in the unit of the stream, whatever else stands in the row', async () => {
    await query('CREATE STREAM times (at timestamptz NOT NULL, word text, n int8)');
    await query(
      "CREATE STREAM seconds (at timestamptz NOT NULL, word text, n int8) WITH (timestamp_unit = 's')",
    );
    for (const [name, at] of [
      ['times', 1_767_225_601_000],
      ['seconds', 1_767_225_601],
    ] as const) {
      const rows = [
        { at, word: 'hello', n: 1 },
        { n: 2, at },
        { at, word: 'x', more: true },
      ];
      const bodies = [
        ['application/x-ndjson', rows.map((row) => JSON.stringify(row)).join('\n')],
        ['application/json', JSON.stringify([...rows, [at, 'text', 4]])],
        ['text/csv', `${at},e,5\n`],
      ] as const;
      for (const [type, body] of bodies) {
        const answer = await call(`/streams/${name}`, {
          method: 'POST',
          headers: { 'content-type': type },
          body,
        });
        expect([type, answer.body]).toEqual([type, expect.objectContaining({ rejected: 0 })]);
      }
      const { body } = await query(`SELECT at, count(*) FROM ${name} GROUP BY at`);
      expect(body).toMatchObject({ rows: [['2026-01-01T00:00:01Z', '8']] });
    }
  });

  it.each([
    ['an unknown stream', '/streams/nosuch', 'application/x-ndjson', 404],
    ['a view', '/streams/by_tag', 'application/x-ndjson', 400],
    ['a picture', '/streams/tweets', 'image/png', 415],
  ])('refuses %s', async (_, path, type, status) => {
    expect((await call(path, { method: 'POST', headers: { 'content-type': type }, body: '' })).status).toBe(
      status,
    );
  });
});

describe('GET /views/{name}', () => {
  it('gives the rows with an ETag, and 304 while nothing changed', async () => {
    await post(line(10, 'etag'), 'application/x-ndjson');
    const first = await call('/views/by_tag');
    expect(first.status).toBe(200);
    const etag = first.headers.get('etag')!;
    expect((first.body as { rows: unknown[] }).rows).toContainEqual(['etag', '1']);
    for (const tags of [etag, `"other", W/${etag}`, '*']) {
      expect((await call('/views/by_tag', { headers: { 'if-none-match': tags } })).status).toBe(304);
    }
    expect((await call('/views/by_tag', { headers: { 'if-none-match': '"other"' } })).status).toBe(200);
    await post(line(11, 'etag'), 'application/x-ndjson');
    const second = await call('/views/by_tag', { headers: { 'if-none-match': etag } });
    expect(second.status).toBe(200);
    expect((second.body as { rows: unknown[] }).rows).toContainEqual(['etag', '2']);
  });

  it('refuses to give more than an answer may hold (413)', async () => {
    await query('CREATE TABLE wide (id int4 PRIMARY KEY, t text)');
    const ids = Array.from({ length: 70 }, (_, i) => `(${i}, repeat('x', 1000000))`);
    await query(`INSERT INTO wide VALUES ${ids.join(', ')}`);
    expect((await call('/views/wide')).status).toBe(413);
    const page = await call('/views/wide?limit=10');
    expect([page.status, (page.body as { rows: unknown[] }).rows.length]).toEqual([200, 10]);
    await query('DROP TABLE wide');
  });

  it('gives pages in the order of the key', async () => {
    await query('CREATE TABLE paged (a int4, b text, c text, PRIMARY KEY (a, b))');
    await query("INSERT INTO paged VALUES (2, 'x''y', 'c'), (1, 'b', 'b'), (1, 'a', 'a'), (3, '', 'd')");
    const rows: unknown[] = [];
    let after: string | null = null;
    for (let page = 0; page < 5; page++) {
      const answer = await call(`/views/paged?limit=1${after === null ? '' : `&after=${after}`}`);
      const body = answer.body as { rows: unknown[]; next: string | null };
      rows.push(...body.rows);
      after = body.next;
      if (after === null) break;
    }
    expect(rows).toEqual([
      [1, 'a', 'a'],
      [1, 'b', 'b'],
      [2, "x'y", 'c'],
      [3, '', 'd'],
    ]);
    expect((await call('/views/paged?after=nonsense')).status).toBe(400);
    expect((await call('/views/paged?limit=0')).status).toBe(400);
    expect((await call('/views/nosuch')).status).toBe(404);
  });
});

describe('the rest', () => {
  it('tells its health and counters', async () => {
    expect((await call('/healthz')).status).toBe(200);
    expect((await call('/readyz')).status).toBe(200);
    const { text } = await call('/metrics');
    expect(text).toMatch(/^millrace_ticks_total \d+$/m);
    expect(text).toMatch(/^millrace_http_requests_total\{route="\/query",status="200"\} \d+$/m);
  });

  it('shows a page', async () => {
    const page = await call('/');
    expect(page.headers.get('content-type')).toContain('text/html');
    expect(page.text).toContain(`-p ${server.pgPort} millrace`);
  });

  it('answers 404 and 405', async () => {
    expect((await call('/nosuch')).status).toBe(404);
    const answer = await call('/query');
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
    expect((await call('/views/%ff')).status).toBe(400);
  });

  it.each([
    ['a foreign Origin', { origin: 'http://evil.example' }],
    ['a sandboxed page', { origin: 'null' }],
    ['a foreign Host', { host: 'evil.example' }],
    ['a name that starts like ours', { host: 'localhost.evil.example' }],
  ])('refuses %s', async (_, headers) => {
    const call = request({ port: server.httpPort, host: '127.0.0.1', path: '/healthz', headers });
    call.end();
    const [response] = (await once(call, 'response')) as [{ statusCode: number; resume(): void }];
    response.resume();
    expect(response.statusCode).toBe(403);
  });

  it('lets its own origin in', async () => {
    const own = { origin: server.url };
    expect((await call('/healthz', { headers: own })).status).toBe(200);
  });

  it('tells PostgreSQL clients where to go, however they begin', async () => {
    const fields = { host: '127.0.0.1', port: server.httpPort, user: 'anna', database: 'millrace' };
    const client = new pg.Client(fields);
    await expect(client.connect()).rejects.toMatchObject({
      code: '08P01',
      message: 'this port is for HTTP and WebSocket',
      hint: 'PostgreSQL clients connect to another port (the server\'s setting "port").',
    });
    const careful = new pg.Client({ ...fields, ssl: true });
    await expect(careful.connect()).rejects.toThrow('The server does not support SSL connections');
    const socket = connect(server.httpPort, '127.0.0.1');
    socket.write(Buffer.concat([int32(8), int32(80_877_103)]));
    expect(String(await once(socket, 'data'))).toBe('N');
    const refused = new WirePeer(socket);
    refused.send(startupPacket({ user: 'anna' }));
    expect((await refused.receive())?.type).toBe('E');
    expect(await refused.receive()).toBeNull();
  });

  it('survives garbage', async () => {
    for (const bytes of ['\0\0\0', 'GET', 'GET / HTTP/9.9\r\n\r\n', 'Q'.repeat(100_000)]) {
      const socket = connect(server.httpPort, '127.0.0.1');
      socket.on('error', () => {});
      socket.end(bytes);
      socket.resume();
      await once(socket, 'close');
    }
    expect((await call('/healthz')).status).toBe(200);
  });
});
