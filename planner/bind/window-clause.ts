/** WINDOW HOPPING (…) and its kin behind FROM, and the columns that any window adds to its relation. */
import type { Node } from 'libpg-query';
import type { SqlType } from '../../common/types.ts';
import type { LogicalNode } from '../logical/logical-plan.ts';
import { propertiesOf } from '../logical/properties.ts';
import { WINDOW_CLAUSE_MARKERS } from '../parse/stream-clauses.ts';
import type { BindingContext } from './binding-context.ts';
import { WINDOW_END, WINDOW_START } from './bound.ts';
import type { FromItem } from './from-item.ts';
import type { ScopeColumn, ScopeRelation } from './scope.ts';
import { stringOf } from './tree.ts';
import { windowClauseSpecification } from './window-specification.ts';

/** Location of the function that stands for a window clause. */
export function windowMarker(item: Node): number | null {
  if (!('RangeFunction' in item)) return null;
  const list = item.RangeFunction.functions?.[0];
  const call = list !== undefined && 'List' in list ? list.List.items?.[0] : undefined;
  if (call === undefined || !('FuncCall' in call)) return null;
  const name = (call.FuncCall.funcname ?? []).map(stringOf).join('.');
  return WINDOW_CLAUSE_MARKERS.has(name) ? (call.FuncCall.location ?? 0) : null;
}

/** 0A000 over a relation that has a window already, or no time attribute. */
export function applyWindowClause(context: BindingContext, item: FromItem, location: number): FromItem {
  const clause = context.clauses.windows.get(context.offset(location));
  if (clause === undefined) {
    throw context.error(location, '42883', 'function does not exist');
  }
  if (item.window !== null)
    throw context.error(
      location,
      '0A000',
      'a query can have one window only',
      'Put the inner window into a sub-query.',
    );
  const specification = windowClauseSpecification(context, clause);
  const time = timeOf(context, item, location);
  return {
    ...item,
    ...withWindowColumns(item.relations, time.type),
    window: {
      specification,
      time: time.index,
      timeType: time.type,
      spelling: 'window-clause',
      partition: null,
      location,
    },
  };
}

/** The window clause names no column: it is over the relation's time attribute. */
function timeOf(
  context: BindingContext,
  item: FromItem,
  location: number,
): Readonly<{ index: number; type: SqlType }> {
  const times = timeAttributes(item.node);
  const [time] = times;
  const type = time === undefined ? undefined : item.node.schema[time]?.type;
  if (time === undefined || type === undefined) {
    throw context.error(
      location,
      '0A000',
      'the window clause needs a relation with a time attribute',
      'Name the column: GROUP BY HOP(column, slide, size) or FROM HOP(relation, column, slide, size).',
    );
  }
  return { index: time, type };
}

/** The new columns replace the input's of the same name. */
export function withWindowColumns(
  relations: readonly ScopeRelation[],
  type: SqlType,
): Readonly<{ relations: readonly ScopeRelation[] }> {
  const kept = relations.map((r) => ({
    ...r,
    columns: r.columns.filter((c) => c.name !== 'window_start' && c.name !== 'window_end'),
  }));
  const columns: readonly ScopeColumn[] = windowColumns(type);
  return { relations: [...kept, { alias: '', original: null, schema: null, columns }] };
}

export const windowColumns = (type: SqlType): readonly ScopeColumn[] => [
  { name: 'window_start', type, index: WINDOW_START, hidden: false },
  { name: 'window_end', type, index: WINDOW_END, hidden: false },
];

const timeAttributes = (node: LogicalNode): readonly number[] => [
  ...propertiesOf(node, 'close').times.keys(),
];
