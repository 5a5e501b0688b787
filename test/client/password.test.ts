/** Real clients with passwords: psql, node-postgres, postgres.js. */
import { spawn, spawnSync } from 'node:child_process';
import pg from 'pg';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ServerHere, startServerHere } from '../support/server-here.ts';

const hasPsql = spawnSync('psql', ['--version']).status === 0;
const PASSWORD = 'Grüße, Welt\u00a0²';
let server: ServerHere;

beforeAll(async () => {
  server = await startServerHere();
  await server.setRole('anna', PASSWORD);
});
afterAll(() => server.stop());

const options = (
  password: string,
): { host: string; port: number; user: string; password: string; database: string } => ({
  host: '127.0.0.1',
  port: server.pgPort,
  user: 'anna',
  password,
  database: 'millrace',
});

it('node-postgres', async () => {
  const client = new pg.Client(options('plain'));
  await expect(client.connect()).rejects.toMatchObject({ code: '28P01' });
  await server.setRole('plain', 'plain');
  const plain = new pg.Client({ ...options('plain'), user: 'plain' });
  await plain.connect();
  expect((await plain.query('SELECT current_user')).rows).toEqual([{ current_user: 'plain' }]);
  await plain.end();
});

it('postgres.js', async () => {
  await server.setRole('plain', 'plain');
  const sql = postgres({ ...options('plain'), user: 'plain', max: 3 });
  expect(await sql`SELECT session_user`).toEqual([{ session_user: 'plain' }]);
  await sql.end();
  const wrong = postgres({ ...options('other'), user: 'plain' });
  await expect(wrong`SELECT 1`).rejects.toMatchObject({ code: '28P01' });
  await wrong.end();
});

it.skipIf(!hasPsql)('psql, with letters that SASLprep changes', async () => {
  const run = (password: string): Promise<{ code: number | null; output: string }> =>
    new Promise((resolve) => {
      const where = [
        '-X',
        '-At',
        '-h',
        '127.0.0.1',
        '-p',
        `${server.pgPort}`,
        '-U',
        'anna',
        '-d',
        'millrace',
      ];
      const child = spawn('psql', [...where, '-c', 'SELECT current_user'], {
        env: { ...process.env, PGPASSWORD: password, PGCLIENTENCODING: 'UTF8' },
      });
      let output = '';
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (chunk: Buffer) => {
          output += chunk.toString();
        });
      }
      child.on('close', (code) => resolve({ code, output }));
    });
  expect(await run(PASSWORD)).toEqual({ code: 0, output: 'anna\n' });
  expect(await run('Grüße, Welt 2')).toEqual({ code: 0, output: 'anna\n' });
  const wrong = await run('Grüße');
  expect(wrong.code).toBe(2);
  expect(wrong.output).toContain('password authentication failed for user "anna"');
});
