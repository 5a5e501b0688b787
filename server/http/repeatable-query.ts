/** Whether the answer of a finite query depends on nothing but what its relations hold; and on which. */
import type { Planned } from '../../planner/statement.ts';
import { type Expression, someExpression } from '../../runtime/plan/expression.ts';
import { functionByKey } from '../../runtime/plan/functions.ts';
import { expressionsOf, somePlanNode } from '../../runtime/plan/plan-nodes.ts';
import type { QueryPlan } from '../../runtime/plan/query-plan.ts';
import type { Oid } from '../../runtime/plan/relation.ts';
import type { CatalogView } from '../catalog.ts';
import { scannedRelations } from '../session/scanned-relations.ts';

export type RepeatableQuery = Readonly<{ plan: QueryPlan; relations: readonly Oid[] }>;

/** null: it may answer otherwise although nothing was written. */
export function repeatableQuery(planned: Planned, catalog: CatalogView): RepeatableQuery | null {
  const { statement } = planned;
  if (statement.kind !== 'query' || statement.plan.emit.kind !== 'finite') return null;
  if (planned.repeatable !== true || planned.settings !== undefined || planned.signals !== undefined)
    return null;
  const { plan } = statement;
  if (varies(plan)) return null;
  const relations = scannedRelations(plan);
  return relations.every((oid) => changesByTicks(catalog, oid)) ? { plan, relations } : null;
}

const varies = (plan: QueryPlan): boolean =>
  somePlanNode(plan.root, (node) => node.kind === 'system-scan' || expressionsOf(node).some(isMutable)) ||
  plan.subqueries.some(varies);

const isMutable = (expression: Expression): boolean =>
  someExpression(
    expression,
    (e) => e.kind === 'now' || (e.kind === 'call' && functionByKey(e.function)?.volatility !== 'immutable'),
  );

/** Rows of a stream that retains by age leave with the clock. */
function changesByTicks(catalog: CatalogView, oid: Oid): boolean {
  const relation = catalog.relationByOid(oid);
  if (relation === undefined) return false;
  return relation.kind !== 'stream' || relation.retention.ageMicros === null;
}
