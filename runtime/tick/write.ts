/** Carries out one write operation on a table or stream: the rows of its plan were collected before. */
import { unreachable } from '../../common/assert.ts';
import { SqlError } from '../../common/sql-error.ts';
import type { Schema } from '../../common/types.ts';
import type { Batch } from '../batch/column.ts';
import { concatBatches } from '../batch/concat.ts';
import { gatherBatch } from '../batch/gather.ts';
import type { Returning, WriteOperation } from '../engine-client.ts';
import { compileExpressions } from '../expression/compile.ts';
import type { StreamDefinition } from '../plan/relation.ts';
import type { QueryPlan } from '../plan/query-plan.ts';
import { admissible } from './admission.ts';
import { completed, withGenerated } from './completed-rows.ts';
import { requireRows } from './row-checks.ts';
import { type ChangeableTable, deleteRows, insertRows, replaceRows } from './table-changes.ts';
import { nullRows, upsertRows } from './upsert.ts';

/** A stream takes rows that were checked. */
export type WritableStream = Readonly<{ definition: StreamDefinition; insert: (batch: Batch) => unknown }>;

export type WriteTarget =
  | Readonly<{ kind: 'stream'; stream: WritableStream }>
  | Readonly<{ kind: 'table'; table: ChangeableTable }>;

export type WriteContext = Readonly<{
  /** now(), µs */
  now: number;
  /** by which MAX SKEW is judged, µs */
  timeMicros: number;
}>;

/** What an operation's plan gave. */
export type Collected = Readonly<{ batches: readonly Batch[]; subqueryValues: readonly unknown[] }>;

export const NOTHING_COLLECTED: Collected = { batches: [], subqueryValues: [] };

export type Written = Readonly<{ rows: number; returned: readonly Batch[] }>;

export function planOf(operation: WriteOperation): QueryPlan | null {
  return 'plan' in operation ? operation.plan : null;
}

/** After an error the caller undoes what happened. */
export function carryOut(
  operation: WriteOperation,
  target: WriteTarget,
  collected: Collected,
  context: WriteContext,
): Written {
  try {
    return carriedOut(operation, target, collected, context);
  } catch (error) {
    const guarded = 'checks' in operation && operation.checks.length > 0;
    if (!guarded || !(error instanceof SqlError) || error.code !== '23505') throw error;
    // which key there is may be in a row that the writer may not see
    throw new SqlError(error.code, error.message);
  }
}

function carriedOut(
  operation: WriteOperation,
  target: WriteTarget,
  collected: Collected,
  context: WriteContext,
): Written {
  if (target.kind === 'stream') return intoStream(operation, target.stream, collected, context);
  const { table } = target;
  switch (operation.kind) {
    case 'insert':
      return insert(table, operation, collected, context);
    case 'append': {
      const options = { now: () => context.now, timeZone: operation.timeZone };
      const { columns } = table.definition;
      const batches = operation.batches.map((b) => completed(b, operation.columns, columns, options));
      return withoutRows(batches.map((batch) => insertRows(table, batch, 'error')));
    }
    case 'update':
      return update(table, operation, collected, context);
    case 'delete': {
      const all = met(table, operation, collected);
      const old = part(all, 0, table.schema.length);
      deleteRows(table, old);
      return answer(table.schema, operation, collected, context, old, null, part(all, table.schema.length));
    }
    case 'truncate':
      for (const batch of [...table.rows()]) deleteRows(table, batch);
      return { rows: 0, returned: [] };
    default:
      return unreachable(operation);
  }
}

type Operation<K extends WriteOperation['kind']> = Extract<WriteOperation, { kind: K }>;

const withoutRows = (batches: readonly Batch[]): Written => ({ rows: rowsOf(batches), returned: [] });

const rowsOf = (batches: readonly Batch[]): number => batches.reduce((sum, b) => sum + b.rows, 0);

function optionsOf({ plan }: Operation<'insert' | 'update' | 'delete'>, collected: Collected, now: number) {
  return { now: () => now, timeZone: plan.timeZone, subqueryValues: collected.subqueryValues };
}

