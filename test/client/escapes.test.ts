/** Ways round a policy, one by one: a role looks for a row that it may not see, and for what functions do on the way. */
import type pg from 'pg';
import Cursor from 'pg-cursor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectTo } from '../support/server.ts';
import { type ServerHere, startServerHere } from '../support/server-here.ts';

let server: ServerHere;
let owner: pg.Client;
let ada: pg.Client;
const opened: pg.Client[] = [];

const connect = async (user: string): Promise<pg.Client> => {
  const client = await connectTo(server.pgPort, user);
  opened.push(client);
  return client;
};

beforeAll(async () => {
  server = await startServerHere();
  owner = await connect('millrace');
  for (const sql of [
    'CREATE ROLE ada LOGIN',
    'CREATE ROLE bob LOGIN',
    'GRANT CREATE ON SCHEMA public TO ada',
    'CREATE TABLE docs (id int PRIMARY KEY, who text, word text, n int)',
    `INSERT INTO docs VALUES (1, 'ada', '1', 1), (2, 'bob', 'HIDDEN', 0)`,
    'CREATE STREAM posts (at timestamptz, who text, word text, n int, WATERMARK FOR at AS at)',
    `INSERT INTO posts VALUES ('2026-01-01', 'ada', '1', 1), ('2026-01-02', 'bob', 'HIDDEN', 0)`,
    'CREATE MATERIALIZED VIEW sums AS SELECT who, word, sum(n)::int AS n FROM posts GROUP BY who, word',
    'CREATE INDEX ON docs (word)',
    'CREATE INDEX ON sums (word)',
    'GRANT SELECT, INSERT, UPDATE, DELETE ON docs, posts, sums TO ada, bob',
    ...['TABLE docs', 'STREAM posts', 'MATERIALIZED VIEW sums'].flatMap((relation) => [
      `CREATE POLICY own ON ${relation.split(' ').at(-1)} USING (who = current_user)`,
      `ALTER ${relation} ENABLE ROW LEVEL SECURITY`,
    ]),
  ])
    await owner.query(sql);
  ada = await connect('ada');
});
afterAll(async () => {
  for (const client of opened) await client.end();
  await server.stop();
});

/** All that the client is told: rows or the error, as text. */
async function told(sql: string, values: readonly unknown[] = [], client = ada): Promise<string> {
  return client.query({ text: sql, values: [...values], rowMode: 'array' }).then(
    ({ rows }) => JSON.stringify(rows),
    ({ code, message, detail, hint, where }: pg.DatabaseError) =>
      JSON.stringify([code, message, detail, hint, where]),
  );
}

