import { BLOCK_ROWS_MAX } from '../../common/limits.ts';
import { SqlError } from '../../common/sql-error.ts';
import type { WriteOperation } from '../../runtime/engine-client.ts';
import type { CatalogChange, Oid } from '../../runtime/plan/relation.ts';
import { TRANSACTION_BYTES_MAX } from '../limits.ts';

type Savepoint = Readonly<{
  name: string;
  operations: number;
  changes: number;
  settings: number;
  rows: number;
  bytes: number;
}>;

export const tooMuchWritten = (): SqlError =>
  new SqlError('54000', 'the transaction block writes too much', {
    detail: `A block holds ${BLOCK_ROWS_MAX} rows or ${TRANSACTION_BYTES_MAX} bytes of writes at the most.`,
    hint: 'Commit in smaller portions, or use COPY outside of a transaction block.',
  });

/**
 * A transaction block: nothing of it reaches the engine before COMMIT. `implicit`: the statements of one simple Query,
 * or up to a Sync; it ends with them.
 */
export class Transaction {
  implicit: boolean;
  failed = false;
  /** now() of every statement in the block, µs. */
  readonly now: number;
  /** The ledger's mark at BEGIN. */
  readonly writeMark: number;
  /** The tick that reads see; null until the first read fixed it. */
  snapshot: number | null = null;
  readonly operations: WriteOperation[] = [];
  readonly changes: CatalogChange[] = [];
  readonly #savepoints: Savepoint[] = [];
  #rows = 0;
  #bytes = 0;

  constructor(implicit: boolean, now: number, writeMark: number) {
    this.implicit = implicit;
    this.now = now;
    this.writeMark = writeMark;
  }

  get isEmpty(): boolean {
    return this.operations.length === 0 && this.changes.length === 0;
  }

  buffer(operation: WriteOperation, rows: number, bytes: number): void {
    this.#rows += rows;
    this.#bytes += bytes;
    if (this.#rows > BLOCK_ROWS_MAX || this.#bytes > TRANSACTION_BYTES_MAX) {
      throw tooMuchWritten();
    }
    this.operations.push(operation);
  }

  /** Relations with writes of this block that are not yet committed. */
  hasWritten(oid: Oid): boolean {
    return this.operations.some((operation) => operation.relation === oid);
  }

  hasCreated(oid: Oid): boolean {
    return this.changes.some((change) => change.kind === 'create' && change.object.oid === oid);
  }

  savepoint(name: string, settingsMark: number): void {
    this.#savepoints.push({
      name,
      operations: this.operations.length,
      changes: this.changes.length,
      settings: settingsMark,
      rows: this.#rows,
      bytes: this.#bytes,
    });
  }

  release(name: string): void {
    this.#savepoints.length = this.#find(name);
  }

  /** Drops what came after the savepoint, which stays; gives the settings' mark to go back to. */
  rollbackTo(name: string): number {
    const index = this.#find(name);
    const savepoint = this.#savepoints[index]!;
    this.#savepoints.length = index + 1;
    this.operations.length = savepoint.operations;
    this.changes.length = savepoint.changes;
    this.#rows = savepoint.rows;
    this.#bytes = savepoint.bytes;
    this.failed = false;
    return savepoint.settings;
  }

  #find(name: string): number {
    const index = this.#savepoints.findLastIndex((savepoint) => savepoint.name === name);
    if (index < 0) throw new SqlError('3B001', `savepoint "${name}" does not exist`);
    return index;
  }
}
