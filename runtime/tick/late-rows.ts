/**
 * The newest late rows, and how many there were. While a tick runs it is only noted which they are, for there may be far
 * more than are kept; at its end, before its batches are gone, those that stay become JSON.
 */
import { KEPT_ROWS_MAX } from '../../common/limits.ts';
import type { Schema } from '../../common/types.ts';
import type { Batch } from '../batch/column.ts';
import { KeptRows, type LateRow } from './kept-rows.ts';

type Noted = Readonly<{
  view: string | null;
  at: number;
  lateBy: number;
  schema: Schema;
  batch: Batch;
  row: number;
}>;

/** A row of a batch as JSON: of the input that it came from. */
export type RowText = (schema: Schema, batch: Batch, row: number) => string;

export class LateRows {
  readonly #kept = new KeptRows<LateRow>(KEPT_ROWS_MAX);
  #noted = new KeptRows<Noted>(KEPT_ROWS_MAX);

  get total(): number {
    return this.#kept.total + this.#noted.total;
  }

  note(row: Noted): void {
    this.#noted.add(row);
  }

  /** The tick is over. */
  settle(textOf: RowText): void {
    if (this.#noted.total === 0) return;
    const total = this.total;
    for (const { view, at, lateBy, schema, batch, row } of this.#noted.all())
      this.#kept.add({ view, at, lateBy, row: textOf(schema, batch, row) });
    this.#kept.total = total;
    this.#noted = new KeptRows(KEPT_ROWS_MAX);
  }

  /** Oldest first, as of the last tick. */
  all(): LateRow[] {
    return this.#kept.all();
  }

  forget(isGone: (row: Pick<LateRow, 'view'>) => boolean): void {
    this.#kept.forget(isGone);
    this.#noted.forget(isGone);
  }

  restore(rows: readonly LateRow[], total: number): void {
    this.#kept.restore(rows, total);
  }
}
