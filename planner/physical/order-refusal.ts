/** first and last follow the order of arrival: where rows have none (tables, views, unions), they are refused. */
import { inputsOf } from '../../runtime/plan/plan-nodes.ts';
import type { PlanNode } from '../../runtime/plan/query-plan.ts';

type Fail = (message: string, hint: string) => Error;

const FOLLOWS_ARRIVAL = /^(first|last)\(/;

export function refuseOrderless(node: PlanNode, fail: Fail): void {
  if (node.kind === 'reduce' || node.kind === 'windowed-reduce') {
    const call = node.aggregates.find((a) => a.arrival === null && FOLLOWS_ARRIVAL.test(a.function));
    if (call !== undefined) {
      const name = call.function.slice(0, call.function.indexOf('('));
      const instead = name === 'first' ? 'arg_min' : 'arg_max';
      throw fail(
        `${name}() needs rows in order of arrival, as a stream has them`,
        `Name the order: ${instead}(value, column).`,
      );
    }
  }
  for (const input of inputsOf(node)) refuseOrderless(input, fail);
}
