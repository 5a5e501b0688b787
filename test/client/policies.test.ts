/** Attempts to get at rows, texts and sessions of others: through running queries, caches, prepared statements and errors. */
import type pg from 'pg';
import Cursor from 'pg-cursor';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TestServer } from '../support/server.ts';

let server: TestServer;
let owner: pg.Client;
let ada: pg.Client;
let bob: pg.Client;

beforeAll(async () => {
  server = await TestServer.start({ trust: true });
  owner = await server.connect('millrace');
  for (const name of ['ada', 'bob', 'carl']) await owner.query(`CREATE ROLE ${name} LOGIN`);
  [ada, bob] = [await server.connect('ada'), await server.connect('bob')];
}, 30_000);
afterAll(async () => {
  for (const client of [owner, ada, bob]) await client.end();
  await server.stop();
});

beforeEach(async () => {
  for (const client of [ada, bob]) await client.query('ROLLBACK');
  await owner.query('DROP STREAM IF EXISTS posts CASCADE');
  await owner.query('DROP TABLE IF EXISTS secrets CASCADE');
  await owner.query('CREATE STREAM posts (at timestamptz, who text, n int, WATERMARK FOR at AS at)');
  await owner.query('GRANT SELECT, INSERT ON STREAM posts TO ada, bob');
  await owner.query(`INSERT INTO posts VALUES ('2026-01-01', 'ada', 1), ('2026-01-01', 'bob', 0)`);
});

const guard = async (using = 'who = current_user'): Promise<void> => {
  await owner.query('ALTER STREAM posts ENABLE ROW LEVEL SECURITY');
  await owner.query(`CREATE POLICY own ON posts USING (${using})`);
};

const rowsOf = async (client: pg.Client, text: string): Promise<unknown[]> =>
  (await client.query({ text, rowMode: 'array' })).rows;

/** A continuous result, read as it comes. */
class Following {
  readonly #client: pg.Client;
  readonly #cursor: Cursor;

  private constructor(client: pg.Client, cursor: Cursor) {
    this.#client = client;
    this.#cursor = cursor;
  }

  static async open(user: string, text: string): Promise<Following> {
    const client = await server.connect(user);
    await client.query("SET millrace.stream_format = 'rows'");
    return new Following(client, client.query(new Cursor(text, [], { rowMode: 'array' })));
  }

  next(): Promise<unknown[]> {
    return this.#cursor.read(1) as Promise<unknown[]>;
  }

  async close(): Promise<void> {
    await this.#client.end();
  }
}

async function following(
  user: string,
  text: string,
  work: (rows: Following) => Promise<void>,
): Promise<void> {
  const rows = await Following.open(user, text);
  try {
    await work(rows);
  } finally {
    await rows.close();
  }
}

const late = `INSERT INTO posts VALUES ('2026-01-02', 'bob', 0), ('2026-01-02', 'ada', 2)`;

