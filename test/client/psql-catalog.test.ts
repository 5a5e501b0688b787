/** psql's backslash commands and tab completion, where it is installed: all are questions to the system catalog. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestServer } from '../support/server.ts';

const has = (command: string): boolean => spawnSync(command, ['--version']).status === 0;
const installed = has('psql');
/** A terminal of its own. */
const completes = installed && has('script');

const OBJECTS = `
  CREATE STREAM tweets (at timestamptz NOT NULL, tag text, score float8 DEFAULT 1.5, WATERMARK FOR at AS at - INTERVAL '2 seconds');
  CREATE TABLE users (id bigint PRIMARY KEY, name varchar(20) NOT NULL DEFAULT 'x', tags text[],
    up text GENERATED ALWAYS AS (upper(name)) STORED);
  CREATE VIEW names AS SELECT id, name FROM users WHERE id > 3;
  CREATE MATERIALIZED VIEW counts AS SELECT tag, count(*) AS n FROM tweets GROUP BY tag;
  CREATE SCHEMA "It's";
  CREATE TABLE "It's"."a ""b""" ("x y" int4, "日本語" numeric(10,2), PRIMARY KEY ("x y"));
  CREATE INDEX by_name ON users (name DESC, tags);
  CREATE INDEX ON counts USING hash (n);
  COMMENT ON INDEX by_name IS 'who is it';
  COMMENT ON TABLE users IS 'people';
  COMMENT ON COLUMN users.name IS 'their name';
  CREATE ROLE reader LOGIN;
  GRANT SELECT ON users TO reader;
  CREATE POLICY few ON users TO reader USING (id > 3);
  ALTER TABLE users ENABLE ROW LEVEL SECURITY;`;

