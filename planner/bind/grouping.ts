/** After aggregation only keys, windows and aggregates are left: expressions are rewritten over them, or refused (42803). */
import type { Expression } from '../../runtime/plan/expression.ts';
import type { BindingContext } from './binding-context.ts';
import {
  AGGREGATE_BASE,
  column,
  rewriteExpression,
  sameExpression,
  WINDOW_CALL_BASE,
  WINDOW_END,
  WINDOW_START,
} from './bound.ts';
import type { Origins } from './clause.ts';

export type Grouping = Readonly<{
  keys: readonly Expression[];
  /** Ordinals of window_start and window_end in the output; null: not grouped by a window. */
  windowStart: number | null;
  windowEnd: number | null;
  /** date_bin, date_trunc: equals window_start. */
  startExpression: Expression | null;
  /** Ordinal of the first aggregate. */
  aggregates: number;
}>;

/** The expression over the aggregation's output. */
export function overGroups(
  context: BindingContext,
  origins: Origins,
  grouping: Grouping,
  expression: Expression,
): Expression {
  return rewriteExpression(expression, (e) => {
    const key = grouping.keys.findIndex((k) => sameExpression(k, e));
    if (key >= 0) return column(key, e.type);
    const { windowStart, windowEnd, startExpression } = grouping;
    if (windowStart !== null && startExpression !== null && sameExpression(startExpression, e)) {
      return column(windowStart, e.type);
    }
    if (e.kind !== 'column') return null;
    if (e.index === WINDOW_START && windowStart !== null) return column(windowStart, e.type);
    if (e.index === WINDOW_END && windowEnd !== null) return column(windowEnd, e.type);
    if (e.index >= WINDOW_CALL_BASE && e.index < WINDOW_START) return e;
    if (e.index >= AGGREGATE_BASE && e.index < WINDOW_CALL_BASE) {
      return column(grouping.aggregates + e.index - AGGREGATE_BASE, e.type);
    }
    const origin = origins.get(e);
    throw context.error(
      origin?.location,
      '42803',
      `column "${origin?.name ?? '?'}" must appear in the GROUP BY clause or be used in an aggregate function`,
    );
  });
}
