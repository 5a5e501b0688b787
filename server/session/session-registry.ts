import { randomBytes, randomInt, timingSafeEqual } from 'node:crypto';
import { SqlError } from '../../common/sql-error.ts';
import { requireConnect } from '../../planner/planner.ts';
import type { RoleDefinition } from '../../runtime/plan/authorization.ts';
import type { Oid } from '../../runtime/plan/relation.ts';
import type { Session } from './session.ts';

export type Registered = Readonly<{
  session: Session;
  /** Ends the running statement, if one runs. */
  cancel: () => void;
  /** Ends the session with 57P01. */
  shutDown: () => void;
}>;

type Entry = Registered & Readonly<{ secret: Buffer }>;

/** The sessions of a server by process id: who may be cancelled, and who is told of a shutdown. */
export class SessionRegistry {
  readonly #entries = new Map<number, Entry>();
  /** How many each role has, by its login. */
  readonly #ofRole = new Map<Oid, number>();
  readonly #sessionsMax: number;
  readonly #reserved: number;
  #closing = false;

  /**
   * `sessionsMax`: PostgreSQL connections, HTTP requests under way and subscriptions of WebSockets together; `reserved`:
   * those among them that only superusers get.
   */
  constructor(sessionsMax: number, reserved: number) {
    this.#sessionsMax = sessionsMax;
    this.#reserved = reserved;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** 53300 when there are too many, 57P03 while the server stops. */
  add(session: Registered, secretBytes: number): Readonly<{ pid: number; secret: Buffer }> {
    if (this.#closing) throw new SqlError('57P03', 'the database system is shutting down');
    const { role } = session.session.login;
    const { current } = session.session.context.catalog;
    requireConnect(current, role);
    this.#requirePlace(current.roleByOid(role));
    let pid = randomInt(1, 2 ** 31 - 1);
    while (this.#entries.has(pid)) pid = randomInt(1, 2 ** 31 - 1);
    const secret = randomBytes(secretBytes);
    this.#entries.set(pid, { ...session, secret });
    this.#ofRole.set(role, (this.#ofRole.get(role) ?? 0) + 1);
    return { pid, secret };
  }

  #requirePlace(role: RoleDefinition | undefined): void {
    const free = this.#sessionsMax - this.#entries.size;
    if (free <= 0) throw new SqlError('53300', 'sorry, too many clients already');
    if (role?.superuser) return;
    if (free <= this.#reserved) {
      throw new SqlError(
        '53300',
        'remaining connection slots are reserved for roles with the SUPERUSER attribute',
      );
    }
    const limit = role?.connectionLimit ?? -1;
    if (role !== undefined && limit >= 0 && (this.#ofRole.get(role.oid) ?? 0) >= limit) {
      throw new SqlError('53300', `too many connections for role "${role.name}"`);
    }
  }

  remove(pid: number): void {
    const entry = this.#entries.get(pid);
    if (entry === undefined) return;
    this.#entries.delete(pid);
    const { role } = entry.session.login;
    const left = (this.#ofRole.get(role) ?? 0) - 1;
    if (left > 0) this.#ofRole.set(role, left);
    else this.#ofRole.delete(role);
  }

  /** CancelRequest: a wrong secret is answered as a right one, with nothing. */
  cancel(pid: number, secret: Buffer): boolean {
    const entry = this.#entries.get(pid);
    if (entry === undefined || entry.secret.length !== secret.length) return false;
    if (!timingSafeEqual(entry.secret, secret)) return false;
    entry.cancel();
    return true;
  }

  *sessions(): Iterable<Session> {
    for (const entry of this.#entries.values()) yield entry.session;
  }

  /** Who the session logged in as. */
  roleOf(pid: number): Oid | undefined {
    return this.#entries.get(pid)?.session.sessionRole;
  }

  of(role: Oid): readonly number[] {
    return [...this.#entries].flatMap(([pid, { session }]) => (session.sessionRole === role ? [pid] : []));
  }

  /** pg_cancel_backend, pg_terminate_backend. */
  signal(pid: number, terminate: boolean): void {
    const entry = this.#entries.get(pid);
    if (terminate) entry?.shutDown();
    else entry?.cancel();
  }

  /** Refuses new sessions and ends all. */
  shutDown(): void {
    this.#closing = true;
    for (const entry of [...this.#entries.values()]) entry.shutDown();
  }
}
