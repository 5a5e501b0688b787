/**
 * Windowed reduces with the same key number their groups in one table (runtime/state/shared-groups.ts): the plans below
 * them read the same relation and do the same, so equal keys meet equal rows.
 */
import type { PlanNode } from './query-plan.ts';

type WindowedReduce = Extract<PlanNode, { kind: 'windowed-reduce' }>;

/** By the plan's text; the numbers of operators do not count. */
export const sharingKey = (input: PlanNode, keys: readonly number[]): string =>
  JSON.stringify([input, keys], (name, value: unknown) => (name === 'id' ? undefined : value));

/** Those of a continuous plan that share; sessions and EMIT CHANGES keep groups of their own. */
export function sharingReduces(node: PlanNode): readonly WindowedReduce[] {
  const below = node.kind === 'union-all' ? node.inputs : 'input' in node ? [node.input] : [];
  const deeper = below.flatMap(sharingReduces);
  return node.kind === 'windowed-reduce' && node.emit === 'close' && node.window.kind !== 'session'
    ? [node, ...deeper]
    : deeper;
}
