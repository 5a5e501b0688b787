/** What a window keeps, in words and bytes a group: totals are dense, panes hold only the groups they touch. */
import { physicalKind } from '../../common/types.ts';
import { aggregateByKey } from '../../runtime/plan/aggregates.ts';
import type { PlanNode } from '../../runtime/plan/query-plan.ts';
import { panesOf } from '../bind/window-specification.ts';

type WindowedReduce = Extract<PlanNode, { kind: 'windowed-reduce' }>;

/** Hash, row count and place of a group. */
const GROUP_BYTES = 16;
const FIXED_KEY_BYTES = 8;
const TEXT_KEY_BYTES = 24;

export function windowState(node: WindowedReduce): string {
  const bytes = groupBytes(node);
  const panes = panesOf(node.window);
  if (panes === null) return `open sessions, about ${bytes} bytes each`;
  if (panes.count === 1) return `open windows, about ${bytes} bytes a group`;
  const stacks = node.aggregates.some((a) => aggregateByKey(a.function)?.reduction === 'two-stacks');
  const folds = stacks ? ', and as much again for the stacks' : '';
  return `totals of about ${bytes} bytes a group, and as much for each group in each of ${panes.count} panes that it touches${folds}`;
}

function groupBytes(node: WindowedReduce): number {
  const keys = node.keys.map((k) => {
    const type = node.input.schema[k]?.type;
    const kind = type === undefined ? 'boxed' : physicalKind(type);
    return kind === 'bytes' || kind === 'boxed' ? TEXT_KEY_BYTES : FIXED_KEY_BYTES;
  });
  const values = node.aggregates.map((a) => (a.function === 'count()' ? 4 : a.distinct ? 64 : 24));
  return [...keys, ...values].reduce((sum, b) => sum + b, GROUP_BYTES);
}
