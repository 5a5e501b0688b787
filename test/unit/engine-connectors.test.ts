/** Sources and sinks: files, directories, TCP, the generator, file sinks, INSERT INTO a stream. */
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Millrace, sortedLines } from '../support/millrace.ts';

let directory: string;
let millrace: Millrace;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-files-'));
  millrace = await Millrace.start({ filesDirectory: directory });
});
afterEach(async () => {
  await millrace.stop();
  rmSync(directory, { recursive: true, force: true });
});

const until = (check: () => Promise<void>): Promise<void> => millrace.until(check);

it('a bounded file closes its last windows and ends the query', async () => {
  writeFileSync(
    join(directory, 'in.csv'),
    'at,tag,v\n1000,a,1\n2000,"b ""x""",2.5\n\n3000,,\nnonsense,c,1\n12000,a,4',
  );
  await millrace.execute(
    `CREATE STREAM s (at timestamptz NOT NULL, tag text, v float8, WATERMARK FOR at AS at)
     WITH (connector = 'file', path = 'in.csv', follow = false) FORMAT CSV (header = true, timestamp_unit = 'ms')`,
  );
  const follower = await millrace.follow(
    "SELECT tag, sum(v) AS v, window_end FROM TUMBLE(s, at, INTERVAL '10 seconds') GROUP BY tag, window_end EMIT ON WINDOW CLOSE",
  );
  await until(async () => expect(follower.drain().ended).toBe(true));
  expect(follower.consolidated()).toEqual([
    'NULL|NULL|1970-01-01 00:00:10+00',
    'a|1|1970-01-01 00:00:10+00',
    'a|4|1970-01-01 00:00:20+00',
    'b "x"|2.5|1970-01-01 00:00:10+00',
  ]);
  expect(await millrace.query("SELECT millrace.watermark('s')")).toEqual([['infinity']]);
  const rejected = await millrace.query('SELECT relation, code FROM millrace.rejected_rows');
  expect(rejected.some(([relation, code]) => relation === 's' && code === '22007')).toBe(true);
});

it('a row whose generated column fails is rejected, and the engine goes on', async () => {
  writeFileSync(join(directory, 'in.csv'), '1\n0\n5\n');
  for (const [name, retention] of [
    ['kept', 'forever'],
    ['passing', 'none'],
  ] as const) {
    await millrace.execute(
      `CREATE STREAM ${name} (n int, tenth int GENERATED ALWAYS AS (10 / n) STORED)
       WITH (connector = 'file', path = 'in.csv', follow = false, retention = '${retention}') FORMAT CSV`,
    );
  }
  await millrace.execute('CREATE MATERIALIZED VIEW v AS SELECT count(*) AS n, sum(tenth) AS s FROM passing');
  await until(async () => {
    expect(await millrace.query('SELECT n, tenth FROM kept ORDER BY n')).toEqual([
      ['1', '10'],
      ['5', '2'],
    ]);
    expect(await millrace.query('SELECT * FROM v')).toEqual([['2', '12']]);
  });
  expect(await millrace.query('SELECT relation, code FROM millrace.rejected_rows ORDER BY 1')).toEqual([
    ['kept', '22012'],
    ['passing', '22012'],
  ]);
});

it('a directory is watched for new files; a file is followed as it grows', async () => {
  mkdirSync(join(directory, 'in'));
  writeFileSync(join(directory, 'in', '1.json'), '{"v":1}\n{"v":2}\n');
  writeFileSync(join(directory, 'log.txt'), 'one\ntw');
  await millrace.execute(
    "CREATE STREAM d (v int) WITH (connector = 'file', path = 'in', retention = 'forever') FORMAT JSON",
  );
  await millrace.execute(
    "CREATE STREAM f (line text) WITH (connector = 'file', path = 'log.txt', retention = 'forever') FORMAT TEXT",
  );
  await until(async () => expect(await millrace.query('SELECT sum(v) FROM d')).toEqual([['3']]));
  writeFileSync(join(directory, 'in', '2.json'), '{"v":10}\n');
  appendFileSync(join(directory, 'log.txt'), 'o\nthree\n');
  await until(async () => expect(await millrace.query('SELECT sum(v) FROM d')).toEqual([['13']]));
  await until(async () =>
    expect(sortedLines(await millrace.query('SELECT line FROM f'))).toEqual(['one', 'three', 'two']),
  );
});

