/**
 * A write inside a transaction block. It is evaluated at once, against the block's snapshot, for its errors and its row
 * count; what lands at COMMIT are those rows (INSERT), or the same change, which COMMIT refuses with 40001 if the table
 * was written by others since BEGIN (UPDATE, DELETE).
 */
import { BLOCK_ROWS_MAX } from '../../common/limits.ts';
import { SqlError } from '../../common/sql-error.ts';
import type { Schema } from '../../common/types.ts';
import type { Batch } from '../../runtime/batch/column.ts';
import { isValid } from '../../runtime/batch/column.ts';
import type { WriteOperation } from '../../runtime/engine-client.ts';
import { BOOL } from '../../runtime/plan/expression.ts';
import { PLAN_VERSION, type PlanNode, type QueryPlan } from '../../runtime/plan/query-plan.ts';
import type { ColumnDefinition, RelationDefinition } from '../../runtime/plan/relation.ts';
import { blockSnapshot, refuseUncommitted, relationSchema } from './query-statement.ts';
import { EngineRows, nextEvent } from './row-source.ts';
import { scannedRelations } from './scanned-relations.ts';
import type { Session } from './session.ts';
import { tooMuchWritten } from './transaction.ts';
import { valuesBytes, valuesPlan } from './values-plan.ts';

type InsertOperation = Extract<WriteOperation, { kind: 'insert' }>;
type ChangeOperation = Extract<WriteOperation, { kind: 'update' | 'delete' }>;

/** Gives the number of rows that the statement reports. */
export async function bufferWrite(session: Session, operation: WriteOperation): Promise<number> {
  switch (operation.kind) {
    case 'insert':
      return bufferInsert(session, operation);
    case 'update':
    case 'delete':
      return bufferChange(session, operation);
    case 'truncate':
      session.transaction!.buffer(operation, 0, 64);
      return 0;
  }
}

async function bufferInsert(session: Session, operation: InsertOperation): Promise<number> {
  if (operation.onConflict === 'nothing') {
    throw new SqlError('0A000', 'ON CONFLICT DO NOTHING inside a transaction block is not supported', {
      hint: 'Run the INSERT outside of a transaction block.',
    });
  }
  const { plan } = operation;
  const relation = session.catalog.relationByOid(operation.relation);
  const batches = await evaluate(session, plan);
  if (relation !== undefined && relation.kind !== 'sink')
    requireNotNull(relation, operation.columns, batches);
  const rows = batches.reduce((sum, batch) => sum + batch.rows, 0);
  const values = valuesPlan(batches, plan.columns, plan.timeZone);
  session.transaction!.buffer({ ...operation, plan: values }, rows, valuesBytes(values));
  return rows;
}

async function bufferChange(session: Session, operation: ChangeOperation): Promise<number> {
  const relation = session.catalog.relationByOid(operation.relation);
  if (relation === undefined) throw new SqlError('42P01', 'relation does not exist');
  // Which rows it changes can't be told without the block's own writes.
  refuseUncommitted(session, [operation.relation]);
  const batches = await evaluate(session, changePlan(relation, operation));
  const rows = batches.reduce((sum, batch) => sum + batch.rows, 0);
  session.transaction!.buffer(operation, rows, 256);
  return rows;
}

/** The rows that an UPDATE or DELETE meets, with the values that the UPDATE gives them. */
function changePlan(relation: RelationDefinition, operation: ChangeOperation): QueryPlan {
  const schema = relationSchema(relation);
  const facts = { timeColumns: [], appendOnly: false } as const;
  let root: PlanNode = {
    kind: 'scan',
    id: 0,
    schema,
    ...facts,
    relation: relation.oid,
    columns: schema.map((_, i) => i),
  };
  if (operation.predicate !== null) {
    root = { kind: 'filter', id: 1, schema, ...facts, input: root, predicate: operation.predicate };
  }
  const expressions =
    operation.kind === 'update'
      ? operation.assignments.map(({ value }) => value)
      : [{ kind: 'constant', text: 't', type: BOOL } as const];
  const columns: Schema = expressions.map((expression, i) => ({ name: `${i}`, type: expression.type }));
  root = { kind: 'project', id: 2, schema: columns, ...facts, input: root, expressions };
  return {
    version: PLAN_VERSION,
    root,
    output: columns.map((_, i) => i),
    columns,
    emit: { kind: 'finite' },
    order: [],
    limit: null,
    offset: 0,
    subqueries: [],
    key: null,
    relations: [relation.oid],
    backfill: true,
    onError: 'fail',
    timeZone: 'UTC',
  };
}

async function evaluate(session: Session, plan: QueryPlan): Promise<readonly Batch[]> {
  const relations = scannedRelations(plan);
  refuseUncommitted(session, relations);
  const snapshot = await blockSnapshot(session);
  const stream = session.context.engine.run(plan, session.runOptions('', snapshot));
  const source = session.track(new EngineRows(stream, false));
  const batches: Batch[] = [];
  let rows = 0;
  try {
    for (;;) {
      const event = await session.interrupt.wait(nextEvent(source));
      if (event.kind === 'end') return batches;
      if (event.kind === 'notice') session.notify(event.notice);
      if (event.kind !== 'rows') continue;
      rows += event.batch.rows;
      if (rows > BLOCK_ROWS_MAX) throw tooMuchWritten();
      batches.push(event.batch);
    }
  } finally {
    session.release(source);
  }
}

/** 23502, worded as PostgreSQL does; what the engine checks again at COMMIT. */
export function requireNotNull(
  relation: Readonly<{ name: string; columns: readonly ColumnDefinition[] }>,
  given: readonly number[],
  batches: readonly Batch[],
): void {
  relation.columns.forEach((column, ordinal) => {
    if (!column.notNull || column.generated !== null) return;
    const place = given.indexOf(ordinal);
    const missing =
      place < 0
        ? column.defaultValue === null && batches.some((batch) => batch.rows > 0)
        : batches.some((batch) => hasNull(batch, place));
    if (!missing) return;
    throw new SqlError(
      '23502',
      `null value in column "${column.name}" of relation "${relation.name}" violates not-null constraint`,
    );
  });
}

function hasNull(batch: Batch, ordinal: number): boolean {
  const { valid } = batch.columns[ordinal]!;
  if (valid === null) return false;
  for (let row = 0; row < batch.rows; row++) if (!isValid(valid, row)) return true;
  return false;
}
