/** A write outside of a block: evaluated and made in the tick that it lands in. */
import { BLOCK_ROWS_MAX } from '../../common/limits.ts';
import { SqlError } from '../../common/sql-error.ts';
import type { Batch } from '../batch/column.ts';
import type { WriteOperation } from '../engine-client.ts';
import type { QueryPlan } from '../plan/query-plan.ts';
import type { Oid } from '../plan/relation.ts';
import { AffectedViews } from './affected-views.ts';
import type { FiniteRun } from './finite/finite-run.ts';
import type { RelationSet } from './relation-set.ts';
import type { TableRuntime } from './table-runtime.ts';
import {
  carryOut,
  type Collected,
  NOTHING_COLLECTED,
  planOf,
  type Written,
  type WriteTarget,
} from './write.ts';

export type TickWriteContext = Readonly<{
  relations: RelationSet;
  /** now(), µs */
  now: number;
  timeMicros: number;
  start: (plan: QueryPlan) => FiniteRun;
}>;

/**
 * Whether the operations read a view over a table that this tick has written already: the view follows at the end of the
 * tick, so that table and view would not be of one moment. They wait for the next tick.
 */
export function readsStaleViews(operations: readonly WriteOperation[], relations: RelationSet): boolean {
  const isWritten = (table: Oid): boolean => (relations.tables.get(table)?.mark ?? 0) > 0;
  const views = new AffectedViews(relations, isWritten);
  return operations.some((operation) => {
    const plan = planOf(operation);
    return plan !== null && views.areReadBy(plan);
  });
}

/** By operation. On an error nothing has happened. */
export function writeInTick(operations: readonly WriteOperation[], context: TickWriteContext): Written[] {
  const marks = new Map<TableRuntime, number>();
  const insertions: (() => void)[] = [];
  const target = (operation: WriteOperation): WriteTarget => {
    const stream = context.relations.streams.get(operation.relation);
    if (stream !== undefined) {
      const insert = (batch: Batch): unknown => insertions.push(() => stream.insert(batch));
      return { kind: 'stream', stream: { definition: stream.definition, insert } };
    }
    const table = context.relations.table(operation.relation);
    if (!marks.has(table)) marks.set(table, table.mark);
    return { kind: 'table', table };
  };
  try {
    const written = operations.map((operation) =>
      carryOut(operation, target(operation), collect(operation, context), context),
    );
    if (written.some((w) => rowsOf(w.returned) > BLOCK_ROWS_MAX)) throw tooMuchReturned();
    for (const insert of insertions) insert();
    return written;
  } catch (error) {
    for (const [table, mark] of marks) table.undo(mark);
    throw error;
  }
}

function collect(operation: WriteOperation, { start }: TickWriteContext): Collected {
  const plan = planOf(operation);
  if (plan === null) return NOTHING_COLLECTED;
  const run = start(plan);
  return { batches: run.collect(), subqueryValues: run.subqueryValues };
}

const rowsOf = (batches: readonly Batch[]): number => batches.reduce((sum, b) => sum + b.rows, 0);

const tooMuchReturned = (): SqlError =>
  new SqlError('54000', 'the statement returns too many rows', {
    detail: `RETURNING gives ${BLOCK_ROWS_MAX} rows at the most.`,
    hint: 'Write in smaller portions, or leave RETURNING out.',
  });
