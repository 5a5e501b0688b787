/** Whether a tree computes with the session's TimeZone: such a view must be read under the zone it was made in. */
import { childrenOf, type Expression } from '../../runtime/plan/expression.ts';
import { functionByKey } from '../../runtime/plan/functions.ts';
import { type LogicalNode, walkLogical } from './logical-plan.ts';

export function dependsOnZone(node: LogicalNode): boolean {
  let found = false;
  walkLogical(node, (n) => {
    found ||= expressionsOf(n).some(usesZone);
  });
  return found;
}

/** Stable functions of dates and times are those that look at the zone. */
function usesZone(e: Expression): boolean {
  if (e.kind === 'call' && functionByKey(e.function)?.volatility === 'stable') return true;
  return childrenOf(e).some(usesZone);
}

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
