/** The logs of streams and tables: torn tails, foreign formats, retention, what a crash leaves. */
import {
  appendFileSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Millrace, sortedLines } from '../support/millrace.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-data-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const start = (): Promise<Millrace> => Millrace.start({ dataDirectory: directory, walSync: 'commit' });

/** What a kill leaves: the files as they are now. */
async function crash(millrace: Millrace): Promise<void> {
  const copy = `${directory}-copy`;
  cpSync(directory, copy, { recursive: true });
  await millrace.stop();
  rmSync(directory, { recursive: true });
  cpSync(copy, directory, { recursive: true });
  rmSync(copy, { recursive: true });
}

async function fill(): Promise<Millrace> {
  const millrace = await start();
  await millrace.execute('CREATE STREAM s (at timestamptz NOT NULL, v int, WATERMARK FOR at AS at)');
  await millrace.execute('CREATE TABLE t (k int PRIMARY KEY, v text)');
  await millrace.execute(
    "CREATE MATERIALIZED VIEW w AS SELECT sum(v) AS v, window_end FROM TUMBLE(s, at, INTERVAL '1 minute') GROUP BY window_end",
  );
  for (let i = 0; i < 5; i++) await millrace.execute(`INSERT INTO s VALUES (to_timestamp(${60 * i}), ${i})`);
  await millrace.execute("INSERT INTO t VALUES (1, 'a'), (2, 'b')");
  await millrace.execute("UPDATE t SET v = 'c' WHERE k = 2");
  return millrace;
}

const logFile = (): string => {
  const [oid] = readdirSync(join(directory, 'streams'));
  return join(directory, 'streams', oid!, '1.log');
};

it('a crash leaves tables and retained rows, and views are built again', async () => {
  const millrace = await fill();
  const before = sortedLines(await millrace.query('SELECT * FROM w'));
  await crash(millrace);
  const again = await start();
  expect(sortedLines(await again.query('SELECT * FROM t'))).toEqual(['1|a', '2|c']);
  expect(await again.query('SELECT count(*) FROM s')).toEqual([['5']]);
  expect(sortedLines(await again.query('SELECT * FROM w'))).toEqual(before);
  await again.execute('INSERT INTO s VALUES (to_timestamp(600), 6)');
  expect(await again.query('SELECT count(*) FROM w')).toEqual([['5']]);
  await expect(again.execute("INSERT INTO t VALUES (1, 'x')")).rejects.toMatchObject({ code: '23505' });
  await again.stop();
});

it('a torn tail is cut off; what was whole stays', async () => {
  const millrace = await fill();
  await crash(millrace);
  appendFileSync(logFile(), Buffer.from([40, 0, 0, 0, 1, 2, 3]));
  let again = await start();
  expect(await again.query('SELECT count(*) FROM s')).toEqual([['5']]);
  await crash(again);
  truncateSync(logFile(), statSync(logFile()).size - 3);
  again = await start();
  expect(await again.query('SELECT count(*) FROM s')).toEqual([['4']]);
  await again.stop();
});

/** One statement after the other, in one tick, as a block's COMMIT has them. */
async function together(millrace: Millrace, ...statements: readonly string[]): Promise<void> {
  const operations = statements.flatMap((sql) => {
    const statement = millrace.plan(sql);
    return statement.kind === 'write' ? statement.operations : [];
  });
  await millrace.core.write(operations, { now: millrace.nowMs * 1000 });
}

const tableLogs = (): string[] =>
  readdirSync(join(directory, 'tables'))
    .sort()
    .map((oid) => join(directory, 'tables', oid, '1.log'));

it('what one tick wrote to several logs is in all of them or in none', async () => {
  const millrace = await fill();
  await millrace.execute('CREATE TABLE u (k int PRIMARY KEY)');
  await together(millrace, "INSERT INTO t VALUES (3, 'd')", 'INSERT INTO u VALUES (3)');
  const writeAll = ["INSERT INTO t VALUES (4, 'e')", 'INSERT INTO s VALUES (to_timestamp(0), 4)'];
  await together(millrace, ...writeAll, 'INSERT INTO u VALUES (4)');
  await crash(millrace);
  const [, u] = tableLogs();
  truncateSync(u!, statSync(u!).size - 3);
  let again = await start();
  expect(sortedLines(await again.query('SELECT k FROM t'))).toEqual(['1', '2', '3']);
  expect(await again.query('SELECT k FROM u')).toEqual([['3']]);
  expect(await again.query('SELECT count(*) FROM s')).toEqual([['5']]);
  // whole again: nothing goes at the next crash
  await together(again, ...writeAll, 'INSERT INTO u VALUES (4)');
  await crash(again);
  again = await start();
  expect(sortedLines(await again.query('SELECT k FROM t'))).toEqual(['1', '2', '3', '4']);
  expect(await again.query('SELECT count(*) FROM s')).toEqual([['6']]);
  await again.stop();
});

