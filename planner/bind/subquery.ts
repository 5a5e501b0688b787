/** Uncorrelated scalar sub-queries: planned apart, evaluated once before a finite query. */
import type { Node, SubLink } from 'libpg-query';
import { type Bound, typed } from './bound.ts';
import type { ExpressionBinder } from './expression-binder.ts';

const REFUSALS: Readonly<Record<string, readonly [string, string]>> = {
  EXISTS_SUBLINK: [
    'EXISTS is not supported',
    'Compare a scalar sub-query instead: (SELECT count(*) FROM …) > 0.',
  ],
  ANY_SUBLINK: [
    'IN and ANY over a sub-query are not supported',
    'Join with the table FOR SYSTEM_TIME AS OF PROCTIME(), or list the values.',
  ],
  ALL_SUBLINK: [
    'ALL over a sub-query is not supported',
    'Compare with a scalar sub-query: (SELECT max(…) FROM …).',
  ],
  ARRAY_SUBLINK: ['ARRAY(SELECT …) is not supported', 'Run the sub-query as a query of its own.'],
};

export function bindScalarSubquery(binder: ExpressionBinder, link: SubLink): Bound {
  const { context } = binder;
  const location = link.location ?? 0;
  const refusal = REFUSALS[link.subLinkType ?? ''];
  if (refusal !== undefined) throw context.error(location, '0A000', refusal[0], refusal[1]);
  if (link.subLinkType !== 'EXPR_SUBLINK')
    throw context.error(location, '0A000', 'this kind of sub-query is not supported');
  const plan = binder.environment.planSubquery(binder, link.subselect as Node);
  const [first, ...others] = plan.columns;
  if (first === undefined || others.length > 0) {
    throw context.error(location, '42601', 'subquery must return only one column');
  }
  const { gathered } = context;
  gathered.firstSubquery ??= location;
  gathered.subqueries.push(plan);
  return typed({ kind: 'subquery', index: gathered.subqueries.length - 1, type: first.type }, location);
}
