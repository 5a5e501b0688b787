/** The page of a server with passwords, over TLS, in a real Chromium, where one is installed. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { expect, it } from 'vitest';
import { CertificateDirectory, hasOpenssl, tlsFlags } from '../support/certificate.ts';
import { CHROMIUM, CHROMIUM_FLAGS } from '../support/chromium.ts';
import { TestServer } from '../support/server.ts';

it.skipIf(!existsSync(CHROMIUM) || !hasOpenssl)(
  'asks for the password once, and then asks and follows as that role (needs Chromium, openssl)',
  { timeout: 60_000 },
  async () => {
    const certificates = await CertificateDirectory.make();
    const flags = tlsFlags(await certificates.issue('server'));
    const environment = { MILLRACE_PASSWORD: 'secret' };
    const server = await TestServer.start({ demo: true, flags, environment });
    const profile = await mkdtemp(join(tmpdir(), 'millrace-browser-'));
    const browser = await chromium.launchPersistentContext(profile, {
      executablePath: CHROMIUM,
      args: [...CHROMIUM_FLAGS],
      ignoreHTTPSErrors: true,
      httpCredentials: { username: 'millrace', password: 'secret' },
    });
    const page = await browser.newPage();
    await page.goto(`https://127.0.0.1:${server.httpPort}/`);
    const tags = page.locator('tbody tr');
    await tags.nth(9).waitFor();
    const asked = await page.evaluate(async () => {
      const headers = { 'content-type': 'application/json' };
      const body = '{"sql":"SELECT session_user AS who"}';
      return (await fetch('/query', { method: 'POST', headers, body })).text();
    });
    expect(asked).toContain('millrace');
    await browser.close();
    await server.stop();
    await rm(profile, { recursive: true, force: true });
    await certificates.remove();
  },
);