it('a relation that was dropped takes nothing of its last tick from the others', async () => {
  const millrace = await fill();
  await millrace.execute('CREATE TABLE u (k int PRIMARY KEY)');
  await together(millrace, "INSERT INTO t VALUES (3, 'd')", 'INSERT INTO u VALUES (3)');
  await millrace.execute('DROP TABLE u');
  await crash(millrace);
  const again = await start();
  expect(sortedLines(await again.query('SELECT k FROM t'))).toEqual(['1', '2', '3']);
  await again.stop();
});

/** As servers before format 2 wrote it: no number of the tick's frames. */
function asFormat1(path: string): void {
  const now = readFileSync(path);
  const parts: Buffer[] = [Buffer.from('millrace log 1\n\0')];
  for (let at = 16; at < now.length; ) {
    const length = now.readUInt32LE(at);
    const body = now.subarray(at + 8, at + 8 + length);
    const former = Buffer.concat([body.subarray(0, 28), body.subarray(32)]);
    const head = Buffer.alloc(8);
    head.writeUInt32LE(former.length, 0);
    head.writeUInt32LE(crc32(former), 4);
    parts.push(head, former);
    at += 8 + length;
  }
  writeFileSync(path, Buffer.concat(parts));
}

it('logs of format 1 are read, and go on in a segment of their own', async () => {
  const millrace = await fill();
  await crash(millrace);
  for (const path of [logFile(), ...tableLogs()]) asFormat1(path);
  let again = await start();
  await again.execute("INSERT INTO t VALUES (3, 'd')");
  expect(sortedLines(await again.query('SELECT * FROM t'))).toEqual(['1|a', '2|c', '3|d']);
  await crash(again);
  again = await start();
  expect(sortedLines(await again.query('SELECT * FROM t'))).toEqual(['1|a', '2|c', '3|d']);
  expect(await again.query('SELECT count(*) FROM s')).toEqual([['5']]);
  await again.stop();
});

it('where the disk has no room rows are refused; reads and DROP go on', async () => {
  await (await fill()).stop();
  const full = await Millrace.start({ dataDirectory: directory, diskReserveBytes: Number.MAX_SAFE_INTEGER });
  const refusal = { code: '53100', message: 'the disk of the data directory is full' };
  await expect(full.execute("INSERT INTO t VALUES (3, 'd')")).rejects.toMatchObject(refusal);
  await expect(full.execute('INSERT INTO s VALUES (to_timestamp(0), 9)')).rejects.toMatchObject(refusal);
  for (const name of ['s', 't']) {
    const relation = full.core.catalog.objects.find((object) => object.name === name)!.oid;
    const format = {
      format: 'csv',
      delimiter: ',',
      nullText: '',
      header: false,
      timestampUnit: null,
    } as const;
    const options = {
      relation,
      columns: [0, 1],
      format,
      onError: 'reject',
      atomic: false,
      label: '',
    } as const;
    const copied = full.core.ingest(options);
    const pushed = copied.push(Buffer.from('0,9\n')).catch((error: unknown) => error);
    const ended = copied.end();
    // those of tables come with the end alone
    if (name === 's') expect(await pushed).toMatchObject(refusal);
    const told = expect(ended).rejects.toMatchObject(refusal);
    await full.advance(100);
    await told;
  }
  expect(sortedLines(await full.query('SELECT * FROM t'))).toEqual(['1|a', '2|c']);
  await full.execute('DROP MATERIALIZED VIEW w');
  await full.execute('DROP STREAM s');
  await full.stop();
  const again = await start();
  await again.execute("INSERT INTO t VALUES (3, 'd')");
  expect(sortedLines(await again.query('SELECT * FROM t'))).toEqual(['1|a', '2|c', '3|d']);
  await again.stop();
});

it.each(['a stop', 'a crash'])('who follows a table AS OF a tick misses nothing through %s', async (end) => {
  let millrace = await start();
  await millrace.execute('CREATE TABLE t (k int PRIMARY KEY)');
  const tick = (): number => millrace.core.changes.committed;
  const after: Record<number, string[]> = { [tick()]: ['1', '2', '3'] };
  for (const k of [1, 2]) {
    await millrace.execute(`INSERT INTO t VALUES (${k})`);
    after[tick()] = k === 1 ? ['2', '3'] : ['3'];
  }
  // ticks that hold nothing have numbers too, which others may have been told
  for (let i = 0; i < 20; i++) await millrace.advance(100);
  after[tick()] = ['3'];
  if (end === 'a crash') await crash(millrace);
  else await millrace.stop();
  millrace = await Millrace.start({ dataDirectory: directory }, millrace.nowMs);
  await millrace.execute('INSERT INTO t VALUES (3)');
  for (const [asOf, missed] of Object.entries(after)) {
    for (const snapshot of [false, true]) {
      const follower = await millrace.follow(`SUBSCRIBE t WITH (SNAPSHOT = ${snapshot}) AS OF ${asOf}`);
      expect(follower.consolidated(), `${asOf} ${snapshot}`).toEqual(snapshot ? ['1', '2', '3'] : missed);
      follower.cancel();
    }
  }
  const future = await millrace.follow(`SUBSCRIBE t WITH (SNAPSHOT = false) AS OF ${tick() + 1_000_000}`);
  expect(() => future.drain()).toThrow(/there is no tick \d+ yet/);
  await millrace.stop();
});

