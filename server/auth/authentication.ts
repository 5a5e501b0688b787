import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type { Logger } from 'pino';
import { SqlError } from '../../common/sql-error.ts';
import type { RoleDefinition } from '../../runtime/plan/authorization.ts';
import type { CatalogView, ServerCatalog } from '../catalog.ts';
import { type Login, trustedLogin } from '../session/login.ts';
import type { AuthenticationFile } from './authentication-file.ts';
import type { LoginMethod, Peer } from './peer.ts';
import { LoginThrottle } from './login-throttle.ts';
import { mockVerifier } from './mock-verifier.ts';
import { PasswordCheck } from './password-check.ts';
import type { Rules } from './rules/rules.ts';
import { ScramExchange } from './scram-exchange.ts';
import { parseVerifier, type ScramVerifier } from './scram-verifier.ts';

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
  readonly #passwords = new PasswordCheck();
  readonly #throttle: LoginThrottle;

  constructor(options: AuthenticationOptions) {
    this.#options = options;
    this.#throttle = new LoginThrottle(options.clock);
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
    const nonce = randomBytes(NONCE_BYTES).toString('base64');
    return new ScramExchange({ ...this.#verifierOf(user), endPoint, nonce });
  }

  /** A made-up one where there is none, or the password has run out: that takes as long. */
  #verifierOf(user: string): Readonly<{ verifier: ScramVerifier; known: boolean }> {
    const role = this.#options.catalog.current.role(user);
    const stored = role === undefined ? null : this.#goodVerifier(role);
    const verifier = stored === null ? null : parseVerifier(stored);
    return { verifier: verifier ?? mockVerifier(user, this.#options.file.key), known: verifier !== null };
  }

  /** A password that came whole. */
  async checkPassword(user: string, peer: Peer, password: string): Promise<'right' | 'wrong' | 'throttled'> {
    const { verifier, known } = this.#verifierOf(user);
    // Who is known to be right does not wait behind somebody who guesses from the same address.
    if (known && this.#passwords.isRemembered(user, verifier, password)) return 'right';
    const waitMs = this.#throttle.takeTurn(user, peer.address);
    if (waitMs === null) return 'throttled';
    await pause(waitMs);
    const right = (await this.#passwords.isRight(user, verifier, password)) && known;
    // Others that came at the same time may have failed meanwhile: nobody guesses faster by guessing at once.
    if (waitMs === 0 && !(await this.waitTurn(user, peer))) return 'throttled';
    this.judged(user, peer, right);
    return right ? 'right' : 'wrong';
  }

  /** Before an attempt is judged: false where so many failed that this one is not even looked at. */
  async waitTurn(user: string, { address }: Peer): Promise<boolean> {
    const waitMs = this.#throttle.takeTurn(user, address);
    if (waitMs === null) return false;
    await pause(waitMs);
    return true;
  }

  judged(user: string, { address }: Peer, right: boolean): void {
    if (right) this.#throttle.succeeded(user, address);
    else this.#throttle.failed(user, address);
  }

  throttled(user: string): SqlError {
    return new SqlError('28000', `too many failed logins of user "${user}" from this address`, {
      hint: 'Wait a while before the next attempt.',
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

async function pause(milliseconds: number): Promise<void> {
  if (milliseconds > 0) await setTimeout(milliseconds, undefined, { ref: false });
}
