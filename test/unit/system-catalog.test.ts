/** The life of the mirror: started by a question, ended by idleness, replaced when it breaks or takes too long. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { expressionText } from '../../planner/planner.ts';
import { BUILT_IN_ROLES, DATABASE } from '../../runtime/plan/authorization.ts';
import { CatalogView, OidAllocator } from '../../server/catalog.ts';
import {
  CATALOG_GRACE_MS,
  CATALOG_IDLE_MS,
  CATALOG_KEPT_BYTES_MAX,
  CATALOG_MEMORY_BYTES_MAX,
  CATALOG_QUERY_MS_MAX,
  CATALOG_TEMPORARY_BYTES_MAX,
} from '../../server/limits.ts';
import { ServerMetrics } from '../../server/metrics.ts';
import { NO_PARAMETERS, queryMessages } from '../../server/system-catalog/catalog-request.ts';
import { Mirror } from '../../server/system-catalog/mirror.ts';
import { type CatalogQuestion, SystemCatalog } from '../../server/system-catalog/system-catalog.ts';

const view = new CatalogView([DATABASE, ...BUILT_IN_ROLES], 1, new OidAllocator(16_384));
const ENDLESS = 'WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n FROM r) SELECT count(*) FROM r';

const question = (sql: string, settings: Readonly<Record<string, string>> = {}): CatalogQuestion => ({
  catalog: view,
  facts: { users: [], settings: new Map(Object.entries(settings)) },
  messages: queryMessages(sql, NO_PARAMETERS, []),
});

const images = mkdtempSync(join(tmpdir(), 'millrace-image-'));
let catalog: SystemCatalog;

function newCatalog(imageDirectory: string): SystemCatalog {
  return new SystemCatalog({
    imageDirectory,
    log: pino({ level: 'silent' }),
    metrics: new ServerMetrics(),
    print: expressionText,
  });
}

beforeAll(async () => {
  // the first start makes the image for the others
  catalog = newCatalog(images);
  await answer('SELECT 1');
  await vi.waitFor(() => expect(readdirSync(images)).toEqual([expect.stringMatching(/\.gz$/)]), 20_000);
  catalog.stop();
}, 60_000);
afterAll(() => rmSync(images, { recursive: true, force: true }));

beforeEach(() => {
  // the thread's own time goes on
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  catalog = newCatalog(images);
});
afterEach(() => {
  catalog.stop();
  vi.useRealTimers();
});

async function answer(sql: string, settings: Readonly<Record<string, string>> = {}): Promise<number> {
  const reply = await catalog.ask(question(sql, settings)).answer;
  expect(reply.error).toBeNull();
  return reply.rows;
}

describe('what a mirror holds', () => {
  it('grows with what changes of the catalog leave behind, so that it is replaced', async () => {
    const { mirror } = await Mirror.start({
      imageDirectory: images,
      resultBytesMax: 1_000,
      memoryBytesMax: CATALOG_MEMORY_BYTES_MAX,
      temporaryBytesMax: CATALOG_TEMPORARY_BYTES_MAX,
    });
    const [settings, messages] = ['', queryMessages('SELECT 1', NO_PARAMETERS, [])];
    const change = `BEGIN READ WRITE; DELETE FROM pg_seclabel; INSERT INTO pg_seclabel
      SELECT n, 0, 0, n::text, (SELECT string_agg(md5((n * 100 + m)::text), '') FROM generate_series(1, 60) AS m)
      FROM generate_series(1, 3000) AS n; COMMIT`;
    const before = mirror.memoryBytes;
    expect(before).toBeLessThan(0.75 * CATALOG_KEPT_BYTES_MAX);
    for (let turns = 0; turns < 40 && mirror.memoryBytes < CATALOG_KEPT_BYTES_MAX; turns++) {
      const reply = await mirror.answer({ id: turns, change, settings, messages });
      expect(reply.rows).toBe(1);
    }
    expect(mirror.memoryBytes).toBeGreaterThan(CATALOG_KEPT_BYTES_MAX);
  }, 60_000);
});

describe('the mirror', () => {
  it('runs from the first question until it has rested for a while', async () => {
    expect(catalog.running).toBe(false);
    expect(await answer('SELECT 1')).toBe(1);
    vi.advanceTimersByTime(CATALOG_IDLE_MS - 1);
    expect(await answer('SELECT 1')).toBe(1);
    vi.advanceTimersByTime(CATALOG_IDLE_MS - 1);
    expect(catalog.running).toBe(true);
    vi.advanceTimersByTime(1);
    expect(catalog.running).toBe(false);
    expect(await answer('SELECT 1')).toBe(1);
  }, 60_000);

  it('is replaced when a question takes too long; those behind it are answered', async () => {
    await answer('SELECT 1');
    const slow = catalog.ask(question(ENDLESS)).answer;
    const next = catalog.ask(question('SELECT 1 UNION SELECT 2')).answer;
    const refused = expect(slow).rejects.toMatchObject({ code: '57014' });
    vi.advanceTimersByTime(CATALOG_QUERY_MS_MAX);
    await refused;
    expect((await next).rows).toBe(2);
  }, 60_000);

  it('is replaced when nobody waits for what it works at, but not at once', async () => {
    await answer('SELECT 1');
    const pending = catalog.ask(question(ENDLESS));
    const refused = expect(pending.answer).rejects.toMatchObject({ code: '57014' });
    pending.abandon();
    vi.advanceTimersByTime(CATALOG_GRACE_MS - 1);
    expect(catalog.running).toBe(true);
    vi.advanceTimersByTime(1);
    await refused;
    expect(catalog.running).toBe(false);
  }, 60_000);

  it('is not asked what nobody waits for any more', async () => {
    const first = catalog.ask(question('SELECT 1'));
    const second = catalog.ask(question(ENDLESS));
    second.abandon();
    expect((await first.answer).rows).toBe(1);
    expect(await answer('SELECT 1')).toBe(1);
  }, 60_000);

  it('is replaced when its answer is not whole', async () => {
    await answer('SELECT 1');
    const messages = queryMessages('SELECT 1', NO_PARAMETERS, []).subarray(0, -5);
    const broken = catalog.ask({ ...question(''), messages }).answer;
    await expect(broken).rejects.toMatchObject({ code: '58000' });
    expect(await answer('SELECT 1')).toBe(1);
  }, 60_000);

  it('survives settings that it does not take, and knows nothing of them', async () => {
    await answer('SELECT 1', { search_path: "'public'" });
    const reply = await catalog.ask(question('SELECT 1', { timezone: "'nowhere'" })).answer;
    expect(reply.error).toMatchObject({ code: '22023' });
    expect(await answer(`SELECT 1 WHERE current_schema() = 'public'`, { search_path: "'public'" })).toBe(1);
  }, 60_000);

  it('forgets what it was told of another session', async () => {
    const told = `SELECT 1 WHERE pg_toast.pg_session_fact('millrace.activity', true) = 'secret'`;
    expect(await answer(told, { 'millrace.activity': "'secret'" })).toBe(1);
    expect(await answer(told)).toBe(0);
  }, 60_000);

  it('refuses questions once the server stops, and those that wait', async () => {
    const waiting = expect(catalog.ask(question('SELECT 1')).answer).rejects.toMatchObject({ code: '57P01' });
    catalog.stop();
    await waiting;
    expect(() => catalog.ask(question('SELECT 1'))).toThrow(expect.objectContaining({ code: '57P01' }));
  });

  it('starts where no image can be kept', async () => {
    catalog.stop();
    catalog = newCatalog('/proc/nowhere');
    expect(await answer('SELECT 1')).toBe(1);
  }, 60_000);
});
