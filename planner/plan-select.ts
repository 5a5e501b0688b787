/** SELECT, VALUES and TABLE: finite, or continuous with EMIT. */
import type { Node } from 'libpg-query';
import type { Field, Origin, Schema } from '../common/types.ts';
import type { QueryPlan } from '../runtime/plan/query-plan.ts';
import { callsOfOneRow } from './bind/acting-calls.ts';
import type { BindingContext } from './bind/binding-context.ts';
import type { BoundQuery } from './bind/bound-query.ts';
import { catalogQuery } from './catalog-query/catalog-query.ts';
import { columnOrigins } from './logical/column-origins.ts';
import type { StreamClauses } from './parse/statement-syntax.ts';
import { planContinuous, planFinite } from './physical/plan-query.ts';
import type { OptionOwner } from './physical/query-options.ts';
import { readQueryOptions } from './physical/query-options.ts';
import type { Planned, Statement } from './statement.ts';
import { bindSelectNode, planned, type StatementContext } from './statement-context.ts';

const TICK: Schema[number] = { name: 'tick', type: { name: 'int8' } };
const DIFF: Schema[number] = { name: 'diff', type: { name: 'int8' } };

/** What the client is sent: changes carry their tick and sign. */
export const outputColumns = (plan: QueryPlan): Schema =>
  plan.emit.kind === 'changes' || plan.emit.kind === 'every' ? [TICK, DIFF, ...plan.columns] : plan.columns;

export function planQueryNode(
  binding: BindingContext,
  node: Node,
  clauses: StreamClauses,
  owner: OptionOwner = 'select',
): QueryPlan {
  return planBound(binding, bindSelectNode(binding, node), clauses, owner);
}

function planBound(
  binding: BindingContext,
  query: BoundQuery,
  clauses: StreamClauses,
  owner: OptionOwner,
): QueryPlan {
  const { emit } = clauses;
  if (emit === null) return planFinite(binding, query);
  return planContinuous(binding, query, emit, readQueryOptions(binding, emit.options, owner), owner);
}

/** What COPY, DECLARE and the statement itself may run. `text`: what the mirror of the catalog gets, with the tree's locations. */
export function planSelectSource(
  context: StatementContext,
  node: Node,
  clauses: StreamClauses,
  text: string,
): Extract<Statement, { kind: 'query' | 'catalog' }> {
  const { binding, parsed } = context;
  const asked = catalogQuery(binding, node, clauses, text);
  if (asked !== null) {
    binding.parameters.requireValues(parsed.parameterCount);
    return asked;
  }
  if (clauses.emit === null) binding.gathered.acting = callsOfOneRow(node);
  const query = bindSelectNode(binding, node);
  const plan = planBound(binding, query, clauses, 'select');
  return { kind: 'query', plan, columns: withOrigins(outputColumns(plan), columnOrigins(query)) };
}

/** The query's own columns come last. */
function withOrigins(columns: Schema, origins: readonly (Origin | null)[]): Schema {
  const first = columns.length - origins.length;
  return columns.map((field, i): Field => {
    const origin = origins[i - first] ?? null;
    return origin === null ? field : { ...field, origin };
  });
}

export function planSelect(context: StatementContext, node: Node, clauses: StreamClauses): Planned {
  const statement = planSelectSource(context, node, clauses, context.parsed.text);
  return planned(context, statement, statement.kind === 'query' ? statement.columns : null);
}