/** With what must be in the answer, unaligned. */
const FORMS: readonly (readonly [command: string, ...lines: readonly string[]])[] = [
  [
    '\\d',
    'public|counts|materialized view|millrace',
    'public|names|view|millrace',
    'public|tweets|table|millrace',
    'public|users|table|millrace',
  ],
  ['\\d+', 'people'],
  ['\\dS', 'pg_catalog|pg_class|table|millrace'],
  [
    '\\d users',
    'id|bigint||not null|',
    "name|character varying(20)||not null|'x'::character varying(20)",
    'tags|text[]|||',
    'up|text|||generated always as (upper(name::text)) stored',
    '    "users_pkey" PRIMARY KEY, btree (id)',
    '    "by_name" btree (name DESC, tags)',
    '    POLICY "few"',
    '      USING (id > 3)',
  ],
  ['\\d+ users', 'their name'],
  ['\\d tweets', 'at|timestamp with time zone||not null|', 'score|double precision|||1.5'],
  ['\\d+ tweets', 'Options: kind=stream, connector=log'],
  ['\\d names', 'id|bigint|||', 'name|character varying(20)|||'],
  ['\\d+ names', ' SELECT id, name FROM users WHERE id > 3;'],
  ['\\d counts', 'tag|text|||', 'n|bigint|||', '    "counts_n_idx" hash (n)'],
  ['\\d by_name', 'name|character varying(20)|yes|name', 'btree, for table "public.users"'],
  ['\\di', 'public|by_name|index|millrace|users', 'public|counts_n_idx|index|millrace|counts'],
  ['\\di+ by_name', 'who is it'],
  ['\\d+ counts', ' SELECT tag, count(*) AS n FROM tweets GROUP BY tag;'],
  ['\\d users_pkey', 'id|bigint|yes|id', 'primary key, btree, for table "public.users"'],
  ['\\d pg_class', 'relname|name||not null|'],
  ['\\d+ pg_settings', 'View definition:'],
  ['\\d information_schema.columns', 'column_default|information_schema.character_data|||'],
  ['\\d millrace.ticks', 'rows_in|bigint|||'],
  ['\\d millrace.*', 'watermark|timestamp with time zone|||'],
  ['\\d u*', 'tags|text[]|||'],
  ['\\d public.u?ers', 'tags|text[]|||'],
  [`\\d "It's".*`, '日本語|numeric(10,2)|||', 'x y|integer||not null|'],
  ['\\d nosuch'],
  ['\\da'],
  ['\\da+ s*'],
  ['\\dA', 'btree|Index'],
  ['\\dA+'],
  ['\\dAc btree', 'btree|integer'],
  ['\\dAf btree'],
  ['\\dAo btree'],
  ['\\dAp btree'],
  ['\\db', 'pg_default|millrace|'],
  ['\\db+'],
  ['\\dc'],
  ['\\dcS utf8*'],
  ['\\dC'],
  ['\\dC+ int4'],
  ['\\dconfig'],
  ['\\dconfig TimeZone', 'TimeZone|UTC'],
  ['\\dconfig+ *time*'],
  ['\\dd'],
  ['\\ddp'],
  ['\\dD'],
  ['\\dDS+'],
  ['\\dE'],
  ['\\des'],
  ['\\det'],
  ['\\deu'],
  ['\\dew'],
  ['\\df'],
  ['\\df+ pg_get_viewdef', 'select statement of a view'],
  ['\\df pg_catalog.pg_table_size', 'pg_catalog|pg_table_size|bigint|regclass|func'],
  ['\\dfa'],
  ['\\dfn'],
  ['\\dfp'],
  ['\\dft'],
  ['\\dfw'],
  ['\\dF', 'pg_catalog|simple|simple configuration'],
  ['\\dF+ simple'],
  ['\\dFd'],
  ['\\dFp'],
  ['\\dFt'],
  ['\\dg', 'reader|'],
  ['\\dg+'],
  ['\\di', 'public|users_pkey|index|millrace|users'],
  ['\\di+'],
  ['\\diS pg_class*'],
  ['\\dit'],
  ['\\dL'],
  ['\\dLS', 'internal|millrace|f|'],
  ['\\dm', 'public|counts|materialized view|millrace'],
  ['\\dm+'],
  ['\\dn', "It's|millrace", 'millrace|millrace', 'public|millrace'],
  ['\\dn+', 'standard public schema'],
  ['\\dnS', 'pg_catalog|millrace'],
  ['\\do'],
  ['\\doS+ ='],
  ['\\dO'],
  ['\\dOS+'],
  ['\\dp', 'public|users|table|millrace=arwdDxtm/millrace'],
  ['\\dp users', 'reader=r/millrace|'],
  ['\\dP'],
  ['\\dP+'],
  ['\\drds'],
  ['\\dRp'],
  ['\\dRs'],
  ['\\ds'],
  ['\\dt', 'public|tweets|table|millrace', 'public|users|table|millrace'],
  ['\\dt+'],
  ['\\dtS pg_ty*', 'pg_catalog|pg_type|table|millrace'],
  ['\\dt *.a*', `It's|a "b"|table|millrace`],
  ['\\dtvmsE'],
  ['\\dT'],
  ['\\dT+'],
  ['\\dTS int4', 'pg_catalog|integer|'],
  ['\\du', 'anna|Superuser', 'millrace|Superuser', 'reader|'],
  ['\\du+ reader'],
  ['\\dv', 'public|names|view|millrace'],
  ['\\dv+'],
  ['\\dvS pg_stat_act*', 'pg_catalog|pg_stat_activity|view|millrace'],
  ['\\dx'],
  ['\\dx+'],
  ['\\dX'],
  ['\\dy'],
  ['\\dy+'],
  ['\\l', 'millrace|millrace|UTF8|'],
  ['\\l+'],
  ['\\l mill*', 'millrace|millrace|UTF8|'],
  ['\\sf pg_catalog.abs(int4)', ' RETURNS integer'],
  ['\\sv names', 'CREATE OR REPLACE VIEW public.names AS'],
  ['\\sv+ names'],
  ['\\ef pg_catalog.abs(int4)'],
  ['\\ev names'],
  ['\\z users', 'reader=r/millrace|'],
  ['\\conninfo'],
  ['\\encoding', 'UTF8'],
];

let server: TestServer;
const answers = new Map<string, string>();
/** psql's errors, of all commands. */
let errors = '';

