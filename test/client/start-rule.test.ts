/** Who may be reached by others: only a server with TLS and a password, or one that says aloud that it is insecure. */
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CertificateDirectory, hasOpenssl, tlsFlags } from '../support/certificate.ts';
import { runMain, TestServer } from '../support/server.ts';

let data: string;
let certificates: CertificateDirectory;

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'millrace-'));
  if (hasOpenssl) certificates = await CertificateDirectory.make();
});
afterAll(async () => {
  await rm(data, { recursive: true, force: true });
  await certificates?.remove();
});

const start = (
  flags: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): ReturnType<typeof runMain> =>
  runMain(
    ['--pg-port', '0', '--http-port', '0', '--no-demo', '--data', join(data, 'refused'), ...flags],
    environment,
  );

const logIn = async (server: TestServer, password: string, ssl = false): Promise<string> => {
  const where = { host: '127.0.0.1', port: server.pgPort, user: 'millrace', database: 'millrace', password };
  const client = new pg.Client({ ...where, ...(ssl ? { ssl: { rejectUnauthorized: false } } : {}) });
  await client.connect();
  const { rows } = await client.query('SELECT current_user AS who');
  await client.end();
  return rows[0].who;
};

describe('a server that others could reach', () => {
  it('does not start without TLS', async () => {
    const { code, stderr } = await start(['--host', '0.0.0.0'], { MILLRACE_PASSWORD: 'secret' });
    expect([code, stderr]).toEqual([1, expect.stringContaining('it needs TLS')]);
    expect(stderr).not.toContain('secret');
  });

  it.skipIf(!hasOpenssl)('does not start without a password, and does with one', async () => {
    const flags = ['--host', '0.0.0.0', ...tlsFlags(await certificates.issue('server'))];
    const { code, stderr } = await start(flags);
    expect([code, stderr]).toEqual([1, expect.stringContaining('no role has a password')]);
    const dataDirectory = join(data, 'open');
    const environment = { MILLRACE_PASSWORD: 'first secret' };
    const server = await TestServer.start({ flags, dataDirectory, environment });
    expect(await logIn(server, 'first secret', true)).toBe('millrace');
    await expect(logIn(server, 'other', true)).rejects.toMatchObject({ code: '28P01' });
    await server.stop();
    expect(server.stderr + server.stdout).not.toContain('first secret');
    // it is kept; another one given at a start does not replace it
    const again = await TestServer.start({ flags, dataDirectory, environment: { MILLRACE_PASSWORD: 'x' } });
    expect(await logIn(again, 'first secret', true)).toBe('millrace');
    await again.stop();
    for (const name of ['catalog.json', 'authentication.json']) {
      const path = join(dataDirectory, name);
      expect((await stat(path)).mode & 0o077, name).toBe(0);
      expect(await readFile(path, 'utf8')).not.toContain('first secret');
    }
  });

  it('starts when it is told to be insecure, and warns', async () => {
    const server = await TestServer.start({ flags: ['--host', '0.0.0.0', '--insecure'] });
    expect(server.stderr).toContain('INSECURE');
    expect(await logIn(server, '')).toBe('millrace');
    await server.stop();
  });
});

describe('the first password', () => {
  it('may stand in a file', async () => {
    const path = join(data, 'password');
    await writeFile(path, 'from a file\n');
    const server = await TestServer.start({ flags: ['--password-file', path] });
    expect(await logIn(server, 'from a file')).toBe('millrace');
    await expect(logIn(server, '')).rejects.toThrow();
    await server.stop();
    await writeFile(path, 'two\nlines\n');
    expect((await start(['--password-file', path])).stderr).toContain('must have one line');
    expect((await start(['--password-file', join(data, 'none')])).stderr).toContain('cannot be read: ENOENT');
  });

  it('comes with a warning where no superuser has one', async () => {
    const server = await TestServer.start();
    const client = await server.connect('anybody');
    const warnings: unknown[] = [];
    client.on('notice', ({ severity, message, hint }) => warnings.push([severity, message, hint]));
    await client.query("CREATE ROLE anna LOGIN PASSWORD 'secret'");
    expect(warnings).toEqual([
      [
        'WARNING',
        'from now on everybody needs a password, and no superuser has one',
        expect.stringContaining('ALTER ROLE'),
      ],
    ]);
    await client.query("ALTER ROLE millrace PASSWORD 'owner'");
    await client.query("CREATE ROLE bob LOGIN PASSWORD 'secret'");
    expect(warnings).toHaveLength(1);
    await client.end();
    expect(await logIn(server, 'owner')).toBe('millrace');
    await server.stop();
    const careful = await TestServer.start();
    const first = await careful.connect('anybody');
    first.on('notice', (notice) => warnings.push(notice));
    await first.query("ALTER ROLE millrace PASSWORD 'owner'");
    expect(warnings).toHaveLength(1);
    await first.end();
    await careful.stop();
  });
});

describe('rules', () => {
  it('are refused at the start with their line, and read again on SIGHUP', async () => {
    const path = join(data, 'hba.conf');
    await writeFile(path, 'host all all all trust\nhost all all all nonsense\n');
    const { code, stderr } = await start(['--hba-file', path]);
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining('hba.conf line 2: invalid authentication method'),
    ]);
    await writeFile(path, 'host all all all trust\n');
    const server = await TestServer.start({
      flags: ['--hba-file', path],
      environment: { MILLRACE_LOG_LEVEL: 'info' },
    });
    const reloaded = (): Promise<void> =>
      new Promise((resolve) => {
        server.process.stderr?.on('data', (chunk: Buffer) => {
          if (chunk.toString().includes('reloaded')) resolve();
        });
      });
    expect(await logIn(server, '')).toBe('millrace');
    await writeFile(path, 'host all millrace all reject\n');
    const done = reloaded();
    server.process.kill('SIGHUP');
    await done;
    await expect(logIn(server, '')).rejects.toMatchObject({
      code: '28000',
      message: expect.stringMatching(/^pg_hba.conf rejects connection for host "127.0.0.1", user "millrace"/),
    });
    await server.stop();
  });
});
