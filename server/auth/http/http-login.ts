import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import { unreachable } from '../../../common/assert.ts';
import { SqlError } from '../../../common/sql-error.ts';
import { hasPrivilegesOf } from '../../../planner/planner.ts';
import { BOOTSTRAP_ROLE_NAME, DATABASE } from '../../../runtime/plan/authorization.ts';
import type { ServerCatalog } from '../../catalog.ts';
import { HttpError } from '../../http/http-error.ts';
import type { Login } from '../../session/login.ts';
import type { AuditLog } from '../audit-log.ts';
import type { Authentication } from '../authentication.ts';
import type { JwtKeys } from '../jwt-keys.ts';
import type { LoginMethod, Peer } from '../peer.ts';
import { isLoopbackAddress, plainAddress } from '../peer-address.ts';
import { hashToken, isToken } from '../token.ts';
import { type Credentials, readCredentials } from './credentials.ts';

const MONITOR = 'pg_monitor';
const CHALLENGE = 'Basic realm="millrace", charset="UTF-8", Bearer realm="millrace"';

type HttpLoginOptions = Readonly<{
  authentication: Authentication;
  catalog: ServerCatalog;
  jwt: JwtKeys;
  audit: AuditLog;
  /** ms since 1970 */
  clock: () => number;
}>;

/** Who sends a request or opens a WebSocket: by password, bearer token or JWT, under the same rules as on the wire. */
export class HttpLogin {
  readonly #options: HttpLoginOptions;

  constructor(options: HttpLoginOptions) {
    this.#options = options;
  }

  /** HttpError 401 without, or with wrong, credentials; 403 where none would help; 429 where too many were wrong. */
  async login(request: IncomingMessage): Promise<Login> {
    const { socket } = request;
    const peer: Peer = { address: plainAddress(socket.remoteAddress), tls: socket instanceof TLSSocket };
    const given = readCredentials(request);
    switch (given.kind) {
      case 'none':
        return this.#anonymous(peer);
      case 'password':
        return this.#byPassword(peer, given);
      case 'bearer':
        return this.#byBearer(peer, given.token);
      case 'malformed':
        throw unauthorized('the Authorization header is neither Basic nor Bearer');
      default:
        return unreachable(given);
    }
  }

  #anonymous(peer: Peer): Login {
    if (!this.#isTrusted(peer, BOOTSTRAP_ROLE_NAME)) throw unauthorized('a login is required');
    return this.#trusted(peer, BOOTSTRAP_ROLE_NAME);
  }

  /** Who does not say who it is may be one whom the rules let in; but nobody is asked for a password in clear from afar. */
  #isTrusted(peer: Peer, user: string): boolean {
    try {
      return this.#options.authentication.method(peer, user, DATABASE.name) === 'trust';
    } catch (error) {
      if (!(error instanceof SqlError)) throw error;
      if (peer.tls || isLoopbackAddress(peer.address)) return false;
      throw new HttpError(403, error);
    }
  }

  #trusted(peer: Peer, user: string): Login {
    const login = this.#open(peer, user, 'trust');
    this.#options.audit.loggedInBefore({ user, peer, protocol: 'http', method: 'trust' });
    return login;
  }

  async #byPassword(peer: Peer, given: Extract<Credentials, { kind: 'password' }>): Promise<Login> {
    const { authentication, audit } = this.#options;
    const { user } = given;
    const method = this.#method(peer, user);
    if (method === 'trust') return this.#trusted(peer, user);
    const outcome = await authentication.checkPassword(user, peer, given.password);
    if (outcome === 'throttled') {
      audit.refused({ user, peer, protocol: 'http', method: 'password' }, '28000', 'throttled');
      throw new HttpError(429, authentication.throttled(user), { 'retry-after': '10' });
    }
    if (outcome === 'wrong') {
      audit.refused({ user, peer, protocol: 'http', method: 'password' }, '28P01');
      throw unauthorized(`password authentication failed for user "${user}"`, '28P01');
    }
    const login = this.#open(peer, user, method);
    audit.loggedInBefore({ user, peer, protocol: 'http', method: 'password' });
    return login;
  }

  async #byBearer(peer: Peer, token: string): Promise<Login> {
    return isToken(token) ? this.#byToken(peer, token) : this.#byJwt(peer, token);
  }

  #byToken(peer: Peer, token: string): Login {
    const { catalog, audit, clock } = this.#options;
    const known = catalog.current.tokenByHash(hashToken(token));
    const role = known === undefined ? undefined : catalog.current.roleByOid(known.role);
    const expired = known !== undefined && known.validUntil !== null && known.validUntil <= clock() * 1_000;
    if (known === undefined || role === undefined || expired) {
      audit.refused({ user: role?.name ?? null, peer, protocol: 'http', method: 'token' }, '28000');
      throw unauthorized('the token is not valid');
    }
    this.#method(peer, role.name);
    const login = this.#open(peer, role.name, 'scram-sha-256');
    audit.loggedInBefore({ user: role.name, peer, protocol: 'http', method: 'token', token: known.name });
    const byToken = { ...login, token: known.oid };
    return known.validUntil === null ? byToken : { ...byToken, expiresAt: known.validUntil / 1_000 };
  }

  async #byJwt(peer: Peer, token: string): Promise<Login> {
    const { jwt, audit, clock } = this.#options;
    let reason = 'no key is configured';
    const verified =
      (await jwt.current?.verify(token, clock(), (why) => {
        reason = why;
      })) ?? null;
    if (verified === null) {
      audit.refused({ user: null, peer, protocol: 'http', method: 'jwt' }, '28000', reason);
      throw unauthorized('the token is not valid');
    }
    const { role, claims, expiresAt } = verified;
    this.#method(peer, role);
    const login = this.#open(peer, role, 'scram-sha-256');
    audit.loggedInBefore({ user: role, peer, protocol: 'http', method: 'jwt' });
    return { ...login, claims, expiresAt };
  }

  /** How the peer must show that it is the user; 403 where it may not come at all. */
  #method(peer: Peer, user: string): LoginMethod {
    return this.#orForbidden(peer, user, () =>
      this.#options.authentication.method(peer, user, DATABASE.name),
    );
  }

  #open(peer: Peer, user: string, method: LoginMethod): Login {
    return this.#orForbidden(peer, user, () => this.#options.authentication.login(user, method));
  }

  /** 28000 is no error of the request: who sends it is known, and may not. */
  #orForbidden<T>(peer: Peer, user: string, work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof SqlError)) throw error;
      this.#options.audit.refused({ user, peer, protocol: 'http', method: null }, error.code);
      throw new HttpError(403, error);
    }
  }

  /** Whether somebody may read what the server says of itself: superusers, and members of pg_monitor. */
  mayMonitor(login: Login): boolean {
    const { current } = this.#options.catalog;
    const monitor = current.role(MONITOR);
    return monitor !== undefined && hasPrivilegesOf(current, login.role, monitor.oid);
  }
}

function unauthorized(message: string, code: '28000' | '28P01' = '28000'): HttpError {
  const hint = 'Send Authorization: Basic with user and password, or Bearer with a token.';
  return new HttpError(401, new SqlError(code, message, { hint }), { 'www-authenticate': CHALLENGE });
}
