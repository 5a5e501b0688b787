/** The newest late and rejected rows (bounded rings) and exact counters of all of them. */
import { formatDatum } from '../../common/value-text.ts';
import { datumToJson } from '../../common/value-json.ts';
import type { Schema } from '../../common/types.ts';
import type { Batch } from '../batch/column.ts';
import { readDatum } from '../batch/datum.ts';

export class KeptRows<Row> {
  readonly #limit: number;
  #rows: Row[] = [];
  #next = 0;
  total = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(row: Row): void {
    this.total++;
    if (this.#rows.length < this.#limit) this.#rows.push(row);
    else {
      this.#rows[this.#next] = row;
      this.#next = (this.#next + 1) % this.#limit;
    }
  }

  /** Those that `isGone` names are no more; the counter stays. */
  forget(isGone: (row: Row) => boolean): void {
    this.#rows = this.all().filter((row) => !isGone(row));
    this.#next = 0;
  }

  /** Oldest first. */
  all(): Row[] {
    return [...this.#rows.slice(this.#next), ...this.#rows.slice(0, this.#next)];
  }

  restore(rows: readonly Row[], total: number): void {
    this.#rows = rows.slice(-this.#limit);
    this.#next = 0;
    this.total = total;
  }
}

export type LateRow = Readonly<{ view: string | null; at: number; lateBy: number; row: string }>;
export type RejectedRowEntry = Readonly<{
  relation: string;
  at: number;
  code: string;
  reason: string;
  sourceOffset: string | null;
  payload: string | null;
}>;

/** A row as a JSON object, by column name. */
export function rowToJson(schema: Schema, batch: Batch, row: number): string {
  const members = schema.flatMap((field, c) => {
    const column = batch.columns[c];
    // hidden columns have no name
    if (column === undefined || field.name === '') return [];
    const datum = readDatum(column, row, field.type);
    return [`${JSON.stringify(field.name)}: ${datum === null ? 'null' : datumToJson(datum, field.type)}`];
  });
  return `{${members.join(', ')}}`;
}

export const rowToText = (schema: Schema, batch: Batch, row: number): string =>
  schema
    .map((field, c) => {
      const datum = readDatum(batch.columns[c]!, row, field.type);
      return datum === null ? '' : formatDatum(datum, field.type);
    })
    .join(',');
