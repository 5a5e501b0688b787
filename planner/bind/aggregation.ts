/** WHERE and the aggregation of one SELECT: by a window, by keys, or neither. */
import type { Field } from '../../common/types.ts';
import { conjunctsOf, type Expression, junction } from '../../runtime/plan/expression.ts';
import { filter, type LogicalNode } from '../logical/logical-plan.ts';
import { limitRank } from '../logical/rank-limit.ts';
import { column, rewriteExpression, sameExpression, usesWindow, WINDOW_END, WINDOW_START } from './bound.ts';
import type { AggregateUse } from './clause.ts';
import type { FromItem, PendingWindow } from './from-item.ts';
import type { GroupWindow } from './group-window.ts';
import { type Grouping, overGroups } from './grouping.ts';
import type { Surroundings } from './surroundings.ts';

/** WHERE and the aggregation; `place` moves an expression of the input over the result. */
export function applyGroups(
  surroundings: Surroundings,
  item: FromItem,
  groupWindow: GroupWindow | null,
  where: Expression | null,
  groups: readonly Expression[],
  hasHaving: boolean,
) {
  const { window } = item;
  const names = (index: number): boolean => groups.some((g) => g.kind === 'column' && g.index === index);
  const isGrouped =
    groups.length > 0 ||
    surroundings.aggregates.length > 0 ||
    hasHaving ||
    groupWindow !== null ||
    window?.spelling === 'window-clause';
  if (window !== null && isGrouped && aggregatesByWindow(window, names)) {
    return windowedReduce(surroundings, item, window, groupWindow, where, groups);
  }
  if (window?.specification.kind === 'session') {
    throw surroundings.context.error(
      window.location,
      '0A000',
      'a query over SESSION must aggregate by its window',
      'Add window_end to GROUP BY.',
    );
  }
  let node = item.node;
  let place = (e: Expression): Expression => e;
  const width = node.schema.length;
  if (window !== null) {
    // Each row once per window it is in.
    const type = window.timeType;
    const schema: readonly Field[] = [
      ...node.schema,
      { name: 'window_start', type },
      { name: 'window_end', type },
    ];
    node = { kind: 'window', input: node, window: window.specification, time: window.time, schema };
    place = (e) => moveWindowColumns(e, width, width + 1);
  }
  if (where !== null) node = filtered(node, place(where));
  if (!isGrouped) {
    const ends = window === null ? null : width + 1;
    return { node, place, windowStart: window === null ? null : width, windowEnd: ends };
  }
  const keys = uniqueExpressions(groups);
  const grouping: Grouping = {
    keys,
    windowStart: null,
    windowEnd: null,
    startExpression: null,
    aggregates: keys.length,
  };
  const over = (e: Expression): Expression =>
    overGroups(surroundings.context, surroundings.origins, grouping, e);
  const placeAggregate = (a: AggregateUse): AggregateUse => ({
    ...a,
    args: a.args.map(place),
    filter: a.filter === null ? null : place(a.filter),
  });
  node = {
    kind: 'reduce',
    input: node,
    keys: keys.map(place),
    aggregates: surroundings.aggregates.map(placeAggregate),
    schema: [...keyFields(surroundings, keys), ...aggregateFields(surroundings)],
  };
  const windowKey = (index: number): number | null => {
    const at = keys.findIndex((k) => k.kind === 'column' && k.index === index);
    return at < 0 ? null : at;
  };
  return { node, place: over, windowStart: windowKey(WINDOW_START), windowEnd: windowKey(WINDOW_END) };
}

/** CUMULATE and SESSION windows are told apart by their ends only. */
function aggregatesByWindow(window: PendingWindow, names: (index: number) => boolean): boolean {
  if (window.spelling !== 'table-function') return true;
  if (names(WINDOW_END)) return true;
  return (
    names(WINDOW_START) && (window.specification.kind === 'hop' || window.specification.kind === 'tumble')
  );
}

