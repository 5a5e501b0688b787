/** Rows of a target from the columns given: others get their default, generated ones are computed. */
import type { Batch, Column } from '../batch/column.ts';
import { buildColumn } from '../batch/datum.ts';
import { compileExpressions, type ExpressionOptions } from '../expression/compile.ts';
import type { ColumnDefinition } from '../plan/relation.ts';

/** `batch` holds the columns of these ordinals alone, in their order. */
export function completed(
  batch: Batch,
  given: readonly number[],
  columns: readonly ColumnDefinition[],
  options: ExpressionOptions,
): Batch {
  const all = columns.map((column, c): Column => {
    const place = given.indexOf(c);
    return place >= 0 ? batch.columns[place]! : defaultColumn(column, batch.rows, options);
  });
  return withGenerated({ rows: batch.rows, columns: all, weights: null }, columns, options);
}

export function defaultColumn(
  { type, defaultValue }: ColumnDefinition,
  rows: number,
  options: ExpressionOptions,
): Column {
  if (defaultValue === null) return buildColumn(type, new Array(rows).fill(null));
  const none: Batch = { rows, columns: [], weights: null };
  return compileExpressions([defaultValue], options).evaluate(none)[0]!;
}

export function withGenerated(
  batch: Batch,
  columns: readonly ColumnDefinition[],
  options: ExpressionOptions,
): Batch {
  if (columns.every((c) => c.generated === null)) return batch;
  return {
    ...batch,
    columns: batch.columns.map((column, c) => {
      const { generated } = columns[c]!;
      return generated === null ? column : compileExpressions([generated], options).evaluate(batch)[0]!;
    }),
  };
}
