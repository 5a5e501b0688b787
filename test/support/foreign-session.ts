/** Programs of other languages that speak to a server of their own and print what they found (scripts/ensure-clients.mjs). */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { type ServerOptions, TestServer } from './server.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CLIENTS = join(ROOT, '.clients');
const LIMIT_MS = 60_000;

export const isInstalled = (client: 'python' | 'npm' | 'go' | 'java'): boolean =>
  existsSync(join(CLIENTS, `${client}.stamp`));

export type SessionOptions = ServerOptions &
  Readonly<{
    /** what the server's owner says first */
    setUp?: string;
    /** of the program, before the port */
    arguments?: readonly string[];
  }>;

export const pythonSession = (script: string, options: SessionOptions = {}): Promise<string> => {
  const program = join(ROOT, 'test/client/python', script);
  return run(join(CLIENTS, 'python/bin/python'), [program, ...(options.arguments ?? [])], options);
};

export const npmSession = (script: string): Promise<string> =>
  run(process.execPath, [join(CLIENTS, 'npm', script)]);

export const goSession = (): Promise<string> => run(join(CLIENTS, 'go/session'), []);

export const javaSession = (): Promise<string> => {
  const path = [join(CLIENTS, 'java'), join(CLIENTS, 'java/postgresql.jar')].join(delimiter);
  return run('java', ['-cp', path, 'Session']);
};

/** What it prints; an error of its own is the test's. */
async function run(command: string, args: readonly string[], options: SessionOptions = {}): Promise<string> {
  const server = await TestServer.start(options);
  try {
    if (options.setUp !== undefined) await setUp(server, options.setUp, options.environment);
    const { stdout } = await promisify(execFile)(command, [...args, `${server.pgPort}`], {
      timeout: LIMIT_MS,
    });
    return stdout;
  } finally {
    await server.stop();
  }
}

async function setUp(
  { pgPort }: TestServer,
  sql: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<void> {
  const password = environment['MILLRACE_PASSWORD'] ?? '';
  const where = { host: '127.0.0.1', port: pgPort, user: 'millrace', database: 'millrace' };
  const client = new pg.Client({ ...where, password });
  await client.connect();
  await client.query(sql);
  await client.end();
}
