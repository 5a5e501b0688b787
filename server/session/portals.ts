import { SqlError } from '../../common/sql-error.ts';
import { PORTALS_MAX } from '../limits.ts';
import type { Portal } from './portal.ts';

/** The portals and cursors of one session, by name. */
export class Portals {
  readonly #portals = new Map<string, Portal>();
  #opened = 0;

  /** How many the session has opened so far: a place to which `closeAfter` goes back. */
  get opened(): number {
    return this.#opened;
  }

  get(name: string): Portal | undefined {
    return this.#portals.get(name);
  }

  has(name: string): boolean {
    return this.#portals.has(name);
  }

  /** One that there is no place for is closed: 54000. */
  add(name: string, portal: Portal): void {
    if (this.#portals.size >= PORTALS_MAX) {
      portal.close();
      throw new SqlError('54000', 'too many open portals in this session');
    }
    portal.number = ++this.#opened;
    this.#portals.set(name, portal);
  }

  /** False where there is none. */
  close(name: string): boolean {
    const portal = this.#portals.get(name);
    portal?.close();
    return this.#portals.delete(name);
  }

  /** COMMIT: cursors WITH HOLD are read to their end, so that they need nothing of the transaction. 53400 */
  async keepHeld(): Promise<void> {
    for (const portal of this.#portals.values()) if (portal.hold && !portal.held) await portal.keep();
  }

  /** Portals end with their transaction, but for cursors WITH HOLD that were there when it committed. */
  endTransaction(committed: boolean): void {
    if (committed) for (const portal of this.#portals.values()) portal.held ||= portal.hold;
    this.#closeWhere((portal) => !portal.held);
  }

  /** ROLLBACK TO SAVEPOINT: those that were opened since. */
  closeAfter(opened: number): void {
    this.#closeWhere((portal) => portal.number > opened && !portal.held);
  }

  closeAll(): void {
    this.#closeWhere(() => true);
  }

  #closeWhere(closes: (portal: Portal) => boolean): void {
    for (const [name, portal] of this.#portals) if (closes(portal)) this.close(name);
  }
}
