import type { Schema } from '../../common/types.ts';
import { formatDatum } from '../../common/value-text.ts';
import { type Batch, isValid } from '../../runtime/batch/column.ts';
import { readDatum } from '../../runtime/batch/datum.ts';
import type { Expression } from '../../runtime/plan/expression.ts';
import { PLAN_VERSION, type QueryPlan } from '../../runtime/plan/query-plan.ts';

/** A finite plan that gives exactly these rows. */
export function valuesPlan(batches: readonly Batch[], columns: Schema, timeZone: string): QueryPlan {
  const rows = batches.flatMap((batch) =>
    Array.from({ length: batch.rows }, (_, row) => constantRow(batch, row, columns)),
  );
  return {
    version: PLAN_VERSION,
    root: { kind: 'values', id: 0, schema: columns, timeColumns: [], appendOnly: true, rows },
    output: columns.map((_, i) => i),
    columns,
    emit: { kind: 'finite' },
    order: [],
    limit: null,
    offset: 0,
    subqueries: [],
    key: null,
    relations: [],
    backfill: true,
    onError: 'fail',
    timeZone,
  };
}

function constantRow(batch: Batch, row: number, columns: Schema): readonly Expression[] {
  return columns.map(({ type }, i) => {
    const column = batch.columns[i]!;
    const text = isValid(column.valid, row) ? formatDatum(readDatum(column, row, type), type) : null;
    return { kind: 'constant', text, type };
  });
}

/** About what a plan of values holds in memory. */
export function valuesBytes(plan: QueryPlan): number {
  if (plan.root.kind !== 'values') return 0;
  let bytes = 0;
  for (const row of plan.root.rows) {
    for (const value of row) bytes += 48 + (value.kind === 'constant' ? (value.text?.length ?? 0) : 0);
  }
  return bytes;
}