describe('a stream with policies', () => {
  it('shows each role its rows, and no column more', async () => {
    await guard();
    expect(await rowsOf(ada, 'SELECT * FROM posts')).toHaveLength(1);
    expect(await rowsOf(ada, 'SELECT who, n FROM posts')).toEqual([['ada', 1]]);
    expect(await rowsOf(bob, 'SELECT who, 1 / (n - 1) FROM posts')).toEqual([['bob', -1]]);
    const { fields } = await ada.query('SELECT * FROM posts');
    expect(fields.map((field) => field.name)).toEqual(['at', 'who', 'n']);
    expect(await rowsOf(ada, 'SELECT arrived_at IS NOT NULL FROM posts')).toEqual([[true]]);
  });

  it('takes only rows that its policies let through', async () => {
    await guard();
    await ada.query(`INSERT INTO posts VALUES ('2026-01-01', 'ada', 5)`);
    await expect(ada.query(`INSERT INTO posts VALUES ('2026-01-01', 'bob', 5)`)).rejects.toMatchObject({
      code: '42501',
      message: 'new row violates row-level security policy for table "posts"',
    });
    const many = Array.from({ length: 5_000 }, (_, i) => `('2026-01-01', 'ada', ${i})`).join(', ');
    await expect(
      ada.query(`INSERT INTO posts VALUES ${many}, ('2026-01-01', 'bob', 7)`),
    ).rejects.toMatchObject({ code: '42501' });
    expect(await rowsOf(owner, 'SELECT count(*)::int FROM posts')).toEqual([[3]]);
  });

  it('is read by its policies through windows, joins and sub-queries', async () => {
    await guard();
    const windows = `SELECT who, count(*)::int FROM TUMBLE(posts, at, INTERVAL '1 hour') GROUP BY who, window_end`;
    expect(await rowsOf(ada, windows)).toEqual([['ada', 1]]);
    await owner.query('CREATE TABLE secrets (who text PRIMARY KEY, word text)');
    await owner.query(`INSERT INTO secrets VALUES ('ada', 'a'), ('bob', 'b')`);
    await owner.query('GRANT SELECT ON secrets TO ada');
    await owner.query('ALTER TABLE secrets ENABLE ROW LEVEL SECURITY');
    await owner.query('CREATE POLICY own ON secrets USING (who = current_user)');
    const join =
      'SELECT p.who, s.word FROM posts p LEFT JOIN secrets FOR SYSTEM_TIME AS OF PROCTIME() s ON true';
    expect(await rowsOf(ada, join)).toEqual([['ada', 'a']]);
    expect(await rowsOf(ada, `SELECT word FROM secrets WHERE who = 'bob'`)).toEqual([]);
    expect(await rowsOf(ada, `SELECT word FROM secrets WHERE who IN ('ada', 'bob')`)).toEqual([['a']]);
  });

  it('a row that is asked for by its key is looked up', async () => {
    await owner.query('CREATE TABLE secrets (id int PRIMARY KEY, who text)');
    await owner.query(`INSERT INTO secrets VALUES (1, 'ada'), (2, 'bob'), (3, 'ada')`);
    await owner.query('GRANT SELECT ON secrets TO ada');
    await owner.query('ALTER TABLE secrets ENABLE ROW LEVEL SECURITY');
    await owner.query('CREATE POLICY own ON secrets USING (who = current_user)');
    for (const [id, shown] of [
      [3, [[3]]],
      [2, []],
    ] as const) {
      const text = `SELECT id FROM secrets WHERE id = ${id}`;
      expect(await rowsOf(ada, text)).toEqual(shown);
    }
  });

  it('copies out only what may be seen', async () => {
    await guard();
    await owner.query('CREATE VIEW all_posts AS SELECT who, n FROM posts');
    await owner.query('GRANT SELECT ON all_posts TO ada');
    // a view reads as its owner, as in PostgreSQL; with security_invoker as its reader
    expect(await rowsOf(ada, 'SELECT count(*)::int FROM all_posts')).toEqual([[2]]);
    await owner.query('ALTER VIEW all_posts SET (security_invoker = true)');
    expect(await rowsOf(ada, 'SELECT count(*)::int FROM all_posts')).toEqual([[1]]);
    await expect(ada.query('COPY posts FROM STDIN')).rejects.toMatchObject({ code: '0A000' });
  });
});

