/** Keeps pages of other sites out: nobody is authenticated, so a browser must not be their messenger. */
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { isLoopback } from '../settings/configuration.ts';

export type RequestGuard = (request: IncomingMessage) => boolean;

/**
 * A request is let in if its Host names this server (a foreign name is a rebound DNS entry) and its Origin, where there
 * is one, is that same host. `insecure`: the server is reached under addresses it can't know, so any IP will do.
 */
export function requestGuard(host: string, insecure: boolean): RequestGuard {
  return (request) => {
    const authority = request.headers.host ?? '';
    const name = hostName(authority);
    if (name === null || !(isLoopback(name) || name === host || (insecure && isIP(name) !== 0))) return false;
    const { origin } = request.headers;
    return origin === undefined || isSameOrigin(origin, authority);
  };
}

function hostName(authority: string): string | null {
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9.-]+))(?::\d{1,5})?$/i.exec(authority);
  return match === null ? null : (match[1] ?? match[2] ?? '').toLowerCase();
}

function isSameOrigin(origin: string, authority: string): boolean {
  const wanted = authority.toLowerCase();
  return origin.toLowerCase() === `http://${wanted}` || origin.toLowerCase() === `https://${wanted}`;
}
