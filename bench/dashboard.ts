/**
 * A dashboard that polls: pgbench asks for the top 10 of a view, and then for single rows by an index, while rows stream
 * in; after that it asks a real PostgreSQL for the same of a table that is fed the same updates. Needs PostgreSQL's server and pgbench (Debian: postgresql-15); where
 * they are missing it says so.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { percentile, type Result } from './report.ts';
import { BenchServer } from './server.ts';

const RATE = 100_000;
const KEYS = 1_000;
const CLIENTS = 16;
const SECONDS = 10;
const FEEDS_PER_SECOND = 10;
const PORT = 5_499;
/** pgbench's scripts: the second asks for another key each time. */
const SCRIPTS: Readonly<Record<string, string>> = {
  dashboard: 'SELECT tag, n FROM top ORDER BY n DESC LIMIT 10;\n',
  'point-reads': `\\set key random(0, ${KEYS - 1})\nSELECT tag, n FROM top WHERE id = :key;\n`,
};

/** The newest PostgreSQL that Debian has put on the machine. */
function binaries(): string | null {
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a)) : [];
  const found = versions
    .map((version) => join(root, version, 'bin'))
    .find((bin) => existsSync(join(bin, 'pgbench')));
  return found ?? null;
}

export async function* runDashboard(): AsyncIterable<Result> {
  const bin = binaries();
  if (bin === null) {
    process.stderr.write('dashboard: skipped, pgbench is not installed\n');
    return;
  }
  const ours = await measureOurs(bin);
  yield* ours;
  for (const [i, theirs] of (await measurePostgres(bin)).entries()) {
    const times = Number(ours[i]!['queries_per_second']) / Number(theirs['queries_per_second']);
    yield { ...theirs, times_postgres: Number(times.toFixed(2)) };
  }
}

async function measureOurs(bin: string): Promise<Result[]> {
  const bench = await BenchServer.start();
  try {
    await bench.client.query(
      `CREATE STREAM events (at timestamptz NOT NULL, tag text, value float8, WATERMARK FOR at AS at)
       WITH (connector = 'generator', rate = ${RATE}, keys = ${KEYS})`,
    );
    await bench.client.query(
      `CREATE MATERIALIZED VIEW top AS SELECT tag, substr(tag, 4)::int AS id, count(*) AS n FROM events
       GROUP BY tag, substr(tag, 4)::int`,
    );
    await bench.client.query('CREATE INDEX ON top (id)');
    const results: Result[] = [];
    for (const [workload, script] of Object.entries(SCRIPTS)) {
      bench.begin();
      const figures = await pgbench(bin, bench.server.pgPort, 'millrace', script);
      const { rows } = await bench.client.query('SELECT sum(n)::int8 AS n FROM top');
      const { seconds, cpuSeconds, peakMb } = bench.usage();
      results.push(result(workload, seconds, cpuSeconds, peakMb, Number(rows[0].n), figures));
    }
    return results;
  } finally {
    await bench.stop();
  }
}

async function measurePostgres(bin: string): Promise<Result[]> {
  const postgres = await Postgres.start(bin);
  try {
    const client = new pg.Client({ host: '127.0.0.1', port: PORT, user: 'postgres', database: 'postgres' });
    await client.connect();
    await client.query('CREATE TABLE top (tag text PRIMARY KEY, id int UNIQUE, n int8 NOT NULL)');
    const feed = new Feed(client);
    await feed.send();
    const results: Result[] = [];
    for (const [workload, script] of Object.entries(SCRIPTS)) {
      feed.begin();
      const started = performance.now();
      const figures = await pgbench(bin, PORT, 'postgres', script);
      const rows = await feed.stop();
      const seconds = (performance.now() - started) / 1000;
      results.push(result(`${workload}-postgresql`, seconds, 0, 0, rows, figures));
    }
    await client.end();
    return results;
  } finally {
    await postgres.stop();
  }
}

type Figures = Readonly<{ queriesPerSecond: number; p50: number; p99: number }>;

function result(
  workload: string,
  seconds: number,
  cpuSeconds: number,
  peakMb: number,
  rows: number,
  { queriesPerSecond, p50, p99 }: Figures,
): Result {
  return {
    workload,
    rows,
    seconds,
    cpu_seconds: cpuSeconds,
    rows_per_second: rows / seconds,
    peak_mb: peakMb,
    result_rows: workload.startsWith('dashboard') ? 10 : 1,
    count_sum: null,
    value_sum: null,
    queries_per_second: Math.round(queriesPerSecond),
    p50_ms: p50,
    p99_ms: p99,
  };
}

