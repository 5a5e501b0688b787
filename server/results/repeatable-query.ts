/** Whether the answer of a finite query depends on nothing but what its relations hold; and on which. */
import type { Planned } from '../../planner/statement.ts';
import { type Expression, someExpression } from '../../runtime/plan/expression.ts';
import { functionByKey } from '../../runtime/plan/functions.ts';
import { expressionsOf, somePlanNode } from '../../runtime/plan/plan-nodes.ts';
import type { QueryPlan } from '../../runtime/plan/query-plan.ts';
import type { Oid } from '../../runtime/plan/relation.ts';
import type { CatalogView } from '../catalog.ts';
import { scannedRelations } from '../session/scanned-relations.ts';

/** Plans are kept and used again; so is what was found out about them. */
const known = new WeakMap<object, readonly Oid[] | null>();

/** The relations that it reads; null: it may answer otherwise although nothing was written. */
export function repeatableQuery(planned: Planned, catalog: CatalogView): readonly Oid[] | null {
  if (planned.repeatable !== true) return null;
  // a plan that is made for each set of values reads what all of them read
  const plan = planned.pointRead?.reads ?? planned;
  let relations = known.get(plan);
  if (relations === undefined) {
    relations = relationsRead(planned, catalog);
    known.set(plan, relations);
  }
  return relations;
}

function relationsRead(planned: Planned, catalog: CatalogView): readonly Oid[] | null {
  const { statement, notices, settings, signals } = planned;
  if (statement.kind !== 'query' || statement.plan.emit.kind !== 'finite') return null;
  // what it says or does beside its answer would happen once only
  if (notices.length > 0 || settings !== undefined || signals !== undefined) return null;
  const { plan } = statement;
  if (varies(plan)) return null;
  const relations = scannedRelations(plan);
  return relations.every((oid) => changesByTicks(catalog, oid)) ? relations : null;
}

const varies = (plan: QueryPlan): boolean =>
  somePlanNode(plan.root, (node) => node.kind === 'system-scan' || expressionsOf(node).some(isMutable)) ||
  plan.subqueries.some(varies);

const isMutable = (expression: Expression): boolean =>
  someExpression(
    expression,
    (e) => e.kind === 'now' || (e.kind === 'call' && functionByKey(e.function)?.volatility !== 'immutable'),
  );

/** Rows of a stream that retains by age leave with the clock; one that retains nothing says so, each time. */
function changesByTicks(catalog: CatalogView, oid: Oid): boolean {
  const relation = catalog.relationByOid(oid);
  if (relation === undefined) return false;
  return relation.kind !== 'stream' || (relation.retention.ageMicros === null && !relation.retention.none);
}
