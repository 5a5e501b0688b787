/** Go's pgx, by itself and under database/sql. */
import { describe, expect, it } from 'vitest';
import { goSession, isInstalled } from '../support/foreign-session.ts';

describe.skipIf(!isInstalled('go'))('pgx (needs node scripts/ensure-clients.mjs)', () => {
  it('batches, copies, knows the types, gets each row as it comes, cancels and is notified', async () => {
    expect(JSON.parse(await goSession())).toEqual({
      batch: 2,
      people: [
        { ID: 1, Name: 'Anna' },
        { ID: 2, Name: null },
      ],
      types: true,
      texts: ['1.50', '{"a": 1}'],
      copied: 2,
      conflict: '23505',
      live: [1, 2, 3],
      ended: true,
      notified: 'hello',
      pool: 'Anna',
    });
  }, 60_000);
});
