/** What stands in the columns that a COPY or post does not name, and where it says DEFAULT. */
import type { Batch, Column } from '../batch/column.ts';
import { buildColumn, readDatum } from '../batch/datum.ts';
import type { ExpressionOptions } from '../expression/compile.ts';
import type { DefaultedCell } from '../format/decode/line-decoder.ts';
import type { ColumnDefinition } from '../plan/relation.ts';
import { defaultColumn } from './completed-rows.ts';

/** Of batches that hold all columns, with NULLs where a default is to stand. */
export function ingestDefaults(
  columns: readonly ColumnDefinition[],
  given: readonly number[],
  options: ExpressionOptions,
): (batch: Batch, defaulted: readonly DefaultedCell[]) => Batch {
  const absent = new Set(
    columns.flatMap(({ defaultValue }, c) => (defaultValue === null || given.includes(c) ? [] : [c])),
  );
  return (batch, defaulted) => {
    if (absent.size === 0 && defaulted.length === 0) return batch;
    const marked = new Map<number, number[]>();
    for (const { column, row } of defaulted) {
      const rows = marked.get(column);
      if (rows === undefined) marked.set(column, [row]);
      else rows.push(row);
    }
    const filled = batch.columns.map((column, c) => {
      if (absent.has(c)) return defaultColumn(columns[c]!, batch.rows, options);
      const rows = marked.get(c);
      return rows === undefined ? column : replaced(column, rows, columns[c]!, batch.rows, options);
    });
    return { ...batch, columns: filled };
  };
}

function replaced(
  column: Column,
  rows: readonly number[],
  definition: ColumnDefinition,
  count: number,
  options: ExpressionOptions,
): Column {
  const { type } = definition;
  const defaults = defaultColumn(definition, count, options);
  const datums = Array.from({ length: count }, (_, row) => readDatum(column, row, type));
  for (const row of rows) datums[row] = readDatum(defaults, row, type);
  return buildColumn(type, datums);
}
