/** Libraries over node-postgres: Prisma, Kysely with pg-query-stream, Knex. */
import { describe, expect, it } from 'vitest';
import { isInstalled, npmSession } from '../support/foreign-session.ts';

describe.skipIf(!isInstalled('npm'))('npm (needs node scripts/ensure-clients.mjs)', () => {
  it('Prisma reads and writes, in transactions too', async () => {
    expect(JSON.parse(await npmSession('prisma-session.mjs'))).toEqual({
      found: [
        { id: 3, name: 'Carl' },
        { id: 1, name: 'Anna' },
      ],
      updated: { id: 1, name: 'Anne' },
      counted: 2,
      upserted: { id: 3, name: 'Karl' },
      grouped: [
        { _count: 1, name: 'Anne' },
        { _count: 1, name: 'Karl' },
      ],
      raw: [{ a: 1 }],
      conflict: 'P2002',
    });
  }, 60_000);

  it('Kysely builds, introspects, and streams each row as it comes', async () => {
    expect(JSON.parse(await npmSession('kysely-session.mjs'))).toEqual({
      inserted: { id: 3 },
      selected: [
        { name: 'Anna', n: '1' },
        { name: 'Bob', n: '1' },
      ],
      changed: [
        { id: 1, name: 'Anne' },
        { id: 3, name: 'Carl' },
      ],
      tables: [['people', ['id int4 false', 'name text false']]],
      live: [1, 2, 3],
    });
  }, 60_000);

  it('Knex builds, asks for columns, and streams', async () => {
    expect(JSON.parse(await npmSession('knex-session.mjs'))).toEqual({
      inserted: [{ id: 1 }, { id: 2 }],
      has: [true, false, true],
      columns: {
        id: { type: 'integer', maxLength: null, nullable: false, defaultValue: null },
        name: { type: 'character varying', maxLength: 50, nullable: false, defaultValue: null },
        at: { type: 'timestamp with time zone', maxLength: null, nullable: true, defaultValue: null },
      },
      transacted: [
        { id: 1, name: 'Anne' },
        { id: 2, name: 'again' },
      ],
      conflict: '23505',
      streamed: [1, 2],
    });
  }, 60_000);
});
