/** UPDATE, DELETE and TRUNCATE: tables only (42809). */
import type { DeleteStmt, Node, RangeVar, TruncateStmt, UpdateStmt } from 'libpg-query';
import type { Expression } from '../../runtime/plan/expression.ts';
import type { TableDefinition } from '../../runtime/plan/relation.ts';
import type { BindingContext } from '../bind/binding-context.ts';
import { plainClause } from '../bind/clause.ts';
import { coerceForColumn } from '../bind/coerce.ts';
import { ExpressionBinder } from '../bind/expression-binder.ts';
import { Scope } from '../bind/scope.ts';
import type { Planned } from '../statement.ts';
import { ENVIRONMENT, planned, type StatementContext } from '../statement-context.ts';
import { columnOrdinal, defaultOf } from './insert.ts';
import { changeableTable } from './target.ts';

function binderOver(
  binding: BindingContext,
  table: TableDefinition,
  range: RangeVar,
  clause: string,
): ExpressionBinder {
  const alias = range.alias?.aliasname ?? table.name;
  const columns = table.columns.map((c, index) => ({ name: c.name, type: c.type, index, hidden: false }));
  const original = range.alias === undefined ? null : table.name;
  const scope = new Scope([{ alias, original, schema: range.schemaname ?? null, columns }], null);
  return new ExpressionBinder(binding, scope, plainClause(clause), new WeakMap(), ENVIRONMENT);
}

function predicateOf(
  binding: BindingContext,
  table: TableDefinition,
  range: RangeVar,
  where: Node | undefined,
): Expression | null {
  return where === undefined ? null : binderOver(binding, table, range, 'WHERE').bindBoolean(where, 'WHERE');
}

/** Expressions of writes are computed row by row in the tick: no sub-queries. */
function refuseSubqueries(binding: BindingContext): void {
  const { firstSubquery } = binding.gathered;
  if (firstSubquery === null) return;
  throw binding.error(
    firstSubquery,
    '0A000',
    'sub-queries in UPDATE and DELETE are not supported',
    'Run the sub-query first and give its result as a parameter.',
  );
}

function refuseClauses(binding: BindingContext, statement: UpdateStmt | DeleteStmt, name: string): void {
  if (statement.returningClause !== undefined)
    throw binding.error(-1, '0A000', 'RETURNING is not supported', 'Read the rows with a SELECT.');
  if (statement.withClause !== undefined)
    throw binding.error(statement.withClause.location, '0A000', `WITH in front of ${name} is not supported`);
}

export function planUpdate(context: StatementContext, update: UpdateStmt): Planned {
  const { binding } = context;
  const range = update.relation ?? {};
  refuseClauses(binding, update, 'UPDATE');
  const table = changeableTable(binding, range, 'update');
  if ((update.fromClause ?? []).length > 0)
    throw binding.error(
      -1,
      '0A000',
      'UPDATE … FROM is not supported',
      'Give the values as constants or parameters.',
    );
  const seen = new Set<number>();
  const assignments = (update.targetList ?? []).flatMap((node) => {
    if (!('ResTarget' in node)) return [];
    const { name = '', val, location = 0 } = node.ResTarget;
    if ((node.ResTarget.indirection ?? []).length > 0)
      throw binding.error(location, '0A000', 'assigning to a part of a column is not supported');
    const ordinal = columnOrdinal(binding, table, name, location);
    if (seen.has(ordinal)) throw binding.error(-1, '42601', `multiple assignments to same column "${name}"`);
    seen.add(ordinal);
    return [
      { column: ordinal, value: assigned(binding, table, range, ordinal, sourceOf(binding, val as Node)) },
    ];
  });
  const predicate = predicateOf(binding, table, range, update.whereClause);
  refuseSubqueries(binding);
  const { timeZone } = binding;
  const operation = { kind: 'update', relation: table.oid, assignments, predicate, timeZone } as const;
  return planned(context, { kind: 'write', operations: [operation], tag: 'UPDATE' });
}

/** (a, b) = (1, 2): the tree gives each column the whole row and its place. */
function sourceOf(binding: BindingContext, node: Node): Node {
  if (!('MultiAssignRef' in node)) return node;
  const { source, colno = 1, ncolumns = 0 } = node.MultiAssignRef;
  if (source === undefined || !('RowExpr' in source))
    throw binding.error(-1, '0A000', 'assigning a sub-query to several columns is not supported');
  const values = source.RowExpr.args ?? [];
  if (values.length !== ncolumns) {
    throw binding.error(
      source.RowExpr.location,
      '42601',
      'number of columns does not match number of values',
    );
  }
  return values[colno - 1] as Node;
}

function assigned(
  binding: BindingContext,
  table: TableDefinition,
  range: RangeVar,
  ordinal: number,
  node: Node,
): Expression {
  const field = table.columns[ordinal] as TableDefinition['columns'][number];
  if ('SetToDefault' in node) return defaultOf(field);
  if (field.generated !== null) {
    throw binding.error(
      -1,
      '428C9',
      `column "${field.name}" can only be updated to DEFAULT`,
      undefined,
      `Column "${field.name}" is a generated column.`,
    );
  }
  const bound = binderOver(binding, table, range, 'UPDATE').bind(node);
  return coerceForColumn(binding, bound, field.name, field.type);
}

export function planDelete(context: StatementContext, remove: DeleteStmt): Planned {
  const { binding } = context;
  const range = remove.relation ?? {};
  refuseClauses(binding, remove, 'DELETE');
  const table = changeableTable(binding, range, 'delete from');
  if ((remove.usingClause ?? []).length > 0)
    throw binding.error(
      -1,
      '0A000',
      'DELETE … USING is not supported',
      'Give the keys as constants or parameters.',
    );
  const predicate = predicateOf(binding, table, range, remove.whereClause);
  refuseSubqueries(binding);
  const { timeZone } = binding;
  const operation = { kind: 'delete', relation: table.oid, predicate, timeZone } as const;
  return planned(context, { kind: 'write', operations: [operation], tag: 'DELETE' });
}

export function planTruncate(context: StatementContext, truncate: TruncateStmt): Planned {
  const { binding } = context;
  const operations = (truncate.relations ?? []).flatMap((node) => {
    if (!('RangeVar' in node)) return [];
    return [{ kind: 'truncate', relation: changeableTable(binding, node.RangeVar, 'truncate').oid } as const];
  });
  return planned(context, { kind: 'write', operations, tag: 'TRUNCATE TABLE' });
}
