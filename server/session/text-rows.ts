import type { Schema } from '../../common/types.ts';
import { parseDatum } from '../../common/value-text.ts';
import { buildColumn } from '../../runtime/batch/datum.ts';
import type { RowsOutcome } from './outcome.ts';
import { StaticRows } from './row-source.ts';

/** A finite answer from values in PostgreSQL's text form. */
export function textRows(
  columns: Schema,
  rows: readonly (readonly (string | null)[])[],
  tag: string,
): RowsOutcome {
  const batch = {
    rows: rows.length,
    columns: columns.map((column, i) =>
      buildColumn(
        column.type,
        rows.map((row) => (row[i] === null || row[i] === undefined ? null : parseDatum(row[i], column.type))),
      ),
    ),
    weights: null,
  };
  return {
    kind: 'rows',
    columns,
    source: new StaticRows([batch], 0),
    live: null,
    tag,
    counted: tag === 'SELECT',
  };
}
