/**
 * Roles and privileges, statement by statement, against a real PostgreSQL: the same rows, the same errors in the same words.
 * Each script of authorization/ has roles with a prefix of its own, for roles are the server's and not a schema's.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PGlite } from '@electric-sql/pglite';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestServer } from '../support/server.ts';

const SCRIPTS = fileURLToPath(new URL('authorization', import.meta.url));

let server: TestServer;
let client: pg.Client;
let postgres: PGlite;

beforeAll(async () => {
  server = await TestServer.start();
  client = await server.connect('millrace');
  postgres = new PGlite();
  await postgres.waitReady;
}, 60_000);
afterAll(async () => {
  await client.end();
  await postgres.close();
  await server.stop();
});

type Reply = Readonly<{ rows: readonly string[] } | { code: string; message: string; detail: string }>;

/** The owner of all has another name there. */
const named = (text: string): string => text.replaceAll('postgres', 'millrace');

function replyOf(rows: readonly unknown[][]): Reply {
  return { rows: rows.map((row) => named(row.map(String).join('|'))).sort() };
}

function refusal(error: unknown): Reply {
  const { code, message, detail } = error as { code?: string; message: string; detail?: string };
  if (code === undefined) throw error;
  return { code, message: named(message), detail: named(detail ?? '') };
}

async function ask(sql: string): Promise<Reply> {
  try {
    return replyOf((await client.query({ text: sql, rowMode: 'array' })).rows as unknown[][]);
  } catch (error) {
    return refusal(error);
  }
}

async function askPostgres(sql: string): Promise<Reply> {
  try {
    return replyOf(
      (await postgres.query(sql.replaceAll('millrace', 'postgres'), [], { rowMode: 'array' }))
        .rows as unknown[][],
    );
  } catch (error) {
    return refusal(error);
  }
}

describe('as in PostgreSQL', () => {
  for (const name of readdirSync(SCRIPTS)) {
    it(name, async () => {
      const script = readFileSync(join(SCRIPTS, name), 'utf8');
      const statements = script.split(';').flatMap((text) => (text.trim() === '' ? [] : [text.trim()]));
      const ours: [string, Reply][] = [];
      const theirs: [string, Reply][] = [];
      for (const sql of statements) {
        ours.push([sql, await ask(sql)]);
        theirs.push([sql, await askPostgres(sql)]);
      }
      expect(ours).toEqual(theirs);
    }, 60_000);
  }
});
