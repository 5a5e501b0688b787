import { randomBytes, randomInt, timingSafeEqual } from 'node:crypto';
import { SqlError } from '../../common/sql-error.ts';
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
  readonly #sessionsMax: number;
  #closing = false;

  /** `sessionsMax`: PostgreSQL connections, HTTP requests under way and subscriptions of WebSockets together. */
  constructor(sessionsMax: number) {
    this.#sessionsMax = sessionsMax;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** 53300 when there are too many, 57P03 while the server stops. */
  add(session: Registered, secretBytes: number): Readonly<{ pid: number; secret: Buffer }> {
    if (this.#closing) throw new SqlError('57P03', 'the database system is shutting down');
    if (this.#entries.size >= this.#sessionsMax)
      throw new SqlError('53300', 'sorry, too many clients already');
    this.#requireRoom(session.session);
    let pid = randomInt(1, 2 ** 31 - 1);
    while (this.#entries.has(pid)) pid = randomInt(1, 2 ** 31 - 1);
    const secret = randomBytes(secretBytes);
    this.#entries.set(pid, { ...session, secret });
    return { pid, secret };
  }

  /** CONNECTION LIMIT of a role, which binds no superuser. */
  #requireRoom({ context, login }: Session): void {
    const role = context.catalog.current.roleByOid(login.role);
    if (role === undefined || role.superuser || role.connectionLimit < 0) return;
    let sessions = 0;
    for (const { session } of this.#entries.values()) if (session.login.role === role.oid) sessions++;
    if (sessions >= role.connectionLimit)
      throw new SqlError('53300', `too many connections for role "${role.name}"`);
  }

  remove(pid: number): void {
    this.#entries.delete(pid);
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
