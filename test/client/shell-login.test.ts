/** The shell logs in: by environment, by ~/.pgpass, typed; over TLS; and believes no server that is none. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findPassword } from '../../server/shell/password.ts';
import { CertificateDirectory, hasOpenssl, tlsFlags } from '../support/certificate.ts';
import { type ServerHere, startServerHere } from '../support/server-here.ts';
import { frame, int32 } from '../support/wire-peer.ts';

const SHELL = fileURLToPath(new URL('../../server/shell/shell.ts', import.meta.url));
const hasTerminal = spawnSync('script', ['--version']).status === 0;

type Output = Readonly<{ code: number | null; stdout: string; stderr: string }>;

async function shell(
  port: number,
  environment: Readonly<Record<string, string>>,
  ...flags: readonly string[]
): Promise<Output> {
  const args = [SHELL, '--port', `${port}`, '-U', 'anna', '-c', 'SELECT session_user', ...flags];
  const env = { ...process.env, HOME: '/nonexistent', ...environment };
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (chunk: Buffer) => {
      output[name] += chunk.toString();
    });
  }
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...output };
}

describe('with passwords', () => {
  let server: ServerHere;
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'millrace-'));
    server = await startServerHere();
    await server.setRole('anna', 'pass:word');
  });
  afterAll(async () => {
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  });

  it('takes PGPASSWORD', async () => {
    expect(await shell(server.pgPort, { PGPASSWORD: 'pass:word' })).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('anna'),
    });
    const wrong = await shell(server.pgPort, { PGPASSWORD: 'other' });
    expect([wrong.code, wrong.stderr]).toEqual([
      2,
      expect.stringContaining('password authentication failed'),
    ]);
    expect((await shell(server.pgPort, {})).stderr).toContain('no password supplied');
    expect((await shell(server.pgPort, {}, '--sslmode', 'require')).stderr).toContain('does not support TLS');
    expect((await shell(server.pgPort, {}, '--sslmode', 'often')).stderr).toContain('is none of');
  });

  it('takes the file that psql reads, if nobody else can', async () => {
    const path = join(directory, 'pgpass');
    await writeFile(path, '# ours\nelsewhere:*:*:anna:x\n127.0.0.1:*:millrace:anna:pass\\:word\n', {
      mode: 0o600,
    });
    expect(await shell(server.pgPort, { PGPASSFILE: path })).toMatchObject({ code: 0 });
    await chmod(path, 0o644);
    expect((await shell(server.pgPort, { PGPASSFILE: path })).stderr).toContain('no password supplied');
    const target = { host: 'h', port: 1, user: 'u', database: 'd' };
    expect(findPassword('h:1:d:u:a:b\n', target)).toBe('a:b');
    expect(findPassword('h:2:d:u:no\n*:*:*:*:yes', target)).toBe('yes');
    expect(findPassword('h:1:d:u\n', target)).toBeNull();
  });

  it.skipIf(!hasTerminal)('asks in a terminal, and does not show what is typed (needs script)', async () => {
    const command = `exec ${process.execPath} ${SHELL} --port ${server.pgPort} -U anna -c 'SELECT session_user AS me'`;
    const terminal = spawn('script', ['-qec', command, '/dev/null'], {
      env: { ...process.env, HOME: '/nonexistent', TERM: 'xterm' },
    });
    let seen = '';
    terminal.stdout.on('data', (chunk: Buffer) => {
      seen += chunk.toString();
    });
    while (!seen.includes('Password for user anna: ')) await once(terminal.stdout, 'data');
    terminal.stdin.write('pass:wordx\u007f\r');
    await once(terminal, 'close');
    expect(seen).toContain('anna');
    expect(seen).toContain('(1 row)');
    expect(seen).not.toContain('pass:');
  });
});

describe.skipIf(!hasOpenssl)('over TLS (needs openssl)', () => {
  it('is bound to the certificate, and checks it if asked to', async () => {
    const directory = await CertificateDirectory.make();
    const files = await directory.issue('localhost', 'rsa');
    const server = await startServerHere(tlsFlags(files));
    await server.setRole('anna', 'secret');
    const environment = { PGPASSWORD: 'secret' };
    for (const mode of ['disable', 'prefer', 'require'])
      expect(await shell(server.pgPort, environment, '--sslmode', mode), mode).toMatchObject({ code: 0 });
    const unknown = await shell(server.pgPort, environment, '--sslmode', 'verify-full');
    expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining('self-signed')]);
    const known = { ...environment, PGSSLROOTCERT: files.certificate };
    expect(await shell(server.pgPort, known, '--sslmode', 'verify-full')).toMatchObject({ code: 0 });
    await server.stop();
    await directory.remove();
  });
});

describe('a server that is none', () => {
  it.each([
    ['lets in without showing that it knows the password', [int32(0)]],
    ['asks for the password in clear', [int32(3)]],
    ['asks for an MD5 of it', [int32(5), Buffer.from('salt')]],
  ])('%s', async (_, parts) => {
    const sasl = frame('R', int32(10), Buffer.from('SCRAM-SHA-256\0\0'));
    const fake = createServer((socket) => {
      socket.on('error', () => {});
      let turn = 0;
      socket.on('data', (chunk: Buffer) => {
        if (chunk.readInt32BE(4) === 80_877_103) socket.write('N');
        else if (turn++ === 0 && parts.length === 1 && parts[0]!.readInt32BE(0) === 0) socket.write(sasl);
        else socket.write(Buffer.concat([frame('R', ...parts), frame('Z', Buffer.from('I'))]));
      });
    });
    fake.listen(0, '127.0.0.1');
    await once(fake, 'listening');
    const { port } = fake.address() as { port: number };
    const { code, stderr } = await shell(port, { PGPASSWORD: 'secret' });
    expect([code, stderr]).toEqual([2, expect.stringMatching(/did not show|in a way that others could use/)]);
    fake.close();
  });
});
