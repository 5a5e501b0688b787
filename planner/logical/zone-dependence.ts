/** Whether a tree computes with the session's TimeZone: such a view must be read under the zone it was made in. */
import { type Expression, someExpression } from '../../runtime/plan/expression.ts';
import { functionByKey } from '../../runtime/plan/functions.ts';
import { type LogicalNode, someLogical } from './logical-plan.ts';

export const dependsOnZone = (node: LogicalNode): boolean =>
  someLogical(node, (n) => expressionsOf(n).some(usesZone));

/** Stable functions of dates and times are those that look at the zone. */
const usesZone = (expression: Expression): boolean =>
  someExpression(expression, (e) => e.kind === 'call' && functionByKey(e.function)?.volatility === 'stable');

function expressionsOf(node: LogicalNode): readonly Expression[] {
  switch (node.kind) {
    case 'values':
      return node.rows.flat();
    case 'filter':
      return [node.predicate];
    case 'project':
      return node.expressions;
    case 'windowed-reduce':
    case 'reduce':
      return [
        ...node.keys,
        ...node.aggregates.flatMap((a) => [...a.args, ...(a.filter === null ? [] : [a.filter])]),
      ];
    case 'table-join':
      return [node.condition];
    default:
      return [];
  }
}
