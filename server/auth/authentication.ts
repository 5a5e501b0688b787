import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { SqlError } from '../../common/sql-error.ts';
import type { RoleDefinition } from '../../runtime/plan/authorization.ts';
import type { CatalogView, ServerCatalog } from '../catalog.ts';
import { type Login, trustedLogin } from '../session/login.ts';
import type { AuthenticationFile } from './authentication-file.ts';
import type { LoginMethod, Peer } from './peer.ts';
import { mockVerifier } from './mock-verifier.ts';
import type { Rules } from './rules/rules.ts';
import { ScramExchange } from './scram-exchange.ts';
import { parseVerifier } from './scram-verifier.ts';

const NONCE_BYTES = 18;

type AuthenticationOptions = Readonly<{
  catalog: ServerCatalog;
  file: AuthenticationFile;
  rules: Rules;
  log: Logger;
  /** ms since 1970 */
  clock: () => number;
}>;

/** Decides who gets in: which method a peer must use, what a password is checked against, and whose session it becomes. */
export class Authentication {
  readonly #options: AuthenticationOptions;

  constructor(options: AuthenticationOptions) {
    this.#options = options;
    this.#notePasswords(options.catalog.current);
    options.catalog.watch((view) => this.#notePasswords(view));
  }

  #notePasswords(view: CatalogView): void {
    if (this.passwordsUsed || !view.hasPasswords) return;
    try {
      this.#options.file.notePasswords();
    } catch (error) {
      // It holds while the server runs, and the next start sees the password itself.
      this.#options.log.error({ err: error }, 'authentication.json cannot be written');
    }
  }

  /** Whether a role ever had a password: from then on nobody is trusted by default. */
  get passwordsUsed(): boolean {
    return this.#options.file.passwordsUsed;
  }

  /** Whether a role has one now: without, nobody from elsewhere could ever come in. */
  get hasPasswords(): boolean {
    return this.#options.catalog.current.hasPasswords;
  }

  /** How this peer has to show that it is the user; 28000 where it may not connect at all. */
  method(peer: Peer, user: string, database: string): LoginMethod {
    const { rules, catalog } = this.#options;
    return rules.method(peer, user, database, catalog.current, this.passwordsUsed);
  }

  /** `endPoint`: the hash of our certificate, where the connection has TLS. */
  challenge(user: string, endPoint: Buffer | null): ScramExchange {
    const role = this.#options.catalog.current.role(user);
    const stored = role === undefined ? null : this.#goodVerifier(role);
    const verifier = stored === null ? null : parseVerifier(stored);
    return new ScramExchange({
      verifier: verifier ?? mockVerifier(user, this.#options.file.key),
      known: verifier !== null,
      endPoint,
      nonce: randomBytes(NONCE_BYTES).toString('base64'),
    });
  }

  #goodVerifier({ validUntil, verifier }: RoleDefinition): string | null {
    return validUntil !== null && validUntil < this.#options.clock() * 1_000 ? null : verifier;
  }

  /** The session of somebody who has shown who it is, or is trusted. 28000 where there is no such role, or it has NOLOGIN. */
  login(user: string, method: LoginMethod): Login {
    const catalog = this.#options.catalog.current;
    const role = catalog.role(user);
    if (role === undefined) {
      // before there are passwords, names are a matter of taste
      if (method === 'trust' && !this.passwordsUsed) return trustedLogin(catalog, user);
      throw new SqlError('28000', `role "${user}" does not exist`);
    }
    if (!role.login) throw new SqlError('28000', `role "${user}" is not permitted to log in`);
    return { user, role: role.oid, claims: null };
  }
}
