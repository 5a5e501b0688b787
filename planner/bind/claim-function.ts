/** millrace.claim('name'): what the token says that the session's login came with, as text; NULL without one. */
import type { FuncCall } from 'libpg-query';
import type { PlanContext } from '../statement.ts';
import { type Bound, typed } from './bound.ts';
import { coerceTo } from './coerce.ts';
import type { ExpressionBinder } from './expression-binder.ts';
import { identity } from './session-functions.ts';

export function bindClaim(binder: ExpressionBinder, call: FuncCall): Bound {
  const { context } = binder;
  const location = call.location ?? 0;
  const [argument, ...more] = call.args ?? [];
  if (argument === undefined || more.length > 0) {
    throw context.error(location, '42883', 'function millrace.claim takes the name of a claim');
  }
  const bound = binder.bind(argument);
  const name = coerceTo(context, bound, 'text');
  if (name.kind !== 'constant') {
    throw context.error(
      bound.location,
      '0A000',
      'millrace.claim takes a constant name',
      "Write millrace.claim('name').",
    );
  }
  context.gathered.claims();
  return typed(identity(name.text === null ? null : claimText(context.plan.claims, name.text)), location);
}

/** Texts as they are, anything else as JSON; what is no member of the token itself is not there. */
function claimText(claims: PlanContext['claims'], name: string): string | null {
  const value = claims !== null && Object.hasOwn(claims, name) ? claims[name] : null;
  if (value === null || value === undefined) return null;
  return typeof value === 'string' ? value : JSON.stringify(value);
}
