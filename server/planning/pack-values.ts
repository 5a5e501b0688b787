/** INSERT … VALUES of constants only: the rows as columns, which cross to the engine without an object a value. */
import type { Planned } from '../../planner/statement.ts';
import { parseDatum } from '../../common/value-text.ts';
import { BATCH_ROWS_MAX, type Batch, type Column } from '../../runtime/batch/column.ts';
import { buildColumn } from '../../runtime/batch/datum.ts';
import type { WriteOperation } from '../../runtime/engine-client.ts';
import type { Expression } from '../../runtime/plan/expression.ts';
import type { QueryPlan } from '../../runtime/plan/query-plan.ts';

type Rows = readonly (readonly Expression[])[];

export function packValues(planned: Planned): Planned {
  const { statement } = planned;
  if (statement.kind !== 'write') return planned;
  return { ...planned, statement: { ...statement, operations: statement.operations.map(packed) } };
}

function packed(operation: WriteOperation): WriteOperation {
  if (
    operation.kind !== 'insert' ||
    operation.onConflict.kind !== 'error' ||
    operation.returning !== null ||
    operation.checks.length > 0
  ) {
    return operation;
  }
  const { plan, relation, columns } = operation;
  const rows = constantRows(plan);
  if (rows === null) return operation;
  const batches: Batch[] = [];
  for (let at = 0; at < rows.length; at += BATCH_ROWS_MAX) {
    batches.push(batchOf(plan, rows.slice(at, at + BATCH_ROWS_MAX)));
  }
  return { kind: 'append', relation, columns, batches, timeZone: plan.timeZone };
}

function constantRows({ root, order, limit, offset }: QueryPlan): Rows | null {
  if (root.kind !== 'values' || order.length > 0 || limit !== null || offset > 0) return null;
  const { rows } = root;
  return rows.every((row) => row.every((expression) => expression.kind === 'constant')) ? rows : null;
}

function batchOf({ root, output }: QueryPlan, rows: Rows): Batch {
  const columns = output.map((ordinal): Column => {
    const { type } = root.schema[ordinal]!;
    return buildColumn(
      type,
      rows.map((row) => datumOf(row[ordinal]!)),
    );
  });
  return { rows: rows.length, columns, weights: null };
}

function datumOf(expression: Expression): unknown {
  if (expression.kind !== 'constant' || expression.text === null) return null;
  return parseDatum(expression.text, expression.type);
}

/** The memory of packed rows, to be transferred. */
export function packedBuffers({ statement }: Planned): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  if (statement.kind !== 'write') return [];
  for (const operation of statement.operations) {
    if (operation.kind !== 'append') continue;
    for (const column of operation.batches.flatMap((batch) => batch.columns)) {
      for (const member of Object.values(column)) {
        if (
          ArrayBuffer.isView(member) &&
          member.buffer instanceof ArrayBuffer &&
          member.buffer.byteLength > 0
        ) {
          buffers.add(member.buffer);
        }
      }
    }
  }
  return [...buffers];
}
