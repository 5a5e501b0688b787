/** CASE, CURRENT_DATE and its kin, subscripts. */
import type { A_Indirection, CaseExpr, Node, SQLValueFunction } from 'libpg-query';
import { elementTypeName, isArrayType, type TypeName } from '../../common/types.ts';
import { DATABASE } from '../../runtime/plan/authorization.ts';
import type { Expression } from '../../runtime/plan/expression.ts';
import { type Bound, openLiteral, typed } from './bound.ts';
import { coerceAll, coerceTo, typeLabel } from './coerce.ts';
import type { ExpressionBinder } from './expression-binder.ts';
import { operator } from './operators.ts';
import { identity, sessionConstant } from './session-functions.ts';
import { leftmostLocation } from './tree.ts';

export function bindCase(binder: ExpressionBinder, node: CaseExpr): Bound {
  const location = node.location ?? 0;
  const subject = node.arg === undefined ? null : binder.bind(node.arg);
  const whens: Expression[] = [];
  const thens: Bound[] = [];
  for (const item of node.args ?? []) {
    if (!('CaseWhen' in item)) continue;
    const { expr, result, location: at = 0 } = item.CaseWhen;
    if (subject === null) whens.push(binder.bindBoolean(expr as Node, 'CASE/WHEN'));
    else
      whens.push(
        operator(binder, '=', settledSubject(binder, subject), binder.bind(expr as Node), at).expression,
      );
    thens.push(binder.bind(result as Node));
  }
  const last = node.defresult === undefined ? openLiteral(null, -1) : binder.bind(node.defresult);
  // PostgreSQL looks at ELSE first.
  const { items, type } = coerceAll(binder.context, [last, ...thens], 'CASE');
  const [otherwise, ...results] = items;
  // biome-ignore lint/suspicious/noThenProperty: THEN of a CASE.
  const branches = whens.map((when, i) => ({ when, then: results[i] as Expression }));
  return typed({ kind: 'case', branches, otherwise: otherwise ?? null, type }, location);
}

function settledSubject(binder: ExpressionBinder, subject: Bound): Bound {
  return subject.open === null ? subject : typed(coerceTo(binder.context, subject, 'text'), subject.location);
}

const NOW: Expression = { kind: 'now', type: { name: 'timestamptz' } };

export function cast(e: Expression, target: TypeName): Expression {
  return { kind: 'call', function: `cast(${e.type.name},${target})`, args: [e], type: { name: target } };
}

export function bindCurrentValue(binder: ExpressionBinder, node: SQLValueFunction): Bound {
  const location = node.location ?? 0;
  const { context } = binder;
  const precise = (node.typmod ?? -1) >= 0 && (node.typmod ?? -1) < 6;
  if (precise)
    throw context.error(
      location,
      '0A000',
      'a precision of less than 6 digits is not supported: all times are in microseconds',
      'Use date_trunc.',
    );
  switch (node.op) {
    case 'SVFOP_CURRENT_TIMESTAMP':
    case 'SVFOP_CURRENT_TIMESTAMP_N':
      return typed(NOW, location);
    case 'SVFOP_CURRENT_DATE':
      return typed(cast(NOW, 'date'), location);
    case 'SVFOP_LOCALTIMESTAMP':
    case 'SVFOP_LOCALTIMESTAMP_N':
      return typed(cast(NOW, 'timestamp'), location);
    case 'SVFOP_LOCALTIME':
    case 'SVFOP_LOCALTIME_N':
      return typed(cast(NOW, 'time'), location);
    case 'SVFOP_CURRENT_TIME':
    case 'SVFOP_CURRENT_TIME_N':
      throw context.error(
        location,
        '0A000',
        'type time with time zone is not supported',
        'Use LOCALTIME or CURRENT_TIMESTAMP.',
      );
    case 'SVFOP_SESSION_USER':
      return typed(identity(context.plan.sessionUser), location);
    case 'SVFOP_CURRENT_CATALOG':
      return typed(sessionConstant(context, DATABASE.name), location);
    case 'SVFOP_CURRENT_SCHEMA':
      return typed(
        sessionConstant(
          context,
          context.searchPath.find((s) => context.catalog.schema(s) !== undefined) ?? null,
        ),
        location,
      );
    default:
      return typed(identity(context.plan.user), location);
  }
}

/** array[i] */
export function bindSubscript(binder: ExpressionBinder, node: A_Indirection, whole: Node): Bound {
  let bound = binder.bind(node.arg as Node);
  for (const item of node.indirection ?? []) {
    if (!('A_Indices' in item) || item.A_Indices.is_slice === true || item.A_Indices.uidx === undefined) {
      throw binder.context.error(
        leftmostLocation(whole),
        '0A000',
        'array slices and composite fields are not supported',
      );
    }
    const type = bound.expression.type.name;
    if (bound.open !== null || !isArrayType(type)) {
      throw binder.context.error(
        bound.location,
        '42804',
        `cannot subscript type ${typeLabel(bound)} because it does not support subscripting`,
      );
    }
    const index = binder.bind(item.A_Indices.uidx);
    const element = elementTypeName(type);
    const args = [bound.expression, coerceTo(binder.context, index, 'int4')];
    bound = typed(
      { kind: 'call', function: `[](${type},int4)`, args, type: { name: element } },
      bound.location,
    );
  }
  return bound;
}