describe('running queries', () => {
  it.each([
    ['SUBSCRIBE', 'SUBSCRIBE TO posts WITH (SNAPSHOT = false)', ['ada', 2]],
    ['SELECT … EMIT', 'SELECT who, n FROM posts EMIT CHANGES', ['ada', 2]],
    [
      'SUBSCRIBE to a query',
      'SUBSCRIBE TO (SELECT who, 10 / n AS n FROM posts) WITH (SNAPSHOT = false)',
      ['ada', 5],
    ],
  ])('%s brings only visible rows', async (_, text, last) => {
    await guard();
    await following('ada', text, async (rows) => {
      const first = rows.next();
      await owner.query(late);
      const [row] = (await first) as unknown[][];
      expect(row!.slice(-2)).toEqual(last);
    });
  });

  it('of a hidden row that would fail nothing is told', async () => {
    await guard();
    await following('ada', 'SUBSCRIBE TO (SELECT 10 / n AS n FROM posts)', async (rows) => {
      expect(await rows.next()).toHaveLength(1);
      await owner.query(late);
      expect(((await rows.next()) as unknown[][])[0]!.at(-1)).toBe(5);
    });
    expect(await rowsOf(owner, 'SELECT count(*)::int FROM millrace.rejected_rows')).toEqual([[0]]);
  });

  it('AS OF is refused where rows are hidden', async () => {
    await guard();
    await expect(ada.query('SUBSCRIBE TO posts AS OF 1')).rejects.toMatchObject({ code: '55000' });
  });

  it.each([
    ['its privilege', 'REVOKE SELECT ON posts FROM carl', 'permission denied for stream posts'],
    ['membership', 'REVOKE readers FROM carl', 'permission denied for stream posts'],
    [
      'the policies it had',
      'CREATE POLICY more ON posts USING (true)',
      'the policies for stream "posts" have changed',
    ],
    ['what a policy asks of it', 'REVOKE readers FROM carl', 'the policies for stream "posts" have changed'],
    [
      'what stood open',
      'ALTER STREAM posts ENABLE ROW LEVEL SECURITY',
      'the policies for stream "posts" have changed',
    ],
  ])('end with 42501 when the role loses %s', async (what, change, message) => {
    if (what === 'membership' || what === 'what a policy asks of it') {
      await owner.query('CREATE ROLE readers');
      await owner.query('GRANT SELECT ON posts TO readers');
      await owner.query('GRANT readers TO carl');
    } else await owner.query('GRANT SELECT ON posts TO carl');
    if (what === 'the policies it had') await guard('true');
    if (what === 'what a policy asks of it') {
      await owner.query('GRANT SELECT ON posts TO carl');
      await guard(`pg_has_role('readers', 'MEMBER')`);
    }
    await following('carl', 'SUBSCRIBE TO posts', async (rows) => {
      expect(await rows.next()).toHaveLength(1);
      expect(await rows.next()).toHaveLength(1);
      const ended = expect(rows.next()).rejects.toMatchObject({ code: '42501', message });
      await owner.query(change);
      await ended;
    });
    if (change.includes('readers'))
      for (const verb of ['DROP OWNED BY', 'DROP ROLE']) await owner.query(`${verb} readers`);
    await owner.query('DROP OWNED BY carl');
  });

  it('go on when something else changes', async () => {
    await guard();
    await following('ada', 'SUBSCRIBE TO posts', async (rows) => {
      expect(await rows.next()).toHaveLength(1);
      await owner.query('GRANT DELETE ON posts TO bob');
      await owner.query('CREATE TABLE secrets (a int)');
      await owner.query(late);
      expect(await rows.next()).toHaveLength(1);
    });
  });
});

describe('what was made before a change', () => {
  it('a prepared statement is judged when it runs', async () => {
    const ask = { name: 'count', text: 'SELECT count(*)::int AS n FROM posts WHERE n < $1', values: [9] };
    expect((await ada.query(ask)).rows).toEqual([{ n: 2 }]);
    await ada.query('PREPARE p AS SELECT count(*)::int AS n FROM posts');
    await guard();
    expect((await ada.query(ask)).rows).toEqual([{ n: 1 }]);
    expect((await ada.query('EXECUTE p')).rows).toEqual([{ n: 1 }]);
    await owner.query('REVOKE SELECT ON posts FROM ada');
    await expect(ada.query(ask)).rejects.toMatchObject({ code: '42501' });
    await expect(ada.query('EXECUTE p')).rejects.toMatchObject({ code: '42501' });
  });

  it('answers that are kept are those of one role', async () => {
    await owner.query('CREATE TABLE secrets (who text, word text)');
    await owner.query(`INSERT INTO secrets VALUES ('ada', 'a'), ('bob', 'b')`);
    await owner.query('GRANT SELECT ON secrets TO ada, bob, carl');
    await owner.query('ALTER TABLE secrets ENABLE ROW LEVEL SECURITY');
    await owner.query('CREATE POLICY own ON secrets USING (who = current_user)');
    const text = 'SELECT word FROM secrets ORDER BY word';
    for (let i = 0; i < 3; i++) {
      expect(await rowsOf(owner, text)).toEqual([['a'], ['b']]);
      expect(await rowsOf(ada, text)).toEqual([['a']]);
      expect(await rowsOf(bob, text)).toEqual([['b']]);
      await owner.query('SET ROLE ada');
      expect(await rowsOf(owner, text)).toEqual([['a']]);
      await owner.query('SET ROLE carl');
      expect(await rowsOf(owner, text)).toEqual([]);
      await owner.query('RESET ROLE');
    }
    await ada.query('SET row_security = off');
    await expect(ada.query(text)).rejects.toMatchObject({ code: '42501' });
    await ada.query('RESET row_security');
  });

  it('a materialized view shows what its owner may see now', async () => {
    await owner.query('GRANT CREATE ON SCHEMA public TO ada');
    await ada.query('CREATE MATERIALIZED VIEW sums AS SELECT who, sum(n)::int AS n FROM posts GROUP BY who');
    await ada.query('GRANT SELECT ON MATERIALIZED VIEW sums TO bob');
    expect(await rowsOf(bob, 'SELECT who FROM sums ORDER BY who')).toEqual([['ada'], ['bob']]);
    await guard();
    await expect(bob.query('SELECT * FROM sums')).rejects.toMatchObject({ code: '42501' });
    await expect(ada.query('SELECT * FROM sums')).rejects.toMatchObject({ code: '42501' });
    await ada.query('DROP MATERIALIZED VIEW sums');
    await ada.query('CREATE MATERIALIZED VIEW sums AS SELECT who, sum(n)::int AS n FROM posts GROUP BY who');
    expect(await rowsOf(ada, 'SELECT who FROM sums')).toEqual([['ada']]);
    await owner.query('REVOKE SELECT ON posts FROM ada');
    await expect(ada.query('SELECT * FROM sums')).rejects.toMatchObject({
      code: '42501',
      message: 'permission denied for stream posts',
    });
    await owner.query('DROP MATERIALIZED VIEW sums');
    await owner.query('REVOKE CREATE ON SCHEMA public FROM ada');
  });
});

