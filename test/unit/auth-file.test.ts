/** What the data directory knows of logins, and what the address of a client is taken for. */
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AuthenticationFile } from '../../server/auth/authentication-file.ts';
import { isLoopbackAddress, plainAddress } from '../../server/auth/peer-address.ts';
import {
  challenged,
  initialResponse,
  readChallenge,
  saslText,
  ScramClient,
} from '../support/scram-client.ts';
import { TestServer } from '../support/server.ts';

describe('authentication.json', () => {
  it('keeps its key and never trusts again, and is for its owner only', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'millrace-'));
    const first = AuthenticationFile.open(directory);
    expect(first.passwordsUsed).toBe(false);
    first.notePasswords();
    const second = AuthenticationFile.open(directory);
    expect([second.key, second.passwordsUsed]).toEqual([first.key, true]);
    const path = join(directory, 'authentication.json');
    expect((await stat(path)).mode & 0o077).toBe(0);
    await writeFile(path, '{"format":1}');
    expect(() => AuthenticationFile.open(directory)).toThrow('has no key');
    for (const damaged of ['', '{"format":', 'null', '7']) {
      await writeFile(path, damaged);
      expect(() => AuthenticationFile.open(directory)).toThrow('authentication.json is damaged');
    }
    await rm(directory, { recursive: true, force: true });
  });

  it('makes users that are not there look the same after a restart, and keeps strangers out', async () => {
    const dataDirectory = await mkdtemp(join(tmpdir(), 'millrace-'));
    const saltOf = async (port: number): Promise<string> => {
      const { peer } = await challenged(port, 'mallory');
      peer.send(initialResponse('SCRAM-SHA-256', new ScramClient('').first));
      const { salt } = readChallenge((await saslText(peer))!);
      peer.close();
      return salt.toString('hex');
    };
    const salts: string[] = [];
    for (const environment of [{ MILLRACE_PASSWORD: 'x' }, {}] as Record<string, string>[]) {
      const server = await TestServer.start({ dataDirectory, environment });
      salts.push(await saltOf(server.pgPort));
      await server.stop();
    }
    expect(salts[0]).toBe(salts[1]);
    await rm(dataDirectory, { recursive: true, force: true });
  });
});

describe('addresses', () => {
  it.each([
    ['::ffff:127.0.0.1', '127.0.0.1', true],
    ['::FFFF:10.0.0.1', '10.0.0.1', false],
    ['::1', '::1', true],
    ['fe80::1%eth0', 'fe80::1', false],
    ['127.255.255.255', '127.255.255.255', true],
    ['', '', false],
  ])('%s is %s', (address, plain, loopback) => {
    expect(plainAddress(address)).toBe(plain);
    expect(isLoopbackAddress(plain)).toBe(loopback);
  });
});
