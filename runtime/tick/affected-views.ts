/** Which views show rows of tables that were written and not yet stepped through them. */
import { inputsOf, somePlanNode } from '../plan/plan-nodes.ts';
import type { PlanNode, QueryPlan } from '../plan/query-plan.ts';
import type { Oid } from '../plan/relation.ts';
import type { RelationSet } from './relation-set.ts';

export class AffectedViews {
  readonly #relations: RelationSet;
  readonly #isWritten: (table: Oid) => boolean;
  readonly #known = new Map<Oid, boolean>();

  constructor(relations: RelationSet, isWritten: (table: Oid) => boolean) {
    this.#relations = relations;
    this.#isWritten = isWritten;
  }

  /** Of a table: whether it was written itself. */
  isAffected(relation: Oid): boolean {
    const known = this.#known.get(relation);
    if (known !== undefined) return known;
    const view = this.#relations.views.get(relation)?.view;
    const affected = view === undefined ? this.#isWritten(relation) : this.#reads(view.definition.plan.root);
    this.#known.set(relation, affected);
    return affected;
  }

  /** Whether the query scans such a view. */
  areReadBy(plan: QueryPlan): boolean {
    const scansOne = (node: PlanNode): boolean =>
      node.kind === 'scan' && this.#relations.views.has(node.relation) && this.isAffected(node.relation);
    return somePlanNode(plan.root, scansOne) || plan.subqueries.some((subquery) => this.areReadBy(subquery));
  }

  /** A row that was joined with a table as it was then stays so, whatever is written there. */
  #reads(node: PlanNode): boolean {
    if (node.kind === 'scan') return this.isAffected(node.relation);
    if (node.kind === 'table-join') return this.#reads(node.input);
    return inputsOf(node).some((input) => this.#reads(input));
  }
}
