import type { PlanNode, QueryPlan } from '../../runtime/plan/query-plan.ts';
import type { Oid } from '../../runtime/plan/relation.ts';

/** The relations whose rows a plan reads. (`plan.relations` may name those that it only depends on.) */
export function scannedRelations(plan: QueryPlan): readonly Oid[] {
  const found = new Set<Oid>();
  const visit = (node: PlanNode): void => {
    switch (node.kind) {
      case 'scan':
        found.add(node.relation);
        return;
      case 'system-scan':
      case 'values':
        return;
      case 'union-all':
        node.inputs.forEach(visit);
        return;
      case 'table-join':
        visit(node.input);
        visit(node.table);
        return;
      default:
        visit(node.input);
    }
  };
  visit(plan.root);
  for (const subquery of plan.subqueries) for (const oid of scannedRelations(subquery)) found.add(oid);
  return [...found];
}
