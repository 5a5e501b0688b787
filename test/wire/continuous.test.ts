/** Continuous results on the wire: their columns, envelopes, ends and notices. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestServer } from '../support/server.ts';
import { cstring, encodeMessage, frame, WirePeer } from '../support/wire-peer.ts';

let server: TestServer;
let writer: WirePeer;

beforeAll(async () => {
  server = await TestServer.start();
  writer = await WirePeer.open(server.pgPort);
  await writer.query('CREATE STREAM s (at timestamptz NOT NULL, tag text, n int8, WATERMARK FOR at AS at)');
  await writer.query('CREATE TABLE t (id int4 PRIMARY KEY, v text)');
}, 30_000);
afterAll(async () => {
  writer.close();
  await server.stop();
});

const open = (parameters: Record<string, string> = {}): Promise<WirePeer> =>
  WirePeer.open(server.pgPort, { user: 'anna', database: 'millrace', ...parameters });

async function start(peer: WirePeer, sql: string, first = 'RowDescription'): Promise<string> {
  peer.send(frame('Q', cstring(sql)));
  return (await peer.until(first)).at(-1)!;
}

const insert = (second: number, tag: string): Promise<string[]> =>
  writer.query(
    `INSERT INTO s VALUES ('2026-01-01 00:00:${String(second).padStart(2, '0')}+00', '${tag}', ${second})`,
  );

/** Rows without their ticks, which no test can know. */
async function rows(peer: WirePeer, count: number): Promise<string[]> {
  const found: string[] = [];
  while (found.length < count)
    found.push((await peer.until('DataRow')).at(-1)!.replace(/^DataRow "\d+" /, ''));
  return found;
}

describe('continuous results', () => {
  it('have tick and diff under EMIT CHANGES, and end with LIMIT', async () => {
    const peer = await open();
    expect(await start(peer, 'SELECT tag, n FROM s LIMIT 2 EMIT CHANGES')).toBe(
      'RowDescription tick:int8 diff:int8 tag:text n:int8',
    );
    await insert(1, 'a');
    await insert(2, 'b');
    expect(await rows(peer, 2)).toEqual(['"1" "a" "1"', '"1" "b" "2"']);
    expect(await peer.until('ReadyForQuery')).toEqual(['CommandComplete "SELECT 2"', 'ReadyForQuery I']);
    peer.close();
  });

  it('have exactly the columns selected under EMIT ON WINDOW CLOSE', async () => {
    const peer = await open();
    const sql = `SELECT tag, count(*) AS n FROM TUMBLE(s, at, INTERVAL '1 second') WHERE tag = 'w' GROUP BY window_end, tag EMIT ON WINDOW CLOSE`;
    expect(await start(peer, sql)).toBe('RowDescription tag:text n:int8');
    await insert(10, 'w');
    await insert(12, 'w');
    expect(await peer.until('DataRow')).toEqual(['DataRow "w" "1"']);
    await peer.cancel(server.pgPort);
    await peer.until('ReadyForQuery');
    peer.close();
  });

  it('are a CopyOut stream for psql, and rows when it asks for them', async () => {
    const peer = await open({ application_name: 'psql' });
    await start(peer, "SELECT tag FROM s WHERE tag = 'tab' EMIT CHANGES", 'CopyOutResponse');
    expect(await peer.until('CopyData')).toEqual(['CopyData "tick\\tdiff\\ttag\\n"']);
    await insert(20, 'tab');
    expect((await peer.until('CopyData'))[0]).toMatch(/^CopyData "\d+\\t1\\ttab\\n"$/);
    await peer.cancel(server.pgPort);
    expect((await peer.until('ReadyForQuery'))[0]).toMatch(/57014/);
    await peer.query("SET millrace.stream_format = 'rows'");
    await start(peer, 'SELECT tag FROM s EMIT CHANGES');
    peer.close();
  });

  it('suspend a portal as soon as rows have gone and none is ready', async () => {
    const peer = await open();
    const sql = "SELECT tag FROM s WHERE tag = 'portal' EMIT CHANGES";
    peer.send(
      encodeMessage('Parse', ['', sql]),
      encodeMessage('Bind', []),
      encodeMessage('Describe', ['P', '']),
      encodeMessage('Execute', ['', 100]),
      encodeMessage('Flush', []),
    );
    await peer.until('RowDescription');
    await insert(21, 'portal');
    const lines = await peer.until('PortalSuspended');
    expect(lines.filter((line) => line.startsWith('DataRow'))).toHaveLength(1);
    peer.send(encodeMessage('Execute', ['', 100]), encodeMessage('Flush', []));
    await insert(22, 'portal');
    await peer.until('PortalSuspended');
    peer.send(encodeMessage('Close', ['P', '']), encodeMessage('Sync', []));
    expect(await peer.until('ReadyForQuery')).toEqual(['CloseComplete', 'ReadyForQuery I']);
    peer.close();
  });

  it('leave by COPY', async () => {
    const peer = await open();
    await start(
      peer,
      "COPY (SELECT tag, n FROM s WHERE tag = 'c,sv' EMIT CHANGES) TO STDOUT WITH (FORMAT csv, HEADER)",
      'CopyData',
    );
    await insert(23, 'c,sv');
    expect((await peer.until('CopyData'))[0]).toMatch(/^CopyData "\d+,1,\\"c,sv\\",23\\n"$/);
    peer.close();
  });
});