/** For INSERT into a stream a row that may not enter is an error. */
function intoStream(
  operation: WriteOperation,
  { definition, insert: take }: WritableStream,
  collected: Collected,
  context: WriteContext,
): Written {
  if (operation.kind !== 'insert' && operation.kind !== 'append')
    throw new SqlError('42809', `cannot ${operation.kind} stream "${definition.name}"`);
  const isInsert = operation.kind === 'insert';
  const given = isInsert ? collected.batches : operation.batches;
  const timeZone = isInsert ? operation.plan.timeZone : operation.timeZone;
  const options = { now: () => context.now, timeZone };
  const batches = given.map((batch) => completed(batch, operation.columns, definition.columns, options));
  if (isInsert) {
    const own = optionsOf(operation, collected, context.now);
    for (const batch of batches) requireRows(definition.name, operation.checks, batch, own);
  }
  for (const batch of batches) {
    const fail = (_row: number, error: SqlError): never => {
      throw error;
    };
    take(admissible(definition, batch, context.timeMicros, fail));
  }
  if (!isInsert || operation.returning === null) return withoutRows(batches);
  const schema = definition.columns.map(({ name, type }) => ({ name, type }));
  return answer(schema, operation, collected, context, null, concatBatches(schema, batches), null);
}

function insert(
  table: ChangeableTable,
  operation: Operation<'insert'>,
  collected: Collected,
  context: WriteContext,
): Written {
  const { onConflict, columns } = operation;
  const options = optionsOf(operation, collected, context.now);
  const { columns: target } = table.definition;
  const proposed = collected.batches.map((batch) => completed(batch, columns, target, options));
  const { name } = table.definition;
  for (const batch of proposed) requireRows(name, operation.checks, batch, options);
  if (onConflict.kind === 'update') {
    const batch = proposed.length === 1 ? proposed[0]! : concatBatches(table.schema, proposed);
    const complete = (rows: Batch): Batch => withGenerated(rows, target, options);
    const { old, fresh } = upsertRows(table, batch, onConflict, options, complete);
    return answer(table.schema, operation, collected, context, old, fresh, null);
  }
  const { kind } = onConflict;
  const fresh = proposed.map((batch) => insertRows(table, batch, kind));
  if (operation.returning === null) return withoutRows(fresh);
  return answer(table.schema, operation, collected, context, null, concatBatches(table.schema, fresh), null);
}

function update(
  table: ChangeableTable,
  operation: Operation<'update'>,
  collected: Collected,
  context: WriteContext,
): Written {
  const { assigned } = operation;
  const all = met(table, operation, collected);
  const width = table.schema.length;
  const old = part(all, 0, width);
  const values = all.columns.slice(width, width + assigned.length);
  const columns = old.columns.map((column, c) => values[assigned.indexOf(c)] ?? column);
  const options = optionsOf(operation, collected, context.now);
  const fresh = withGenerated({ rows: old.rows, columns, weights: null }, table.definition.columns, options);
  requireRows(table.definition.name, operation.checks, fresh, options);
  replaceRows(table, old, fresh);
  const extra = part(all, width + assigned.length);
  return answer(table.schema, operation, collected, context, old, fresh, extra);
}

/**
 * The rows that an UPDATE or DELETE meets, each as often as the table has it. Where it meets others in several ways the
 * first counts; of rows that are equal whole, for all of them.
 */
function met(
  table: ChangeableTable,
  { plan, repeats }: Operation<'update' | 'delete'>,
  { batches }: Collected,
): Batch {
  const all = concatBatches(plan.columns, batches);
  if (!repeats) return all;
  const keyed = table.definition.primaryKey.length > 0;
  const counts = keyed ? null : table.counts(part(all, 0, table.schema.length));
  const seen = new Set<string>();
  const first = table.keys.texts(all).flatMap((key, i) => {
    if (seen.has(key)) return [];
    seen.add(key);
    return counts === null ? [i] : new Array<number>(counts[i]!).fill(i);
  });
  return gatherBatch(all, Uint32Array.from(first), first.length);
}

function part(batch: Batch, from: number, to?: number): Batch {
  return { rows: batch.rows, columns: batch.columns.slice(from, to), weights: null };
}

/** The rows that RETURNING gives of those that were changed; `old` and `fresh` stand side by side. */
function answer(
  schema: Schema,
  operation: Operation<'insert' | 'update' | 'delete'>,
  collected: Collected,
  context: WriteContext,
  old: Batch | null,
  fresh: Batch | null,
  extra: Batch | null,
): Written {
  const { rows } = (fresh ?? old)!;
  const { returning } = operation;
  if (returning === null) return { rows, returned: [] };
  if (rows === 0) return { rows, returned: [] };
  const both = [old ?? nullRows(schema, rows), fresh ?? nullRows(schema, rows)];
  const columns = [...both.flatMap((b) => b.columns), ...(extra?.columns ?? [])];
  const program = compileExpressions(returning.expressions, optionsOf(operation, collected, context.now));
  const batch = { rows, columns: program.evaluate({ rows, columns, weights: null }), weights: null };
  return { rows, returned: [ownBatch(returning, batch)] };
}

const ownBatch = ({ columns }: Returning, batch: Batch): Batch => concatBatches(columns, [batch]);
