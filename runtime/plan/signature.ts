/** What the planner knows of a function, operator, cast or aggregate; runtime holds the implementation under `key`. */
import type { TypeName } from '../../common/types.ts';

export type Volatility = 'immutable' | 'stable' | 'volatile';

/**
 * Key: `name(arg,arg)` — `+(int4,int4)`, `lower(text)`, `cast(int4,int8)` (source, target).
 * A modifier is applied by a call of its own: `varchar(varchar,int4,bool)` as in PostgreSQL's length coercion,
 * `numeric(numeric,int4,int4)` with precision and scale.
 */
export type FunctionSignature = Readonly<{
  key: string;
  /** Lower-case name, the operator's symbol, or `cast`. */
  name: string;
  kind: 'function' | 'operator' | 'prefix-operator' | 'cast';
  args: readonly TypeName[];
  /** The last argument may repeat (concat). */
  variadic: boolean;
  result: TypeName;
  /** NULL in, NULL out, without a call. */
  strict: boolean;
  volatility: Volatility;
  /** Casts only: where PostgreSQL applies it by itself. */
  castContext?: 'implicit' | 'assignment' | 'explicit';
}>;

/** How a window's running value follows the panes: `inverse` adds and deducts, `two-stacks` keeps partial folds. */
export type Reduction = 'inverse' | 'two-stacks';

export type AggregateSignature = Readonly<{
  key: string;
  name: string;
  args: readonly TypeName[];
  result: TypeName;
  reduction: Reduction;
  /** Follows the order of arrival where no ORDER BY is given (first, last; ties of arg_min, arg_max). */
  orderSensitive: boolean;
}>;