function windowedReduce(
  surroundings: Surroundings,
  item: FromItem,
  window: PendingWindow,
  groupWindow: GroupWindow | null,
  where: Expression | null,
  groups: readonly Expression[],
) {
  const start = groupWindow?.start ?? null;
  const isWindowColumn = (e: Expression): boolean =>
    (e.kind === 'column' && (e.index === WINDOW_START || e.index === WINDOW_END)) ||
    (start !== null && sameExpression(e, start));
  const keys = uniqueExpressions(groups.filter((g) => !isWindowColumn(g)));
  checkSessionKeys(surroundings, window, keys);
  const grouping: Grouping = {
    keys,
    windowStart: keys.length,
    windowEnd: keys.length + 1,
    startExpression: start,
    aggregates: keys.length + 2,
  };
  const place = (e: Expression): Expression =>
    overGroups(surroundings.context, surroundings.origins, grouping, e);
  const conjuncts = where === null ? [] : conjunctsOf(where);
  const before = conjuncts.filter((c) => !usesWindow(c));
  const after = conjuncts.filter(usesWindow);
  let node = before.length === 0 ? item.node : filtered(item.node, junction('and', before));
  const type = window.timeType;
  node = {
    kind: 'windowed-reduce',
    input: node,
    window: window.specification,
    time: window.time,
    keys,
    aggregates: surroundings.aggregates,
    schema: [
      ...keyFields(surroundings, keys),
      { name: 'window_start', type },
      { name: 'window_end', type },
      ...aggregateFields(surroundings),
    ],
  };
  if (after.length > 0)
    node = filter(node, windowCondition(surroundings, place, junction('and', after), window));
  return { node, place, windowStart: keys.length, windowEnd: keys.length + 1 };
}

/** Conditions on the window hold for a whole group, if the rest of them is a key. */
function windowCondition(
  surroundings: Surroundings,
  place: (e: Expression) => Expression,
  condition: Expression,
  window: PendingWindow,
): Expression {
  try {
    return place(condition);
  } catch {
    throw surroundings.context.error(
      window.location,
      '0A000',
      'a condition of WHERE compares window_start or window_end with a column that is not in GROUP BY',
      'Compare window_start and window_end with constants and keys only, or use FILTER.',
    );
  }
}

/** One sequence of sessions for each partition: the keys must say the same. */
function checkSessionKeys(
  surroundings: Surroundings,
  window: PendingWindow,
  keys: readonly Expression[],
): void {
  if (window.specification.kind !== 'session' || window.spelling !== 'table-function') return;
  const partition = new Set(window.partition ?? []);
  const grouped = new Set(keys.map((k) => (k.kind === 'column' ? k.index : -1)));
  const same = partition.size === grouped.size && [...partition].every((p) => grouped.has(p));
  if (same) return;
  throw surroundings.context.error(
    window.location,
    '0A000',
    'GROUP BY must name the same columns as PARTITION BY of SESSION, and window_end',
    'Write SESSION(relation PARTITION BY keys, time column, gap) and GROUP BY keys, window_end.',
  );
}

function filtered(node: LogicalNode, predicate: Expression): LogicalNode {
  return limitRank(filter(node, predicate));
}

function moveWindowColumns(e: Expression, start: number, end: number): Expression {
  return rewriteExpression(e, (x) => {
    if (x.kind !== 'column') return null;
    if (x.index === WINDOW_START) return column(start, x.type);
    return x.index === WINDOW_END ? column(end, x.type) : null;
  });
}

function keyFields(surroundings: Surroundings, keys: readonly Expression[]): readonly Field[] {
  return keys.map((k) => ({
    name: (surroundings.origins.get(k)?.name ?? 'key').split('.').at(-1) ?? 'key',
    type: k.type,
  }));
}

function aggregateFields(surroundings: Surroundings): readonly Field[] {
  return surroundings.aggregates.map((a) => ({ name: a.signature.name, type: { name: a.signature.result } }));
}

function uniqueExpressions(list: readonly Expression[]): readonly Expression[] {
  return list.filter((e, i) => list.findIndex((x) => sameExpression(x, e)) === i);
}
