/** Certificates made for a test, by openssl. */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
const run = promisify(execFile);

export type Certificate = Readonly<{ certificate: string; key: string }>;

/** A directory for certificates; `remove` it. */
export class CertificateDirectory {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async make(): Promise<CertificateDirectory> {
    return new CertificateDirectory(await mkdtemp(join(tmpdir(), 'millrace-tls-')));
  }

  /** Signed by itself, good for localhost, 127.0.0.1 and `db.example`. Files of that name are replaced. */
  async issue(
    name: string,
    algorithm: 'ec' | 'rsa' | 'ed25519' = 'ec',
    hash = 'sha256',
  ): Promise<Certificate> {
    const certificate = join(this.path, `${name}.crt`);
    const key = join(this.path, `${name}.key`);
    const kind = {
      ec: ['ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'],
      rsa: ['rsa:2048'],
      ed25519: ['ed25519'],
    };
    const names = 'subjectAltName=DNS:localhost,DNS:db.example,IP:127.0.0.1';
    const files = ['-keyout', key, '-out', certificate];
    const subject = ['-days', '2', '-subj', `/CN=${name}`, '-addext', names, `-${hash}`];
    await run('openssl', ['req', '-x509', '-nodes', '-newkey', ...kind[algorithm], ...files, ...subject]);
    return { certificate, key };
  }

  remove(): Promise<void> {
    return rm(this.path, { recursive: true, force: true });
  }
}

export const tlsFlags = ({ certificate, key }: Certificate): readonly string[] => [
  '--ssl',
  '--ssl-cert-file',
  certificate,
  '--ssl-key-file',
  key,
];
