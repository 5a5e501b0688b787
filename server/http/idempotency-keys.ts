import { LRUCache } from 'lru-cache';
import type { IngestResult } from '../../runtime/engine-client.ts';
import { IDEMPOTENCY_KEYS_MAX } from '../limits.ts';

/** What a post is answered with. */
export type Acknowledged = Pick<IngestResult, 'accepted' | 'rejected' | 'tick'>;

/** The results of recent requests by their Idempotency-Key: a repetition gets the same answer and adds no rows. */
export class IdempotencyKeys {
  readonly #results = new LRUCache<string, Promise<Acknowledged>>({ max: IDEMPOTENCY_KEYS_MAX });

  async once(
    key: string,
    work: () => Promise<Acknowledged>,
  ): Promise<Readonly<{ result: Acknowledged; repeated: boolean }>> {
    const known = this.#results.get(key);
    if (known !== undefined) return { result: await known, repeated: true };
    const running = work();
    this.#results.set(key, running);
    try {
      return { result: await running, repeated: false };
    } catch (error) {
      // What failed left nothing behind: the key may be used again.
      this.#results.delete(key);
      throw error;
    }
  }
}
