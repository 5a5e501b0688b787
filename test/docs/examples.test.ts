import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AGGREGATES } from '../../runtime/plan/aggregates.ts';
import { SCALAR_FUNCTIONS } from '../../runtime/plan/functions/scalar-functions.ts';
import { blocksOf, PageRun } from '../support/page.ts';
import { TestServer } from '../support/server.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DOCS = join(ROOT, 'docs/sql');
const PAGES = readdirSync(DOCS)
  .filter((name) => name.endsWith('.md'))
  .sort();
const files = mkdtempSync(join(tmpdir(), 'millrace-docs-'));
let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start({ flags: ['--files', files] });
});

afterAll(async () => {
  await server.stop();
  rmSync(files, { recursive: true, force: true });
});

async function runPage(port: number, path: string): Promise<number> {
  const run = await PageRun.start(port);
  try {
    return await run.run(blocksOf(readFileSync(path, 'utf8')));
  } finally {
    await run.stop();
  }
}

describe('the examples of docs/sql', () => {
  for (const name of PAGES)
    it(name, async () => expect(await runPage(server.pgPort, join(DOCS, name))).toBeGreaterThan(0));
});

it('the examples of README.md, with the demo', async () => {
  const demo = await TestServer.start({ demo: true });
  try {
    expect(await runPage(demo.pgPort, join(ROOT, 'README.md'))).toBeGreaterThan(0);
  } finally {
    await demo.stop();
  }
});

it('functions.md names every function and aggregate', () => {
  const page = readFileSync(join(DOCS, 'functions.md'), 'utf8').replace(/```[\s\S]*?```/g, '');
  const named = new Set([...page.matchAll(/`([^`]+)`/g)].flatMap(([, code]) => code!.split(/[\s(),|]+/)));
  const internal = new Set([
    'output',
    '[]',
    'array',
    'notlike',
    'similar_to_escape',
    'like_escape',
    'like',
    'timezone',
  ]);
  const names = [...SCALAR_FUNCTIONS, ...AGGREGATES].map((f) => f.name).filter((name) => !internal.has(name));
  expect([...new Set(names)].filter((name) => !named.has(name))).toEqual([]);
});

it('every page is in the index', () => {
  const index = readFileSync(join(DOCS, 'README.md'), 'utf8');
  expect(PAGES.filter((name) => name !== 'README.md' && !index.includes(`(${name})`))).toEqual([]);
});