describe('sinks', () => {
  it('end when their owner loses a right that they stand on, also after a restart of the right', async () => {
    await owner.query('CREATE STREAM copied (who text)');
    await owner.query('GRANT SELECT, INSERT ON copied TO ada');
    await owner.query('GRANT CREATE ON SCHEMA public TO ada');
    await ada.query('CREATE SINK copy INTO copied AS SELECT who FROM posts');
    const copied = (): Promise<unknown[]> => rowsOf(owner, 'SELECT count(*)::int FROM copied');
    await expect.poll(copied).toEqual([[2]]);
    const warnings: string[] = [];
    owner.on('notice', (notice) => warnings.push(notice.message ?? ''));
    await owner.query('BEGIN');
    await owner.query('REVOKE SELECT ON posts FROM ada');
    await owner.query('COMMIT');
    expect(warnings).toEqual(['sink "copy" writes no more: permission denied for stream posts']);
    await owner.query('GRANT SELECT ON posts TO ada');
    await owner.query(late);
    // what is acknowledged is written, if it is at all
    await owner.query(`INSERT INTO copied VALUES ('own')`);
    expect(await copied()).toEqual([[3]]);
    expect(await rowsOf(owner, `SELECT last_error FROM millrace.sinks WHERE name = 'copy'`)).toEqual([
      ['permission denied for stream posts'],
    ]);
    await guard();
    await expect(
      ada.query(`CREATE SINK other FROM posts WITH (connector = 'blackhole')`),
    ).rejects.toMatchObject({ code: '0A000' });
    await owner.query('DROP STREAM copied CASCADE');
    await owner.query('REVOKE CREATE ON SCHEMA public FROM ada');
  });
});

