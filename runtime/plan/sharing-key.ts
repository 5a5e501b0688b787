/**
 * What continuous queries keep together. Windowed reduces with the same key number their groups in one table
 * (runtime/state/shared-groups.ts): the plans below them read the same relation and do the same, so equal keys meet
 * equal rows. Those that get the same rows in every tick keep one set of panes (runtime/state/shared-panes.ts).
 */
import { type Expression, someExpression } from './expression.ts';
import { functionByKey } from './functions.ts';
import { expressionsOf, inputsOf } from './plan-nodes.ts';
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

/** Its panes hold what any query with its key that runs in the tick would put there. */
export const sharesPanes = (node: WindowedReduce): boolean =>
  node.input.timeColumns.includes(node.time) && isFunctionOfTick(node.input);

/** What leaves the node in a tick depends on what its relations hold and get in the tick, on nothing earlier or random. */
function isFunctionOfTick(node: PlanNode): boolean {
  const stateless = ['scan', 'filter', 'project', 'union-all', 'table-join'].includes(node.kind);
  return stateless && !expressionsOf(node).some(isVolatile) && inputsOf(node).every(isFunctionOfTick);
}

const isVolatile = (expression: Expression): boolean =>
  someExpression(
    expression,
    (e) => e.kind === 'call' && functionByKey(e.function)?.volatility === 'volatile',
  );
