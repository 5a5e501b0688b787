/** OVER: row_number() alone, as a rank that an outer WHERE bounds. */
import type { FuncCall, Node } from 'libpg-query';
import { type Bound, column, INT8, typed, WINDOW_CALL_BASE } from './bound.ts';
import { plainClause, type WindowUse } from './clause.ts';
import { settle } from './coerce.ts';
import { requireEquality, requireOrdering } from './equality.ts';
import type { ExpressionBinder } from './expression-binder.ts';
import { sortDirection } from './sort-direction.ts';

const HINT =
  'Write row_number() OVER (PARTITION BY … ORDER BY …) in a sub-query and bound it in the outer WHERE, or aggregate over a window: HOP, TUMBLE, SESSION.';

export function bindWindowFunction(binder: ExpressionBinder, call: FuncCall, name: string): Bound {
  const location = call.location ?? 0;
  const { context } = binder;
  const uses = binder.clause.windowUses;
  if (uses === null) {
    const where = binder.clause.name;
    const message =
      where === 'aggregate function calls'
        ? 'aggregate function calls cannot contain window function calls'
        : `window functions are not allowed in ${where}`;
    throw context.error(location, where === 'aggregate function calls' ? '42803' : '42P20', message);
  }
  const over = call.over ?? {};
  if (name !== 'row_number' || (call.args ?? []).length > 0 || call.agg_star === true) {
    throw context.error(location, '0A000', `${name}() OVER is not supported`, HINT);
  }
  if (over.name !== undefined || over.refname !== undefined) {
    throw context.error(
      over.location,
      '0A000',
      'named windows are not supported',
      'Write the window out behind OVER.',
    );
  }
  const inner = binder.within({
    ...plainClause('window function calls'),
    aggregates: binder.clause.aggregates,
  });
  const partition = (over.partitionClause ?? []).map((node: Node) => {
    const bound = inner.bind(node);
    const expression = settle(context, bound);
    requireEquality(binder, expression, bound.location);
    return expression;
  });
  const order = (over.orderClause ?? []).flatMap((node: Node) => {
    if (!('SortBy' in node)) return [];
    const bound = inner.bind(node.SortBy.node as Node);
    const expression = settle(context, bound);
    requireOrdering(binder, expression, bound.location);
    return [{ expression, ...sortDirection(context, node.SortBy) }];
  });
  const use: WindowUse = { partition, order };
  const known = uses.findIndex((u) => JSON.stringify(u) === JSON.stringify(use));
  if (known < 0) uses.push(use);
  return typed(column(WINDOW_CALL_BASE + (known < 0 ? uses.length - 1 : known), INT8), location);
}
