/** SET column = expression, of UPDATE and of ON CONFLICT DO UPDATE. */
import type { Node } from 'libpg-query';
import type { Assignment } from '../../runtime/engine-client.ts';
import type { ColumnDefinition, TableDefinition } from '../../runtime/plan/relation.ts';
import type { BindingContext } from '../bind/binding-context.ts';
import { coerceForColumn } from '../bind/coerce.ts';
import type { ExpressionBinder } from '../bind/expression-binder.ts';
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
    return [{ column: ordinal, value: assigned(binding, field, binder, sourceOf(binding, val as Node)) }];
  });
}

function assigned(
  binding: BindingContext,
  field: ColumnDefinition,
  binder: ExpressionBinder,
  node: Node,
): Assignment['value'] {
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
  return coerceForColumn(binding, binder.bind(node), field.name, field.type);
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
