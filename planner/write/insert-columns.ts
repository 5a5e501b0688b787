/** Columns that a write names, and what stands in those that it does not. */
import type { Expression } from '../../runtime/plan/expression.ts';
import type { ColumnDefinition, StreamDefinition, TableDefinition } from '../../runtime/plan/relation.ts';
import type { BindingContext } from '../bind/binding-context.ts';

export function columnOrdinal(
  binding: BindingContext,
  target: StreamDefinition | TableDefinition,
  name: string,
  location: number,
): number {
  const at = target.columns.findIndex((c) => c.name === name);
  if (at < 0)
    throw binding.error(location, '42703', `column "${name}" of relation "${target.name}" does not exist`);
  return at;
}

export const defaultOf = (field: ColumnDefinition): Expression =>
  field.defaultValue ?? { kind: 'constant', text: null, type: field.type };
