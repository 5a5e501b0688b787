/** Real clients with passwords, over TLS and in clear: psql, node-postgres, postgres.js, HTTPS and WSS. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { get } from 'node:https';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import pg from 'pg';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { CertificateDirectory, hasOpenssl, tlsFlags } from '../support/certificate.ts';
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

type Output = Readonly<{ code: number | null; output: string }>;

/** `sslmode` and the like go into the connection string. */
function psql(port: number, password: string, more = ''): Promise<Output> {
  const where = `host=127.0.0.1 port=${port} user=anna dbname=millrace ${more}`;
  const child = spawn('psql', ['-X', '-At', where, '-c', 'SELECT current_user'], {
    env: { ...process.env, PGPASSWORD: password, PGCLIENTENCODING: 'UTF8' },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, output })));
}

it.skipIf(!hasPsql)('psql, with letters that SASLprep changes', async () => {
  expect(await psql(server.pgPort, PASSWORD)).toEqual({ code: 0, output: 'anna\n' });
  expect(await psql(server.pgPort, 'Grüße, Welt 2')).toEqual({ code: 0, output: 'anna\n' });
  const wrong = await psql(server.pgPort, 'Grüße');
  expect(wrong.code).toBe(2);
  expect(wrong.output).toContain('password authentication failed for user "anna"');
  expect((await psql(server.pgPort, PASSWORD, 'sslmode=require')).output).toContain('does not support SSL');
});

describe.skipIf(!hasOpenssl)('over TLS', () => {
  let directory: CertificateDirectory;
  let secure: ServerHere;
  let ca: string;

  beforeAll(async () => {
    directory = await CertificateDirectory.make();
    const files = await directory.issue('localhost', 'rsa');
    ca = await readFile(files.certificate, 'utf8');
    secure = await startServerHere(tlsFlags(files));
    await secure.setRole('anna', 'secret');
  });
  afterAll(async () => {
    await secure?.stop();
    await directory?.remove();
  });

  it.skipIf(!hasPsql)('psql, bound to the certificate', async () => {
    const root = `sslrootcert=${directory.path}/localhost.crt`;
    for (const more of [
      'sslmode=require',
      'sslmode=require channel_binding=require',
      `sslmode=verify-full ${root} channel_binding=require`,
      'sslmode=disable',
    ])
      expect(await psql(secure.pgPort, 'secret', more), more).toEqual({ code: 0, output: 'anna\n' });
    const unbound = await psql(secure.pgPort, 'secret', 'sslmode=disable channel_binding=require');
    expect(unbound.code).toBe(2);
  });

  it('node-postgres, with and without channel binding', async () => {
    for (const enableChannelBinding of [false, true]) {
      const client = new pg.Client({
        ...options('secret'),
        port: secure.pgPort,
        ssl: { ca },
        enableChannelBinding,
      });
      await client.connect();
      expect((await client.query('SELECT current_user')).rows).toEqual([{ current_user: 'anna' }]);
      await client.end();
    }
  });

  it('postgres.js', async () => {
    const sql = postgres({ ...options('secret'), port: secure.pgPort, ssl: { ca } });
    expect(await sql`SELECT session_user`).toEqual([{ session_user: 'anna' }]);
    await sql.end();
  });

  it('HTTPS beside HTTP, under the names of the certificate', async () => {
    const ask = (headers: Readonly<Record<string, string>>): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const where = {
          host: '127.0.0.1',
          port: secure.httpPort,
          path: '/healthz',
          ca,
          servername: 'localhost',
        };
        get({ ...where, headers, agent: false }, (response) => {
          response.resume().on('end', () => resolve(response.statusCode));
        }).on('error', reject);
      });
    expect(await ask({})).toBe(200);
    expect(await ask({ host: 'db.example' })).toBe(200);
    expect(await ask({ host: 'evil.example' })).toBe(403);
    expect(await ask({ host: 'db.example', origin: 'https://evil.example' })).toBe(403);
    const clear = await fetch(`http://127.0.0.1:${secure.httpPort}/healthz`);
    expect(clear.status).toBe(200);
  });

  it('WSS', async () => {
    const authorization = `Basic ${Buffer.from('anna:secret').toString('base64')}`;
    const socket = new WebSocket(`wss://127.0.0.1:${secure.httpPort}/ws`, { ca, headers: { authorization } });
    await once(socket, 'open');
    socket.send(JSON.stringify({ id: 1, op: 'query', sql: 'SELECT 1 AS a' }));
    const [schema] = (await once(socket, 'message')) as [Buffer];
    expect(JSON.parse(schema.toString())).toMatchObject({ id: 1, op: 'schema' });
    socket.terminate();
  });

  it('closes while browsers hold connections open without a request', async () => {
    const files = { certificate: `${directory.path}/localhost.crt`, key: `${directory.path}/localhost.key` };
    const there = await startServerHere(tlsFlags(files));
    const idle = connect(there.httpPort, '127.0.0.1');
    const tls = connectTls({ port: there.httpPort, host: '127.0.0.1', ca });
    await Promise.all([once(idle, 'connect'), once(tls, 'secureConnect')]);
    const gone = Promise.all([once(idle.resume(), 'close'), once(tls.resume(), 'close')]);
    await there.stop();
    await gone;
  });
});