it('a start that fails leaves what the last stop saved to the next one', async () => {
  const millrace = await start();
  await millrace.execute("CREATE STREAM s (v int) WITH (retention = 'none')");
  await millrace.execute('CREATE MATERIALIZED VIEW w AS SELECT sum(v) AS v FROM s');
  await millrace.execute('CREATE TABLE t (k int)');
  await millrace.execute('INSERT INTO t VALUES (1)');
  await millrace.execute('INSERT INTO s VALUES (1), (2)');
  await millrace.stop();
  const [log] = tableLogs();
  const whole = readFileSync(log!);
  writeFileSync(log!, 'millrace log 9\n\0 something else');
  await expect(start()).rejects.toThrow(/format/);
  writeFileSync(log!, whole);
  const again = await start();
  expect(await again.query('SELECT v FROM w')).toEqual([['3']]);
  await crash(again);
  // used once: what a crash leaves is not taken for it
  const third = await start();
  expect(await third.query('SELECT v FROM w')).not.toEqual([['3']]);
  await third.stop();
});

it('a data directory that is gone does not end the engine; a definition is refused', async () => {
  const millrace = await fill();
  rmSync(directory, { recursive: true });
  await millrace.advance(200);
  await millrace.execute("INSERT INTO t VALUES (3, 'd')");
  await expect(millrace.execute('CREATE VIEW u AS SELECT k FROM t')).rejects.toMatchObject({ code: '58030' });
  expect(sortedLines(await millrace.query('SELECT * FROM t'))).toEqual(['1|a', '2|c', '3|d']);
});

it('a log of another format is refused, not guessed at', async () => {
  const millrace = await fill();
  await crash(millrace);
  writeFileSync(logFile(), 'millrace log 9\n\0 something else');
  await expect(start()).rejects.toThrow(/format/);
});

it('retention: old rows leave reads at once', async () => {
  const millrace = await start();
  await millrace.execute("CREATE STREAM s (v int) WITH (retention = '1 minute')");
  await millrace.execute('INSERT INTO s VALUES (1)');
  await millrace.advance(50_000);
  await millrace.execute('INSERT INTO s VALUES (2)');
  expect(await millrace.query('SELECT count(*) FROM s')).toEqual([['2']]);
  await millrace.advance(20_000);
  expect(await millrace.query('SELECT v FROM s')).toEqual([['2']]);
  await millrace.stop();
});

it('dropped objects leave no files', async () => {
  const millrace = await fill();
  await millrace.execute('DROP MATERIALIZED VIEW w');
  await millrace.execute('DROP STREAM s');
  await millrace.execute('DROP TABLE t');
  expect(readdirSync(join(directory, 'streams'))).toEqual([]);
  expect(readdirSync(join(directory, 'tables'))).toEqual([]);
  await millrace.stop();
});

it('late rows show the columns of the input alone', async () => {
  const millrace = await start();
  await millrace.execute('CREATE STREAM s (at timestamptz NOT NULL, v int, WATERMARK FOR at AS at)');
  await millrace.execute(
    "CREATE MATERIALIZED VIEW f AS SELECT first(v) AS v, window_end FROM TUMBLE(s, at, INTERVAL '1 second') GROUP BY window_end",
  );
  await millrace.execute('INSERT INTO s VALUES (to_timestamp(100), 1)');
  await millrace.execute('INSERT INTO s VALUES (to_timestamp(1), 2)');
  expect(await millrace.query('SELECT row FROM millrace.late_rows')).toEqual([
    ['{"v": 2, "at": "1970-01-01T00:00:01Z"}'],
  ]);
  await millrace.stop();
});

it('retention of a view by bytes: the oldest windows leave, and that is no retraction', async () => {
  const millrace = await start();
  await millrace.execute('CREATE STREAM s (at timestamptz NOT NULL, k text, WATERMARK FOR at AS at)');
  await millrace.execute(
    "CREATE MATERIALIZED VIEW w WITH (retention = '1 MB') AS SELECT k, count(*) AS n, window_end FROM TUMBLE(s, at, INTERVAL '1 second') GROUP BY k, window_end",
  );
  const follower = await millrace.follow('SUBSCRIBE TO w');
  const windows = 60;
  for (let second = 0; second <= windows; second++)
    await millrace.execute(
      `INSERT INTO s VALUES (to_timestamp(${second}), repeat('x', 50000) || '${second}')`,
    );
  const [[kept, first, last]] = (await millrace.query(
    'SELECT count(*), min(extract(epoch FROM window_end)::int), max(extract(epoch FROM window_end)::int) FROM w',
  )) as [[string, string, string]];
  expect(Number(last)).toBe(windows);
  expect(Number(kept)).toBe(windows - Number(first) + 1);
  // a megabyte holds twenty rows of 50 kB
  expect(Number(kept)).toBeGreaterThan(10);
  expect(Number(kept)).toBeLessThan(30);
  const { changes } = follower.drain();
  expect([changes.length, changes.every(({ diff }) => diff === 1)]).toEqual([windows, true]);
  await millrace.stop();
});