async function pgbench(bin: string, port: number, database: string, script: string): Promise<Figures> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
  try {
    writeFileSync(join(directory, 'query.sql'), script);
    const flags = [
      '-n',
      '-M',
      'prepared',
      '-c',
      `${CLIENTS}`,
      '-j',
      '1',
      '-T',
      `${SECONDS}`,
      '-f',
      'query.sql',
      '-l',
    ];
    const where = ['-h', '127.0.0.1', '-p', `${port}`, '-U', 'postgres', database];
    const child = spawn(join(bin, 'pgbench'), [...flags, ...where], {
      cwd: directory,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    const [code] = (await once(child, 'close')) as [number];
    const match = /tps = ([\d.]+)/.exec(output);
    if (code !== 0 || match === null) throw new Error(`pgbench ended with ${code}: ${output}`);
    const milliseconds = readdirSync(directory)
      .filter((name) => name.startsWith('pgbench_log'))
      .flatMap((name) => readFileSync(join(directory, name), 'utf8').trim().split('\n'))
      .map((line) => Number(line.split(' ')[2]) / 1000);
    return {
      queriesPerSecond: Number(match[1]),
      p50: percentile(milliseconds, 0.5),
      p99: percentile(milliseconds, 0.99),
    };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** The same rows a second, counted by key, as updates of the table. */
class Feed {
  readonly #client: pg.Client;
  #rows = 0;
  #timer: NodeJS.Timeout | null = null;
  #last: Promise<unknown> = Promise.resolve();

  constructor(client: pg.Client) {
    this.#client = client;
  }

  async send(): Promise<void> {
    const each = RATE / FEEDS_PER_SECOND / KEYS;
    const values = Array.from({ length: KEYS }, (_, key) => `('key${key}', ${key}, ${each})`);
    this.#rows += each * KEYS;
    await this.#client.query(
      `INSERT INTO top VALUES ${values.join(', ')} ON CONFLICT (tag) DO UPDATE SET n = top.n + excluded.n`,
    );
  }

  begin(): void {
    this.#timer = setInterval(() => {
      this.#last = this.#last.then(() => this.send());
    }, 1000 / FEEDS_PER_SECOND);
  }

  async stop(): Promise<number> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#last;
    return this.#rows;
  }
}

/** A server of its own, with default settings, in a directory that is removed at the end. */
class Postgres {
  readonly #process: ChildProcess;
  readonly #directory: string;

  private constructor(child: ChildProcess, directory: string) {
    this.#process = child;
    this.#directory = directory;
  }

  static async start(bin: string): Promise<Postgres> {
    const directory = mkdtempSync(join(tmpdir(), 'millrace-postgres-'));
    const user = postgresUser();
    if (user !== null) chownSync(directory, user.uid, user.gid);
    const options = { ...(user ?? {}), cwd: directory };
    const data = join(directory, 'data');
    const made = spawnSync(join(bin, 'initdb'), ['-D', data, '-U', 'postgres', '-A', 'trust', '-N'], options);
    if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`);
    const child = spawn(join(bin, 'postgres'), ['-D', data, '-p', `${PORT}`, '-k', directory], {
      ...options,
      stdio: 'ignore',
    });
    const postgres = new Postgres(child, directory);
    for (let i = 0; i < 100; i++) {
      const client = new pg.Client({ host: '127.0.0.1', port: PORT, user: 'postgres', database: 'postgres' });
      try {
        await client.connect();
        await client.end();
        return postgres;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
    await postgres.stop();
    throw new Error('PostgreSQL does not start');
  }

  async stop(): Promise<void> {
    const exited = once(this.#process, 'exit');
    this.#process.kill('SIGINT');
    await exited;
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** It refuses to run as root; null: we are somebody else anyway. */
function postgresUser(): Readonly<{ uid: number; gid: number }> | null {
  if (process.getuid?.() !== 0) return null;
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith('postgres:'));
  if (line === undefined) throw new Error('there is no user postgres to run PostgreSQL as');
  const [, , uid, gid] = line.split(':');
  return { uid: Number(uid), gid: Number(gid) };
}
