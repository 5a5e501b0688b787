/** The page in a real Chromium, where one is installed; and what a page of another origin gets: nothing. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { CHROMIUM, CHROMIUM_FLAGS } from '../support/chromium.ts';
import { TestServer } from '../support/server.ts';

const installed = existsSync(CHROMIUM);

let server: TestServer;
let profile: string;
let browser: BrowserContext;

beforeAll(async () => {
  if (!installed) return;
  server = await TestServer.start({ demo: true });
  profile = await mkdtemp(join(tmpdir(), 'millrace-browser-'));
  browser = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM,
    args: [...CHROMIUM_FLAGS],
  });
}, 60_000);
afterAll(async () => {
  if (!installed) return;
  await browser.close();
  await server.stop();
  await rm(profile, { recursive: true, force: true });
}, 60_000);

/** What a page tries to get from the server, each answered by what came or by `refused`. */
async function attempts(url: string): Promise<Readonly<Record<string, string>>> {
  const answered = (request: Promise<Response>): Promise<string> =>
    request
      .then(async (response) => `${response.status} ${(await response.text()).length > 0}`)
      .catch(() => 'refused');
  const socket = (protocols: string[]): Promise<string> =>
    new Promise((resolve) => {
      const opened = new WebSocket(`${url.replace('http', 'ws')}/ws`, protocols);
      opened.onopen = () => resolve('open');
      opened.onerror = () => resolve('refused');
    });
  const events = new Promise<string>((resolve) => {
    const source = new EventSource(`${url}/views/top_tags/live`);
    source.onopen = () => resolve('open');
    source.onerror = () => resolve('refused');
  });
  const json = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"sql":"SELECT 1"}',
  };
  return {
    view: await answered(fetch(`${url}/views/top_tags`)),
    query: await answered(fetch(`${url}/query`, json)),
    // A request that browsers send without asking first.
    stream: await answered(fetch(`${url}/streams/posts`, { method: 'POST', body: '{"tag":"foreign"}' })),
    socket: await socket(['millrace.v1']),
    plain: await socket([]),
    events: await events,
  };
}

describe.skipIf(!installed)('the page (needs Chromium)', () => {
  it('shows the top tags live over the WebSocket', async () => {
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(error.message));
    const socket = page.waitForEvent('websocket');
    await page.goto(server.url);
    expect((await socket).url()).toBe(`${server.url.replace('http', 'ws')}/ws`);
    const tags = page.locator('tbody tr');
    await tags.nth(9).waitFor();
    expect(await tags.count()).toBe(10);
    const posts = (await tags.locator('td:nth-child(2)').allTextContents()).map((text) =>
      Number(text.replaceAll('\u202f', '')),
    );
    expect(posts).toEqual(posts.toSorted((a, b) => b - a));
    const state = page.locator('#state');
    await state.filter({ hasNotText: (await state.textContent())! }).waitFor();
    const shot = process.env['MILLRACE_TEST_SCREENSHOT'];
    if (shot !== undefined) await page.screenshot({ path: shot, fullPage: true });
    expect(errors).toEqual([]);
    await page.close();
  });

  it('may ask its own server', async () => {
    const page = await browser.newPage();
    await page.goto(server.url);
    expect(await page.evaluate(attempts, server.url)).toMatchObject({
      view: '200 true',
      query: '200 true',
      socket: 'open',
      events: 'open',
    });
    await page.close();
  });

  it('waits for a view that is not there yet, and for a server that has gone', async () => {
    const page = await browser.newPage();
    const away = await TestServer.start();
    onTestFinished(async () => {
      await page.close();
      if (away.running) await away.stop();
    });
    await page.goto(away.url);
    await page.getByText('relation "top_tags" does not exist').waitFor();
    const statements = [
      "CREATE STREAM posts (at timestamptz NOT NULL, tag text, WATERMARK FOR at AS at) WITH (connector = 'generator', rate = '100')",
      "CREATE MATERIALIZED VIEW top_tags AS SELECT window_end, tag, count(*) FROM TUMBLE(posts, at, INTERVAL '1 second') GROUP BY window_end, tag",
    ];
    for (const sql of statements) {
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(`${away.url}/query`, {
        method: 'POST',
        headers,
        body: JSON.stringify({ sql }),
      });
      expect(answer.status).toBe(200);
    }
    await page.locator('tbody tr').first().waitFor();
    await away.stop();
    await page.getByText('Not connected').waitFor();
  });
});

describe.skipIf(!installed)('a page of another origin (needs Chromium)', () => {
  it('gets nothing', async () => {
    const other = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'text/html' });
      response.end('<!doctype html><title>elsewhere</title>');
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const page = await browser.newPage();
    try {
      for (const host of ['127.0.0.1', 'localhost']) {
        await page.goto(`http://${host}:${(other.address() as AddressInfo).port}/`);
        expect(await page.evaluate(attempts, server.url)).toEqual({
          view: 'refused',
          query: 'refused',
          stream: 'refused',
          socket: 'refused',
          plain: 'refused',
          events: 'refused',
        });
      }
      const body = '{"sql":"SELECT count(*) FROM posts WHERE tag = \'foreign\'"}';
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(`${server.url}/query`, { method: 'POST', headers, body });
      expect(await answer.json()).toMatchObject({ rows: [['0']] });
    } finally {
      await page.close();
      other.close();
    }
  });
});
