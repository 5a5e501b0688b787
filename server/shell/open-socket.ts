/** A connection to the server, encrypted as PGSSLMODE says: in clear, if the server offers TLS, always, or checked. */
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { serialize } from 'pg-protocol';
import { endPointOf } from '../auth/certificate.ts';

export const SSL_MODES = ['disable', 'prefer', 'require', 'verify-full'] as const;
export type SslMode = (typeof SSL_MODES)[number];

export type Address = Readonly<{
  host: string;
  port: number;
  sslMode: SslMode;
  /** certificates in PEM form that are believed; null: the system's */
  rootCertificates: string | null;
}>;

export type Opened = Readonly<{
  socket: Socket;
  /** the hash of the certificate that the server showed */
  endPoint: Buffer | null;
}>;

/** Rejects where nobody listens, or the server can't do what is asked for. */
export async function openSocket({ host, port, sslMode, rootCertificates }: Address): Promise<Opened> {
  const socket = connect({ host, port });
  await once(socket, 'connect');
  if (sslMode === 'disable') return { socket, endPoint: null };
  socket.write(serialize.requestSsl());
  const [answer] = (await Promise.race([once(socket, 'data'), closed(socket)])) as [Buffer];
  // What came in clear behind the answer could be anybody's.
  if (answer.length !== 1) throw new Error('the server answers more than it was asked');
  if (answer.toString('latin1') !== 'S') {
    if (sslMode === 'prefer') return { socket, endPoint: null };
    socket.destroy();
    throw new Error('the server does not support TLS');
  }
  const tls = connectTls({
    socket,
    rejectUnauthorized: sslMode === 'verify-full',
    ALPNProtocols: ['postgresql'],
    ...(isIP(host) === 0 ? { servername: host } : { host }),
    ...(rootCertificates === null ? {} : { ca: rootCertificates }),
  });
  await once(tls, 'secureConnect');
  const shown = tls.getPeerX509Certificate();
  return { socket: tls, endPoint: shown === undefined ? null : endPointOf(new X509Certificate(shown.raw)) };
}

async function closed(socket: Socket): Promise<never> {
  await once(socket, 'close');
  throw new Error('the server closed the connection');
}
