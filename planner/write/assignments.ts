/** SET column = expression, of UPDATE and of ON CONFLICT DO UPDATE. */
import type { Node } from 'libpg-query';
import type { Assignment } from '../../runtime/engine-client.ts';
import type { ColumnDefinition, TableDefinition } from '../../runtime/plan/relation.ts';
import type { BindingContext } from '../bind/binding-context.ts';
import type { Bound } from '../bind/bound.ts';
import { coerceForColumn } from '../bind/coerce.ts';
import type { ExpressionBinder } from '../bind/expression-binder.ts';
import { bindScalarColumn } from '../bind/subquery.ts';
import { columnOrdinal, defaultOf } from './insert-columns.ts';

export function bindAssignments(
  binding: BindingContext,
  table: TableDefinition,
  targets: readonly Node[],
  binder: ExpressionBinder,
): readonly Assignment[] {
  const seen = new Set<number>();
  return targets.flatMap((node) => {
    if (!('ResTarget' in node)) return [];
    const { name = '', val, location = 0 } = node.ResTarget;
    if ((node.ResTarget.indirection ?? []).length > 0)
      throw binding.error(location, '0A000', 'assigning to a part of a column is not supported');
    const ordinal = columnOrdinal(binding, table, name, location);
    if (seen.has(ordinal)) throw binding.error(-1, '42601', `multiple assignments to same column "${name}"`);
    seen.add(ordinal);
    const field = table.columns[ordinal] as ColumnDefinition;
    return [{ column: ordinal, value: assigned(binding, field, binder, val as Node) }];
  });
}

function assigned(
  binding: BindingContext,
  field: ColumnDefinition,
  binder: ExpressionBinder,
  node: Node,
): Assignment['value'] {
  const source = sourceOf(binding, node);
  if ('SetToDefault' in source) return defaultOf(field);
  if (field.generated !== null) {
    throw binding.error(
      -1,
      '428C9',
      `column "${field.name}" can only be updated to DEFAULT`,
      undefined,
      `Column "${field.name}" is a generated column.`,
    );
  }
  return coerceForColumn(binding, boundSource(binder, source), field.name, field.type);
}

/** (a, b) = (1, 2): the tree gives each column the whole row and its place. A sub-query stays as it is. */
function sourceOf(binding: BindingContext, node: Node): Node {
  if (!('MultiAssignRef' in node)) return node;
  const { source, colno = 1, ncolumns = 0 } = node.MultiAssignRef;
  if (source !== undefined && 'SubLink' in source) return node;
  if (source === undefined || !('RowExpr' in source)) {
    throw binding.error(
      -1,
      '0A000',
      'source for a multiple-column UPDATE item must be a sub-SELECT or ROW() expression',
    );
  }
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

/** (a, b) = (SELECT x, y …): each column evaluates the sub-query for its own part. */
function boundSource(binder: ExpressionBinder, node: Node): Bound {
  if (!('MultiAssignRef' in node)) return binder.bind(node);
  const { source, colno = 1, ncolumns = 0 } = node.MultiAssignRef;
  if (source === undefined || !('SubLink' in source)) return binder.bind(node);
  return bindScalarColumn(binder, source.SubLink, colno - 1, ncolumns);
}
