/** What a request says of who sends it: `Authorization: Basic …` or `Bearer …`, or a WebSocket's second subprotocol. */
import type { IncomingMessage } from 'node:http';
import { decodeUtf8 } from '../../pgwire/message-reader.ts';

export type Credentials =
  | Readonly<{ kind: 'none' }>
  | Readonly<{ kind: 'password'; user: string; password: string }>
  | Readonly<{ kind: 'bearer'; token: string }>
  | Readonly<{ kind: 'malformed' }>;

/** Browsers can give a WebSocket no headers, but subprotocols: `millrace.v1, bearer.<token>`. */
const BEARER_PROTOCOL = 'bearer.';

export function readCredentials(request: IncomingMessage): Credentials {
  const { authorization } = request.headers;
  if (authorization !== undefined) return readAuthorization(authorization);
  const offered = request.headers['sec-websocket-protocol'];
  const token = offered
    ?.split(',')
    .map((name) => name.trim())
    .find((name) => name.startsWith(BEARER_PROTOCOL));
  return token === undefined
    ? { kind: 'none' }
    : { kind: 'bearer', token: token.slice(BEARER_PROTOCOL.length) };
}

function readAuthorization(text: string): Credentials {
  const [, scheme = '', rest = ''] = /^([A-Za-z]+) +([A-Za-z0-9+/=._~-]+)$/.exec(text) ?? [];
  switch (scheme.toLowerCase()) {
    case 'bearer':
      return { kind: 'bearer', token: rest };
    case 'basic':
      return readBasic(rest);
    default:
      return { kind: 'malformed' };
  }
}

function readBasic(encoded: string): Credentials {
  let text: string;
  try {
    text = decodeUtf8(Buffer.from(encoded, 'base64'));
  } catch {
    return { kind: 'malformed' };
  }
  const colon = text.indexOf(':');
  if (colon < 1 || text.includes('\0')) return { kind: 'malformed' };
  return { kind: 'password', user: text.slice(0, colon), password: text.slice(colon + 1) };
}