describe('INSERT ... SELECT ... EMIT', () => {
  it('runs until it is cancelled, and keeps what it wrote', async () => {
    const peer = await open();
    await writer.query('CREATE STREAM source (at timestamptz NOT NULL, WATERMARK FOR at AS at)');
    await writer.query('CREATE STREAM counts (at timestamptz NOT NULL, n int8, WATERMARK FOR at AS at)');
    const sql = `INSERT INTO counts SELECT window_end, count(*) FROM TUMBLE(source, at, INTERVAL '1 second') GROUP BY window_end EMIT ON WINDOW CLOSE`;
    peer.send(frame('Q', cstring(sql)));
    // It may begin after the first rows, so rows are added until one of its windows has closed.
    const seen = (): Promise<string[]> => writer.query('SELECT n FROM counts LIMIT 1');
    for (let second = 0; !(await seen()).some((line) => line.startsWith('DataRow')); second++) {
      await writer.query(`INSERT INTO source VALUES (to_timestamp(${second}))`);
    }
    expect(await seen()).toContain('DataRow "1"');
    await peer.cancel(server.pgPort);
    expect((await peer.until('ReadyForQuery'))[0]).toMatch(/^ErrorResponse ERROR 57014/);
    expect(await seen()).toContain('DataRow "1"');
    expect(await peer.query(`BEGIN; ${sql}`)).toContainEqual(
      expect.stringMatching(/^ErrorResponse ERROR 25001/),
    );
    peer.close();
  });
});

