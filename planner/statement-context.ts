/** One statement on its way from syntax to plan: what every kind of statement needs. */
import type { Node } from 'libpg-query';
import type { Schema } from '../common/types.ts';
import { BindingContext } from './bind/binding-context.ts';
import type { BoundQuery } from './bind/bound-query.ts';
import type { BindEnvironment } from './bind/environment.ts';
import { bindQuery } from './bind/query-binder.ts';
import type { SourceText } from './parse/source-text.ts';
import type { StreamClauses } from './parse/statement-syntax.ts';
import { planFinite } from './physical/plan-query.ts';
import {
  catalogQueryIn,
  type ParsedStatement,
  type PlanContext,
  type Planned,
  type Statement,
} from './statement.ts';

export type StatementContext = Readonly<{
  parsed: ParsedStatement;
  plan: PlanContext;
  binding: BindingContext;
}>;

export const ENVIRONMENT: BindEnvironment = {
  tables: new Map(),
  planSubquery: (binder, node) => {
    const context = binder.context.forSubquery();
    if (!('SelectStmt' in node)) throw context.error(-1, '0A000', 'only SELECT may stand in a sub-query');
    const { environment } = binder;
    return planFinite(context, bindQuery(context, node.SelectStmt, environment, binder.scope));
  },
};

export function statementContext(
  parsed: ParsedStatement,
  plan: PlanContext,
  source: SourceText,
  clauses: StreamClauses,
): StatementContext {
  return { parsed, plan, binding: new BindingContext(plan, source, clauses) };
}

/** `keepsOpen`: the caller types the parameters of the select list (BoundQuery.open). */
export function bindSelectNode(binding: BindingContext, node: Node, keepsOpen = false): BoundQuery {
  if ('SelectStmt' in node) return bindQuery(binding, node.SelectStmt, ENVIRONMENT, null, keepsOpen);
  throw binding.error(-1, '0A000', 'only SELECT and VALUES may stand here');
}

/** The statement with what was gathered while it was bound. */
export function planned(
  context: StatementContext,
  statement: Statement,
  columns: Schema | null = null,
): Planned {
  const { binding, parsed } = context;
  const { gathered, parameters } = binding;
  // What is only explained does nothing.
  const acts = statement.kind !== 'explain' || statement.mode === 'analyze';
  const settings = acts && gathered.settings.length > 0 ? { settings: gathered.settings } : {};
  const signals = acts && gathered.signals.length > 0 ? { signals: gathered.signals } : {};
  return {
    statement,
    // of the catalog's queries the server finds them out
    parameterTypes: catalogQueryIn(statement) === null ? parameters.resolved(parsed.parameterCount) : [],
    columns,
    requires: gathered.requirements,
    notices: gathered.notices,
    cacheable: gathered.cacheable && parsed.parameterCount === 0,
    repeatable: gathered.cacheable,
    ...settings,
    ...signals,
  };
}
