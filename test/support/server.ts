/** The real server as a child process on free ports, with a temporary data directory. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';

const MAIN = fileURLToPath(new URL('../../server/main.ts', import.meta.url));
const READY = /millrace ready pg=\S+:(\d+) http=\S+:(\d+)\n/;

export type ServerOptions = Readonly<{
  demo?: boolean;
  /** the command; else the sources' */
  main?: string;
  flags?: readonly string[];
  /** Names are believed, also when roles have passwords. */
  trust?: boolean;
  environment?: Readonly<Record<string, string>>;
  /** What the system lets it have, as the shell's ulimit says it: `-f 64`. */
  limits?: string;
  /** Kept when the server stops; else a fresh one, removed at the end. */
  dataDirectory?: string;
}>;

export class TestServer {
  readonly process: ChildProcess;
  readonly pgPort: number;
  readonly httpPort: number;
  readonly #temporary: string | null;
  readonly #output: { stdout: string; stderr: string };

  private constructor(
    child: ChildProcess,
    ports: readonly [number, number],
    temporary: string | null,
    output: { stdout: string; stderr: string },
  ) {
    this.process = child;
    [this.pgPort, this.httpPort] = ports;
    this.#temporary = temporary;
    this.#output = output;
  }

  static async start(options: ServerOptions = {}): Promise<TestServer> {
    const temporary = options.dataDirectory === undefined ? await mkdtemp(join(tmpdir(), 'millrace-')) : null;
    const directory = options.dataDirectory ?? temporary!;
    const flags = ['--pg-port', '0', '--http-port', '0', '--data', directory, ...(options.flags ?? [])];
    if (options.demo !== true) flags.push('--no-demo');
    if (options.trust === true) {
      const rules = join(directory, 'trust.conf');
      await writeFile(rules, 'host all all 127.0.0.1/32 trust\n');
      flags.push('--hba-file', rules);
    }
    const limited = options.limits === undefined ? [] : ['-c', `ulimit ${options.limits}; exec "$0" "$@"`];
    const command = [...limited, process.execPath, options.main ?? MAIN, ...flags];
    const [program, ...words] = options.limits === undefined ? command : ['bash', ...command];
    const child = spawn(program!, words, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...options.environment },
    });
    const output = { stdout: '', stderr: '' };
    child.stderr!.on('data', (chunk: Buffer) => {
      output.stderr += chunk.toString();
    });
    const ports = await new Promise<readonly [number, number]>((resolve, reject) => {
      child.stdout!.on('data', (chunk: Buffer) => {
        output.stdout += chunk.toString();
        const ready = READY.exec(output.stdout);
        if (ready !== null) resolve([Number(ready[1]), Number(ready[2])]);
      });
      child.once('exit', (code) => reject(new Error(`the server ended with ${code}: ${output.stderr}`)));
    });
    return new TestServer(child, ports, temporary, output);
  }

  /** A client of node-postgres; who asked for it ends it. */
  async connect(user = 'test', more: pg.ClientConfig = {}): Promise<pg.Client> {
    return connectTo(this.pgPort, user, more);
  }

  /** What /metrics says of it, labels and all; NaN where it says nothing. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `));
    return Number(line?.slice(name.length) ?? Number.NaN);
  }

  get stdout(): string {
    return this.#output.stdout;
  }

  get stderr(): string {
    return this.#output.stderr;
  }

  get url(): string {
    return `http://127.0.0.1:${this.httpPort}`;
  }

  get running(): boolean {
    return this.process.exitCode === null && this.process.signalCode === null;
  }

  /** Gives the exit code. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (this.running) {
      const exited = once(this.process, 'exit');
      this.process.kill(signal);
      await exited;
    } else process.stderr.write(`the server had ended with ${this.process.exitCode}: ${this.stderr}\n`);
    if (this.#temporary !== null) await rm(this.#temporary, { recursive: true, force: true });
    return this.process.exitCode;
  }
}

/** A client of node-postgres; who asked for it ends it. */
export async function connectTo(port: number, user: string, more: pg.ClientConfig = {}): Promise<pg.Client> {
  const client = new pg.Client({ host: '127.0.0.1', port, user, database: 'millrace', ...more });
  // The server may end it: what is asked then fails by itself.
  client.on('error', () => {});
  await client.connect();
  return client;
}

/** Runs the command to its end: for flags that are refused. */
export async function runMain(
  flags: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Readonly<{ code: number | null; stdout: string; stderr: string }>> {
  const child = spawn(process.execPath, [MAIN, ...flags], { env: { ...process.env, ...environment } });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    output.stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    output.stderr += chunk.toString();
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...output };
}
