/** The JDBC driver. */
import { describe, expect, it } from 'vitest';
import { isInstalled, javaSession } from '../support/foreign-session.ts';

describe.skipIf(!isInstalled('java'))('JDBC (needs node scripts/ensure-clients.mjs)', () => {
  it('batches, prepares, asks for metadata, fetches in portions, gets each row as it comes, and cancels', async () => {
    const lines = (await javaSession()).trim().split('\n');
    expect(lines).toEqual([
      'batch: 3',
      'conflict: 23505',
      'prepared: name 2 1.50',
      'types: true',
      'product: PostgreSQL 18',
      'schemas: [information_schema, millrace, pg_catalog, public]',
      'tables: [people_pkey, names, live, people]',
      'table types: [INDEX, MATERIALIZED VIEW, TABLE, TABLE]',
      'columns: [int4, text, numeric]',
      'key: [id]',
      'metadata: complete',
      'cursor: [1, 2, 3]',
      'live: [1, 2, 3]',
      'live canceled: 57014',
      'canceled: 57014',
      'timed out: 57014',
    ]);
  }, 60_000);
});
