/** Rows of the system catalog for those who are not told of its types: HTTP and WebSocket. */
import { type Field, typeNameOfOid } from '../../common/types.ts';
import { parseDatum } from '../../common/value-text.ts';
import { type Batch, type Column, isValid } from '../../runtime/batch/column.ts';
import { buildColumn } from '../../runtime/batch/datum.ts';
import type { RowsOutcome } from './outcome.ts';
import type { RowEvent, RowSource } from './row-source.ts';

/** The same rows in types of ours, as far as there are such; of other types the text. */
export function inOwnTypes(outcome: RowsOutcome): RowsOutcome {
  if (!outcome.columns.some((column) => column.foreign !== undefined)) return outcome;
  const columns = outcome.columns.map(ownField);
  return { ...outcome, columns, source: new TypedRows(outcome.source, columns) };
}

function ownField({ name, type, foreign }: Field): Field {
  const own = foreign === undefined ? undefined : typeNameOfOid(foreign.oid);
  return { name, type: own === undefined ? type : { name: own } };
}

class TypedRows implements RowSource {
  readonly #source: RowSource;
  readonly #columns: readonly Field[];

  constructor(source: RowSource, columns: readonly Field[]) {
    this.#source = source;
    this.#columns = columns;
  }

  poll(): RowEvent | null {
    const event = this.#source.poll();
    return event?.kind === 'rows' ? { ...event, batch: this.#typed(event.batch) } : event;
  }

  ready(): Promise<void> {
    return this.#source.ready();
  }

  checkBound(): boolean {
    return this.#source.checkBound();
  }

  cancel(): void {
    this.#source.cancel();
  }

  #typed({ rows, columns, weights }: Batch): Batch {
    return {
      rows,
      weights,
      columns: columns.map((column, i) => typedColumn(column, this.#columns[i]!, rows)),
    };
  }
}

function typedColumn(column: Column, { type }: Field, rows: number): Column {
  if (type.name === 'text' || column.kind !== 'bytes') return column;
  const text = Buffer.from(column.bytes.buffer, column.bytes.byteOffset, column.bytes.byteLength);
  const values = Array.from({ length: rows }, (_, row) =>
    isValid(column.valid, row)
      ? parseDatum(text.toString('utf8', column.starts[row], column.ends[row]), type)
      : null,
  );
  return buildColumn(type, values);
}
