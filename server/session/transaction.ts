import { SqlError } from '../../common/sql-error.ts';
import type { CatalogChange, CatalogObject, Oid } from '../../runtime/plan/relation.ts';
import { SAVEPOINTS_MAX } from '../limits.ts';
import { dropListenChange, type ListenChange } from './listening.ts';
import type { SettingsMark } from './settings.ts';

/** How far things of the session were at a savepoint: what it goes back to. */
type SessionMarks = Readonly<{ settings: SettingsMark; portals: number }>;
type Savepoint = Readonly<{
  name: string;
  statements: number;
  changes: number;
  listens: number;
  notifications: number;
  marks: SessionMarks;
}>;

/** The engine knows blocks by number; none is used twice. */
let lastBlock = 0;

/**
 * A transaction block. What it writes is kept by the engine, which knows it by its number, and its changes of the catalog
 * here; nothing of it shows to others before COMMIT. `implicit`: the statements of one simple Query, or up to a Sync; it
 * ends with them.
 */
export class Transaction {
  readonly block = ++lastBlock;
  implicit: boolean;
  failed = false;
  /** now() of every statement in the block, µs. */
  readonly now: number;
  /** The tick that reads see; null until BEGIN, or the first statement that needs it, fixed it (`blockScope`). */
  snapshot: number | null = null;
  /** A query ran: its modes are fixed. */
  asked = false;
  /** Writes that the engine keeps. */
  statements = 0;
  /** A write was begun: the engine may know the block. */
  wrote = false;
  readonly changes: CatalogChange[] = [];
  /** What the block alters, as it was committed when it first did. */
  readonly bases = new Map<Oid, CatalogObject | undefined>();
  /** LISTEN and NOTIFY, which take effect at COMMIT. */
  readonly listens: ListenChange[] = [];
  readonly notifications: { channel: string; payload: string }[] = [];
  readonly #savepoints: Savepoint[] = [];

  constructor(implicit: boolean, now: number) {
    this.implicit = implicit;
    this.now = now;
  }

  get isEmpty(): boolean {
    return this.statements === 0 && this.changes.length === 0;
  }

  hasCreated(oid: Oid): boolean {
    return this.changes.some((change) => change.kind === 'create' && change.object.oid === oid);
  }

  /** 54000 */
  savepoint(name: string, marks: SessionMarks): void {
    if (this.#savepoints.length >= SAVEPOINTS_MAX)
      throw new SqlError('54000', 'too many savepoints in this transaction');
    this.#savepoints.push({
      name,
      statements: this.statements,
      changes: this.changes.length,
      listens: this.listens.length,
      notifications: this.notifications.length,
      marks,
    });
  }

  release(name: string): void {
    this.#savepoints.length = this.#find(name);
  }

  /** Drops what came after the savepoint, which stays; gives the session's marks to go back to. */
  rollbackTo(name: string): SessionMarks {
    const index = this.#find(name);
    const savepoint = this.#savepoints[index]!;
    this.#savepoints.length = index + 1;
    this.statements = savepoint.statements;
    this.changes.length = savepoint.changes;
    for (const change of this.listens.splice(savepoint.listens)) dropListenChange(change);
    this.notifications.length = savepoint.notifications;
    this.failed = false;
    return savepoint.marks;
  }

  #find(name: string): number {
    const index = this.#savepoints.findLastIndex((savepoint) => savepoint.name === name);
    if (index < 0) throw new SqlError('3B001', `savepoint "${name}" does not exist`);
    return index;
  }
}
