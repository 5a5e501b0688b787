import { SqlError } from '../../common/sql-error.ts';
import { NOTIFICATION_INTERVAL_MS } from '../limits.ts';
import { flattenError } from '../flatten-error.ts';
import type { RowsOutcome } from '../session/outcome.ts';
import { nextEvent } from '../session/row-source.ts';
import { unitWeights } from '../session/presented-rows.ts';
import type { Session } from '../session/session.ts';
import { MergedChanges } from './merged-changes.ts';
import type { NotificationSink } from './notification-hub.ts';

/** LISTEN on a relation: what changes in it arrives as notifications, at most ten a second, merged. */
export class RelationListener {
  readonly #session: Session;
  readonly #channel: string;
  readonly #outcome: RowsOutcome;
  readonly #sink: NotificationSink;
  readonly #changes: MergedChanges;
  #lastSent = 0;
  #timer: NodeJS.Timeout | null = null;
  /** Before the transaction of the LISTEN has committed nothing is sent. */
  #started = false;
  #stopped = false;

  /** `outcome`: of SUBSCRIBE without a snapshot. */
  constructor(session: Session, channel: string, outcome: RowsOutcome, sink: NotificationSink) {
    this.#session = session;
    this.#channel = channel;
    this.#outcome = outcome;
    this.#sink = sink;
    this.#changes = new MergedChanges(outcome.live?.columns ?? outcome.columns);
    void this.#follow();
  }

  start(): void {
    this.#started = true;
    if (!this.#changes.isEmpty) this.#schedule();
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#session.release(this.#outcome.source);
  }

  async #follow(): Promise<void> {
    const { source } = this.#outcome;
    try {
      while (!this.#stopped) {
        const event = await nextEvent(source);
        if (event.kind === 'end') return;
        if (event.kind !== 'rows' || this.#stopped) continue;
        this.#changes.add(unitWeights(event.batch), event.tick);
        if (this.#started) this.#schedule();
      }
    } catch (error) {
      if (this.#stopped) return;
      const { code, message, hint } =
        error instanceof SqlError ? error : flattenError(error, this.#session.context.log);
      this.#session.notify({
        severity: 'WARNING',
        code,
        message: `LISTEN "${this.#channel}" has ended: ${message}`,
        hint,
      });
      this.stop();
    }
  }

  #schedule(): void {
    if (this.#timer !== null) return;
    const wait = Math.max(this.#lastSent + NOTIFICATION_INTERVAL_MS - performance.now(), 0);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#send();
    }, wait);
  }

  #send(): void {
    if (this.#stopped || this.#changes.isEmpty) return;
    this.#lastSent = performance.now();
    // what comes while a block is open, or while the client is slow, is merged
    if (!this.#sink.isOpen()) {
      this.#schedule();
      return;
    }
    this.#sink.deliver({ channel: this.#channel, payload: this.#changes.take(), pid: 0 });
  }
}
