/** ON CONFLICT [(key) | ON CONSTRAINT name] DO NOTHING | DO UPDATE SET … [WHERE …]: the key is the primary key. */
import type { InferClause, InsertStmt, OnConflictClause } from 'libpg-query';
import type { ConflictAction } from '../../runtime/engine-client.ts';
import type { StreamDefinition, TableDefinition } from '../../runtime/plan/relation.ts';
import { requireRight } from '../authorize/requirements.ts';
import type { BindingContext } from '../bind/binding-context.ts';
import { plainClause } from '../bind/clause.ts';
import { ExpressionBinder } from '../bind/expression-binder.ts';
import { withTables } from '../bind/query-binder.ts';
import { Scope } from '../bind/scope.ts';
import { ENVIRONMENT } from '../statement-context.ts';
import { conflictChecks, rowChecks } from './row-checks.ts';
import { bindAssignments } from './assignments.ts';

export function bindConflictAction(
  binding: BindingContext,
  insert: InsertStmt,
  target: StreamDefinition | TableDefinition,
): ConflictAction {
  const clause = insert.onConflictClause;
  if (clause === undefined || clause.action === 'ONCONFLICT_NONE') return { kind: 'error' };
  const isUpdate = clause.action === 'ONCONFLICT_UPDATE';
  if (clause.infer === undefined && isUpdate) {
    throw binding.error(
      clause.location,
      '42601',
      'ON CONFLICT DO UPDATE requires inference specification or constraint name',
      'For example, ON CONFLICT (column_name).',
    );
  }
  if (target.kind === 'stream') throw noConstraint(binding);
  if (clause.infer !== undefined) {
    requireKey(binding, clause.infer, target);
    // what is there already shows in whether the row is taken
    if (clause.infer.conname === undefined || isUpdate) requireRight(binding, target, 'r');
  }
  if (isUpdate) requireRight(binding, target, 'w');
  if (!isUpdate) return { kind: 'nothing' };
  return bindUpdate(binding, insert, clause, target);
}

const noConstraint = (binding: BindingContext): Error =>
  binding.error(
    -1,
    '42P10',
    'there is no unique or exclusion constraint matching the ON CONFLICT specification',
  );

/** The columns of the primary key in any order, or its name. */
function requireKey(binding: BindingContext, infer: InferClause, table: TableDefinition): void {
  const key = table.primaryKey.map((i) => table.columns[i]?.name ?? '');
  if (infer.conname !== undefined) {
    if (key.length > 0 && infer.conname === `${table.name}_pkey`) return;
    throw binding.error(
      infer.location,
      '42704',
      `constraint "${infer.conname}" for table "${table.name}" does not exist`,
    );
  }
  const names = new Set<string>();
  for (const node of infer.indexElems ?? []) {
    if (!('IndexElem' in node)) continue;
    const { name } = node.IndexElem;
    if (name === undefined) throw noConstraint(binding);
    if (!table.columns.some((c) => c.name === name))
      throw binding.error(infer.location, '42703', `column "${name}" does not exist`);
    names.add(name);
  }
  if (key.length === 0 || names.size !== key.length || !key.every((name) => names.has(name)))
    throw noConstraint(binding);
}

/** Over the row that is there, then the one proposed: a name without either is ambiguous, as in PostgreSQL. */
function bindUpdate(
  binding: BindingContext,
  insert: InsertStmt,
  clause: OnConflictClause,
  table: TableDefinition,
): ConflictAction {
  const range = insert.relation ?? {};
  const alias = range.alias?.aliasname ?? table.name;
  const original = range.alias === undefined ? null : table.name;
  const rowAt = (start: number) =>
    table.columns.map((c, i) => ({ name: c.name, type: c.type, index: start + i, hidden: false }));
  const scope = new Scope(
    [
      { alias, original, schema: range.schemaname ?? null, columns: rowAt(0) },
      { alias: 'excluded', original: null, schema: null, columns: rowAt(table.columns.length) },
    ],
    null,
  );
  const environment = withTables(binding, insert.withClause, ENVIRONMENT);
  const binderOf = (name: string): ExpressionBinder =>
    new ExpressionBinder(binding, scope, plainClause(name), new WeakMap(), environment);
  const assignments = bindAssignments(binding, table, clause.targetList ?? [], binderOf('UPDATE'));
  const { whereClause } = clause;
  const predicate = whereClause === undefined ? null : binderOf('WHERE').bindBoolean(whereClause, 'WHERE');
  return {
    kind: 'update',
    assignments,
    predicate,
    existing: conflictChecks(binding, environment, table),
    checks: rowChecks(binding, environment, table, 'update', true),
  };
}
