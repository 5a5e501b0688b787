/** The relation that a statement writes to. 42P01, 42809. */
import type { RangeVar } from 'libpg-query';
import { requireRight } from '../authorize/requirements.ts';
import type { Privilege } from '../../runtime/plan/authorization.ts';
import { type Expression, someExpression } from '../../runtime/plan/expression.ts';
import type { RelationDefinition, StreamDefinition, TableDefinition } from '../../runtime/plan/relation.ts';
import type { BindingContext } from '../bind/binding-context.ts';
import { findRelation, shownName } from '../bind/relation-lookup.ts';

/** PostgreSQL points at the name in INSERT, UPDATE and DELETE only. */
export function namedRelation(
  binding: BindingContext,
  range: RangeVar,
  change: Change | null = null,
): RelationDefinition {
  const schema = range.schemaname ?? null;
  const name = range.relname ?? '';
  const found = findRelation(binding, schema, name);
  if (found?.kind === 'relation') return found.definition;
  if (found !== null)
    throw binding.error(range.location, '42809', `"${name}" cannot be changed: it is a system view`);
  const location = change === null || change === 'truncate' || change === 'copy to' ? -1 : range.location;
  throw binding.error(location, '42P01', `relation "${shownName(schema, name)}" does not exist`);
}

export type Change = 'insert into' | 'update' | 'delete from' | 'truncate' | 'copy to';

const KIND_NAMES: Readonly<Record<RelationDefinition['kind'], string>> = {
  stream: 'stream',
  table: 'table',
  view: 'view',
  'materialized-view': 'materialized view',
  sink: 'sink',
};

export function cannotChange(
  binding: BindingContext,
  range: RangeVar,
  definition: RelationDefinition,
  change: Change,
): Error {
  const hints: Readonly<Record<RelationDefinition['kind'], string | undefined>> = {
    stream: 'A stream only grows: use INSERT or COPY, or keep the data in a table.',
    table: undefined,
    view: 'Write to the relations that the view reads.',
    'materialized-view': 'Write to the relations that the view reads; it follows them.',
    sink: undefined,
  };
  return binding.error(
    range.location,
    '42809',
    `cannot ${change} ${KIND_NAMES[definition.kind]} "${definition.name}"`,
    hints[definition.kind],
  );
}

/** INSERT and COPY write into streams and tables. */
export function writableTarget(
  binding: BindingContext,
  range: RangeVar,
  change: Change,
): StreamDefinition | TableDefinition {
  const definition = namedRelation(binding, range, change);
  binding.gathered.relations.add(definition.oid);
  if (definition.kind !== 'stream' && definition.kind !== 'table')
    throw cannotChange(binding, range, definition, change);
  requireRight(binding, definition, 'a');
  return definition;
}

const CHANGE_PRIVILEGES: Readonly<Record<Change, Privilege>> = {
  'insert into': 'a',
  'copy to': 'a',
  update: 'w',
  'delete from': 'd',
  truncate: 'D',
};

/** UPDATE, DELETE and TRUNCATE change tables only. */
export function changeableTable(binding: BindingContext, range: RangeVar, change: Change): TableDefinition {
  const definition = namedRelation(binding, range, change);
  if (definition.kind !== 'table') throw cannotChange(binding, range, definition, change);
  requireRight(binding, definition, CHANGE_PRIVILEGES[change]);
  return definition;
}

/** Whoever looks at a row of the table, at its first columns, needs SELECT beside the right to write. True: it does. */
export function requireReading(
  binding: BindingContext,
  table: StreamDefinition | TableDefinition,
  expressions: readonly (Expression | null)[],
  columns: number = table.columns.length,
): boolean {
  const isOwn = (e: Expression): boolean => e.kind === 'column' && e.index < columns;
  const reads = expressions.some((e) => e !== null && someExpression(e, isOwn));
  if (reads) requireRight(binding, table, 'r');
  return reads;
}
