/** catalog.json: what an older server wrote is read as what it meant. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PUBLIC_SCHEMA_ACCESS } from '../../runtime/plan/authorization.ts';
import { readCatalog, writeCatalogAside } from '../../runtime/storage/catalog-file.ts';
import { Millrace } from '../support/millrace.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

type Saved = { format: number; objects: Record<string, unknown>[] };

const saved = (): Saved => JSON.parse(readFileSync(join(directory, 'catalog.json'), 'utf8')) as Saved;

it('of format 1: all belongs to the owner of all, and reads on', async () => {
  const first = await Millrace.start({ dataDirectory: directory });
  for (const sql of [
    'CREATE STREAM s (n int)',
    'CREATE TABLE t (k int PRIMARY KEY)',
    'CREATE VIEW v AS SELECT n FROM s',
    'CREATE MATERIALIZED VIEW m AS SELECT sum(n) AS total FROM v',
    "CREATE SINK k FROM m WITH (connector = 'blackhole')",
    'CREATE SCHEMA other',
    "COMMENT ON SCHEMA public IS 'ours'",
    'CREATE ROLE ada',
    'INSERT INTO s VALUES (1), (2)',
  ])
    await first.execute(sql);
  await first.stop();
  const now = saved();
  const NEW = ['owner', 'access', 'rowSecurity', 'securityInvoker', 'reads', 'ended'];
  const old = now.objects.map((object) =>
    Object.fromEntries(
      Object.entries(object).filter(([name]) => object['kind'] === 'role' || !NEW.includes(name)),
    ),
  );
  writeFileSync(join(directory, 'catalog.json'), JSON.stringify({ ...now, format: 1, objects: old }));
  const byName = new Map(readCatalog(directory).objects.map((object) => [object.name, object]));
  for (const name of ['s', 't', 'v', 'm', 'k', 'other']) {
    expect(byName.get(name), name).toMatchObject({ owner: 10, access: null });
  }
  for (const name of ['s', 't', 'v', 'm', 'k']) expect(byName.get(name)).toMatchObject({ rowSecurity: null });
  expect(byName.get('public')).toMatchObject({ access: PUBLIC_SCHEMA_ACCESS, comment: 'ours' });
  expect(byName.get('k')).toMatchObject({ ended: null, reads: [] });

  const second = await Millrace.start({ dataDirectory: directory }, first.nowMs);
  expect(await second.query('SELECT * FROM m')).toEqual([['3']]);
  await second.execute('SET ROLE ada');
  await expect(second.query('SELECT * FROM m')).rejects.toMatchObject({ code: '42501' });
  await second.execute('SET ROLE none');
  await second.execute('GRANT SELECT ON m TO ada');
  await second.stop();
  expect(saved().format).toBe(2);
});

it('of a format that is not known is refused', () => {
  writeCatalogAside(directory, { objects: [], nextOid: 16384, version: 1, tick: 0 }).take();
  writeFileSync(join(directory, 'catalog.json'), JSON.stringify({ ...saved(), format: 99 }));
  expect(() => readCatalog(directory)).toThrow('format 99');
});

it.each(['', '{"format":2,', 'null'])('of %j is said to be damaged', (text) => {
  const empty = mkdtempSync(join(tmpdir(), 'millrace-'));
  writeFileSync(join(empty, 'catalog.json'), text);
  expect(() => readCatalog(empty)).toThrow('catalog.json is damaged');
  rmSync(empty, { recursive: true });
});
