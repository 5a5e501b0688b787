/** Uncorrelated sub-queries: planned apart, evaluated once before a finite query. Scalar ones, EXISTS, IN and = ANY. */
import type { Node, SubLink } from 'libpg-query';
import type { SqlType, TypeName } from '../../common/types.ts';
import { BOOL, type Expression } from '../../runtime/plan/expression.ts';
import type { PlanNode, QueryPlan } from '../../runtime/plan/query-plan.ts';
import { type Bound, column, typed } from './bound.ts';
import { commonType, tryCoerce } from './coerce.ts';
import type { ExpressionBinder } from './expression-binder.ts';
import { operator } from './operators.ts';
import { stringOf } from './tree.ts';

export function bindSubquery(binder: ExpressionBinder, link: SubLink): Bound {
  const { context } = binder;
  const location = link.location ?? 0;
  switch (link.subLinkType) {
    case 'EXPR_SUBLINK':
      return bindScalar(binder, link, location);
    case 'EXISTS_SUBLINK':
      return bindExists(binder, link, location);
    case 'ANY_SUBLINK':
      return bindAny(binder, link, location);
    case 'ALL_SUBLINK':
      throw context.error(
        location,
        '0A000',
        'ALL over a sub-query is not supported',
        'Compare with a scalar sub-query: (SELECT max(…) FROM …).',
      );
    case 'ARRAY_SUBLINK':
      throw context.error(
        location,
        '0A000',
        'ARRAY(SELECT …) is not supported',
        'Run the sub-query as a query of its own.',
      );
    default:
      throw context.error(location, '0A000', 'this kind of sub-query is not supported');
  }
}

/** Its place among the sub-queries of the query around it. */
function add({ context: { gathered } }: ExpressionBinder, plan: QueryPlan, location: number): number {
  gathered.firstSubquery ??= location;
  gathered.subqueries.push(plan);
  return gathered.subqueries.length - 1;
}

function bindScalar(binder: ExpressionBinder, link: SubLink, location: number): Bound {
  const plan = binder.environment.planSubquery(binder, link.subselect as Node);
  const [first, ...others] = plan.columns;
  if (first === undefined || others.length > 0)
    throw binder.context.error(location, '42601', 'subquery must return only one column');
  return typed({ kind: 'subquery', index: add(binder, plan, location), type: first.type }, location);
}

/** One column of a sub-query that gives a row of so many. */
export function bindScalarColumn(
  binder: ExpressionBinder,
  link: SubLink,
  place: number,
  columns: number,
): Bound {
  const location = link.location ?? 0;
  const plan = binder.environment.planSubquery(binder, link.subselect as Node);
  const field = plan.columns[place];
  if (field === undefined || plan.columns.length !== columns)
    throw binder.context.error(location, '42601', 'number of columns does not match number of values');
  const one = projected(plan, column(plan.output[place] as number, field.type));
  return typed({ kind: 'subquery', index: add(binder, one, location), type: field.type }, location);
}

/** Whether there is a first row: its one value is true. */
function bindExists(binder: ExpressionBinder, link: SubLink, location: number): Bound {
  const plan = binder.environment.planSubquery(binder, link.subselect as Node);
  const one = projected(plan, { kind: 'constant', text: 't', type: BOOL });
  const limit = Math.min(plan.limit ?? 1, 1);
  const index = add(binder, { ...one, limit }, location);
  const found: Expression = { kind: 'subquery', index, type: BOOL };
  return typed({ kind: 'is-null', arg: found, negated: true, type: BOOL }, location);
}

/** x IN (SELECT …), x = ANY (SELECT …). */
function bindAny(binder: ExpressionBinder, link: SubLink, location: number): Bound {
  const { context } = binder;
  const symbol = (link.operName ?? []).map(stringOf).at(-1) ?? '=';
  const left = link.testexpr as Node;
  if (symbol !== '=' || 'RowExpr' in left) {
    throw context.error(
      location,
      '0A000',
      'only x IN (SELECT …) and x = ANY (SELECT …) are supported, of one column',
      'Compare with a scalar sub-query: (SELECT max(…) FROM …).',
    );
  }
  const arg = binder.bind(left);
  const plan = binder.environment.planSubquery(binder, link.subselect as Node);
  const [first, ...others] = plan.columns;
  if (first === undefined || others.length > 0)
    throw context.error(location, '42601', 'subquery has too many columns');
  const ordinal = plan.output[0] as number;
  const member = typed(column(ordinal, first.type), location);
  const name = comparedType(binder, arg, member, location);
  const operand = tryCoerce(context, arg, { name }, 'implicit');
  const value = tryCoerce(context, member, { name }, 'implicit');
  if (operand === null || value === null)
    throw context.error(
      location,
      '0A000',
      'IN over values of these types is not supported',
      'Cast one of them.',
    );
  const rows: QueryPlan = { ...projected(plan, value), manyRows: true };
  const type: SqlType = { name };
  const list: Expression = { kind: 'subquery-rows', index: add(binder, rows, location), type };
  return typed({ kind: 'in', arg: operand, list: [list], negated: false, type: BOOL }, location);
}

/** The type in which both sides are compared: 42883 where PostgreSQL has no such operator. */
function comparedType(binder: ExpressionBinder, arg: Bound, member: Bound, location: number): TypeName {
  const equality = operator(binder, '=', arg, member, location).expression;
  const [a, b] = equality.kind === 'call' ? equality.args : [];
  if (a === undefined || b === undefined) return member.expression.type.name;
  if (a.type.name === b.type.name) return a.type.name;
  return commonType(binder.context, [typed(a, location), typed(b, location)], 'IN');
}

/** The plan with this one value a row. The order of its rows does not matter: a LIMIT with ORDER BY is in its nodes. */
function projected(plan: QueryPlan, value: Expression): QueryPlan {
  const columns = [{ name: 'value', type: value.type }];
  const root: PlanNode = {
    kind: 'project',
    id: plan.root.id + 1,
    schema: columns,
    timeColumns: [],
    appendOnly: plan.root.appendOnly,
    input: plan.root,
    expressions: [value],
  };
  return { ...plan, root, output: [0], columns, order: [], key: null };
}
