/** The examples of docs/clients, run by the clients themselves. */
import { execFile, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isInstalled } from '../support/foreign-session.ts';
import { blocksOf, PageRun } from '../support/page.ts';
import { TestServer } from '../support/server.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PAGES = join(ROOT, 'docs/clients');
const CLIENTS = join(ROOT, '.clients');
const LIMIT_MS = 60_000;
const CLICK_EVERY_MS = 50;

type Example = Readonly<{ language: string; code: string; wanted: string; line: number }>;

let server: TestServer;
let directory: string;
let client: pg.Client;
let clicking: NodeJS.Timeout;
let clicks: Promise<unknown> = Promise.resolve();

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-page-'));
  server = await TestServer.start();
  client = await server.connect();
  for (const { language, text } of blocksOf(readPage('README.md')))
    if (language === 'sql') await client.query(text);
  clicking = setInterval(() => {
    clicks = clicks.then(() => client.query('INSERT INTO clicks VALUES (1)')).catch(() => {});
  }, CLICK_EVERY_MS);
}, 30_000);
afterAll(async () => {
  clearInterval(clicking);
  await clicks;
  await client.end();
  await server.stop();
  rmSync(directory, { recursive: true });
});

const readPage = (name: string): string => readFileSync(join(PAGES, name), 'utf8');

/** Code that has what it prints behind it. */
function examplesOf(page: string): readonly Example[] {
  const found: Example[] = [];
  for (const match of page.matchAll(
    /^```(sh|python|js|go|java)\n([\s\S]*?)^```\n```text\n([\s\S]*?)^```$/gm,
  )) {
    const [, language = '', code = '', wanted = ''] = match;
    found.push({ language, code, wanted, line: page.slice(0, match.index).split('\n').length });
  }
  return found;
}

type Runner = Readonly<{ installed: boolean; run: (code: string) => Promise<string> }>;

const run = async (command: string, args: readonly string[], cwd: string): Promise<string> =>
  (await promisify(execFile)(command, args, { cwd, timeout: LIMIT_MS })).stdout;

/** Beside the packages that it imports. */
async function runScript(place: string, code: string): Promise<string> {
  const file = join(place, `page-${process.pid}.mjs`);
  writeFileSync(file, code);
  try {
    return await run(process.execPath, [file], place);
  } finally {
    rmSync(file);
  }
}

const RUNNERS: Readonly<Record<string, Runner>> = {
  sh: {
    installed:
      spawnSync('psql', ['--version']).status === 0 && spawnSync('stdbuf', ['--version']).status === 0,
    run: (code) => run('sh', ['-c', code], directory),
  },
  python: {
    installed: isInstalled('python'),
    run: (code) => run(join(CLIENTS, 'python/bin/python'), ['-c', code], directory),
  },
  js: { installed: isInstalled('npm'), run: (code) => runScript(join(CLIENTS, 'npm'), code) },
  go: {
    installed: isInstalled('go'),
    run: (code) => {
      for (const file of ['go.mod', 'go.sum'])
        copyFileSync(join(ROOT, 'test/client/go', file), join(directory, file));
      writeFileSync(join(directory, 'main.go'), code);
      return run('go', ['run', 'main.go'], directory);
    },
  },
  java: {
    installed: isInstalled('java'),
    run: (code) => {
      writeFileSync(join(directory, 'Page.java'), code);
      return run('java', ['-cp', join(CLIENTS, 'java/postgresql.jar'), 'Page.java'], directory);
    },
  },
};

const pages = readdirSync(PAGES).filter((name) => name !== 'README.md' && name !== 'bi-tools.md');

describe('the examples of docs/clients', () => {
  for (const name of pages.sort()) {
    for (const { language, code, wanted, line } of examplesOf(readPage(name))) {
      const { installed, run: runExample } = RUNNERS[language]!;
      it.skipIf(!installed)(
        `${name}, line ${line} (needs the client of its language)`,
        async () => {
          const told = code.replaceAll('5433', `${server.pgPort}`);
          expect((await runExample(told)).trimEnd()).toBe(wanted.trimEnd());
        },
        LIMIT_MS,
      );
    }
  }

  it('bi-tools.md', async () => {
    const own = await TestServer.start();
    const page = await PageRun.start(own.pgPort);
    try {
      const blocks = [...blocksOf(readPage('README.md')), ...blocksOf(readPage('bi-tools.md'))];
      expect(await page.run(blocks)).toBeGreaterThan(0);
      await page.stop();
    } finally {
      // roles with passwords outlive the page: the server goes with it
      await own.stop();
    }
  });

  it('each has an example, and stands in the index', () => {
    const index = readPage('README.md');
    for (const name of pages) {
      expect([name, examplesOf(readPage(name)).length]).not.toEqual([name, 0]);
      expect(index).toContain(`(${name})`);
    }
    expect(existsSync(join(PAGES, 'bi-tools.md'))).toBe(true);
  });
});
