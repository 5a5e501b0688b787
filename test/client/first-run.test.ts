/** What a new user does first: clone, `npm start`, see the top tags. From the last commit, not from the working tree. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const isClonable =
  spawnSync('git', ['rev-parse', 'HEAD'], { cwd: ROOT }).status === 0 &&
  spawnSync('npm', ['--version']).status === 0;
const NO_NETWORK = /ENOTFOUND|ECONNREFUSED|EAI_AGAIN|ENETUNREACH/;

/** As outside of this test run: the machine's own Node first, npm without what it says to its scripts. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) =>
      (!/^(npm_|NODE_|VITEST|TEST$|MILLRACE_)/.test(name) || /registry|cafile|cache/i.test(name)) &&
      name !== 'PATH',
  );
  const path = (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((entry) => !entry.includes('node_modules'));
  return { ...Object.fromEntries(kept), PATH: path.join(delimiter) };
}

const directory = isClonable ? mkdtempSync(join(tmpdir(), 'millrace-first-')) : '';
let server: ChildProcess | undefined;

afterAll(() => {
  // npm and what it started
  if (server?.pid !== undefined && server.exitCode === null) process.kill(-server.pid, 'SIGKILL');
  if (directory !== '') rmSync(directory, { recursive: true, force: true });
});

describe.skipIf(!isClonable)('a bare clone (needs git and npm)', () => {
  it('installs itself, starts, shows the demo and answers', { timeout: 240_000 }, async (context) => {
    const clone = join(directory, 'clone');
    expect(spawnSync('git', ['clone', '-q', ROOT, clone]).status).toBe(0);
    const flags = ['--pg-port', '0', '--http-port', '0', '--data', join(directory, 'data')];
    server = spawn('npm', ['start', '--', ...flags], { cwd: clone, env: cleanEnvironment(), detached: true });
    let seen = '';
    const exit = once(server, 'exit');
    for (const stream of [server.stdout!, server.stderr!]) {
      stream.on('data', (chunk: Buffer) => {
        seen += chunk.toString();
      });
    }
    while (!/top tags at .*tag\d+ \d+/.test(seen)) {
      const ended = await Promise.race([
        once(server.stdout!, 'data').then(() => false),
        exit.then(() => true),
      ]);
      if (ended && NO_NETWORK.test(seen)) context.skip('the registry is not reachable');
      if (ended) throw new Error(`npm start ended: ${seen}`);
    }
    const port = Number(/millrace ready pg=\S+:(\d+) http=/.exec(seen)![1]);
    const client = new pg.Client({ host: '127.0.0.1', port, user: 'new', database: 'millrace' });
    await client.connect();
    const { rows } = await client.query('SELECT count(*) > 0 AS there FROM top_tags');
    expect(rows).toEqual([{ there: true }]);
    await client.end();
    process.kill(-server.pid!, 'SIGTERM');
    await exit;
    expect(seen).not.toMatch(/rror/);
  });
});
