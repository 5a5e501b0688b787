/** Carries out the writes of one commit: all of them, or none. */
import { SqlError } from '../../common/sql-error.ts';
import type { Batch, Column } from '../batch/column.ts';
import { buildColumn } from '../batch/datum.ts';
import { gatherBatch } from '../batch/gather.ts';
import { concatBatches } from '../batch/concat.ts';
import type { WriteOperation } from '../engine-client.ts';
import { compileExpressions, compilePredicate } from '../expression/compile.ts';
import type { ColumnDefinition } from '../plan/relation.ts';
import type { Expression } from '../plan/expression.ts';
import type { QueryPlan } from '../plan/query-plan.ts';
import { admissible, schemaOf } from './admission.ts';
import type { RelationSet } from './relation-set.ts';
import type { StreamRuntime } from './stream-runtime.ts';
import type { TableRuntime } from './table-runtime.ts';

export type WriteContext = Readonly<{
  relations: RelationSet;
  /** now(), µs */
  now: number;
  timeMicros: number;
  collect: (plan: QueryPlan) => Batch[];
}>;

/** Rows per operation. On an error nothing has happened. */
export function applyWrite(operations: readonly WriteOperation[], context: WriteContext): number[] {
  const marks = new Map<TableRuntime, number>();
  const insertions: [StreamRuntime, Batch][] = [];
  try {
    const counts = operations.map((operation) => applyOne(operation, context, marks, insertions));
    for (const [stream, batch] of insertions) stream.insert(batch);
    return counts;
  } catch (error) {
    for (const [table, mark] of marks) table.undo(mark);
    throw error;
  }
}

function applyOne(
  operation: WriteOperation,
  context: WriteContext,
  marks: Map<TableRuntime, number>,
  insertions: [StreamRuntime, Batch][],
): number {
  const stream = context.relations.streams.get(operation.relation);
  if (stream !== undefined) {
    if (operation.kind !== 'insert')
      throw new SqlError('42809', `cannot ${operation.kind} stream "${stream.name}"`);
    const batches = insertRows(operation, stream.definition.columns, context);
    for (const batch of batches) insertions.push([stream, checked(stream, batch, context.timeMicros)]);
    return rowsOf(batches);
  }
  const table = context.relations.table(operation.relation);
  if (!marks.has(table)) marks.set(table, table.mark);
  switch (operation.kind) {
    case 'insert': {
      if (operation.onConflict === 'update')
        throw new SqlError('0A000', 'ON CONFLICT DO UPDATE is not supported');
      let count = 0;
      for (const batch of insertRows(operation, table.definition.columns, context))
        count += table.insert(batch, operation.onConflict);
      return count;
    }
    case 'update':
      return updateRows(table, operation, context);
    case 'delete': {
      const chosen = matching(table, operation, context);
      for (const batch of chosen) table.delete(batch);
      return rowsOf(chosen);
    }
    case 'truncate':
      for (const batch of table.store.read()) table.delete(batch);
      return 0;
  }
}

const rowsOf = (batches: readonly Batch[]): number => batches.reduce((sum, b) => sum + b.rows, 0);

/** For INSERT a row that may not enter is an error. */
function checked(stream: StreamRuntime, batch: Batch, now: number): Batch {
  return admissible(stream.definition, stream.complete(batch), now, (_row, error) => {
    throw error;
  });
}

/** The plan's rows as rows of the target: other columns get their default. */
function insertRows(
  operation: WriteOperation & { kind: 'insert' },
  columns: readonly ColumnDefinition[],
  context: WriteContext,
): Batch[] {
  const one: Batch = { rows: 1, columns: [], weights: null };
  const options = { now: () => context.now, timeZone: operation.plan.timeZone };
  return context.collect(operation.plan).map((batch) => {
    const all = columns.map((column, c): Column => {
      const at = operation.columns.indexOf(c);
      if (at >= 0) return batch.columns[at]!;
      if (column.defaultValue === null) return buildColumn(column.type, new Array(batch.rows).fill(null));
      return compileExpressions([column.defaultValue], options).evaluate({ ...one, rows: batch.rows })[0]!;
    });
    return withGenerated({ rows: batch.rows, columns: all, weights: null }, columns, options);
  });
}

function withGenerated(
  batch: Batch,
  columns: readonly ColumnDefinition[],
  options: { now: () => number; timeZone: string },
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

/** Rows of the table for which the predicate is TRUE. */
function matching(
  table: TableRuntime,
  { predicate, timeZone }: Readonly<{ predicate: Expression | null; timeZone: string }>,
  context: WriteContext,
): Batch[] {
  const all = table.store.read();
  if (predicate === null) return [...all];
  const program = compilePredicate(predicate, { now: () => context.now, timeZone });
  return all.flatMap((batch) => {
    const selected = new Uint32Array(batch.rows);
    const count = program.select(batch, selected);
    return count === 0 ? [] : [gatherBatch(batch, selected, count)];
  });
}

function updateRows(
  table: TableRuntime,
  operation: WriteOperation & { kind: 'update' },
  context: WriteContext,
): number {
  const chosen = matching(table, operation, context);
  if (chosen.length === 0) return 0;
  const old = concatBatches(schemaOf(table.definition.columns), chosen);
  const options = { now: () => context.now, timeZone: operation.timeZone };
  const values = compileExpressions(
    operation.assignments.map((a) => a.value),
    options,
  ).evaluate(old);
  const columns = old.columns.map((column, c) => {
    const at = operation.assignments.findIndex((a) => a.column === c);
    return at < 0 ? column : values[at]!;
  });
  table.replace(
    old,
    withGenerated({ rows: old.rows, columns, weights: null }, table.definition.columns, options),
  );
  return old.rows;
}
