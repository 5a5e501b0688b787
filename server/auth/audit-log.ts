/**
 * Who came in, who did not, and who changed what of the catalog or the settings: one JSON line an event, with names,
 * addresses and kinds only. No password, token, statement text, row or parameter is ever handed to it.
 */
import { LRUCache } from 'lru-cache';
import { destination, type Logger, pino } from 'pino';
import type { CatalogChange } from '../../runtime/plan/relation.ts';
import type { CatalogView } from '../catalog.ts';
import {
  AUDIT_CHARACTERS_MAX,
  AUDIT_FAILURES_BURST,
  AUDIT_FAILURES_SECOND,
  AUDIT_LOGINS_KEPT_MAX,
  AUDIT_LOGINS_KEPT_MS,
} from '../limits.ts';
import { ConfigError } from '../settings/config-error.ts';
import { describeChange } from './audit-change.ts';
import type { Peer } from './peer.ts';

export type LoginEvent = Readonly<{
  /** null: not known */
  user: string | null;
  peer: Peer;
  protocol: 'pgwire' | 'http';
  method: 'trust' | 'password' | 'token' | 'jwt' | null;
  /** a token's name */
  token?: string;
}>;

/** Who does something: the name that logged in, and the role whose privileges it uses. */
export type Actor = Readonly<{ sessionUser: string; user: string; pid: number }>;

/** Every login is counted, whether it is told or not. */
export type LoginCount = (protocol: LoginEvent['protocol'], outcome: 'ok' | 'failed') => void;

export class AuditLog {
  readonly #log: Logger | null;
  readonly #file: ReturnType<typeof destination> | null;
  readonly #clock: () => number;
  readonly #count: LoginCount;
  /** Requests of HTTP log in each for itself: the same one is told once in a while. */
  readonly #recent = new LRUCache<string, true>({ max: AUDIT_LOGINS_KEPT_MAX, ttl: AUDIT_LOGINS_KEPT_MS });
  /** Failures that may still be told: a flood of them must not fill the disk. */
  #allowance = AUDIT_FAILURES_BURST;
  #filledAt = 0;
  #suppressed = 0;

  private constructor(
    log: Logger | null,
    file: ReturnType<typeof destination> | null,
    clock: () => number,
    count: LoginCount,
  ) {
    this.#count = count;
    this.#log = log;
    this.#file = file;
    this.#clock = clock;
  }

  /** `place`: off, stderr (with the server's log, by its level) or the path of a file. ConfigError where that can't be opened. */
  static open(place: string, log: Logger, clock: () => number, count: LoginCount): AuditLog {
    if (place === 'off') return new AuditLog(null, null, clock, count);
    if (place === 'stderr') return new AuditLog(log.child({ log: 'audit' }), null, clock, count);
    try {
      const file = destination({ dest: place, append: true, mkdir: false, mode: 0o600, sync: true });
      // A full disk must not end the server; that there is no record of it must be seen.
      file.on('error', (error: Error) => log.error({ err: error }, 'audit log cannot be written'));
      return new AuditLog(pino({ level: 'info', base: { log: 'audit' } }, file), file, clock, count);
    } catch (error) {
      throw new ConfigError(`audit log ${place} cannot be written: ${(error as NodeJS.ErrnoException).code}`);
    }
  }

  /** Whoever rotates logs has moved the file away. */
  reopen(): void {
    this.#file?.reopen();
  }

  loggedIn(event: LoginEvent): void {
    this.#count(event.protocol, 'ok');
    this.#log?.info({ event: 'login', ...fieldsOf(event) }, 'login');
  }

  /** A login that may be one of many requests. */
  loggedInBefore(event: LoginEvent): void {
    this.#count(event.protocol, 'ok');
    const fields = fieldsOf(event);
    const key = JSON.stringify(fields);
    if (this.#log === null || this.#recent.has(key)) return;
    this.#recent.set(key, true);
    this.#log.info({ event: 'login', ...fields }, 'login');
  }

  refused(event: LoginEvent, code: string, reason?: string): void {
    this.#count(event.protocol, 'failed');
    if (this.#log === null) return;
    const now = this.#clock();
    const earned = ((now - this.#filledAt) / 1_000) * AUDIT_FAILURES_SECOND;
    this.#allowance = Math.min(this.#allowance + Math.max(earned, 0), AUDIT_FAILURES_BURST);
    this.#filledAt = now;
    if (this.#allowance < 1) {
      this.#suppressed++;
      return;
    }
    this.#allowance--;
    const suppressed = this.#suppressed === 0 ? {} : { suppressed: this.#suppressed };
    this.#suppressed = 0;
    const why = reason === undefined ? {} : { reason: reason.slice(0, AUDIT_CHARACTERS_MAX) };
    this.#log.warn(
      { event: 'login-failed', ...fieldsOf(event), code, ...why, ...suppressed },
      'login failed',
    );
  }

  loggedOut(event: LoginEvent): void {
    this.#log?.info({ event: 'logout', ...fieldsOf(event) }, 'logout');
  }

  /** `before` and `now`: the catalog around the changes. */
  changed(actor: Actor, changes: readonly CatalogChange[], before: CatalogView, now: CatalogView): void {
    if (this.#log === null) return;
    for (const change of changes) {
      for (const fields of describeChange(change, before, now)) {
        this.#log.info({ ...fields, ...actorFields(actor) }, 'catalog changed');
      }
    }
  }

  /** ALTER SYSTEM; what a setting was given may be a path or worse. */
  settingChanged(actor: Actor, name: string): void {
    this.#log?.info({ event: 'setting', setting: name, ...actorFields(actor) }, 'setting changed');
  }
}

function fieldsOf({ user, peer, protocol, method, token }: LoginEvent): Readonly<Record<string, unknown>> {
  const { address, tls } = peer;
  // Whoever is not in may call himself anything.
  const shown = user === null ? null : user.slice(0, AUDIT_CHARACTERS_MAX);
  return { user: shown, address, tls, protocol, method, ...(token === undefined ? {} : { token }) };
}

function actorFields({ sessionUser, user, pid }: Actor): Readonly<Record<string, unknown>> {
  return { user: sessionUser, ...(user === sessionUser ? {} : { role: user }), pid };
}
