import { SqlError } from '../../common/sql-error.ts';
import { parseDurationMs } from '../settings/setting-kind.ts';
import type { Session } from './session.ts';

/** transaction_timeout: how long a block, or a statement outside of one, may take before its session is ended. */
export class TransactionLimit {
  readonly #end: (error: SqlError) => void;
  #timer: NodeJS.Timeout | null = null;

  constructor(end: (error: SqlError) => void) {
    this.#end = end;
  }

  /** A message's work begins or has ended: where no block goes on after it the time is over. */
  follow({ settings, transaction }: Session, isWorking: boolean): void {
    const milliseconds = parseDurationMs(settings.get('transaction_timeout')) ?? 0;
    if (milliseconds === 0 || !(isWorking || transaction !== null)) {
      this.stop();
      return;
    }
    this.#timer ??= setTimeout(
      () => this.#end(new SqlError('25P04', 'terminating connection due to transaction timeout')),
      milliseconds,
    );
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
