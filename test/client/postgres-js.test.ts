/** postgres.js: pipelining, binary parameters by type, transactions, cursors. */
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestServer } from '../support/server.ts';

let server: TestServer;
let sql: postgres.Sql;

beforeAll(async () => {
  server = await TestServer.start();
  sql = postgres({
    host: '127.0.0.1',
    port: server.pgPort,
    user: 'anna',
    database: 'millrace',
    max: 2,
    onnotice: () => {},
  });
}, 30_000);
afterAll(async () => {
  await sql.end({ timeout: 1 });
  await server.stop();
});

describe('postgres.js', () => {
  it('runs tagged queries', async () => {
    const [row] =
      await sql`SELECT ${1}::int4 AS a, ${'x'}::text AS b, ${null}::text AS c, ${true}::bool AS d`;
    expect(row).toEqual({ a: 1, b: 'x', c: null, d: true });
  });

  it('knows the types of arrays, which it asks for at connect', async () => {
    const [row] = await sql`SELECT ARRAY[1, 2] AS a, ${['x', 'y']}::text[] AS b`;
    expect(row).toEqual({ a: [1, 2], b: ['x', 'y'] });
  });

  it('pipelines', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => sql`SELECT ${i}::int4 AS n`));
    expect(answers.map(([row]) => row!['n'] as number)).toEqual(Array.from({ length: 50 }, (_, i) => i));
  });

  it('runs transactions', async () => {
    await sql`CREATE TABLE notes (id int4 PRIMARY KEY, body text)`;
    await sql.begin(async (transaction) => {
      await transaction`INSERT INTO notes VALUES (${1}, ${'one'})`;
      await transaction`INSERT INTO notes VALUES (${2}, ${'two'})`;
    });
    await expect(
      sql.begin(async (transaction) => {
        await transaction`INSERT INTO notes VALUES (${3}, ${'three'})`;
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect([...(await sql`SELECT id, body FROM notes ORDER BY id`)]).toEqual([
      { id: 1, body: 'one' },
      { id: 2, body: 'two' },
    ]);
  });

  it('reads through a cursor', async () => {
    const seen: number[] = [];
    await sql`VALUES (1), (2), (3), (4), (5)`.cursor(2, (rows) => {
      for (const row of rows) seen.push(row['column1'] as number);
    });
    expect(seen).toEqual([1, 2, 3, 4, 5]);
  });

  it('gets windows as they close, and cancels', async () => {
    await sql`CREATE STREAM live (at timestamptz NOT NULL, tag text, WATERMARK FOR at AS at)`;
    const query = sql`SELECT tag, count(*) AS n, window_end FROM HOP(live, at, INTERVAL '1 second', INTERVAL '10 minutes')
      GROUP BY tag, window_end EMIT ON WINDOW CLOSE`;
    const seen: unknown[] = [];
    const running = query.forEach((row) => {
      seen.push([row['tag'], row['n']]);
      if (seen.length === 1) query.cancel();
    });
    const ended = expect(running).rejects.toMatchObject({ code: '57014' });
    // It may begin after the first rows.
    for (let second = 0; seen.length === 0; second++)
      await sql`INSERT INTO live VALUES (to_timestamp(${second}::float8), 'a')`;
    await ended;
    expect(seen[0]).toEqual(['a', expect.stringMatching(/^\d+$/)]);
    expect((await sql`SELECT 1 AS ok`)[0]).toEqual({ ok: 1 });
  });

  it('gives errors with their code', async () => {
    await expect(sql`SELECT * FROM nosuch`).rejects.toMatchObject({ code: '42P01' });
  });

  it('copies in and out', async () => {
    await sql`CREATE STREAM copied (at timestamptz NOT NULL, n int4, WATERMARK FOR at AS at)`;
    const input = await sql`COPY copied FROM STDIN`.writable();
    await new Promise<void>((resolve, reject) => {
      input.on('error', reject);
      input.on('finish', resolve);
      input.write('2026-01-01 00:00:00+00\t1\n');
      input.end('2026-01-01 00:00:01+00\t2\n');
    });
    const output = await sql`COPY (SELECT n FROM copied ORDER BY n) TO STDOUT`.readable();
    let text = '';
    for await (const chunk of output) text += String(chunk);
    expect(text).toBe('1\n2\n');
  });
});
