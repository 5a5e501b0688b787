import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { SqlError } from '../../common/sql-error.ts';
import type { IngestResult } from '../../runtime/engine-client.ts';
import { IDEMPOTENCY_KEYS_MAX } from '../limits.ts';
import { HttpError } from './http-error.ts';

/** What a post is answered with. */
export type Acknowledged = Pick<IngestResult, 'accepted' | 'rejected' | 'tick'>;

type Entry = Readonly<{ digest: string; result: Promise<Acknowledged> }>;

/**
 * The results of recent requests by their Idempotency-Key: a repetition gets the same answer and adds no rows. Other rows
 * under the same key are no repetition: 409.
 */
export class IdempotencyKeys {
  readonly #entries = new LRUCache<string, Entry>({ max: IDEMPOTENCY_KEYS_MAX });

  async once(
    key: string,
    body: Uint8Array,
    work: () => Promise<Acknowledged>,
  ): Promise<Readonly<{ result: Acknowledged; repeated: boolean }>> {
    const digest = createHash('sha256').update(body).digest('base64');
    const known = this.#entries.get(key);
    if (known !== undefined) {
      if (known.digest !== digest) throw otherBody();
      return { result: await known.result, repeated: true };
    }
    const result = work();
    const entry: Entry = { digest, result };
    this.#entries.set(key, entry);
    try {
      return { result: await result, repeated: false };
    } catch (error) {
      // What failed left nothing behind: the key may be used again.
      if (this.#entries.peek(key) === entry) this.#entries.delete(key);
      throw error;
    }
  }
}

function otherBody(): HttpError {
  const error = new SqlError('22023', 'the Idempotency-Key was used with another body', {
    hint: 'Give each request a key of its own, and repeat the same body with it.',
  });
  return new HttpError(409, error);
}
