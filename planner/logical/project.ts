import type { Expression } from '../../runtime/plan/expression.ts';
import type { LogicalNode } from './logical-plan.ts';
import { propertiesOf } from './properties.ts';

/** A project, left out where it would change nothing. */
export function projectUnlessIdentity(
  node: LogicalNode,
  expressions: readonly Expression[],
  names: readonly string[],
): LogicalNode {
  const isIdentity =
    expressions.length === node.schema.length &&
    expressions.every((e, i) => e.kind === 'column' && e.index === i && node.schema[i]?.name === names[i]);
  if (isIdentity) return node;
  return {
    kind: 'project',
    input: node,
    expressions,
    schema: expressions.map((e, i) => ({ name: names[i] ?? '?column?', type: e.type })),
  };
}

/** The ordinal of the window_end by which the node's rows close. */
export function windowEndOf(node: LogicalNode): number | null {
  for (const [ordinal, role] of propertiesOf(node, 'close').times) if (role === 'window-end') return ordinal;
  return null;
}
