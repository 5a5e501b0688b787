/** row_number() OVER: a ranking below the select list. */
import type { Expression } from '../../runtime/plan/expression.ts';
import type { SortKey } from '../../runtime/plan/query-plan.ts';
import type { LogicalNode } from '../logical/logical-plan.ts';
import { projectUnlessIdentity } from '../logical/project.ts';
import { propertiesOf } from '../logical/properties.ts';
import { column, INT8, rewriteExpression, sameExpression, WINDOW_CALL_BASE, WINDOW_START } from './bound.ts';
import type { WindowUse } from './clause.ts';
import type { Surroundings } from './surroundings.ts';

/** row_number(): the node gets a rank column behind its own and the helper columns. */
export function applyRanks(
  surroundings: Surroundings,
  node: LogicalNode,
  uses: readonly WindowUse[],
  place: (e: Expression) => Expression,
) {
  const identity = (e: Expression): Expression => e;
  const [use, ...others] = uses;
  if (use === undefined) return { node, place: identity };
  if (others.length > 0) {
    throw surroundings.context.error(
      -1,
      '0A000',
      'a query can have one OVER only',
      'Put the other one into a sub-query.',
    );
  }
  const expressions: Expression[] = node.schema.map((f, i) => column(i, f.type));
  const names = node.schema.map((f) => f.name);
  const ordinalOf = (e: Expression): number => {
    const placed = place(e);
    const known = expressions.findIndex((x) => sameExpression(x, placed));
    if (known >= 0) return known;
    expressions.push(placed);
    names.push('sort');
    return expressions.length - 1;
  };
  const partition = use.partition.map(ordinalOf);
  const order: SortKey[] = use.order.map((o) => ({
    column: ordinalOf(o.expression),
    descending: o.descending,
    nullsFirst: o.nullsFirst,
  }));
  const input = projectUnlessIdentity(node, expressions, names);
  const top: LogicalNode = {
    kind: 'top-n',
    input,
    partition,
    order,
    limit: null,
    offset: 0,
    perWindow: windowEndAmong(input, partition),
    rank: true,
    schema: [...input.schema, { name: 'row_number', type: INT8 }],
  };
  const rank = top.schema.length - 1;
  const placeRank = (e: Expression): Expression =>
    rewriteExpression(e, (x) =>
      x.kind === 'column' && x.index >= WINDOW_CALL_BASE && x.index < WINDOW_START
        ? column(rank, INT8)
        : null,
    );
  return { node: top, place: placeRank };
}

/** The window_end among the partition's columns, if it is a time attribute of closed windows. */
function windowEndAmong(node: LogicalNode, partition: readonly number[]): number | null {
  const { times } = propertiesOf(node, 'close');
  return partition.find((p) => times.get(p) === 'window-end') ?? null;
}