it('a directory that goes, a link that leads out or nowhere: told once, and the engine goes on', async () => {
  const path = join(directory, 'in');
  mkdirSync(path);
  writeFileSync(join(path, '1.json'), '{"v":1}\n');
  symlinkSync('/etc/passwd', join(path, '2.json'));
  symlinkSync(join(path, 'nowhere'), join(path, '3.json'));
  symlinkSync(join(path, '1.json'), join(path, '4.json'));
  await millrace.execute(
    "CREATE STREAM d (v int) WITH (connector = 'file', path = 'in', retention = 'forever') FORMAT JSON",
  );
  await until(async () =>
    expect(await millrace.query('SELECT sum(v), count(*) FROM d')).toEqual([['2', '2']]),
  );
  rmSync(path, { recursive: true });
  await until(async () =>
    expect(await millrace.query('SELECT relation, code, reason FROM millrace.rejected_rows')).toEqual([
      ['d', '58030', `could not read "${path}": ENOENT`],
    ]),
  );
  mkdirSync(path);
  writeFileSync(join(path, '5.json'), '{"v":10}\n');
  await until(async () => expect(await millrace.query('SELECT sum(v) FROM d')).toEqual([['12']]));
  expect(await millrace.query('SELECT count(*) FROM millrace.rejected_rows')).toEqual([['1']]);
});

it('a connector that is gone at a start keeps nothing else down, and goes on where it was when it is back', async () => {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'millrace-data-'));
  const start = (files: string | null): Promise<Millrace> =>
    Millrace.start({ filesDirectory: files, dataDirectory });
  await millrace.stop();
  millrace = await start(directory);
  writeFileSync(join(directory, 'log.txt'), 'one\ntwo\n');
  await millrace.execute(
    "CREATE STREAM kept (line text) WITH (connector = 'file', path = 'log.txt', retention = 'forever') FORMAT TEXT",
  );
  await millrace.execute(
    "CREATE STREAM read (line text) WITH (connector = 'file', path = 'log.txt') FORMAT TEXT",
  );
  await millrace.execute('CREATE MATERIALIZED VIEW lines AS SELECT count(*) AS n FROM read');
  await millrace.execute('CREATE TABLE t (a int)');
  const counts = async (): Promise<string[]> =>
    [
      ...(await millrace.query('SELECT count(*) FROM kept')).flat(),
      ...(await millrace.query('SELECT n FROM lines')).flat(),
    ].map(String);
  await until(async () => expect(await counts()).toEqual(['2', '2']));
  await millrace.stop();
  // another start that may not reach files at all
  millrace = await start(null);
  await millrace.execute('INSERT INTO t VALUES (1)');
  expect(await counts()).toEqual(['2', '2']);
  expect(
    sortedLines(await millrace.query('SELECT relation, code, reason FROM millrace.rejected_rows')),
  ).toEqual(['kept|22023|file connectors are not allowed', 'read|22023|file connectors are not allowed']);
  await millrace.stop();
  appendFileSync(join(directory, 'log.txt'), 'three\n');
  millrace = await start(directory);
  await until(async () => expect(await counts()).toEqual(['3', '3']));
  await millrace.stop();
  rmSync(dataDirectory, { recursive: true });
  millrace = await Millrace.start();
});

it('paths outside of the allowed directory are refused, links too', async () => {
  symlinkSync('/etc', join(directory, 'way-out'));
  for (const path of ['/etc/passwd', '../x', 'way-out/passwd']) {
    for (const retention of ['', ", retention = 'forever'"]) {
      const create = millrace.execute(
        `CREATE STREAM s (line text) WITH (connector = 'file', path = '${path}'${retention}) FORMAT TEXT`,
      );
      await expect(create).rejects.toMatchObject({
        code: '22023',
        message: expect.stringMatching(/outside/),
      });
    }
  }
});

