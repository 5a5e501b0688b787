/** Programs of other languages that speak to a server of their own and print what they found (scripts/ensure-clients.mjs). */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { TestServer } from './server.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CLIENTS = join(ROOT, '.clients');
const LIMIT_MS = 60_000;

export const isInstalled = (client: 'python' | 'go' | 'java'): boolean =>
  existsSync(join(CLIENTS, `${client}.stamp`));

export const pythonSession = (script: string): Promise<string> =>
  run(join(CLIENTS, 'python/bin/python'), [join(ROOT, 'test/client/python', script)]);

export const goSession = (): Promise<string> => run(join(CLIENTS, 'go/session'), []);

export const javaSession = (): Promise<string> => {
  const path = [join(CLIENTS, 'java'), join(CLIENTS, 'java/postgresql.jar')].join(delimiter);
  return run('java', ['-cp', path, 'Session']);
};

/** What it prints; an error of its own is the test's. */
async function run(command: string, args: readonly string[]): Promise<string> {
  const server = await TestServer.start();
  try {
    const { stdout } = await promisify(execFile)(command, [...args, `${server.pgPort}`], {
      timeout: LIMIT_MS,
    });
    return stdout;
  } finally {
    await server.stop();
  }
}
