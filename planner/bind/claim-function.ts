/** millrace.claim('name'): what the token says that the session's login came with, as text; NULL without one. */
import type { FuncCall } from 'libpg-query';
import type { PlanContext } from '../statement.ts';
import { type Bound, typed } from './bound.ts';
import { constantName } from './constant-name.ts';
import type { ExpressionBinder } from './expression-binder.ts';
import { identity } from './session-functions.ts';

export function bindClaim(binder: ExpressionBinder, call: FuncCall): Bound {
  const { context } = binder;
  const location = call.location ?? 0;
  const { text: name } = constantName(binder, call, 'millrace.claim', 'claim');
  context.gathered.claims();
  return typed(identity(name === null ? null : claimText(context.plan.claims, name)), location);
}

/** Texts as they are, anything else as JSON; what is no member of the token itself is not there. */
function claimText(claims: PlanContext['claims'], name: string): string | null {
  const value = claims !== null && Object.hasOwn(claims, name) ? claims[name] : null;
  if (value === null || value === undefined) return null;
  return typeof value === 'string' ? value : JSON.stringify(value);
}
