/** Typed, bound expressions: the planner writes them, runtime/expression compiles them to loops over columns. Plain data. */
import type { SqlType } from '../../common/types.ts';

export type Expression =
  /** The input's column at this ordinal. */
  | Readonly<{ kind: 'column'; index: number; type: SqlType }>
  /** A literal in the text that PostgreSQL would print (ISO, UTC); null = NULL. */
  | Readonly<{ kind: 'constant'; text: string | null; type: SqlType }>
  /** A function, operator or cast of runtime/plan/functions.ts, by its key. Strict ones give NULL for a NULL argument. */
  | Readonly<{ kind: 'call'; function: string; args: readonly Expression[]; type: SqlType }>
  | Readonly<{ kind: 'and' | 'or'; args: readonly Expression[]; type: SqlType }>
  | Readonly<{ kind: 'not'; arg: Expression; type: SqlType }>
  | Readonly<{ kind: 'is-null'; arg: Expression; negated: boolean; type: SqlType }>
  /** IS [NOT] TRUE | FALSE | UNKNOWN over a boolean. */
  | Readonly<{
      kind: 'is-truth';
      arg: Expression;
      truth: 'true' | 'false' | 'unknown';
      negated: boolean;
      type: SqlType;
    }>
  /** Both sides have one type. `negated`: IS NOT DISTINCT FROM. */
  | Readonly<{ kind: 'is-distinct'; left: Expression; right: Expression; negated: boolean; type: SqlType }>
  /** Searched CASE; only the branch taken is evaluated (its errors alone count). `otherwise` null = NULL. */
  | Readonly<{
      kind: 'case';
      branches: readonly Readonly<{ when: Expression; then: Expression }>[];
      otherwise: Expression | null;
      type: SqlType;
    }>
  | Readonly<{ kind: 'coalesce' | 'greatest' | 'least'; args: readonly Expression[]; type: SqlType }>
  /** arg = ANY (list), three-valued; every member has the type of `arg`. */
  | Readonly<{ kind: 'in'; arg: Expression; list: readonly Expression[]; negated: boolean; type: SqlType }>
  /** `now`: the time of the tick (continuous) or of the statement (finite), timestamptz. */
  | Readonly<{ kind: 'now'; type: SqlType }>
  /** The single value of QueryPlan.subqueries[index], evaluated once before the query (finite queries only). */
  | Readonly<{ kind: 'subquery'; index: number; type: SqlType }>
  /** All values of such a sub-query (`manyRows`): the only member of the list of an `in`. */
  | Readonly<{ kind: 'subquery-rows'; index: number; type: SqlType }>;

export const BOOL: SqlType = { name: 'bool' };

/** Calls `visit` for the expression and all below it. */
export function walkExpression(expression: Expression, visit: (e: Expression) => void): void {
  visit(expression);
  for (const child of childrenOf(expression)) walkExpression(child, visit);
}

/** Whether it or one below it passes. */
export const someExpression = (expression: Expression, passes: (e: Expression) => boolean): boolean =>
  passes(expression) || childrenOf(expression).some((child) => someExpression(child, passes));

/** The conditions that must all hold where this one does. */
export const conjunctsOf = (condition: Expression): readonly Expression[] =>
  condition.kind === 'and' ? condition.args.flatMap(conjunctsOf) : [condition];

export function junction(kind: 'and' | 'or', args: readonly Expression[]): Expression {
  const [first] = args;
  return args.length === 1 && first !== undefined ? first : { kind, args, type: BOOL };
}

/** The column whose times the expression gives unchanged, null: none. A date is the timestamp of its midnight. */
export function timeSource(e: Expression): number | null {
  if (e.kind === 'column') return e.index;
  const [inner] = e.kind === 'call' && e.function === 'cast(date,timestamp)' ? e.args : [];
  return inner?.kind === 'column' ? inner.index : null;
}

export function childrenOf(e: Expression): readonly Expression[] {
  switch (e.kind) {
    case 'column':
    case 'constant':
    case 'now':
    case 'subquery':
    case 'subquery-rows':
      return [];
    case 'call':
    case 'and':
    case 'or':
    case 'coalesce':
    case 'greatest':
    case 'least':
      return e.args;
    case 'not':
    case 'is-null':
    case 'is-truth':
      return [e.arg];
    case 'is-distinct':
      return [e.left, e.right];
    case 'in':
      return [e.arg, ...e.list];
    case 'case':
      return [...e.branches.flatMap((b) => [b.when, b.then]), ...(e.otherwise ? [e.otherwise] : [])];
  }
}
