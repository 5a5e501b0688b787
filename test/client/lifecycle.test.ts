/** The command itself: flags, ports, signals, the demo, the shell. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { runMain, TestServer } from '../support/server.ts';
import { cstring, frame, WirePeer } from '../support/wire-peer.ts';

const SHELL = fileURLToPath(new URL('../../server/shell/shell.ts', import.meta.url));

describe('flags', () => {
  it.each([
    ['an unknown flag', ['--nosuch'], /unknown option '--nosuch'/i],
    ['a bad port', ['--pg-port', '70000'], /--pg-port 70000 is not a port/],
    ['an address that others reach', ['--host', '0.0.0.0'], /--insecure/],
    ['a missing value', ['--data'], /--data/],
    ['a memory limit that is too small', ['--memory-limit', '1MB'], /--memory-limit 1MB is not a size/],
  ])('refuses %s in one line', async (_, flags, message) => {
    const { code, stdout, stderr } = await runMain(flags);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it('refuses variables that make no sense', async () => {
    expect((await runMain([], { MILLRACE_LOG_LEVEL: 'loud' })).stderr).toMatch(/MILLRACE_LOG_LEVEL loud/);
    expect((await runMain([], { MILLRACE_MAX_RAT: '1' })).stderr).toMatch(
      /perhaps you meant MILLRACE_MAX_RATE/,
    );
  });

  it('shows the settings it was started with, and how long rows waited for their tick', async () => {
    const server = await TestServer.start({
      environment: { MILLRACE_MAX_RATE: '5000', MILLRACE_BACKPRESSURE: 'off', MILLRACE_WAL_SYNC: 'interval' },
    });
    const client = await server.connect('anna');
    const shown = async (name: string): Promise<unknown> =>
      Object.values((await client.query(`SHOW millrace.${name}`)).rows[0])[0];
    expect(await Promise.all(['max_rate', 'backpressure', 'wal_sync'].map(shown))).toEqual([
      '5000',
      'off',
      'interval',
    ]);
    await expect(client.query('SET millrace.max_rate = 1')).rejects.toMatchObject({ code: '55P02' });
    await client.query('CREATE STREAM s (n int)');
    for (let i = 0; i < 5; i++) await client.query('INSERT INTO s VALUES (1)');
    const { rows } = await client.query(
      `SELECT max(scheduling_delay) > INTERVAL '0' AS waited, bool_and(total_delay = scheduling_delay + processing_time) AS sums,
        max(scheduling_delay) < INTERVAL '1 minute' AS bounded FROM millrace.ticks`,
    );
    expect(rows).toEqual([{ waited: true, sums: true, bounded: true }]);
    await client.end();
    await server.stop();
  });

  it('prints its usage', async () => {
    const { code, stdout } = await runMain(['--help']);
    expect([code, stdout.split('\n')[0]]).toEqual([0, 'usage: millrace [options]']);
  });

  it("says in one line why it can't start on what it finds", async () => {
    const directory = await mkdtemp(join(tmpdir(), 'millrace-'));
    const server = await TestServer.start({ dataDirectory: directory });
    const peer = await WirePeer.open(server.pgPort);
    await peer.query('CREATE TABLE kept (a int4)');
    peer.close();
    await server.stop('SIGKILL');
    await writeFile(join(directory, 'catalog.json'), '{"version":');
    const { code, stderr } = await runMain(['--pg-port', '0', '--http-port', '0', '--data', directory]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^millrace: cannot start: .+\n$/);
    await rm(directory, { recursive: true });
  });

  it('refuses a port in use and a data directory that is none', async () => {
    const server = await TestServer.start();
    const other = await mkdtemp(join(tmpdir(), 'millrace-'));
    const taken = await runMain([
      '--pg-port',
      `${server.pgPort}`,
      '--http-port',
      '0',
      '--data',
      other,
      '--no-demo',
    ]);
    expect([taken.code, taken.stderr]).toEqual([1, `millrace: port ${server.pgPort} is in use\n`]);
    const file = join(other, 'file');
    await writeFile(file, '');
    const wrong = await runMain([
      '--pg-port',
      '0',
      '--http-port',
      '0',
      '--data',
      join(file, 'x'),
      '--no-demo',
    ]);
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toMatch(/^millrace: data directory .* cannot be written: ENOTDIR\n$/);
    await rm(other, { recursive: true });
    await server.stop();
  });
});

describe('the data directory', () => {
  const flags = (directory: string): string[] => [
    '--pg-port',
    '0',
    '--http-port',
    '0',
    '--no-demo',
    '--data',
    directory,
  ];

  it('is held by one server, until it ends', async () => {
    const dataDirectory = await mkdtemp(join(tmpdir(), 'millrace-'));
    const first = await TestServer.start({ dataDirectory });
    const second = await runMain(flags(dataDirectory));
    expect(second.code).toBe(1);
    expect(second.stderr).toBe(
      `millrace: data directory ${dataDirectory} is in use by process ${first.process.pid}: --data DIR takes another\n`,
    );
    expect((await runMain(flags(dataDirectory))).code).toBe(1);
    await first.stop();
    await (await TestServer.start({ dataDirectory })).stop('SIGKILL');
    await (await TestServer.start({ dataDirectory })).stop();
    await rm(dataDirectory, { recursive: true });
  });

  it.runIf(process.platform === 'linux')(
    'is not held by a process that only has the number of the one before',
    async () => {
      const dataDirectory = await mkdtemp(join(tmpdir(), 'millrace-'));
      await writeFile(join(dataDirectory, 'server.pid'), `${process.pid} 1\n`);
      await (await TestServer.start({ dataDirectory })).stop();
      await rm(dataDirectory, { recursive: true });
    },
  );

  it('is one server’s of several that start together over what a crash left', async () => {
    const dataDirectory = await mkdtemp(join(tmpdir(), 'millrace-'));
    await (await TestServer.start({ dataDirectory })).stop('SIGKILL');
    const starts = await Promise.allSettled([1, 2, 3].map(() => TestServer.start({ dataDirectory })));
    const servers = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
    expect(servers).toHaveLength(1);
    await servers[0]!.stop();
    expect((await readdir(dataDirectory)).filter((name) => name.startsWith('server.pid'))).toEqual([]);
    await mkdir(join(dataDirectory, 'server.pid'));
    const refused = await runMain(flags(dataDirectory));
    expect([refused.code, refused.stderr]).toEqual([
      1,
      `millrace: data directory ${dataDirectory} cannot be written: server.pid is a directory\n`,
    ]);
    await rm(dataDirectory, { recursive: true });
  });

  it.runIf(process.platform === 'linux')('is refused where none can be made', async () => {
    const { code, stderr } = await runMain(flags('/proc/millrace/data'));
    expect([code, stderr]).toEqual([
      1,
      'millrace: data directory /proc/millrace/data cannot be written: ENOENT\n',
    ]);
  });
});

describe('signals', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'ends sessions with 57P01 and exits with 0 on %s',
    async (signal) => {
      const server = await TestServer.start();
      const [idle, busy] = [await WirePeer.open(server.pgPort), await WirePeer.open(server.pgPort)];
      await idle.query('CREATE STREAM s (at timestamptz NOT NULL, WATERMARK FOR at AS at)');
      busy.send(frame('Q', cstring('SELECT * FROM s EMIT CHANGES')));
      await busy.until('RowDescription');
      const code = await server.stop(signal);
      const farewell = 'ErrorResponse FATAL 57P01 "terminating connection due to administrator command"';
      expect(await idle.until('ErrorResponse')).toEqual([farewell]);
      expect(await busy.until('ErrorResponse')).toEqual([farewell]);
      expect(await idle.receive()).toBeNull();
      expect(code).toBe(0);
    },
  );

  it('ends live results of HTTP and WebSocket too', async () => {
    const server = await TestServer.start();
    const peer = await WirePeer.open(server.pgPort);
    await peer.query('CREATE TABLE t (id int4 PRIMARY KEY)');
    const events = await fetch(`${server.url}/views/t/live`);
    const socket = new WebSocket(`ws://127.0.0.1:${server.httpPort}/ws`, 'millrace.v1');
    await once(socket, 'open');
    socket.send(JSON.stringify({ op: 'subscribe', id: 1, sql: 'SUBSCRIBE TO t' }));
    await once(socket, 'message');
    const closed = once(socket, 'close');
    const text = events.text();
    expect(await server.stop()).toBe(0);
    expect(((await closed) as [number])[0]).toBe(1001);
    expect(await text).toContain('"code":"57P01"');
  });

  it('finds it also after a start that failed, as by a port that is in use', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'millrace-again-'));
    let server = await TestServer.start({ dataDirectory: directory });
    let client = await server.connect();
    await client.query("CREATE STREAM s (v int) WITH (retention = 'none')");
    await client.query('CREATE MATERIALIZED VIEW w AS SELECT sum(v) AS v FROM s');
    await client.query('INSERT INTO s VALUES (1), (2)');
    await client.end();
    await server.stop();
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const ports = ['--pg-port', `${port}`, '--http-port', '0'];
    const { stderr } = await runMain([...ports, '--no-demo', '--data', directory]);
    expect(stderr).toBe(`millrace: port ${port} is in use\n`);
    taken.close();
    server = await TestServer.start({ dataDirectory: directory });
    client = await server.connect();
    expect((await client.query('SELECT v FROM w')).rows).toEqual([{ v: '3' }]);
    await client.end();
    await server.stop();
    await rm(directory, { recursive: true });
  });

  it('finds after a stop what it had before', async () => {
    const dataDirectory = await mkdtemp(join(tmpdir(), 'millrace-'));
    const first = await TestServer.start({ dataDirectory });
    const before = await WirePeer.open(first.pgPort);
    await before.query('CREATE TABLE kept (id int4 PRIMARY KEY, v text)');
    await before.query("INSERT INTO kept VALUES (1, 'x')");
    await first.stop();
    const second = await TestServer.start({ dataDirectory });
    const after = await WirePeer.open(second.pgPort);
    expect(await after.query('SELECT * FROM kept')).toContain('DataRow "1" "x"');
    expect(await after.query('CREATE TABLE next_one (id int4)')).toContain('CommandComplete "CREATE TABLE"');
    after.close();
    await second.stop();
    await rm(dataDirectory, { recursive: true });
  });
});

describe('the build', () => {
  it('runs as the sources do', async () => {
    const root = fileURLToPath(new URL('../..', import.meta.url));
    const directory = await mkdtemp(join(tmpdir(), 'millrace-build-'));
    const compiler = join(root, 'node_modules/typescript/bin/tsc');
    const flags = ['-p', join(root, 'tsconfig.build.json'), '--outDir', join(directory, 'dist')];
    const built = spawn(process.execPath, [compiler, ...flags]);
    expect(await once(built, 'close')).toEqual([0, null]);
    for (const name of ['node_modules', 'web', 'package.json'])
      await symlink(join(root, name), join(directory, name));
    const server = await TestServer.start({ main: join(directory, 'dist/server/main.js') });
    const peer = await WirePeer.open(server.pgPort);
    // a text so long that it is planned in a thread of its own
    expect(await peer.query(`SELECT 1 AS a, '${'x'.repeat(100_000)}' <> '' AS b`)).toContain(
      'DataRow "1" "t"',
    );
    peer.close();
    expect((await fetch(`${server.url}/`)).status).toBe(200);
    expect(await server.stop()).toBe(0);
    await rm(directory, { recursive: true });
  }, 60_000);
});

describe('the demo', () => {
  it('shows top tags where it is not a terminal', async () => {
    const server = await TestServer.start({ demo: true });
    while (!/top tags at .*tag\d+ \d+/.test(server.stdout)) await once(server.process.stdout!, 'data');
    expect(server.stdout).toContain('psql -h 127.0.0.1');
    const view = (await (await fetch(`${server.url}/views/top_tags?limit=1`)).json()) as { rows: unknown[] };
    expect(view.rows).toHaveLength(1);
    expect(await server.stop()).toBe(0);
  });
});

const hasTerminal = spawnSync('script', ['--version']).status === 0;

describe('the shell', () => {
  async function shell(
    server: TestServer,
    args: readonly string[],
    input: string,
  ): Promise<{ code: number; stdout: string; stderr: string }> {
    const child = spawn(process.execPath, [SHELL, '--port', `${server.pgPort}`, ...args]);
    const output = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk: Buffer) => {
      output.stdout += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      output.stderr += chunk.toString();
    });
    child.stdin.end(input);
    const [code] = (await once(child, 'close')) as [number];
    return { code, ...output };
  }

  it('runs statements of several lines, shows tables and errors', async () => {
    const server = await TestServer.start();
    const { code, stdout, stderr } = await shell(
      server,
      [],
      "SELECT 1 AS number,\n  'a;b' AS text;\nSELECT nosuch;\nCREATE TABLE made (a int4);\n\\dt\n",
    );
    expect(stdout).toContain(' number | text\n--------+------\n      1 | a;b\n(1 row)\n');
    expect(stdout).toContain('CREATE TABLE\n');
    expect(stdout).toContain('made');
    expect(stderr).toContain(
      'ERROR:  column "nosuch" does not exist (42703)\nLINE 1: SELECT nosuch\n               ^\n',
    );
    expect(code).toBe(1);
    expect((await shell(server, ['-c', 'SELECT 2 AS n'], '')).stdout).toContain('2');
    const lost = await shell(server, [], 'help\nSELECT 3 AS n\n\\d\n;\nexit\nSELECT 4;\n');
    expect(lost.stdout).toMatch(/^ {2}\\d .*columns of a relation/s);
    expect(lost.stderr).toMatch(/^A statement is being typed: a semicolon ends it, Ctrl-C drops it.\nERROR/);
    expect(lost.stdout).not.toContain('4');
    await server.stop();
    expect((await shell(server, [], '')).stderr).toContain('cannot connect');
  });

  it.skipIf(!hasTerminal)(
    'remembers what was typed, in a terminal (needs script)',
    { timeout: 60_000 },
    async () => {
      const server = await TestServer.start();
      const directory = await mkdtemp(join(tmpdir(), 'millrace-'));
      const history = join(directory, 'history');
      const typed = async (...keys: readonly (readonly [wait: string, keys: string])[]): Promise<string> => {
        const command = `exec ${process.execPath} ${SHELL} --port ${server.pgPort}`;
        const terminal = spawn('script', ['-qec', command, '/dev/null'], {
          env: { ...process.env, MILLRACE_HISTORY: history, TERM: 'xterm' },
        });
        let seen = '';
        terminal.stdout.on('data', (chunk: Buffer) => {
          seen += chunk.toString();
        });
        for (const [wait, text] of keys) {
          while (!seen.includes(wait)) await once(terminal.stdout, 'data');
          seen = '';
          terminal.stdin.write(text);
        }
        await once(terminal, 'close');
        return seen;
      };
      await typed(['=', "SELECT 'first ' || 1 AS x;\n"], ['first 1', '\\q\n']);
      expect(await readFile(history, 'utf8')).toContain("SELECT 'first ' || 1 AS x;\n");
      // the arrow up brings back \\q, once more the statement
      await typed(['=', '\u001b[A\u001b[A\n'], ['first 1', '\\q\n']);
      // pasted: all lines are there before the first has run
      const pasted = "SELECT 'a';\nCREATE SECRET x AS\n'hush, one';\nCREATE USER u\nPASSWORD\n'hush, two';\n";
      await typed(
        ['=', `${pasted}SELECT 'last ' || 1;\n`],
        ['last 1', "ALTER SECRET x AS 'hush, three';\n\\q\n"],
      );
      const kept = await readFile(history, 'utf8');
      expect(kept).toContain("SELECT 'last ' || 1;\n");
      expect(kept).not.toContain('hush');
      expect((await stat(history)).mode & 0o777).toBe(0o600);
      await server.stop();
      await rm(directory, { recursive: true });
    },
  );

  it('cancels a continuous query on Ctrl-C and goes on', async () => {
    const server = await TestServer.start();
    const peer = await WirePeer.open(server.pgPort);
    await peer.query('CREATE STREAM s (at timestamptz NOT NULL, t text, WATERMARK FOR at AS at)');
    const child = spawn(process.execPath, [SHELL, '--port', `${server.pgPort}`]);
    let seen = '';
    const until = async (text: string): Promise<void> => {
      while (!seen.includes(text)) await once(child.stdout, 'data');
    };
    child.stdout.on('data', (chunk: Buffer) => {
      seen += chunk.toString();
    });
    child.stdin.write("SELECT 'up' AS x;\nSELECT t FROM s EMIT CHANGES;\n");
    await until('up');
    while (!seen.includes('live one'))
      await peer.query("INSERT INTO s VALUES ('2026-01-01 00:00:00+00', 'live one')");
    child.kill('SIGINT');
    child.stdin.end("SELECT 'still' || ' here' AS x;\n");
    await until('still here');
    await once(child, 'close');
    peer.close();
    await server.stop();
  });
});
