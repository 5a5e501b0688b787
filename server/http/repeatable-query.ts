/** Whether the answer of a finite query depends on nothing but what its relations hold; and on which. */
import type { Planned } from '../../planner/statement.ts';
import { type Expression, walkExpression } from '../../runtime/plan/expression.ts';
import { functionByKey } from '../../runtime/plan/functions.ts';
import { expressionsOf, walkPlan } from '../../runtime/plan/plan-nodes.ts';
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
  if (!isFixed(plan)) return null;
  const relations = scannedRelations(plan);
  return relations.every((oid) => changesByTicks(catalog, oid)) ? { plan, relations } : null;
}

function isFixed(plan: QueryPlan): boolean {
  let fixed = true;
  walkPlan(plan.root, (node) => {
    fixed &&= node.kind !== 'system-scan' && expressionsOf(node).every(isImmutable);
  });
  return fixed && plan.subqueries.every(isFixed);
}

function isImmutable(expression: Expression): boolean {
  let immutable = true;
  walkExpression(expression, (e) => {
    if (e.kind === 'now') immutable = false;
    if (e.kind === 'call') immutable &&= functionByKey(e.function)?.volatility === 'immutable';
  });
  return immutable;
}

/** Rows of a stream that retains by age leave with the clock. */
function changesByTicks(catalog: CatalogView, oid: Oid): boolean {
  const relation = catalog.relationByOid(oid);
  if (relation === undefined) return false;
  return relation.kind !== 'stream' || relation.retention.ageMicros === null;
}