describe('of a hidden row nothing is told by', () => {
  it.each([
    // a condition, cast or division that would fail on it
    ['SELECT word FROM docs WHERE 1 / n > 0', '[["1"]]'],
    ['SELECT word::int FROM docs', '[[1]]'],
    ['SELECT word::int FROM posts', '[[1]]'],
    ['SELECT word::int, 1 / n FROM sums', '[[1,1]]'],
    ['SELECT sum(1 / n)::int, count(*) FILTER (WHERE 1 / n > 0)::int FROM docs', '[[1,1]]'],
    ['SELECT id FROM docs ORDER BY 1 / n', '[[1]]'],
    ['SELECT row_number() OVER (ORDER BY 1 / n)::int FROM docs', '[[1]]'],
    ['SELECT word FROM docs WHERE id IN (SELECT id FROM docs WHERE 1 / n > 0)', '[["1"]]'],
    ['WITH d AS (TABLE docs) SELECT id FROM d WHERE word::int > 0', '[[1]]'],
    // an index or a key
    [`SELECT word FROM docs WHERE word = 'HIDDEN'`, '[]'],
    [`SELECT word FROM docs WHERE word = 'HIDDEN' AND 1 / n > 0`, '[]'],
    [`SELECT word FROM sums WHERE word = 'HIDDEN' AND 1 / n > 0`, '[]'],
    ['SELECT word FROM docs WHERE id = 2 AND word::int > 0', '[]'],
    ['SELECT EXISTS (SELECT 1 FROM docs WHERE id = 2)', '[[false]]'],
    ['SELECT (SELECT word FROM docs WHERE id = 2)', '[[null]]'],
    // a join with the table as it is
    [
      'SELECT p.word, d.word FROM posts p LEFT JOIN docs FOR SYSTEM_TIME AS OF PROCTIME() d ON d.id = p.n + 1',
      '[["1",null]]',
    ],
    [
      'SELECT p.word FROM posts p JOIN docs FOR SYSTEM_TIME AS OF PROCTIME() d ON d.id = p.n + 1 AND 1 / d.n > 0',
      '[]',
    ],
    // writes that look at it
    [`UPDATE docs SET word = 'x' WHERE id = 2 RETURNING *`, '[]'],
    ['UPDATE docs SET n = 1 / n RETURNING n', '[[1]]'],
    ['DELETE FROM docs WHERE 1 / n > 1 OR id = 2 RETURNING *', '[]'],
    // a key that is taken: that much a unique key tells, and no more
    [
      `INSERT INTO docs VALUES (2, 'ada', 'x', 1)`,
      '["23505","duplicate key value violates unique constraint \\"docs_pkey\\"",null,null,null]',
    ],
    [
      'UPDATE docs SET id = 2 WHERE id = 1',
      '["23505","duplicate key value violates unique constraint \\"docs_pkey\\"",null,null,null]',
    ],
    [`INSERT INTO docs VALUES (2, 'ada', 'x', 1) ON CONFLICT (id) DO NOTHING RETURNING *`, '[]'],
    ...['n = 1 / docs.n', 'n = docs.word::int', 'n = 1 WHERE docs.n = 0', 'n = 1 WHERE false'].map((set) => [
      `INSERT INTO docs VALUES (2, 'ada', 'x', 1) ON CONFLICT (id) DO UPDATE SET ${set}`,
      '["42501","new row violates row-level security policy (USING expression) for table \\"docs\\"",null,null,null]',
    ]),
    // the server's own views
    ...['late_rows', 'rejected_rows', 'watermarks', 'memory', 'operators', 'subscriptions', 'sinks'].map(
      (view) => [`SELECT * FROM millrace.${view}`, '[]'],
    ),
    [`SELECT millrace.watermark('posts')`, '[[null]]'],
    [`SELECT attname, most_common_vals FROM pg_stats WHERE tablename IN ('docs', 'posts', 'sums')`, '[]'],
  ])('%s', async (sql, answer) => {
    expect(await told(sql)).toBe(answer);
  });

  it.each([
    'EXPLAIN SELECT word FROM docs WHERE id = 2',
    'EXPLAIN ANALYZE SELECT word FROM docs WHERE word::int > 0',
    'EXPLAIN sums',
  ])('%s', async (sql) => {
    const answer = await told(sql);
    expect(answer).not.toContain('HIDDEN');
    expect(answer).toContain('Query:');
  });

  it.each([
    'EXPLAIN ANALYZE sums',
    `EXPLAIN (ANALYZE, DURATION '1ms') SELECT * FROM posts EMIT CHANGES`,
    `EXPLAIN (ANALYZE, DURATION '1ms') SUBSCRIBE TO (SELECT * FROM sums)`,
    'EXPLAIN SILENCE sums',
    'EXPLAIN SILENCE SELECT * FROM posts EMIT CHANGES',
  ])('%s, which would count it', async (sql) => {
    expect(await told(sql)).toMatch(/^\["42501","row-level security hides rows of/);
  });

  it('COPY', async () => {
    for (const sql of [
      'COPY docs TO STDOUT',
      'COPY (SELECT word::int FROM docs) TO STDOUT',
      'COPY sums TO STDOUT',
    ]) {
      const client = await connect('ada');
      const chunks: string[] = [];
      client.connection.on('copyData', ({ chunk }: { chunk: Buffer }) => chunks.push(chunk.toString()));
      await client.query(sql);
      expect(chunks.join(''), sql).toMatch(/1/);
      expect(chunks.join(''), sql).not.toContain('HIDDEN');
    }
  });

  it('reads by key, asked again and again beside those who see it', async () => {
    const bob = await connect('bob');
    for (const sql of [
      'SELECT word, 1 / n AS x FROM docs WHERE id = $1',
      'SELECT word, 1 / n AS x FROM sums WHERE n = $1 - 1',
    ]) {
      const answers = new Set<string>();
      for (let i = 0; i < 30; i++) {
        await told(sql, [1 + (i % 2)], bob);
        await told(sql, [1 + (i % 2)], owner);
        answers.add(`${i % 2} ${await told(sql, [1 + (i % 2)])}`);
      }
      expect([...answers].sort(), sql).toEqual(
        sql.includes('docs') ? ['0 [["1",1]]', '1 []'] : ['0 []', '1 [["1",1]]'],
      );
    }
  });

  it('whatever follows changes', async () => {
    const follow = async (sql: string): Promise<Cursor> => {
      const client = await connect('ada');
      await client.query("SET millrace.stream_format = 'rows'");
      return client.query(new Cursor(sql, [], { rowMode: 'array' }));
    };
    const texts = [
      ['SUBSCRIBE TO posts WITH (SNAPSHOT = false)', 'new'],
      ['SUBSCRIBE TO docs WITH (SNAPSHOT = false)', 'new'],
      ['SUBSCRIBE TO sums WITH (SNAPSHOT = false)', 'new'],
      ['SUBSCRIBE TO docs ENVELOPE UPSERT (KEY (id)) WITH (SNAPSHOT = false)', 'new'],
      ['SELECT word, 1 / n AS x FROM posts EMIT CHANGES', 'new'],
      ['SELECT word, 1 / n AS x FROM docs EMIT CHANGES', 'new'],
      ['SELECT max(word) AS word FROM docs EMIT CHANGES', 'new'],
      [
        'SELECT p.word, d.word AS other FROM posts p LEFT JOIN docs FOR SYSTEM_TIME AS OF PROCTIME() d ON d.id = p.n + 1 EMIT CHANGES',
        'new',
      ],
      [
        `SELECT word, count(*) FROM TUMBLE(posts, at, INTERVAL '1 hour') GROUP BY word, window_end EMIT ON WINDOW CLOSE`,
        'new',
      ],
    ] as const;
    const cursors = [];
    for (const [sql] of texts) cursors.push(await follow(sql));
    const reading = cursors.map(async (cursor) => {
      let rows = '';
      while (!rows.includes('new')) rows += JSON.stringify(await cursor.read(1));
      return rows;
    });
    await expect
      .poll(async () => (await owner.query('SELECT count(*)::int AS n FROM millrace.subscriptions')).rows)
      .toEqual([{ n: texts.length }]);
    await owner.query(
      `INSERT INTO posts VALUES ('2026-02-01', 'bob', 'HIDDEN', 0), ('2026-02-01', 'ada', 'new', 1)`,
    );
    await owner.query(`INSERT INTO docs VALUES (10, 'bob', 'HIDDEN', 0), (11, 'ada', 'new', 1)`);
    await owner.query(
      `INSERT INTO posts VALUES ('2026-02-02', 'bob', 'HIDDEN', 0), ('2026-02-02', 'ada', 'last', 1)`,
    );
    for (const [i, rows] of (await Promise.all(reading)).entries())
      expect(rows, texts[i]![0]).not.toMatch(/HIDDEN|bob/);
    await owner.query('DELETE FROM docs WHERE id > 9');
  });
});

describe('what was made before a policy', () => {
  it('a prepared statement and LISTEN see by it; a cursor that was open keeps its rows, as in PostgreSQL', async () => {
    await owner.query('CREATE TABLE late (id int PRIMARY KEY, who text)');
    await owner.query(`INSERT INTO late VALUES (1, 'ada'), (2, 'bob')`);
    await owner.query('GRANT SELECT ON late TO ada');
    await ada.query('PREPARE by_key(int) AS SELECT who FROM late WHERE id = $1');
    await ada.query('BEGIN');
    await ada.query('DECLARE held CURSOR WITH HOLD FOR SELECT who FROM late');
    await ada.query('COMMIT');
    expect(await told('EXECUTE by_key(2)')).toBe('[["bob"]]');
    await owner.query('CREATE POLICY own ON late USING (who = current_user)');
    await owner.query('ALTER TABLE late ENABLE ROW LEVEL SECURITY');
    expect(await told('EXECUTE by_key(2)')).toBe('[]');
    expect(await told('FETCH ALL FROM held')).toBe('[["ada"],["bob"]]');
    await ada.query('CLOSE held');
    await ada.query('BEGIN');
    await ada.query('DECLARE held CURSOR WITH HOLD FOR SELECT who FROM late');
    await ada.query('COMMIT');
    expect(await told('FETCH ALL FROM held')).toBe('[["ada"]]');
  });

  it('a view shows what its owner may see, with security_invoker what its reader may', async () => {
    await owner.query('CREATE VIEW as_owner AS SELECT word FROM docs');
    await owner.query('CREATE VIEW as_reader WITH (security_invoker) AS SELECT word FROM docs');
    await owner.query('CREATE VIEW through AS SELECT word FROM as_reader');
    await owner.query('GRANT SELECT ON as_owner, as_reader, through TO ada');
    expect(await told('SELECT count(*)::int FROM as_owner')).toBe('[[2]]');
    expect(await told('SELECT word FROM as_reader')).toBe('[["1"]]');
    expect(await told('SELECT word::int FROM as_reader')).toBe('[[1]]');
    // the owner's view stands between
    expect(await told('SELECT count(*)::int FROM through')).toBe('[[2]]');
    await ada.query('CREATE VIEW mine AS SELECT word FROM docs WHERE word::int > 0');
    expect(await told('SELECT word FROM mine')).toBe('[["1"]]');
    await ada.query('CREATE MATERIALIZED VIEW kept AS SELECT word::int AS word, 1 / n AS n FROM posts');
    expect(await told(`SELECT count(*) > 0 FROM kept WHERE word = 1`)).toBe('[[true]]');
    expect(await told('SELECT payload FROM millrace.rejected_rows')).not.toMatch(/HIDDEN|bob/);
  });
});

describe('functions that do something', () => {
  const CALLS = [
    `pg_notify('told', 'x')`,
    `set_config('application_name', 'changed', false)`,
    'pg_reload_conf()',
    'pg_terminate_backend(1)',
    'pg_cancel_backend(1)',
  ];

  it.each(
    CALLS.flatMap((call) =>
      [
        `CREATE VIEW v AS SELECT ${call}`,
        `CREATE MATERIALIZED VIEW v AS SELECT ${call}`,
        `CREATE TABLE v (a text DEFAULT ${call}::text)`,
        `CREATE POLICY v ON docs USING (${call} IS NULL)`,
        `SELECT ${call} FROM docs`,
        `SELECT ${call} WHERE false`,
        `SELECT ${call} LIMIT 0`,
        `SELECT ${call} OFFSET 1`,
        `SELECT CASE WHEN false THEN ${call} END`,
        `SELECT 1 WHERE ${call} IS NULL`,
        `SELECT (SELECT ${call})`,
        `WITH w AS (SELECT ${call}) SELECT 1`,
        `SELECT ${call} UNION ALL SELECT ${call}`,
        `SELECT ${call} HAVING false`,
        `VALUES (${call})`,
        `INSERT INTO docs (id, word) SELECT 9, ${call}::text`,
        `UPDATE docs SET word = ${call}::text`,
        `DELETE FROM docs WHERE ${call} IS NULL`,
        `SELECT ${call} EMIT CHANGES`,
        `SUBSCRIBE TO (SELECT ${call})`,
      ].map((sql) => [sql]),
    ),
  )('are refused where they would do it unasked: %s', async (sql) => {
    await expect(owner.query(sql)).rejects.toMatchObject({
      code: '0A000',
      message: expect.stringMatching(/^function \w+\(\) is not supported here$/),
      hint: expect.stringContaining('SELECT'),
    });
  });

  it('do it once when their statement runs, and not when it is only explained, prepared or described', async () => {
    const bob = await connect('bob');
    const { rows } = await bob.query('SELECT pg_backend_pid() AS pid');
    const heard: (string | undefined)[] = [];
    ada.on('notification', ({ payload }) => heard.push(payload));
    await ada.query('LISTEN told');
    await owner.query(`EXPLAIN SELECT pg_terminate_backend(${rows[0].pid})`);
    await owner.query(`EXPLAIN SELECT pg_notify('told', 'explained')`);
    await owner.query(`EXPLAIN SELECT set_config('application_name', 'explained', false)`);
    await owner.query(`PREPARE later AS SELECT pg_notify('told', 'run')`);
    expect((await owner.query('SHOW application_name')).rows).toEqual([{ application_name: '' }]);
    expect((await bob.query('SELECT 1 AS a')).rows).toEqual([{ a: 1 }]);
    await owner.query('EXECUTE later');
    await owner.query(`SELECT pg_notify('told', 'twice')::text AS a, pg_notify('told', 'again')`);
    await expect
      .poll(async () => {
        await ada.query('SELECT 1');
        return heard;
      })
      .toEqual(['run', 'twice', 'again']);
  });
});