describe('SUBSCRIBE', () => {
  it('gives the snapshot, changes and progress', async () => {
    const peer = await open();
    await writer.query("INSERT INTO t VALUES (1, 'a')");
    expect(await start(peer, 'SUBSCRIBE TO t WITH (PROGRESS)')).toBe(
      'RowDescription tick:int8 progressed:bool diff:int8 id:int4 v:text',
    );
    expect(await rows(peer, 1)).toEqual(['"f" "1" "1" "a"']);
    const [progress] = await rows(peer, 1);
    expect(progress).toBe('"t" NULL NULL NULL');
    await writer.query("UPDATE t SET v = 'b'");
    const changes: string[] = [];
    while (changes.length < 2) changes.push(...(await rows(peer, 1)).filter((row) => row.startsWith('"f"')));
    expect(changes.sort()).toEqual(['"f" "-1" "1" "a"', '"f" "1" "1" "b"']);
    peer.close();
  });

  it('gives the last state of each key as upserts', async () => {
    const peer = await open();
    await writer.query('CREATE TABLE u (v text, id int4 PRIMARY KEY)');
    expect(await start(peer, 'SUBSCRIBE TO u ENVELOPE UPSERT (KEY (id))')).toBe(
      'RowDescription tick:int8 op:text id:int4 v:text',
    );
    await writer.query("INSERT INTO u VALUES ('a', 1), ('b', 2)");
    expect((await rows(peer, 2)).sort()).toEqual(['"upsert" "1" "a"', '"upsert" "2" "b"']);
    await writer.query("UPDATE u SET v = 'x' WHERE id = 2");
    expect(await rows(peer, 1)).toEqual(['"upsert" "2" "x"']);
    await writer.query('DELETE FROM u WHERE id = 1');
    expect(await rows(peer, 1)).toEqual(['"delete" "1" NULL']);
    peer.close();
  });

  it('orders the rows of a tick', async () => {
    const peer = await open();
    await writer.query('CREATE TABLE o (id int4 PRIMARY KEY, v text)');
    await start(peer, 'SUBSCRIBE TO o WITHIN TICK ORDER BY v DESC NULLS LAST, id');
    await writer.query("INSERT INTO o VALUES (1, 'a'), (2, NULL), (3, 'c'), (4, 'c')");
    expect(await rows(peer, 4)).toEqual(['"1" "3" "c"', '"1" "4" "c"', '"1" "1" "a"', '"1" "2" NULL']);
    peer.close();
  });

  it('refuses a key that nothing proves', async () => {
    const peer = await open();
    peer.send(frame('Q', cstring('SUBSCRIBE TO t ENVELOPE UPSERT (KEY (v))')));
    expect((await peer.until('ReadyForQuery'))[0]).toMatch(/^ErrorResponse ERROR 42P10/);
    peer.close();
  });

  it('resumes from a tick without loss or repetition', async () => {
    const peer = await open();
    await writer.query('CREATE TABLE r (id int4 PRIMARY KEY)');
    await start(peer, 'SUBSCRIBE TO r');
    await writer.query('INSERT INTO r VALUES (1)');
    const first = (await peer.until('DataRow')).at(-1)!;
    const tick = /"(\d+)"/.exec(first)![1]!;
    peer.close();
    await writer.query('INSERT INTO r VALUES (2)');
    await writer.query('INSERT INTO r VALUES (3)');
    const resumed = await open();
    await start(resumed, `SUBSCRIBE TO r WITH (SNAPSHOT = false) AS OF ${tick}`);
    expect(await rows(resumed, 2)).toEqual(['"1" "2"', '"1" "3"']);
    resumed.close();
  });

  it('gives no snapshot of a tick that has not come', async () => {
    const peer = await open();
    expect((await peer.query('SUBSCRIBE TO s AS OF 99999999')).at(-1)).toMatch(
      /^ErrorResponse ERROR 22023 "there is no tick 99999999 yet"/,
    );
    peer.close();
  });

  it('ends with 57P01 when its relation is dropped', async () => {
    const peer = await open();
    await writer.query('CREATE TABLE gone (id int4)');
    await start(peer, 'SUBSCRIBE TO gone');
    await writer.query('DROP TABLE gone');
    expect((await peer.until('ReadyForQuery'))[0]).toMatch(/^ErrorResponse ERROR 57P01/);
    peer.close();
  });
});

