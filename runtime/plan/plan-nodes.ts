/** Going through the nodes of a plan. */
import type { Expression } from './expression.ts';
import type { PlanNode } from './query-plan.ts';

export function inputsOf(node: PlanNode): readonly PlanNode[] {
  switch (node.kind) {
    case 'scan':
    case 'system-scan':
    case 'values':
      return [];
    case 'union-all':
      return node.inputs;
    case 'table-join':
      return [node.input, node.table];
    default:
      return [node.input];
  }
}

export function expressionsOf(node: PlanNode): readonly Expression[] {
  switch (node.kind) {
    case 'values':
      return node.rows.flat();
    case 'filter':
      return [node.predicate];
    case 'project':
      return node.expressions;
    case 'table-join':
      return node.condition === null ? [] : [node.condition];
    default:
      return [];
  }
}

/** Whether it or a node below it passes. */
export const somePlanNode = (node: PlanNode, passes: (node: PlanNode) => boolean): boolean =>
  passes(node) || inputsOf(node).some((input) => somePlanNode(input, passes));

/** Calls `visit` for the node and all below it. */
export function walkPlan(node: PlanNode, visit: (node: PlanNode) => void): void {
  visit(node);
  for (const input of inputsOf(node)) walkPlan(input, visit);
}
