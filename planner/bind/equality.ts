/** Which types can be keys and be sorted. */
import { formatType } from '../../common/types.ts';
import type { Expression } from '../../runtime/plan/expression.ts';
import type { BindingContext } from './binding-context.ts';

type Where = Readonly<{ context: BindingContext }>;

/** Keys of DISTINCT, GROUP BY and UNION; json has no equality. */
export function requireEquality(binder: Where, e: Expression, location: number): void {
  if (!/^_?json$/.test(e.type.name)) return;
  throw binder.context.error(
    location,
    '42883',
    `could not identify an equality operator for type ${formatType({ name: e.type.name })}`,
  );
}

export function requireOrdering(binder: Where, e: Expression, location: number): void {
  if (!/^_?json$/.test(e.type.name)) return;
  throw binder.context.error(
    location,
    '42883',
    `could not identify an ordering operator for type ${formatType({ name: e.type.name })}`,
    'Use an explicit ordering operator or modify the query.',
  );
}