describe('what others do', () => {
  it('late and rejected rows show to those who may read the relation', async () => {
    await owner.query(
      `CREATE MATERIALIZED VIEW hourly AS SELECT who, count(*) FROM TUMBLE(posts, at, INTERVAL '1 hour') GROUP BY who, window_end`,
    );
    await owner.query(`INSERT INTO posts VALUES ('2026-02-01', 'ada', 1)`);
    await owner.query(`INSERT INTO posts VALUES ('2026-01-05', 'bob', 99)`);
    const text = 'SELECT count(*)::int FROM millrace.late_rows';
    expect(await rowsOf(owner, text)).toEqual([[1]]);
    expect(await rowsOf(ada, text)).toEqual([[0]]);
    await owner.query('GRANT SELECT ON MATERIALIZED VIEW hourly TO ada');
    expect(await rowsOf(ada, text)).toEqual([[1]]);
    await owner.query('ALTER MATERIALIZED VIEW hourly ENABLE ROW LEVEL SECURITY');
    expect(await rowsOf(ada, text)).toEqual([[0]]);
    await owner.query('GRANT pg_monitor TO ada');
    expect(await rowsOf(ada, text)).toEqual([[1]]);
    await owner.query('REVOKE pg_monitor FROM ada');
    // a namesake does not inherit what the other one kept
    await owner.query('CREATE SCHEMA own AUTHORIZATION ada');
    await ada.query('CREATE TABLE own.hourly (a int)');
    expect(await rowsOf(ada, text)).toEqual([[0]]);
    await owner.query('DROP MATERIALIZED VIEW hourly');
    await ada.query('ALTER TABLE own.hourly RENAME TO later');
    await ada.query('ALTER TABLE own.later RENAME TO hourly');
    expect(await rowsOf(ada, text)).toEqual([[0]]);
    await owner.query('DROP SCHEMA own CASCADE');
  });

  it('their queries and sessions stay theirs', async () => {
    await following('bob', `SELECT who FROM posts WHERE who <> 'hidden word' EMIT CHANGES`, async (rows) => {
      rows.next().catch(() => {});
      const text = `SELECT query FROM millrace.subscriptions UNION ALL SELECT query FROM millrace.operators`;
      await expect.poll(async () => JSON.stringify(await rowsOf(owner, text))).toContain('hidden word');
      expect(JSON.stringify(await rowsOf(ada, text))).not.toContain('hidden word');
      expect(JSON.stringify(await rowsOf(bob, text))).toContain('hidden word');
    });
    const [[pid]] = (await rowsOf(bob, 'SELECT pg_backend_pid()')) as [[number]];
    await expect(ada.query(`SELECT pg_terminate_backend(${pid})`)).rejects.toMatchObject({
      code: '42501',
      message: 'permission denied to terminate process',
    });
    await owner.query('GRANT pg_signal_backend TO ada');
    expect(await rowsOf(ada, `SELECT pg_cancel_backend(${pid})`)).toEqual([[true]]);
    const [[own]] = (await rowsOf(owner, 'SELECT pg_backend_pid()')) as [[number]];
    await expect(ada.query(`SELECT pg_cancel_backend(${own})`)).rejects.toMatchObject({ code: '42501' });
    await owner.query('REVOKE pg_signal_backend FROM ada');
  });

  it('EXPLAIN, files and the server belong to those who may', async () => {
    await owner.query('REVOKE SELECT ON posts FROM ada');
    for (const sql of [
      'EXPLAIN SELECT * FROM posts',
      'EXPLAIN posts',
      'EXPLAIN SILENCE posts',
      'EXPLAIN ANALYZE SELECT * FROM posts',
      'SUBSCRIBE TO posts',
      'COPY posts TO STDOUT',
      'COPY (SELECT * FROM posts) TO STDOUT',
      'LISTEN posts',
      'CREATE VIEW v AS SELECT * FROM posts',
      "CREATE SINK k FROM posts WITH (connector = 'blackhole')",
      "CREATE STREAM f (a text) WITH (connector = 'file', path = 'x')",
      'ALTER SYSTEM SET work_mem = 1',
      'SELECT pg_reload_conf()',
      'DROP STREAM posts',
      'ALTER STREAM posts OWNER TO ada',
    ]) {
      await expect(ada.query(sql), sql).rejects.toMatchObject({ code: '42501' });
    }
    await owner.query('GRANT CREATE ON SCHEMA public TO ada');
    for (const options of [`connector = 'file', path = 'x'`, `connector = 'tcp', port = 5432`]) {
      await expect(ada.query(`CREATE STREAM f (a text) WITH (${options})`)).rejects.toMatchObject({
        code: '42501',
      });
    }
    await owner.query('GRANT SELECT ON posts TO ada');
    await guard();
    await expect(ada.query('EXPLAIN SILENCE SELECT * FROM posts EMIT CHANGES')).rejects.toMatchObject({
      code: '42501',
    });
    await owner.query('REVOKE SELECT ON posts FROM ada');
    await expect(ada.query('CREATE VIEW v AS SELECT * FROM posts')).rejects.toMatchObject({ code: '42501' });
    await owner.query('REVOKE CREATE ON SCHEMA public FROM ada');
  });
});
