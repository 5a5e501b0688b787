/** libpq 18 and asyncpg with a password over TLS: channel binding, TLS from the first byte, the newest protocol. */
import { expect, it } from 'vitest';
import { CertificateDirectory, hasOpenssl, tlsFlags } from '../support/certificate.ts';
import { isInstalled, pythonSession } from '../support/foreign-session.ts';

it.skipIf(!isInstalled('python') || !hasOpenssl)(
  'logs in as each of them can (needs node scripts/ensure-clients.mjs, openssl)',
  async () => {
    const certificates = await CertificateDirectory.make();
    const files = await certificates.issue('localhost', 'rsa');
    const rules = { flags: tlsFlags(files), environment: { MILLRACE_PASSWORD: 'first' } };
    const setUp = "CREATE ROLE anna LOGIN PASSWORD 'secret'";
    const printed = await pythonSession('login_session.py', {
      ...rules,
      setUp,
      arguments: [files.certificate],
    });
    const failed = (user: string): string => `FATAL:  password authentication failed for user "${user}"`;
    expect(JSON.parse(printed)).toEqual({
      clear: ['anna', 'clear'],
      bound: ['anna', 'TLS'],
      direct: ['anna', 'TLS'],
      'newest protocol': ['anna', 'TLS'],
      wrong: failed('anna'),
      unknown: failed('mallory'),
      asyncpg: 'anna',
    });
    await certificates.remove();
  },
  60_000,
);
