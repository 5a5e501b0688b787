import { resolve } from 'node:path';
import { isIP, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Logger } from 'pino';
import { ConfigError } from '../settings/config-error.ts';
import type { Config } from '../settings/millrace-settings.ts';
import { loadCertificate, type ServerCertificate } from './certificate.ts';

/** A connection that is encrypted, and the certificate that the client was shown. */
export type Encrypted = Readonly<{ socket: TLSSocket; certificate: ServerCertificate }>;

/** TLS on both ports: the certificate in force, read again when the configuration is. */
export class Encryption {
  readonly #log: Logger;
  #current: ServerCertificate | null;

  /** ConfigError where the files can't be used. */
  constructor(config: Config, log: Logger) {
    this.#log = log;
    this.#current = configuredCertificate(config);
    this.#warnOfExpiry();
  }

  /** null: TLS is off. */
  get current(): ServerCertificate | null {
    return this.#current;
  }

  /** Whether the certificate is good for this name or address. */
  isNamed(name: string): boolean {
    const certificate = this.#current?.certificate;
    if (certificate === undefined) return false;
    return (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined;
  }

  /** Connections keep what they have. Files that can't be used change nothing. */
  reload(config: Config): void {
    try {
      this.#current = configuredCertificate(config);
      this.#warnOfExpiry();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.#log.error({ reason: error.message }, 'certificate not reloaded');
    }
  }

  #warnOfExpiry(): void {
    const validTo = this.#current?.certificate.validTo;
    if (validTo !== undefined && Date.parse(validTo) < Date.now()) {
      this.#log.warn({ validTo }, 'the server certificate has expired');
    }
  }

  /**
   * Speaks TLS on a socket from here on; null where the handshake fails. Whoever read the socket before has let go of it,
   * and given back what it had not used.
   */
  accept(raw: Socket, protocols: readonly string[]): Promise<Encrypted | null> {
    const certificate = this.#current;
    if (certificate === null) return Promise.resolve(null);
    const socket = new TLSSocket(raw, {
      isServer: true,
      secureContext: certificate.secureContext,
      ALPNProtocols: [...protocols],
    });
    return new Promise((settle) => {
      const fail = (): void => {
        socket.destroy();
        settle(null);
      };
      // Whoever takes the connection listens for its errors from then on.
      socket.on('error', fail);
      socket.once('close', fail);
      socket.once('secure', () => {
        socket.off('close', fail);
        settle({ socket, certificate });
      });
    });
  }
}

/** null: TLS is off. ConfigError where the files can't be used. */
export function configuredCertificate(config: Config): ServerCertificate | null {
  if (!config.ssl) return null;
  const place = (path: string): string => resolve(config.dataDirectory, path);
  return loadCertificate({
    certificate: place(config.sslCertificateFile),
    key: place(config.sslKeyFile),
    versionLeast: config.sslVersionLeast,
  });
}
