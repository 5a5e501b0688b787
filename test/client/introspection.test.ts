/**
 * What tools ask of the system catalog before they show anything, in our own words: each with the constructs that the tool
 * uses, and the columns and rows that it needs. A tool that gets an error here shows nothing at all.
 */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestServer } from '../support/server.ts';
import { ADMINISTRATION_QUESTIONS } from '../support/introspection/administration-questions.ts';
import { BI_QUESTIONS } from '../support/introspection/bi-questions.ts';
import { DASHBOARD_QUESTIONS } from '../support/introspection/dashboard-questions.ts';
import { DBEAVER_QUESTIONS } from '../support/introspection/dbeaver-questions.ts';
import { DRIVER_QUESTIONS } from '../support/introspection/driver-questions.ts';
import { EDITOR_QUESTIONS } from '../support/introspection/editor-questions.ts';

const QUESTIONS = [
  ...ADMINISTRATION_QUESTIONS,
  ...BI_QUESTIONS,
  ...DASHBOARD_QUESTIONS,
  ...DBEAVER_QUESTIONS,
  ...EDITOR_QUESTIONS,
  ...DRIVER_QUESTIONS,
];

let server: TestServer;
let client: pg.Client;

beforeAll(async () => {
  server = await TestServer.start();
  client = await server.connect('anna');
  await client.query(`
    CREATE STREAM tweets (at timestamptz NOT NULL, tag text, score float8 DEFAULT 1.5, WATERMARK FOR at AS at);
    CREATE TABLE users (id bigint PRIMARY KEY, name varchar(20) NOT NULL DEFAULT 'x', tags text[],
      up text GENERATED ALWAYS AS (upper(name)) STORED);
    CREATE VIEW names AS SELECT id, name FROM users WHERE id > 3;
    CREATE MATERIALIZED VIEW counts AS SELECT tag, count(*) AS n FROM tweets GROUP BY tag;
    COMMENT ON TABLE users IS 'people';
    COMMENT ON COLUMN users.name IS 'their name';
    CREATE INDEX counts_tag ON counts (tag);
    CREATE ROLE reader LOGIN; CREATE ROLE team; GRANT team TO reader;
    GRANT SELECT ON users TO reader WITH GRANT OPTION;
    CREATE POLICY few ON users FOR SELECT TO reader USING (id > 3);
    INSERT INTO users (id, name) VALUES (1, 'anna'), (5, 'bert');
    INSERT INTO tweets (at, tag) VALUES ('2026-05-01 12:00:01Z', 'a'), ('2026-05-01 12:00:02Z', 'a')`);
}, 60_000);
afterAll(async () => {
  await client.end();
  await server.stop();
});

describe.each(QUESTIONS)('$tool asks $asks', ({ sql, values = [], columns, row, absent }) => {
  it.each(values.length > 0 ? ['prepared'] : ['by itself', 'prepared'])('%s', async (how) => {
    const name =
      how === 'prepared' ? { name: `q${QUESTIONS.findIndex((question) => question.sql === sql)}` } : {};
    for (let time = 0; time < 2; time++) {
      const answer = await client.query({ ...name, text: sql, values: [...values] });
      expect(answer.fields.map((field) => field.name)).toEqual(columns);
      if (row !== undefined) expect(answer.rows).toContainEqual(expect.objectContaining(row));
      if (absent !== undefined) expect(answer.rows).not.toContainEqual(expect.objectContaining(absent));
    }
  });
});
