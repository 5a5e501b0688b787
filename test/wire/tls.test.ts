/** TLS on the wire, message by message: upgrades, direct TLS, channel binding, and whoever sits in between. */
import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { chmod, copyFile, readFile, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Certificate, CertificateDirectory, hasOpenssl, tlsFlags } from '../support/certificate.ts';
import { challenged, initialResponse, saslResponse, saslText, ScramClient } from '../support/scram-client.ts';
import { type ServerHere, startServerHere } from '../support/server-here.ts';
import { runMain } from '../support/server.ts';
import { describeMessage, int32, startupPacket, WirePeer } from '../support/wire-peer.ts';

const SSL_REQUEST = Buffer.concat([int32(8), int32(80_877_103)]);
let directory: CertificateDirectory;
let files: Certificate;
let server: ServerHere;

beforeAll(async () => {
  if (!hasOpenssl) return;
  directory = await CertificateDirectory.make();
  files = await directory.issue('server', 'rsa');
  server = await startServerHere(tlsFlags(files));
  await server.setRole('anna', 'secret');
});
afterAll(async () => {
  await server?.stop();
  await directory?.remove();
});

/** What the server answers to an SSLRequest. */
async function ask(): Promise<Readonly<{ socket: Socket; answer: string }>> {
  const socket = connect(server.pgPort, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(SSL_REQUEST);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  return { socket, answer: answer.toString('latin1') };
}

async function upgraded(options: ConnectionOptions = {}): Promise<TLSSocket> {
  const { socket, answer } = await ask();
  expect(answer).toBe('S');
  const ca = await readFile(files.certificate);
  const tls = connectTls({ socket, ca, servername: 'localhost', ...options });
  await once(tls, 'secureConnect');
  return tls;
}

async function rest(peer: WirePeer): Promise<string[]> {
  const lines: string[] = [];
  for (let message = await peer.receive(); message !== null; message = await peer.receive())
    lines.push(describeMessage(message));
  return lines;
}

async function endPoint(path: string, hash: string): Promise<Buffer> {
  return createHash(hash)
    .update(new X509Certificate(await readFile(path)).raw)
    .digest();
}

/** Logs in over TLS; gives the last thing that the server says. */
async function logIn(tls: TLSSocket, mechanism: string, head: string, binding?: Buffer): Promise<string> {
  const { peer } = await challenged(tls, 'anna');
  const client = new ScramClient('secret', { head, ...(binding === undefined ? {} : { binding }) });
  peer.send(initialResponse(mechanism, client.first));
  const answer = await peer.receive();
  if (answer?.type !== 'R') return answer === null ? '' : describeMessage(answer);
  peer.send(saslResponse(client.final(answer.body.toString('utf8', 4))));
  const verdict = await peer.receive();
  peer.close();
  if (verdict === null) return '';
  return verdict.type === 'R' ? verdict.body.toString('utf8', 4) : describeMessage(verdict);
}

const BOUND = 'p=tls-server-end-point,,';

describe.skipIf(!hasOpenssl)('upgrade', () => {
  it('is made when it is asked for, and the session goes on in it', async () => {
    const { peer, mechanisms } = await challenged(await upgraded(), 'anna');
    expect(mechanisms).toEqual(['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256']);
    const client = new ScramClient('secret');
    peer.send(initialResponse('SCRAM-SHA-256', client.first));
    peer.send(saslResponse(client.final((await saslText(peer))!)));
    await peer.until('ReadyForQuery');
    expect(await peer.query('SHOW ssl')).toContain('DataRow "on"');
    const ssl = 'SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()';
    expect(await peer.query(ssl)).toContain('DataRow "t" "TLSv1.3"');
    peer.close();
  });

  it('takes nothing that came in clear behind the request', async () => {
    const peer = new WirePeer(server.pgPort);
    peer.send(SSL_REQUEST, startupPacket({ user: 'anna', database: 'millrace' }));
    expect(await rest(peer)).toEqual([
      'ErrorResponse FATAL 08P01 "received unencrypted data after SSL request"',
    ]);
  });

  it('takes nothing in clear instead of a handshake', async () => {
    const { socket, answer } = await ask();
    expect(answer).toBe('S');
    socket.write(startupPacket({ user: 'anna', database: 'millrace' }));
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    await once(socket, 'close');
    expect(Buffer.concat(chunks).toString('latin1')).not.toContain('SCRAM');
  });

  it('that somebody strips leaves nothing to log in by where the rules ask for it', async () => {
    const rules = `${directory.path}/rules`;
    await writeFile(rules, 'hostssl all all all scram-sha-256\n');
    const strict = await startServerHere([...tlsFlags(files), '--hba-file', rules]);
    await strict.setRole('anna', 'secret');
    const peer = new WirePeer(strict.pgPort);
    peer.send(startupPacket({ user: 'anna', database: 'millrace' }));
    const [told, ...more] = await rest(peer);
    expect([told, more]).toEqual([
      expect.stringMatching(/^ErrorResponse FATAL 28000 "no pg_hba.conf entry/),
      [],
    ]);
    const authorization = `Basic ${Buffer.from('anna:secret').toString('base64')}`;
    const response = await fetch(`http://127.0.0.1:${strict.httpPort}/views/x`, {
      headers: { authorization },
    });
    expect(response.status).toBe(403);
    await strict.stop();
  });

  it('is made once', async () => {
    const peer = new WirePeer(await upgraded());
    peer.send(SSL_REQUEST);
    expect((await rest(peer))[0]).toMatch(/^ErrorResponse FATAL 08P01/);
    const { socket } = await ask();
    socket.destroy();
  });

  it('waits no longer for a handshake than for a login, and lets clients leave in the middle', async () => {
    const strict = await startServerHere([...tlsFlags(files), '--authentication-timeout', '1s']);
    const stalled = [];
    for (const bytes of [Buffer.alloc(0), Buffer.from('1603010200010001fc0303', 'hex')]) {
      const socket = connect(strict.pgPort, '127.0.0.1');
      socket.on('error', () => {});
      socket.write(SSL_REQUEST);
      await once(socket, 'data');
      socket.write(bytes);
      stalled.push(once(socket.resume(), 'close'));
    }
    for (const port of [strict.pgPort, strict.httpPort]) {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => {});
      socket.write(Buffer.from('1603010200010001fc0303', 'hex'));
      stalled.push(once(socket.resume(), 'close'));
      const leaving = connect(port, '127.0.0.1');
      leaving.on('error', () => {});
      leaving.write(Buffer.from('160301', 'hex'), () => leaving.resetAndDestroy());
    }
    for (const protocol of ['postgresql', 'http/1.1']) {
      const port = protocol === 'postgresql' ? strict.pgPort : strict.httpPort;
      const silent = connectTls({
        port,
        host: '127.0.0.1',
        ALPNProtocols: [protocol],
        rejectUnauthorized: false,
      });
      silent.on('error', () => {});
      await once(silent, 'secureConnect');
      stalled.push(once(silent.resume(), 'close'));
    }
    await Promise.all(stalled);
    const { openConnections } = strict.context.metrics;
    expect((await openConnections.get()).values).toEqual([expect.objectContaining({ value: 0 })]);
    expect((await fetch(`http://127.0.0.1:${strict.httpPort}/healthz`)).status).toBe(200);
    await strict.stop();
  });

  it('speaks no old version', async () => {
    await expect(upgraded({ maxVersion: 'TLSv1.1', minVersion: 'TLSv1' })).rejects.toThrow();
    const tls = await upgraded({ maxVersion: 'TLSv1.2' });
    expect(tls.getProtocol()).toBe('TLSv1.2');
    tls.destroy();
  });

  it('takes cancel requests too', async () => {
    const tls = await upgraded();
    tls.write(Buffer.concat([int32(16), int32(80_877_102), int32(1), int32(2)]));
    await once(tls.resume(), 'close');
  });
});

it.skipIf(!hasOpenssl)('drops those over TLS too that nobody logs in on', async () => {
  const few = await startServerHere([...tlsFlags(files), '--unauthenticated-connections', '10']);
  for (const protocol of ['postgresql', 'http/1.1']) {
    const port = protocol === 'postgresql' ? few.pgPort : few.httpPort;
    const open = async (): Promise<TLSSocket> => {
      const options = { host: '127.0.0.1', ALPNProtocols: [protocol], rejectUnauthorized: false };
      const tls = connectTls({ ...options, port });
      tls.on('error', () => {});
      await once(tls, 'secureConnect');
      return tls.resume();
    };
    const first = await open();
    const gone = once(first, 'close');
    const others = [];
    for (let i = 0; i < 10; i++) others.push(await open());
    await gone;
    for (const tls of others) tls.destroy();
  }
  await few.stop();
});

describe.skipIf(!hasOpenssl)('direct TLS', () => {
  const direct = async (protocols?: string[]): Promise<TLSSocket> => {
    const options = { port: server.pgPort, host: '127.0.0.1', ca: await readFile(files.certificate) };
    const tls = connectTls({ ...options, ...(protocols === undefined ? {} : { ALPNProtocols: protocols }) });
    tls.on('error', () => {});
    return tls;
  };

  it('is for clients that name the protocol', async () => {
    const { peer } = await challenged(await direct(['postgresql']), 'anna');
    peer.close();
    const without = new WirePeer(await direct());
    expect((await rest(without))[0]).toContain('without ALPN');
    const [error] = (await once(await direct(['http/1.1']), 'error')) as [Error];
    expect(error.message).toContain('application protocol');
  });
});

describe.skipIf(!hasOpenssl)('channel binding', () => {
  it('holds for the certificate that was shown', async () => {
    const binding = await endPoint(files.certificate, 'sha256');
    expect(await logIn(await upgraded(), 'SCRAM-SHA-256-PLUS', BOUND, binding)).toMatch(/^v=/);
    expect(await logIn(await upgraded(), 'SCRAM-SHA-256-PLUS', BOUND, Buffer.alloc(32))).toBe(
      'ErrorResponse FATAL 28000 "SCRAM channel binding check failed"',
    );
  });

  it('notices that it was taken off the list', async () => {
    expect(await logIn(await upgraded(), 'SCRAM-SHA-256', 'y,,')).toBe(
      'ErrorResponse FATAL 28000 "SCRAM channel binding negotiation error"',
    );
  });

  it.each([
    ['ec', 'sha384', 'sha384'],
    ['rsa', 'sha512', 'sha512'],
    ['rsa', 'sha1', 'sha256'],
  ] as const)('hashes as the certificate (%s) was signed: %s', async (algorithm, signed, hash) => {
    const other = await directory.issue(`other-${signed}`, algorithm, signed);
    const there = await startServerHere(tlsFlags(other));
    await there.setRole('anna', 'secret');
    const socket = connect(there.pgPort, '127.0.0.1');
    socket.write(SSL_REQUEST);
    await once(socket, 'data');
    const tls = connectTls({ socket, rejectUnauthorized: false });
    const binding = await endPoint(other.certificate, hash);
    expect(await logIn(tls, 'SCRAM-SHA-256-PLUS', BOUND, binding)).toMatch(/^v=/);
    await there.stop();
  });

  it('is not offered where the certificate names no hash', async () => {
    const there = await startServerHere(tlsFlags(await directory.issue('edwards', 'ed25519')));
    await there.setRole('anna', 'secret');
    const socket = connect(there.pgPort, '127.0.0.1');
    socket.write(SSL_REQUEST);
    await once(socket, 'data');
    const { peer, mechanisms } = await challenged(connectTls({ socket, rejectUnauthorized: false }), 'anna');
    expect(mechanisms).toEqual(['SCRAM-SHA-256']);
    peer.close();
    await there.stop();
  });
});

describe.skipIf(!hasOpenssl)('certificates', () => {
  const shown = async (port: number): Promise<string> => {
    const socket = connect(port, '127.0.0.1');
    socket.write(SSL_REQUEST);
    await once(socket, 'data');
    const tls = connectTls({ socket, rejectUnauthorized: false });
    await once(tls, 'secureConnect');
    const { subject } = tls.getPeerCertificate();
    tls.destroy();
    return `${subject.CN}`;
  };

  it('are read again by a reload; bad ones change nothing; connections stay', async () => {
    const [one, two] = [await directory.issue('one'), await directory.issue('two', 'rsa')];
    const used = { certificate: `${directory.path}/used.crt`, key: `${directory.path}/used.key` };
    const use = async (from: Certificate): Promise<void> => {
      await copyFile(from.certificate, used.certificate);
      await copyFile(from.key, used.key);
      await chmod(used.key, 0o600);
    };
    await use(one);
    const there = await startServerHere(tlsFlags(used));
    expect(await shown(there.pgPort)).toBe('one');
    const socket = connect(there.pgPort, '127.0.0.1');
    socket.write(SSL_REQUEST);
    await once(socket, 'data');
    const peer = await WirePeer.open(connectTls({ socket, rejectUnauthorized: false }));
    await use(two);
    expect(await shown(there.pgPort)).toBe('one');
    // logins go on while it is read
    const others = Array.from({ length: 20 }, () => shown(there.pgPort));
    there.context.reload();
    for (const name of await Promise.all(others)) expect(['one', 'two']).toContain(name);
    expect(await shown(there.pgPort)).toBe('two');
    await writeFile(used.certificate, 'nonsense');
    there.context.reload();
    expect(await shown(there.pgPort)).toBe('two');
    await copyFile(one.certificate, used.certificate);
    there.context.reload();
    expect(await shown(there.pgPort)).toBe('two');
    expect(there.logged.filter(({ msg }) => msg === 'certificate not reloaded')).toHaveLength(2);
    expect(await peer.query('SELECT 1')).toContain('DataRow "1"');
    peer.close();
    await there.stop();
  });

  it('are refused at the start where they can be of no use', async () => {
    const { certificate, key } = await directory.issue('mine');
    const other = await directory.issue('another');
    const fails = async (flags: readonly string[], words: string): Promise<void> => {
      const data = ['--data', `${directory.path}/data`, '--pg-port', '0', '--http-port', '0'];
      const { code, stderr } = await runMain([...data, ...flags]);
      expect(stderr).toContain(words);
      expect(stderr).not.toContain('    at ');
      expect(code).toBe(1);
    };
    await fails(tlsFlags({ certificate, key: other.key }), 'is not that of certificate file');
    await fails(tlsFlags({ certificate: `${certificate}.not`, key }), 'could not load certificate file');
    await fails(tlsFlags({ certificate: key, key }), 'is no certificate in PEM form');
    await chmod(key, 0o644);
    await fails(tlsFlags({ certificate, key }), 'has group or world access');
  });
});
