/** What the columns of a result are told to be of: as PostgreSQL says it in RowDescription. */
import { beforeAll, describe, expect, it } from 'vitest';
import { loadPlanner } from '../../planner/planner.ts';
import { FIXTURE, MemoryCatalog, run } from '../plan/memory-catalog.ts';

let catalog: MemoryCatalog;

beforeAll(async () => {
  await loadPlanner();
  catalog = new MemoryCatalog();
  run(catalog, FIXTURE);
  run(
    catalog,
    'CREATE VIEW turned AS SELECT name, id FROM users; CREATE VIEW twice AS SELECT id AS a, name FROM turned',
  );
});

function origins(sql: string): string {
  const [planned] = run(catalog, sql);
  return planned!
    .columns!.map(({ origin }) => {
      if (origin === undefined) return '-';
      const relation = catalog.relationByOid(origin.table)!;
      const columns = 'columns' in relation ? relation.columns : [];
      return `${relation.name}.${columns[origin.attribute - 1]!.name}`;
    })
    .join(' ');
}

describe('columns come from', () => {
  it.each([
    ['SELECT id, name, age FROM users', 'users.id users.name users.age'],
    ['SELECT u.name AS n, u.id FROM users AS u WHERE age > 3 ORDER BY age LIMIT 1', 'users.name users.id'],
    ["SELECT id + 1, 'x', id::text, upper(name), id FROM users", '- - - - users.id'],
    ['SELECT s.b, s.a FROM (SELECT id AS a, name AS b FROM users OFFSET 1) AS s', 'users.name users.id'],
    ['WITH c AS (SELECT name, id FROM users) SELECT * FROM c', 'users.name users.id'],
    ['SELECT name, count(*), max(id) FROM users GROUP BY name', 'users.name - -'],
    ['SELECT DISTINCT name FROM users', 'users.name'],
    ['SELECT id FROM users UNION ALL SELECT id FROM users', '-'],
    ['VALUES (1)', '-'],
    ['SELECT tag, arrived_at FROM tweets', 'tweets.tag -'],
    ['SELECT score, tag FROM scores', 'scores.score scores.tag'],
    ['SELECT * FROM turned', 'turned.name turned.id'],
    ['SELECT name, a FROM twice', 'twice.name twice.a'],
    ['SELECT * FROM per_minute', 'per_minute.tag per_minute.window_end per_minute.n per_minute.total'],
    [
      "SELECT tag, author, window_end FROM TUMBLE(tweets, at, INTERVAL '1 minute')",
      'tweets.tag tweets.author -',
    ],
    [
      'SELECT t.tag, u.name, u.age + 1 FROM tweets AS t LEFT JOIN users FOR SYSTEM_TIME AS OF PROCTIME() AS u ON u.id = t.author',
      'tweets.tag users.name -',
    ],
    ['SELECT tag, count(*) FROM tweets GROUP BY tag EMIT CHANGES', '- - tweets.tag -'],
    ['SELECT watermark FROM millrace.watermarks', '-'],
    ['SELECT (SELECT max(id) FROM users), name FROM users', '- users.name'],
  ])('%s', (sql, expected) => {
    expect(origins(sql)).toBe(expected);
  });
});
