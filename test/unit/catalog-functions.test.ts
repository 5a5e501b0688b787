/** Which functions a query of the system catalog may call: checked against the functions that PostgreSQL has. */
import { PGlite } from '@electric-sql/pglite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HARMLESS, isRefusedFunction } from '../../planner/catalog-query/catalog-functions.ts';

/** Answered by the server or by functions of its own in the mirror. */
const OWN: ReadonlySet<string> = new Set(['set_config']);

let postgres: PGlite;
let volatile: readonly string[];

beforeAll(async () => {
  postgres = new PGlite();
  const { rows } = await postgres.query<{ proname: string }>(
    `SELECT DISTINCT proname FROM pg_proc WHERE provolatile = 'v' AND pronamespace = 'pg_catalog'::regnamespace
       AND prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype, 'language_handler'::regtype)
       AND NOT 'internal'::regtype = ANY (proargtypes) AND proname NOT LIKE 'plpgsql%'`,
  );
  volatile = rows.map((row) => row.proname);
}, 60_000);
afterAll(() => postgres.close());

describe('functions in queries of the system catalog', () => {
  it('are refused where PostgreSQL calls them volatile, but for those known to be harmless', () => {
    const open = volatile.filter((name) => !isRefusedFunction(name) && !HARMLESS.has(name) && !OWN.has(name));
    expect(open).toEqual([]);
    expect(volatile.length).toBeGreaterThan(200);
  });

  it('are known to be harmless only where there is such a function', () => {
    expect([...HARMLESS].filter((name) => !volatile.includes(name))).toEqual([]);
  });

  it.each([
    'pg_read_file',
    'lo_import',
    'dblink_exec',
    'pg_sleep',
    'database_to_xml',
    'nextval',
    'pg_toast_x',
  ])('refuses %s', (name) => expect(isRefusedFunction(name)).toBe(true));

  it.each([
    'format_type',
    'pg_get_viewdef',
    'pg_table_is_visible',
    'has_table_privilege',
    'unnest',
    'random',
  ])('takes %s', (name) => expect(isRefusedFunction(name)).toBe(false));
});