it('tcp: reads lines, comes back after the connection is lost', async () => {
  const sockets: Socket[] = [];
  const listen = (port: number): Promise<Server> =>
    new Promise((resolve) => {
      const server = createServer((socket) => sockets.push(socket));
      server.listen(port, '127.0.0.1', () => resolve(server));
    });
  const server = await listen(0);
  const { port } = server.address() as { port: number };
  await millrace.execute(
    `CREATE STREAM s (v int) WITH (connector = 'tcp', host = '127.0.0.1', port = ${port}, retention = 'forever') FORMAT CSV`,
  );
  await until(async () => expect(sockets).toHaveLength(1));
  sockets[0]!.write('1\n2');
  await until(async () => expect(await millrace.query('SELECT sum(v) FROM s')).toEqual([['1']]));
  sockets[0]!.write('0\n');
  await until(async () => expect(await millrace.query('SELECT sum(v) FROM s')).toEqual([['21']]));
  sockets[0]!.destroy();
  await until(async () => expect(sockets).toHaveLength(2));
  sockets[1]!.write('100\n');
  await until(async () => expect(await millrace.query('SELECT sum(v) FROM s')).toEqual([['121']]));
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

it('tcp reaches the loopback only', async () => {
  for (const retention of ['', ", retention = 'forever'"]) {
    const create = millrace.execute(
      `CREATE STREAM s (v int) WITH (connector = 'tcp', host = '10.0.0.1', port = 1${retention}) FORMAT CSV`,
    );
    await expect(create).rejects.toMatchObject({ code: '22023' });
  }
});

it('generator: the same rows for the same seed, and an end where it is bounded', async () => {
  const answers: string[][] = [];
  for (const name of ['g', 'h']) {
    await millrace.execute(
      `CREATE STREAM ${name} (at timestamptz NOT NULL, tag text, v int, WATERMARK FOR at AS at)
       WITH (connector = 'generator', rows = 1000, keys = 5, seed = 7, start = '2026-01-01 00:00:00Z', retention = 'forever')`,
    );
    await until(async () => expect(await millrace.query(`SELECT count(*) FROM ${name}`)).toEqual([['1000']]));
    answers.push(
      sortedLines(await millrace.query(`SELECT tag, count(*), sum(v), min(at) FROM ${name} GROUP BY tag`)),
    );
  }
  expect(answers[0]).toEqual(answers[1]);
  expect(answers[0]).toHaveLength(5);
});

it('generator: rows out of order as far as it may be, and a share of them late', async () => {
  for (const [name, late] of [
    ['ordered', 0],
    ['late', 0.1],
  ] as const) {
    await millrace.execute(
      `CREATE STREAM ${name} (at timestamptz NOT NULL, v int, WATERMARK FOR at AS at - INTERVAL '200 milliseconds')
       WITH (connector = 'generator', rows = 100000, disorder = '200 milliseconds', late = ${late}, seed = 3,
         start = '2026-01-01 00:00:00Z', retention = 'forever')`,
    );
    await millrace.execute(
      `CREATE MATERIALIZED VIEW of_${name} AS SELECT count(*) AS n, window_end
       FROM TUMBLE(${name}, at, INTERVAL '100 milliseconds') GROUP BY window_end`,
    );
  }
  await until(async () =>
    expect(await millrace.query('SELECT DISTINCT watermark FROM millrace.watermarks')).toEqual([
      ['infinity'],
    ]),
  );
  const times = (await millrace.query('SELECT at FROM ordered LIMIT 1000')).map(([at]) => at!);
  expect(times.some((time, i) => i > 0 && time < times[i - 1]!)).toBe(true);
  const late = await millrace.query('SELECT view, count(*) FROM millrace.late_rows GROUP BY view');
  expect(late.map(([view]) => view)).toEqual(['of_late']);
  expect(Number(late[0]![1])).toBeGreaterThan(100);
});

it('file sink: CSV with a header', async () => {
  await millrace.execute('CREATE STREAM s (k text, v float8)');
  await millrace.execute(
    "CREATE SINK out AS SELECT k, v FROM s EMIT CHANGES WITH (connector = 'file', path = 'csv') FORMAT CSV (header = true)",
  );
  await millrace.execute(`INSERT INTO s VALUES ('a', 1.5), ('b,"c"', NULL), ('', 'NaN')`);
  await millrace.advance(1);
  const [file] = readdirSync(join(directory, 'csv'));
  const lines = readFileSync(join(directory, 'csv', file!), 'utf8').split('\n');
  expect(lines[0]).toBe('tick,diff,k,v');
  expect(lines.slice(1).map((text) => text.replace(/^\d+,/, ''))).toEqual([
    '1,a,1.5',
    '1,"b,""c""",',
    '1,"",NaN',
    '',
  ]);
});

it('file sink: a file per tick, renamed into place; sink into a stream', async () => {
  await millrace.execute('CREATE STREAM s (k text, v int)');
  await millrace.execute('CREATE STREAM copy (k text, v int)');
  await millrace.execute(
    "CREATE SINK out AS SELECT k, sum(v) AS v FROM s GROUP BY k EMIT CHANGES WITH (connector = 'file', path = 'out') FORMAT JSON",
  );
  await millrace.execute('CREATE SINK forward INTO copy AS SELECT k, v FROM s EMIT CHANGES');
  await millrace.execute("INSERT INTO s VALUES ('a', 1)");
  await millrace.execute("INSERT INTO s VALUES ('a', 2)");
  await millrace.advance(1);
  const files = readdirSync(join(directory, 'out')).sort();
  const lines = files.flatMap((f) =>
    readFileSync(join(directory, 'out', f), 'utf8')
      .trim()
      .split('\n'),
  );
  const rows = lines.map((l) => JSON.parse(l) as { tick: number; diff: number; k: string; v: string });
  expect(rows.map(({ diff, k, v }) => [diff, k, v])).toEqual([
    [1, 'a', '1'],
    [-1, 'a', '1'],
    [1, 'a', '3'],
  ]);
  expect(files).toHaveLength(2);
  expect(sortedLines(await millrace.query('SELECT * FROM copy'))).toEqual(['a|1', 'a|2']);
});

it('blackhole adds up what it gets', async () => {
  await millrace.execute('CREATE STREAM s (k text, v float8)');
  await millrace.execute(
    "CREATE SINK hole AS SELECT k, v FROM s EMIT CHANGES WITH (connector = 'blackhole')",
  );
  await millrace.execute("INSERT INTO s VALUES ('a', 1.5), ('b', NULL), ('c', 2)");
  const metrics = await millrace.core.metrics();
  expect(metrics['millrace_sink_rows_total{sink="hole"}']).toBe(3);
  expect(metrics['millrace_sink_column_sum{sink="hole",column="v"}']).toBe(3.5);
});

it('an unknown connector or option names the valid ones', async () => {
  await expect(
    millrace.execute("CREATE STREAM s (v int) WITH (connector = 'kafkaesque')"),
  ).rejects.toMatchObject({
    code: '22023',
    hint: expect.stringContaining('generator'),
  });
  await expect(
    millrace.execute("CREATE STREAM s (v int) WITH (connector = 'tcp', pord = 1)"),
  ).rejects.toMatchObject({
    code: '22023',
    hint: expect.stringContaining('port'),
  });
});

it('max_rate: a file is read at so many rows a second', async () => {
  const lines = Array.from({ length: 20_000 }, (_, i) => `${i},tag${i % 7}`);
  writeFileSync(join(directory, 'many.csv'), `${lines.join('\n')}\n`);
  for (const retention of ['none', '1 hour']) {
    const stream = `s${retention.length}`;
    await millrace.execute(
      `CREATE STREAM ${stream} (n int, tag text) WITH (connector = 'file', path = 'many.csv', max_rate = 1000, retention = '${retention}') FORMAT CSV`,
    );
    const follower = await millrace.follow(`SELECT n FROM ${stream} EMIT CHANGES`);
    for (let i = 0; i < 50; i++) await millrace.advance(100);
    const rows = follower.consolidated().length;
    expect(rows).toBeGreaterThan(4000);
    expect(rows).toBeLessThan(6500);
  }
});

it('a COPY under way does not keep a connector from starting', async () => {
  await millrace.execute("CREATE STREAM g (n int) WITH (connector = 'generator', rows = 5)");
  const relation = [...millrace.core.state.relations.streams.keys()][0]!;
  const format = { format: 'copy-text', header: false, delimiter: '\t', nullText: '\\N' } as const;
  const copy = millrace.core.ingest({
    relation,
    columns: [0],
    format,
    onError: 'fail',
    atomic: false,
    label: 'COPY g',
  });
  const follower = await millrace.follow('SELECT n FROM g EMIT CHANGES');
  await millrace.advance(100);
  expect(follower.consolidated()).toHaveLength(5);
  copy.abort();
});

it('rows inserted into a file stream reach its readers also while admission slows', async () => {
  writeFileSync(join(directory, 'in.csv'), '1\n');
  await millrace.execute("CREATE STREAM s (n int) WITH (connector = 'file', path = 'in.csv') FORMAT CSV");
  const follower = await millrace.follow('SELECT n FROM s EMIT CHANGES');
  const { state } = millrace.core;
  for (let n = 2; n <= 9; n++) {
    state.memoryBytes = 0.9 * state.options.memoryLimitBytes;
    await millrace.execute(`INSERT INTO s VALUES (${n})`);
  }
  state.memoryBytes = 0;
  await millrace.advance(1);
  expect(follower.consolidated()).toHaveLength(9);
});
