/** The clause that an expression stands in: what may stand there, and what it gathers. */
import type { Expression } from '../../runtime/plan/expression.ts';
import type { LogicalAggregate } from '../logical/logical-plan.ts';

export type AggregateUse = LogicalAggregate;

/** row_number() OVER (…): the expressions are over the same input as the call. */
export type WindowUse = Readonly<{
  partition: readonly Expression[];
  order: readonly Readonly<{ expression: Expression; descending: boolean; nullsFirst: boolean }>[];
}>;

/** What stands where: which clause this is, and what may stand in it. */
export type Clause = Readonly<{
  /** As PostgreSQL's messages name it: WHERE, GROUP BY, JOIN conditions … */
  name: string;
  aggregates: AggregateUse[] | null;
  windowUses: WindowUse[] | null;
}>;

export const plainClause = (name: string): Clause => ({ name, aggregates: null, windowUses: null });

/** For 42803: where a column reference stood, and how PostgreSQL names it. */
export type ColumnOrigin = Readonly<{ name: string; location: number }>;
export type Origins = WeakMap<Expression, ColumnOrigin>;
