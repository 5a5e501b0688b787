/** The select list over what aggregation left: DISTINCT, ORDER BY, LIMIT PER WINDOW, and hidden columns for them. */
import type { Expression } from '../../runtime/plan/expression.ts';
import type { SortKey } from '../../runtime/plan/query-plan.ts';
import type { LogicalNode } from '../logical/logical-plan.ts';
import { projectUnlessIdentity, windowEndOf } from '../logical/project.ts';
import { column, sameExpression } from './bound.ts';
import type { BoundQuery } from './bound-query.ts';
import { requireEquality } from './equality.ts';
import type { FromItem } from './from-item.ts';
import type { Limit } from './limit-clause.ts';
import { Scope } from './scope.ts';
import type { Target } from './select-targets.ts';
import type { Surroundings } from './surroundings.ts';

export type SortItem = Readonly<{
  expression: Expression;
  descending: boolean;
  nullsFirst: boolean;
  location: number;
}>;

export type Located = Readonly<{ expression: Expression; location: number }>;

export function finishSelect(
  surroundings: Surroundings,
  parts: {
    node: LogicalNode;
    targets: readonly Target[];
    expressions: readonly Expression[];
    sort: readonly SortItem[];
    distinctOn: readonly Located[] | null;
    limit: Limit;
    windowStart: number | null;
    windowEnd: number | null;
    item: FromItem;
  },
): BoundQuery {
  const { targets, expressions, sort, distinctOn, limit } = parts;
  const columns = targets.map((t, i) => ({ name: t.name, type: (expressions[i] as Expression).type }));
  const isDistinct = surroundings.select.distinctClause !== undefined && distinctOn === null;
  const all: Expression[] = [...expressions];
  const names = targets.map((t) => t.name);
  const ordinalOf = (e: Expression, location: number): number => {
    const known = all.findIndex((x) => sameExpression(x, e));
    if (known >= 0) return known;
    if (isDistinct) {
      throw surroundings.context.error(
        location,
        '42P10',
        'for SELECT DISTINCT, ORDER BY expressions must appear in select list',
      );
    }
    all.push(e);
    names.push('sort');
    return all.length - 1;
  };
  const order: SortKey[] = sort.map((s) => ({
    column: ordinalOf(s.expression, s.location),
    descending: s.descending,
    nullsFirst: s.nullsFirst,
  }));
  const onOrdinals = distinctOn?.map(({ expression }) => ordinalOf(expression, -1)) ?? null;
  if (onOrdinals !== null) checkDistinctOn(surroundings, onOrdinals, order, distinctOn?.[0]?.location);
  const perWindow = limit.perWindow ? windowOrdinals(surroundings, parts, all, names, ordinalOf) : null;
  // A hidden window_end lets views drop closed windows, and puts windows in order.
  const end = isDistinct || distinctOn !== null ? null : windowEndOf(parts.node);
  const type = end === null ? undefined : parts.node.schema[end]?.type;
  if (end !== null && type !== undefined) {
    const known = all.length;
    ordinalOf(column(end, type), -1);
    if (all.length > known) names[known] = 'window_end';
  }
  let node = projectUnlessIdentity(parts.node, all, names);
  if (isDistinct) {
    const keys = expressions.map((e, i) => column(i, e.type));
    for (const [i, e] of expressions.entries())
      requireEquality(surroundings, e, targets[i]?.bound.location ?? -1);
    node = { kind: 'reduce', input: node, keys, aggregates: [], schema: columns };
  }
  if (onOrdinals !== null) {
    node = {
      kind: 'top-n',
      input: node,
      partition: onOrdinals,
      order,
      limit: 1,
      offset: 0,
      perWindow: null,
      rank: false,
      schema: node.schema,
    };
  }
  if (perWindow !== null) {
    node = {
      kind: 'top-n',
      input: node,
      ...perWindow,
      order,
      limit: limit.limit,
      offset: limit.offset,
      rank: false,
      schema: node.schema,
    };
  }
  const windowFirst =
    perWindow === null ? [] : [{ column: perWindow.perWindow, descending: false, nullsFirst: false }];
  return {
    node,
    output: targets.map((_, i) => i),
    columns,
    order: [...windowFirst, ...order],
    limit: perWindow === null ? limit.limit : null,
    offset: perWindow === null ? limit.offset : 0,
    limitLocation: limit.location,
    open: targets.map((t) => (t.bound.open === null ? null : t.bound)),
    locations: targets.map((t) => t.bound.location),
  };
}

function checkDistinctOn(
  surroundings: Surroundings,
  on: readonly number[],
  order: readonly SortKey[],
  location: number | undefined,
): void {
  if (order.slice(0, on.length).every((k) => on.includes(k.column))) return;
  throw surroundings.context.error(
    location,
    '42P10',
    'SELECT DISTINCT ON expressions must match initial ORDER BY expressions',
  );
}

/** LIMIT … PER WINDOW: the window of this query, or the input's window_start and window_end. */
function windowOrdinals(
  surroundings: Surroundings,
  parts: {
    node: LogicalNode;
    windowStart: number | null;
    windowEnd: number | null;
    item: FromItem;
    limit: Limit;
  },
  all: readonly Expression[],
  names: string[],
  ordinalOf: (e: Expression, location: number) => number,
) {
  const place = (own: number | null, name: string): number | null => {
    let index = own;
    if (
      index === null &&
      parts.windowEnd === null &&
      surroundings.aggregates.length === 0 &&
      (surroundings.select.groupClause ?? []).length === 0
    ) {
      const match = new Scope(parts.item.relations, null).findColumn(name);
      index = match.kind === 'column' ? match.column.index : null;
    }
    const type = index === null ? undefined : parts.node.schema[index]?.type;
    if (index === null || type === undefined) return null;
    const known = all.length;
    const at = ordinalOf(column(index, type), -1);
    if (at === known) names[at] = name;
    return at;
  };
  const end = place(parts.windowEnd, 'window_end');
  if (end === null) {
    throw surroundings.context.error(
      parts.limit.location,
      '0A000',
      'LIMIT … PER WINDOW needs a window',
      'Aggregate by a window, or read a relation that has window_end.',
    );
  }
  const start = place(parts.windowStart, 'window_start');
  return { partition: start === null ? [end] : [start, end], perWindow: end };
}