describe('silence', () => {
  it('is explained by one NOTICE', async () => {
    const peer = await open();
    await writer.query('CREATE STREAM quiet (at timestamptz NOT NULL, WATERMARK FOR at AS at)');
    await peer.query("SET millrace.silence_notice = '10ms'");
    await start(peer, 'SELECT * FROM quiet EMIT CHANGES');
    expect(await peer.until('NoticeResponse')).toEqual([
      expect.stringMatching(/^NoticeResponse NOTICE \w{5} ".*no input/),
    ]);
    peer.close();
  });

  it('is explained where there were rows, and then no more', async () => {
    await writer.query('CREATE STREAM paused (at timestamptz NOT NULL, WATERMARK FOR at AS at)');
    await writer.query("INSERT INTO paused VALUES ('2026-01-01 00:00:00+00')");
    await writer.query('CREATE TABLE resting (a int4)');
    const causes = new Map([
      ['SELECT * FROM paused EMIT CHANGES', 'no rows so far: no input'],
      ['SUBSCRIBE TO paused', 'no more rows: no input'],
      ['SUBSCRIBE TO resting', 'no rows so far: no input'],
      [
        "SELECT count(*) FROM TUMBLE(paused, at, INTERVAL '1 second') GROUP BY window_end EMIT ON WINDOW CLOSE",
        'no rows so far: watermark held back',
      ],
    ]);
    for (const [sql, cause] of causes) {
      const peer = await open();
      await peer.query("SET millrace.silence_notice = '10ms'");
      await start(peer, sql);
      expect((await peer.until('NoticeResponse')).at(-1)).toBe(`NoticeResponse NOTICE 00000 "${cause}"`);
      peer.close();
    }
  });
});

describe('EXPLAIN ANALYZE', () => {
  const counters = /rows in=(\d+) out=(\d+) busy=[\d.]+ ms memory=\d+ B/;

  it('reads the counters of a view', async () => {
    await writer.query('CREATE TABLE counted (a int4)');
    await writer.query('CREATE MATERIALIZED VIEW few AS SELECT a FROM counted WHERE a > 2');
    await writer.query('INSERT INTO counted VALUES (1), (2), (3), (4), (5)');
    const plan = await writer.query('EXPLAIN ANALYZE few');
    const filter = plan.find((line) => line.includes('Filter')) ?? '';
    expect(counters.exec(filter)?.slice(1)).toEqual(['5', '3']);
  });

  it('runs a continuous query for a while, and a finite one to its end', async () => {
    const peer = await open();
    let ended = false;
    const running = peer
      .query("EXPLAIN (ANALYZE, DURATION '300ms') SELECT a FROM counted WHERE a > 2 EMIT CHANGES")
      .then((lines) => {
        ended = true;
        return lines;
      });
    while (!ended) await writer.query('INSERT INTO counted VALUES (1)');
    const filter = (await running).find((line) => line.includes('Filter')) ?? '';
    expect(Number(counters.exec(filter)?.[1])).toBeGreaterThan(0);
    expect(counters.exec(filter)?.[2]).toBe('0');
    peer.close();
    const finite = await writer.query('EXPLAIN ANALYZE SELECT a FROM counted WHERE a > 2');
    expect(finite.some((line) => line.includes('Rows: 3'))).toBe(true);
  });
});

describe('blocks', () => {
  it('let a cursor follow live ticks', async () => {
    const peer = await open();
    await peer.query('BEGIN');
    await peer.query(
      "DECLARE c CURSOR FOR SUBSCRIBE (SELECT tag FROM s WHERE tag = 'cur') WITH (SNAPSHOT = false)",
    );
    await insert(30, 'cur');
    expect((await peer.query('FETCH 1 FROM c')).at(-1)).toBe('CommandComplete "FETCH 1"');
    expect(await peer.query("FETCH 1 FROM c WITH (timeout = '20ms')")).toContain('CommandComplete "FETCH 0"');
    expect(await peer.query('FETCH BACKWARD 1 FROM c')).toEqual([
      expect.stringMatching(/^ErrorResponse ERROR 55000/),
    ]);
    expect(await peer.query('ROLLBACK')).toEqual(['CommandComplete "ROLLBACK"']);
    peer.close();
  });

  it('read what was there at BEGIN, whatever others write since', async () => {
    const peer = await open();
    await writer.query('CREATE TABLE still (id int4 PRIMARY KEY)');
    await writer.query(
      'CREATE MATERIALIZED VIEW still_count AS SELECT count(*) AS n FROM still EMIT CHANGES',
    );
    await writer.query('INSERT INTO still VALUES (1)');
    await peer.query('BEGIN');
    await writer.query('INSERT INTO still VALUES (2)');
    await writer.query('DELETE FROM still WHERE id = 1');
    for (let i = 0; i < 2; i++) {
      expect(await peer.query('SELECT id FROM still')).toContain('DataRow "1"');
      await writer.query(`INSERT INTO still VALUES (${10 + i})`);
      expect(await peer.query('SELECT n FROM still_count')).toContain('DataRow "1"');
    }
    await peer.query('COMMIT');
    expect(await peer.query('SELECT n FROM still_count')).toContain('DataRow "3"');
    peer.close();
  });

  it('are refused to writers of a read-only session', async () => {
    const peer = await open({ options: '-c default_transaction_read_only=on' });
    expect(await peer.query("INSERT INTO t VALUES (9, 'x')")).toEqual([
      expect.stringMatching(/^ErrorResponse ERROR 25006/),
    ]);
    await peer.query('BEGIN');
    expect(await peer.query('CREATE TABLE nope (a int4)')).toEqual([
      expect.stringMatching(/^ErrorResponse ERROR 25006/),
    ]);
    peer.close();
  });

  it('end when they idle for too long', async () => {
    const peer = await open();
    await peer.query("SET idle_in_transaction_session_timeout = '20ms'");
    await peer.query('BEGIN');
    expect(await peer.until('ErrorResponse')).toEqual([expect.stringMatching(/^ErrorResponse FATAL 25P03/)]);
    expect(await peer.receive()).toBeNull();
  });

  it('end with their session when that idles for too long outside of them', async () => {
    const peer = await open();
    await peer.query("SET idle_session_timeout = '20ms'");
    expect(await peer.until('ErrorResponse')).toEqual([expect.stringMatching(/^ErrorResponse FATAL 57P05/)]);
    expect(await peer.receive()).toBeNull();
    const inBlock = await open();
    await inBlock.query("BEGIN; SET idle_session_timeout = '1ms'");
    await writer.query('CREATE TABLE meanwhile (a int4)');
    expect(await inBlock.query('COMMIT')).toEqual(['CommandComplete "COMMIT"']);
    expect(await inBlock.until('ErrorResponse')).toEqual([
      expect.stringMatching(/^ErrorResponse FATAL 57P05/),
    ]);
  });

  it('end at transaction_timeout, with what they run, and not before a block is over', async () => {
    const idle = await open();
    await idle.query("SET transaction_timeout = '20ms'");
    await idle.query('BEGIN');
    expect(await idle.until('ErrorResponse')).toEqual([expect.stringMatching(/^ErrorResponse FATAL 25P04/)]);
    expect(await idle.receive()).toBeNull();
    const busy = await open();
    await busy.query("SET transaction_timeout = '20ms'");
    busy.send(encodeMessage('Query', ['SUBSCRIBE t']));
    expect((await busy.until('ErrorResponse')).at(-1)).toMatch(/^ErrorResponse FATAL 25P04/);
    expect(await busy.receive()).toBeNull();
    const done = await open();
    await done.query("SET transaction_timeout = '1min'");
    await done.query('BEGIN; COMMIT');
    await done.query('SET transaction_timeout = 0');
    expect(await done.query('SELECT 1')).toContain('DataRow "1"');
    done.close();
  });

  it('have statement_timeout for each statement of a message, as it is set by then', async () => {
    const peer = await open();
    const lines = await peer.query("SET statement_timeout = '20ms'; SUBSCRIBE t");
    expect(lines.at(-1)).toMatch(/^ErrorResponse ERROR 57014 "canceling statement due to statement timeout"/);
    peer.close();
  });

  it('tell a prepared statement whose columns have changed', async () => {
    const peer = await open();
    await writer.query('CREATE VIEW shape AS SELECT 1 AS a');
    peer.send(encodeMessage('Parse', ['p', 'SELECT * FROM shape']), encodeMessage('Sync', []));
    await peer.until('ReadyForQuery');
    await writer.query('DROP VIEW shape');
    await writer.query("CREATE VIEW shape AS SELECT 'x' AS b");
    peer.send(encodeMessage('Bind', ['', 'p']), encodeMessage('Execute', ['']), encodeMessage('Sync', []));
    expect(await peer.until('ReadyForQuery')).toEqual([
      'BindComplete',
      'ErrorResponse ERROR 0A000 "cached plan must not change result type"',
      'ReadyForQuery I',
    ]);
    peer.close();
  });
});
