import { createHmac, randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { SqlError } from '../../common/sql-error.ts';
import {
  PASSWORD_CHECKS_AT_ONCE,
  PASSWORD_CHECKS_WAITING_MAX,
  PASSWORDS_REMEMBERED_MAX,
  PASSWORDS_REMEMBERED_MS,
} from '../limits.ts';
import { formatVerifier, isPasswordOf, type ScramVerifier } from './scram-verifier.ts';

/**
 * Passwords that come whole (HTTP Basic), checked against verifiers. That is slow by design, so a right one is remembered
 * for a while, as an HMAC of user, verifier and password by a key of this process: a changed verifier forgets it. Few are
 * checked at once: the threads that do it are those that write the log.
 */
export class PasswordCheck {
  readonly #key = randomBytes(32);
  readonly #right = new LRUCache<string, true>({
    max: PASSWORDS_REMEMBERED_MAX,
    ttl: PASSWORDS_REMEMBERED_MS,
  });
  /** The same question is answered once, however many ask it at a time. */
  readonly #running = new Map<string, Promise<boolean>>();
  readonly #waiting: (() => void)[] = [];
  #active = 0;

  isRemembered(user: string, verifier: ScramVerifier, password: string): boolean {
    return this.#right.has(this.#digest(user, verifier, password));
  }

  /** 53300 where too many wait. */
  async isRight(user: string, verifier: ScramVerifier, password: string): Promise<boolean> {
    const digest = this.#digest(user, verifier, password);
    if (this.#right.has(digest)) return true;
    const running = this.#running.get(digest);
    if (running !== undefined) return running;
    const check = this.#check(verifier, password).finally(() => this.#running.delete(digest));
    this.#running.set(digest, check);
    const right = await check;
    if (right) this.#right.set(digest, true);
    return right;
  }

  async #check(verifier: ScramVerifier, password: string): Promise<boolean> {
    if (this.#active >= PASSWORD_CHECKS_AT_ONCE) {
      if (this.#waiting.length >= PASSWORD_CHECKS_WAITING_MAX) {
        throw new SqlError('53300', 'too many logins at once');
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#active++;
    try {
      return await isPasswordOf(password, verifier);
    } finally {
      // The place goes to the next one that waits.
      const next = this.#waiting.shift();
      if (next === undefined) this.#active--;
      else next();
    }
  }

  #digest(user: string, verifier: ScramVerifier, password: string): string {
    const text = JSON.stringify([user, formatVerifier(verifier), password]);
    return createHmac('sha256', this.#key).update(text).digest('base64');
  }
}
