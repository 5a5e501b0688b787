/** Settings while the server runs: ALTER SYSTEM, a reload by SQL and by SIGHUP, a restart. */
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TestServer } from '../support/server.ts';

let directory: string;
let server: TestServer;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'millrace-'));
  server = await TestServer.start({ dataDirectory: directory });
});
afterEach(async () => {
  await server.stop();
  await rm(directory, { recursive: true });
});

/** What a session that begins now is told. */
async function show(name: string): Promise<string> {
  const [row] = (await run(`SHOW ${name}`)) as Record<string, string>[];
  return Object.values(row!)[0]!;
}

async function run(sql: string): Promise<unknown[]> {
  const client = await server.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

it('changes what can change at a reload, and the rest at a start', async () => {
  await run("ALTER SYSTEM SET statement_timeout = '7s'");
  await run('ALTER SYSTEM SET millrace.tick_interval TO 50');
  await run("ALTER SYSTEM SET millrace.statement_size_limit = '2kB'");
  expect(await show('statement_timeout')).toBe('0');
  await run('SELECT pg_reload_conf()');
  expect(await show('statement_timeout')).toBe('7s');
  expect(await show('millrace.tick_interval')).toBe('100ms');
  await expect(run(`SELECT '${'x'.repeat(3_000)}'`)).rejects.toMatchObject({ code: '54000' });
  await server.stop();
  server = await TestServer.start({ dataDirectory: directory });
  expect(await show('millrace.tick_interval')).toBe('50ms');
  await run('ALTER SYSTEM RESET ALL; ');
  await run('SELECT pg_reload_conf()');
  expect(await show('statement_timeout')).toBe('0');
});

/** For what a signal brings about. */
const WAITING = { timeout: 20_000, interval: 10 };

it('reads its files again on SIGHUP, and keeps what it has where they are wrong', async () => {
  const until = async (name: string, wanted: string): Promise<void> => {
    await vi.waitFor(async () => expect(await show(name)).toBe(wanted), WAITING);
  };
  await writeFile(join(directory, 'millrace.conf'), "application_name = 'first'\nmillrace.log_level = info");
  server.process.kill('SIGHUP');
  await until('application_name', 'first');
  await writeFile(join(directory, 'millrace.conf'), "application_name = 'second'\nnosuch = 1");
  server.process.kill('SIGHUP');
  await vi.waitFor(() => expect(server.stderr).toContain('configuration not reloaded'), WAITING);
  expect(server.stderr).toContain('nosuch is no setting');
  expect(await show('application_name')).toBe('first');
});

it('refuses ALTER SYSTEM in a block, for names and values that are none, with the nearest name', async () => {
  const client = await server.connect();
  const refusal = (sql: string): Promise<unknown> => client.query(sql).catch((error: unknown) => error);
  await client.query('BEGIN');
  expect(await refusal('ALTER SYSTEM SET statement_timeout = 1')).toMatchObject({ code: '25001' });
  await client.query('ROLLBACK');
  expect(await refusal('ALTER SYSTEM SET statement_timeout = 1; SELECT 1')).toMatchObject({ code: '25001' });
  const meant = { code: '42704', hint: 'Perhaps you meant "statement_timeout".' };
  expect(await refusal('ALTER SYSTEM SET statment_timeout = 1')).toMatchObject(meant);
  expect(await refusal('SET statment_timeout = 1')).toMatchObject(meant);
  expect(await refusal('SHOW statment_timeout')).toMatchObject(meant);
  expect(await refusal('ALTER SYSTEM SET port = 70000')).toMatchObject({ code: '22023' });
  await client.end();
});

it('lets superusers change settings, and only some roles see where things lie', async () => {
  const owner = await server.connect('millrace');
  await owner.query('CREATE ROLE plain LOGIN');
  await owner.query('CREATE ROLE auditor LOGIN IN ROLE pg_read_all_settings');
  const refusal = async (client: pg.Client, sql: string): Promise<unknown> =>
    client.query(sql).then(
      ({ rows }) => Object.values(rows[0])[0],
      (error: unknown) => (error as { code: string }).code,
    );
  const plain = await server.connect('plain');
  const auditor = await server.connect('auditor');
  for (const sql of [
    "ALTER SYSTEM SET statement_timeout = '1s'",
    'ALTER SYSTEM RESET ALL',
    'SELECT pg_reload_conf()',
    'SHOW data_directory',
    "SELECT current_setting('data_directory')",
  ])
    expect([sql, await refusal(plain, sql)]).toEqual([sql, '42501']);
  for (const sql of ['SHOW data_directory', "SELECT current_setting('data_directory')"])
    expect([sql, await refusal(auditor, sql), await refusal(owner, sql)]).toEqual([
      sql,
      directory,
      directory,
    ]);
  expect(await refusal(auditor, 'ALTER SYSTEM RESET ALL')).toBe('42501');
  const names = async (client: pg.Client): Promise<string[]> =>
    (await client.query('SHOW ALL')).rows.map(({ name }: { name: string }) => name);
  expect(await names(plain)).not.toContain('data_directory');
  expect(await names(auditor)).toContain('data_directory');
  expect([await refusal(owner, 'SHOW is_superuser'), await refusal(plain, 'SHOW is_superuser')]).toEqual([
    'on',
    'off',
  ]);
  for (const client of [owner, plain, auditor]) await client.end();
});

describe('ALTER SYSTEM SET of a file', () => {
  const refuse = async (setting: string, value: string, detail: string): Promise<void> => {
    await expect(run(`ALTER SYSTEM SET ${setting} = '${value}'`), setting).rejects.toMatchObject({
      code: '22023',
      message: 'the server would not start with these settings',
      detail: expect.stringContaining(detail),
    });
  };

  it('that is not there, or is not what it should be, is refused, and nothing changes', async () => {
    const file = join(directory, 'of-its-own');
    await writeFile(file, 'neither rule nor key\n\n', { mode: 0o600 });
    const open = join(directory, 'open.key');
    await writeFile(open, 'x', { mode: 0o644 });
    for (const [setting, wrong] of [
      ['hba_file', 'line 1'],
      ['ssl_cert_file', 'is no certificate in PEM form'],
      ['ssl_key_file', 'is no private key in PEM form'],
      ['millrace.jwt_key_file', 'of-its-own'],
      ['millrace.jwt_secret_file', 'of-its-own'],
      ['millrace.jwt_jwks_file', 'of-its-own'],
      ['millrace.password_file', 'must have one line'],
    ] as const) {
      await refuse(setting, join(directory, 'nosuch'), 'ENOENT');
      await refuse(setting, directory, setting === 'ssl_key_file' ? 'not a regular file' : 'EISDIR');
      await refuse(setting, file, wrong);
    }
    await refuse('ssl_key_file', open, 'has group or world access');
    await refuse('ssl', 'on', 'server.crt');
    await refuse('millrace.audit_log', join(directory, 'nowhere/audit.log'), 'ENOENT');
    await writeFile(join(directory, 'good.conf'), 'host all all all trust\n');
    await run("ALTER SYSTEM SET hba_file = 'good.conf'");
    await run(`ALTER SYSTEM SET millrace.audit_log = '${join(directory, 'audit.log')}'`);
    await server.stop();
    server = await TestServer.start({ dataDirectory: directory });
    expect(await show('port')).toBe('0');
    await run("ALTER SYSTEM SET hba_file = ''");
  });

  it('of secrets: not one that would lose them', async () => {
    const elsewhere = join(directory, 'elsewhere.key');
    const set = (file: string): Promise<unknown> =>
      run(`ALTER SYSTEM SET millrace.secret_key_file = '${file}'`);
    await set(elsewhere);
    await run('ALTER SYSTEM RESET millrace.secret_key_file');
    await expect(set(join(directory, 'nowhere/x.key'))).rejects.toMatchObject({ code: '22023' });
    await run("CREATE SECRET kept AS 'x'");
    const lost = { code: '22023', message: 'the secrets that there are cannot be read with that key file' };
    await expect(set(elsewhere)).rejects.toMatchObject(lost);
    await writeFile(elsewhere, `${Buffer.alloc(32, 7).toString('base64')}\n`, { mode: 0o600 });
    await expect(set(elsewhere)).rejects.toMatchObject(lost);
    await copyFile(join(directory, 'secret.key'), elsewhere);
    await set(elsewhere);
    await rm(join(directory, 'secret.key'));
    await server.stop();
    server = await TestServer.start({ dataDirectory: directory });
    expect(server.stderr).not.toContain('secrets cannot be read');
    await run("CREATE SECRET another AS 'y'");
  });
});
