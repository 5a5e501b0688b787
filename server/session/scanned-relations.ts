import { walkPlan } from '../../runtime/plan/plan-nodes.ts';
import type { QueryPlan } from '../../runtime/plan/query-plan.ts';
import type { Oid } from '../../runtime/plan/relation.ts';

/** The relations whose rows a plan reads. (`plan.relations` may name those that it only depends on.) */
export function scannedRelations(plan: QueryPlan): readonly Oid[] {
  const found = new Set<Oid>();
  walkPlan(plan.root, (node) => {
    if (node.kind === 'scan') found.add(node.relation);
  });
  return [...new Set([...found, ...plan.subqueries.flatMap(scannedRelations)])];
}
