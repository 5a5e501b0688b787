/**
 * Finite queries that ask a view for few of its windows: `max(window_end)` of all rows, and `window_end = (sub-query)`
 * right above a scan. A view that only grows has its rows by window, and need not show the others.
 */
import { conjunctsOf, type Expression } from './expression.ts';
import { walkPlan } from './plan-nodes.ts';
import type { PlanNode } from './query-plan.ts';

/** `column`: of the relation. */
export type WindowRead =
  /** Nothing but the greatest value is asked for. */
  | Readonly<{ kind: 'latest'; column: number }>
  /** Rows count whose value is that of the sub-query of this number. */
  | Readonly<{ kind: 'equal'; column: number; subquery: number }>;

/** By scan. */
export function windowReads(root: PlanNode): ReadonlyMap<PlanNode, WindowRead> {
  const found = new Map<PlanNode, WindowRead>();
  walkPlan(root, (node) => {
    if (node.kind === 'reduce' && node.input.kind === 'scan') {
      const column = onlyMaximum(node);
      if (column !== null) found.set(node.input, { kind: 'latest', column: node.input.columns[column]! });
    }
    if (node.kind !== 'filter') return;
    let scan = node.input;
    while (scan.kind === 'filter') scan = scan.input;
    if (scan.kind !== 'scan') return;
    for (const part of conjunctsOf(node.predicate)) {
      const equal = subqueryEquality(part);
      if (equal !== null)
        found.set(scan, { kind: 'equal', column: scan.columns[equal.column]!, subquery: equal.subquery });
    }
  });
  return found;
}

/** Ordinal of the input's column of times of which the greatest is the whole answer. */
function onlyMaximum({ keys, aggregates }: Extract<PlanNode, { kind: 'reduce' }>): number | null {
  const column = aggregates[0]?.args[0];
  if (keys.length > 0 || column === undefined) return null;
  const isMaximum = aggregates.every(
    (call) =>
      /^max\(timestamp(tz)?\)$/.test(call.function) && call.args[0] === column && call.filter === null,
  );
  return isMaximum ? column : null;
}

function subqueryEquality(e: Expression): Readonly<{ column: number; subquery: number }> | null {
  if (e.kind !== 'call' || !/^=\((timestamp|timestamptz),\1\)$/.test(e.function)) return null;
  const [a, b] = e.args;
  if (a?.kind === 'column' && b?.kind === 'subquery') return { column: a.index, subquery: b.index };
  if (b?.kind === 'column' && a?.kind === 'subquery') return { column: b.index, subquery: a.index };
  return null;
}
