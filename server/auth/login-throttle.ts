import { isIPv6 } from 'node:net';
import { LRUCache } from 'lru-cache';
import {
  LOGIN_DELAY_MS_LEAST,
  LOGIN_DELAY_MS_MAX,
  LOGIN_FAILURES_FREE,
  LOGIN_FAILURES_KEPT_MAX,
  LOGIN_FAILURES_KEPT_MS,
  LOGIN_WAIT_MS_MAX,
} from '../limits.ts';
import { groupsOf } from './peer-address.ts';

type Failures = { count: number; freeAt: number };

/**
 * Slows down who guesses: after a few failures for a user from an address each further attempt waits its turn, twice as
 * long each time. Counted by address and user together, so that nobody can lock a user out from elsewhere.
 */
export class LoginThrottle {
  readonly #clock: () => number;
  readonly #failures = new LRUCache<string, Failures>({
    max: LOGIN_FAILURES_KEPT_MAX,
    ttl: LOGIN_FAILURES_KEPT_MS,
  });

  /** `clock`: ms */
  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** How long an attempt has to wait before it is judged, right or wrong, and takes that turn; null: too long. */
  takeTurn(user: string, address: string): number | null {
    const known = this.#failures.get(keyOf(user, address));
    if (known === undefined || known.count < LOGIN_FAILURES_FREE) return 0;
    const now = this.#clock();
    const turn = Math.max(now, known.freeAt);
    if (turn - now > LOGIN_WAIT_MS_MAX) return null;
    // Taken for a failure until it turns out to be none: many that come at once wait as long as one after the other.
    known.freeAt = turn + delayMs(known.count++);
    return turn - now;
  }

  failed(user: string, address: string): void {
    const key = keyOf(user, address);
    const known = this.#failures.get(key) ?? { count: 0, freeAt: 0 };
    if (known.count < LOGIN_FAILURES_FREE) {
      known.count++;
      known.freeAt = this.#clock() + delayMs(known.count);
    }
    this.#failures.set(key, known);
  }

  succeeded(user: string, address: string): void {
    this.#failures.delete(keyOf(user, address));
  }
}

function delayMs(count: number): number {
  return Math.min(LOGIN_DELAY_MS_LEAST * 2 ** (count - LOGIN_FAILURES_FREE), LOGIN_DELAY_MS_MAX);
}

/** Whoever has one address of IPv6 has the 2^64 beside it. */
function keyOf(user: string, address: string): string {
  return JSON.stringify([user, isIPv6(address) ? networkOf(address) : address]);
}

const networkOf = (address: string): string =>
  groupsOf(address.split('%')[0] ?? '')
    .slice(0, 4)
    .join(':');
