/** A server certificate and its key, read from files and checked before anybody is shown them. */
import { createHash, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync, type Stats, statSync } from 'node:fs';
import { createSecureContext, type SecureContext } from 'node:tls';
import { exposureOf } from '../../common/private-file.ts';
import { ConfigError } from '../settings/config-error.ts';

export type CertificateFiles = Readonly<{
  certificate: string;
  key: string;
  /** the oldest version that is spoken */
  versionLeast: 'TLSv1.2' | 'TLSv1.3';
}>;

export type ServerCertificate = Readonly<{
  secureContext: SecureContext;
  certificate: X509Certificate;
  /** tls-server-end-point: what logins are bound to; null where the signature names no hash. */
  endPoint: Buffer | null;
}>;

/** ConfigError says what is wrong with which file. */
export function loadCertificate(files: CertificateFiles): ServerCertificate {
  const { pem, certificate } = readCertificate(files.certificate);
  const { pem: keyPem, key } = readKey(files.key);
  if (!certificate.checkPrivateKey(key)) {
    throw new ConfigError(
      `private key file ${files.key} is not that of certificate file ${files.certificate}`,
    );
  }
  const secureContext = attempt(files.certificate, 'cannot be used', () =>
    createSecureContext({ cert: pem, key: keyPem, minVersion: files.versionLeast }),
  );
  return { secureContext, certificate, endPoint: endPointOf(certificate) };
}

export function readCertificate(path: string): Readonly<{ pem: string; certificate: X509Certificate }> {
  const pem = readText('certificate file', path);
  return { pem, certificate: attempt(path, 'is no certificate in PEM form', () => new X509Certificate(pem)) };
}

export function readKey(path: string): Readonly<{ pem: string; key: KeyObject }> {
  requirePrivate(path);
  const pem = readText('private key file', path);
  const wrong = 'is no private key in PEM form without a passphrase';
  return { pem, key: attempt(path, wrong, () => createPrivateKey(pem)) };
}

function attempt<T>(file: string, wrong: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new ConfigError(
      `${file} ${wrong}: ${(error as NodeJS.ErrnoException).code ?? (error as Error).message}`,
    );
  }
}

function readText(what: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConfigError(`could not load ${what} ${path}: ${(error as NodeJS.ErrnoException).code}`);
  }
}

function requirePrivate(path: string): void {
  let status: Stats;
  try {
    status = statSync(path);
  } catch (error) {
    throw new ConfigError(
      `could not access private key file ${path}: ${(error as NodeJS.ErrnoException).code}`,
    );
  }
  const fault = exposureOf(status);
  if (fault !== null) throw new ConfigError(`private key file ${path} ${fault}`);
}

/** RFC 5929, section 4.1: the hash of the certificate's own signature, MD5 and SHA-1 replaced by SHA-256. */
const HASH_OF_SIGNATURE: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.4': 'sha256',
  '1.2.840.113549.1.1.5': 'sha256',
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.113549.1.1.14': 'sha224',
  '1.2.840.10045.4.1': 'sha256',
  '1.2.840.10045.4.3.1': 'sha224',
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
};

/** null where the signature names no hash */
export function endPointOf(certificate: X509Certificate): Buffer | null {
  const hash = HASH_OF_SIGNATURE[certificate.signatureAlgorithmOid];
  return hash === undefined ? null : createHash(hash).update(certificate.raw).digest();
}
