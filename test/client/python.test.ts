/** Python's drivers: psycopg 3 and 2, asyncpg, and SQLAlchemy over each of them. */
import { describe, expect, it } from 'vitest';
import { isInstalled, pythonSession } from '../support/foreign-session.ts';

describe.skipIf(!isInstalled('python'))('python (needs node scripts/ensure-clients.mjs)', () => {
  it('psycopg 3 reads, writes, copies, pipelines, streams and cancels', async () => {
    expect(JSON.parse(await pythonSession('psycopg3_session.py'))).toEqual({
      people: [
        [1, 'Anna'],
        [2, 'Bob'],
        [3, null],
      ],
      ids: [1, 2, 3, 6],
      copied: [['1', 'Anna']],
      types_False: [true, 0.5, true, ['a', 'b'], true, '1.50', true, null],
      types_True: [true, 0.5, true, ['a', 'b'], true, '1.50', true, null],
      error: ['42703', '8'],
      read_only: '25006',
      pipeline: Array.from({ length: 20 }, (_, i) => i),
      followed: [30_000, 30_002].map((version) => ({
        version,
        canceled: '57014',
        streamed: [
          ['x', 0],
          ['x', 1],
          ['x', 2],
        ],
        after: 1,
      })),
      named: [1, 2],
    });
  }, 60_000);

  it('psycopg 2 reads, writes, scrolls, gets each row as it comes, cancels and is notified', async () => {
    expect(JSON.parse(await pythonSession('psycopg2_session.py'))).toEqual({
      people: [
        { id: 1, name: 'Anna', born: '2000-01-02', wealth: '1.50' },
        { id: 2, name: null, born: null, wealth: null },
      ],
      types: true,
      json: [null, { a: [1] }, [1, null, 3]],
      error: '22012',
      scrolled: [1, 2],
      live: [1, 2, 3],
      canceled: '57014',
      notified: ['hello'],
    });
  }, 60_000);

  it('asyncpg knows the types, copies, gets each row as it comes, cancels, is notified and pools', async () => {
    expect(JSON.parse(await pythonSession('asyncpg_session.py'))).toEqual({
      people: [
        [1, 'Anna'],
        [2, null],
      ],
      conflict: '23505',
      types: true,
      json: { a: [1] },
      attributes: [
        ['id', 'int4'],
        ['name', 'text'],
      ],
      copied: ['COPY 2', 5],
      cursor: [1, 2, 3, 10, 11],
      live: [1, 2, 3],
      'after cancel': 1,
      notified: 'hello',
      pool: Array.from({ length: 10 }, (_, i) => i),
    });
  }, 60_000);

  it('SQLAlchemy maps, reflects and streams over psycopg, psycopg2 and asyncpg', async () => {
    const seen = {
      people: [[1, 'Anne', '1.50']],
      tables: ['live', 'people', 'posts'],
      views: ['letters'],
      materialized: ['tags'],
      columns: { id: 'INTEGER', name: 'VARCHAR(50)', wealth: 'NUMERIC(10, 2)' },
      key: ['id'],
      'foreign keys': [],
      indexes: [],
      comment: 'what people write',
      definition: true,
      schemas: ['information_schema', 'millrace', 'public'],
      reflected: ['letters', 'live', 'people', 'posts', 'tags'],
      live: [1, 2, 3],
    };
    expect(JSON.parse(await pythonSession('sqlalchemy_session.py'))).toEqual({
      psycopg: seen,
      psycopg2: seen,
      asyncpg: { rows: [[1, 'Anne']], tables: seen.tables },
    });
  }, 90_000);
});
