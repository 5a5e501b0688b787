import { SqlError } from '../../common/sql-error.ts';
import { PREPARED_BYTES_CHARACTER, PREPARED_STATEMENTS_MAX } from '../limits.ts';
import type { HeldShare } from './held-memory.ts';
import type { Prepared } from './prepared.ts';

/** The prepared statements of one session, by name. */
export class PreparedStatements {
  readonly #held: HeldShare;
  readonly #statements = new Map<string, Prepared>();

  constructor(held: HeldShare) {
    this.#held = held;
  }

  get(name: string): Prepared | undefined {
    return this.#statements.get(name);
  }

  has(name: string): boolean {
    return this.#statements.has(name);
  }

  /** In place of one of that name. 54000, 53200 */
  set(name: string, prepared: Prepared): void {
    this.delete(name);
    if (this.#statements.size >= PREPARED_STATEMENTS_MAX) {
      throw new SqlError('54000', 'too many prepared statements in this session', {
        hint: 'DEALLOCATE those that are no longer needed.',
      });
    }
    this.#held.take(heldBytes(name, prepared));
    this.#statements.set(name, prepared);
  }

  /** False where there is none. */
  delete(name: string): boolean {
    const prepared = this.#statements.get(name);
    if (prepared === undefined) return false;
    this.#held.give(heldBytes(name, prepared));
    return this.#statements.delete(name);
  }

  clear(): void {
    for (const name of [...this.#statements.keys()]) this.delete(name);
  }
}

/** There is one without a name, whatever its size: each client has it, and the next one takes its place. */
function heldBytes(name: string, { parsed }: Prepared): number {
  if (name === '') return 0;
  return PREPARED_BYTES_CHARACTER * (name.length + (parsed?.text.length ?? 0));
}
