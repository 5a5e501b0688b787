/** What binding needs of the layers above it, and the names of WITH. */
import type { Node, SelectStmt } from 'libpg-query';
import type { QueryPlan } from '../../runtime/plan/query-plan.ts';
import type { BindingContext } from './binding-context.ts';
import type { ExpressionBinder } from './expression-binder.ts';

/** A query of WITH, bound anew wherever it is named. */
export type CommonTable = Readonly<{
  context: BindingContext;
  select: SelectStmt;
  columns: readonly string[];
  /** What this query itself may name. */
  tables: CommonTables;
}>;

export type CommonTables = ReadonlyMap<string, CommonTable>;

export type BindEnvironment = Readonly<{
  tables: CommonTables;
  /** Plans an uncorrelated sub-query as a finite query of its own. */
  planSubquery: (binder: ExpressionBinder, select: Node) => QueryPlan;
}>;