function options(): string[] {
  return ['-X', '-h', '127.0.0.1', '-p', `${server.pgPort}`, '-U', 'anna', '-d', 'millrace'];
}

async function psql(input: string, ...args: readonly string[]): Promise<string> {
  const child = spawn('psql', [...options(), ...args], {
    env: { ...process.env, PGCLIENTENCODING: 'UTF8', PSQL_EDITOR: 'true' },
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  child.stdin.end(input);
  await once(child, 'close');
  return output;
}

/** The answer to each command, told apart by a line before it. */
function keep(output: string, into: Map<string, string>): void {
  const parts = output.split(/^@@(\d+)@@\n/m);
  for (let i = 1; i < parts.length; i += 2) into.set(FORMS[Number(parts[i])]![0], parts[i + 1]!);
}

const script = FORMS.map(([command], i) => `\\echo @@${i}@@\n${command}\n\\r\n`).join('');

beforeAll(async () => {
  if (!installed) return;
  server = await TestServer.start();
  await psql(OBJECTS, '-q');
  keep(await psql(script, '-q', '-A', '-P', 'pager=off'), answers);
}, 60_000);
afterAll(() => server?.stop());

describe.skipIf(!installed)('backslash commands (needs psql)', () => {
  it.each(FORMS)('%s', (command, ...lines) => {
    const answer = answers.get(command);
    expect(answer).toBeDefined();
    for (const line of lines) expect(answer).toContain(line);
  });

  it('get no error', () => {
    expect(errors).toBe('');
  });

  it('are the same in portions', async () => {
    const portions = new Map<string, string>();
    keep(await psql(script, '-q', '-A', '-P', 'pager=off', '-v', 'FETCH_COUNT=2'), portions);
    for (const [command] of FORMS) {
      // what the session itself runs differs
      if (command === '\\conninfo') continue;
      expect([command, portions.get(command)]).toEqual([command, answers.get(command)]);
    }
    expect(errors).toBe('');
  }, 60_000);

  it('show nothing of the mirror itself', () => {
    const shown = ['\\d', '\\df', '\\dn', '\\dx', '\\dL', '\\dT', '\\l']
      .map((form) => answers.get(form))
      .join('');
    expect(shown).not.toMatch(/postgres|plpgsql|pglite|template|session_fact|original/i);
  });
});

/** What is typed before the key Tab, and what psql makes of it. */
const COMPLETIONS: readonly (readonly [string, string])[] = [
  ['SELECT * FROM use', 'users'],
  ['INSERT INTO use', 'users'],
  ['UPDATE users SET na', 'name'],
  ['\\dv nam', 'names'],
  ['\\du read', 'reader'],
  ['DROP MATERIALIZED VIEW coun', 'counts'],
  ['GRANT SELECT ON users TO read', 'reader'],
  ['SHOW server_version_n', 'server_version_num'],
  ['ALTER TABLE users DROP CONSTRAINT users_p', 'users_pkey'],
  ['\\sf pg_get_viewd', 'pg_get_viewdef'],
  ['SELECT * FROM users WHERE tag', 'tags'],
  ['ALTER DATABASE mill', 'millrace'],
];

describe.skipIf(!completes)('tab completion (needs psql and script)', () => {
  it.each(COMPLETIONS)(
    '%s',
    async (typed, completed) => {
      const command = ['psql', ...options()].join(' ');
      const child = spawn('script', ['-qec', command, '/dev/null'], {
        env: { ...process.env, TERM: 'dumb', PAGER: 'cat' },
      });
      let seen = '';
      let stage: 'start' | 'typed' | 'done' = 'start';
      child.stdout.on('data', (chunk: Buffer) => {
        seen += chunk.toString();
        if (stage === 'start' && seen.includes('millrace=#')) {
          stage = 'typed';
          seen = '';
          child.stdin.write(`${typed}\t`);
        } else if (stage === 'typed' && seen.includes(completed)) {
          stage = 'done';
          // takes the line back, and goes
          child.stdin.end('\u0015\\q\n');
        }
      });
      await once(child, 'close');
      expect(stage).toBe('done');
    },
    20_000,
  );
});
