/** Keeps pages of other sites out: a browser must not be their messenger. */
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { TLSSocket } from 'node:tls';
import { plainAddress } from '../auth/peer-address.ts';
import { isLoopback } from '../settings/configuration.ts';

export type RequestGuard = (request: IncomingMessage) => boolean;

/**
 * A request is let in if its Host names this server (a foreign name is a rebound DNS entry) and its Origin, where there
 * is one, is that same host. The address that the connection came to is this server, and so are, over TLS, all names of our
 * certificate. `insecure`: the server is reached under addresses it can't know, so any IP will do.
 */
export function requestGuard(
  host: string,
  insecure: boolean,
  isCertified: (name: string) => boolean = () => false,
): RequestGuard {
  const isOurs = (name: string): boolean =>
    isLoopback(name) || name === host || (insecure && isIP(name) !== 0);
  return (request) => {
    // of several, others on the way may have read another one
    if ((request.headersDistinct['host'] ?? []).length > 1) return false;
    const authority = request.headers.host ?? '';
    const name = hostName(authority);
    if (name === null) return false;
    // A browser has checked that the name is that of our certificate.
    const encrypted = request.socket instanceof TLSSocket;
    // A name may lead anywhere, an address is where the browser went.
    const isReached = isIP(name) !== 0 && name === plainAddress(request.socket.localAddress);
    if (!isOurs(name) && !isReached && !(encrypted && isCertified(name))) return false;
    if (comesFromElsewhere(request)) return false;
    const { origin } = request.headers;
    return origin === undefined || isSameOrigin(origin, authority);
  };
}

/**
 * Browsers say whether another site's page asks, also where they send no Origin (images, links): such a page could make use
 * of a password that the browser remembers. A link to the start page may be followed.
 */
function comesFromElsewhere({ headers, method, url }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== 'cross-site' && site !== 'same-site') return false;
  return !(headers['sec-fetch-mode'] === 'navigate' && method === 'GET' && url === '/');
}

function hostName(authority: string): string | null {
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9.-]+))(?::\d{1,5})?$/i.exec(authority);
  return match === null ? null : (match[1] ?? match[2] ?? '').toLowerCase();
}

function isSameOrigin(origin: string, authority: string): boolean {
  const wanted = authority.toLowerCase();
  return origin.toLowerCase() === `http://${wanted}` || origin.toLowerCase() === `https://${wanted}`;
}
