/** Brings a bound expression to a type: literals are read, casts and length coercions applied, common types chosen. */
import { SqlError } from '../../common/sql-error.ts';
import { elementTypeName, formatType, isArrayType, type SqlType, type TypeName } from '../../common/types.ts';
import { fitBpchar, fitVarchar, formatDatum, parseDatum } from '../../common/value-text.ts';
import type { Expression } from '../../runtime/plan/expression.ts';
import type { BindingContext } from './binding-context.ts';
import { type Bound, typed, typeOf } from './bound.ts';
import { CANONICAL_SETTINGS, canonicalText } from './literal.ts';
import { type CastContext, canCast, castKey, categoryOf, isPreferred } from './type-category.ts';

export const typeLabel = (bound: Bound): string =>
  bound.open === null ? formatType({ name: bound.expression.type.name }) : 'unknown';

/** The value in this type, or null where PostgreSQL has no such cast in this context. */
export function tryCoerce(
  context: BindingContext,
  bound: Bound,
  target: SqlType,
  cast: CastContext,
): Expression | null {
  const base = coerceName(context, bound, target.name, cast);
  return base === null ? null : applyModifier(base, target, cast === 'explicit');
}

function coerceName(
  context: BindingContext,
  bound: Bound,
  target: TypeName,
  cast: CastContext,
): Expression | null {
  if (bound.open?.kind === 'literal') return readLiteral(context, bound.open.text, target, bound.location);
  if (bound.open?.kind === 'parameter') {
    context.parameters.setType(bound.open.number, target);
    return context.parameters.value(bound.open.number, { name: target });
  }
  const key = castKey(bound.expression.type.name, target, cast);
  if (key === undefined) return null;
  if (key === null) return bound.expression;
  const { expression } = bound;
  if (expression.kind === 'constant') {
    const widens = isWidening(expression.type.name, target);
    const parameter = widens ? context.parameters.widened(expression, target) : null;
    if (parameter !== null) return parameter;
    if (expression.text === null) return { ...expression, type: { name: target } };
    if (widens) return widened(expression.text, target);
  }
  return { kind: 'call', function: key, args: [expression], type: { name: target } };
}

const EXACT: ReadonlySet<TypeName> = new Set(['int2', 'int4', 'int8', 'numeric']);
const WIDER: ReadonlySet<TypeName> = new Set(['int4', 'int8', 'numeric', 'float4', 'float8']);

/** An exact number's text reads as every wider type that it casts to by itself. */
const isWidening = (source: TypeName, target: TypeName): boolean =>
  EXACT.has(source) && WIDER.has(target) && canCast(source, target, 'implicit');

const widened = (text: string, target: TypeName): Expression => ({
  kind: 'constant',
  text: canonicalText(text, target, CANONICAL_SETTINGS),
  type: { name: target },
});

/** 22P02, 22007 … with the literal's position. */
export function readLiteral(
  context: BindingContext,
  text: string | null,
  target: TypeName,
  location: number,
): Expression {
  const type: SqlType = { name: target };
  if (text === null) return { kind: 'constant', text: null, type };
  try {
    return { kind: 'constant', text: canonicalText(text, target, context.literals), type };
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    throw context.error(location, error.code, error.message, error.hint, error.detail);
  }
}

/** varchar(n), char(n), numeric(p,s): a call of its own, left out where the value has the modifier already. */
function applyModifier(e: Expression, target: SqlType, explicit: boolean): Expression {
  const hasModifier = target.length !== undefined || target.precision !== undefined;
  if (!hasModifier) return e;
  const same =
    e.type.length === target.length && e.type.precision === target.precision && e.type.scale === target.scale;
  if (same) return e;
  if (e.kind === 'constant' && e.text === null) return { ...e, type: target };
  if (isArrayType(target.name)) {
    throw new SqlError('0A000', `modifiers of array types are not supported: ${formatType(target)}`, {
      hint: `Use ${formatType({ name: target.name })}.`,
    });
  }
  if (e.kind === 'constant' && e.text !== null)
    return { kind: 'constant', text: fitted(e.text, target, explicit), type: target };
  const number = (value: number): Expression => ({
    kind: 'constant',
    text: String(value),
    type: { name: 'int4' },
  });
  if (target.length !== undefined) {
    const flag: Expression = { kind: 'constant', text: explicit ? 't' : 'f', type: { name: 'bool' } };
    return {
      kind: 'call',
      function: `${target.name}(${target.name},int4,bool)`,
      args: [e, number(target.length), flag],
      type: target,
    };
  }
  const args = [e, number(target.precision ?? 0), number(target.scale ?? 0)];
  return { kind: 'call', function: 'numeric(numeric,int4,int4)', args, type: target };
}

/** A constant with its modifier: 22001, 22003. */
function fitted(text: string, target: SqlType, explicit: boolean): string {
  if (target.length !== undefined && explicit) {
    const shorten = target.name === 'varchar' ? fitVarchar : fitBpchar;
    return shorten(text, target.length, true);
  }
  return formatDatum(parseDatum(text, target), target);
}

/** An argument of a function, operator or clause; the caller knows that the cast exists. */
export function coerceTo(context: BindingContext, bound: Bound, target: TypeName): Expression {
  const expression = tryCoerce(context, bound, { name: target }, 'implicit');
  if (expression === null) {
    const from = typeLabel(bound);
    throw context.error(
      bound.location,
      '42846',
      `cannot cast type ${from} to ${formatType({ name: target })}`,
      target === 'interval' ? "Write a duration with its unit: INTERVAL '10 seconds'." : undefined,
    );
  }
  return expression;
}

/** `CAST(x AS type)`, `x::type`: 42846 where there is none. */
export function castExplicitly(
  context: BindingContext,
  bound: Bound,
  target: SqlType,
  location: number,
): Bound {
  const expression = tryCoerce(context, bound, target, 'explicit');
  if (expression !== null) return typed(expression, location);
  const from = typeLabel(bound);
  throw context.error(location, '42846', `cannot cast type ${from} to ${formatType({ name: target.name })}`);
}

/** A condition: 42804 unless boolean. */
export function coerceToBoolean(context: BindingContext, bound: Bound, clause: string): Expression {
  const expression = tryCoerce(context, bound, { name: 'bool' }, 'assignment');
  if (expression !== null && (bound.open !== null || bound.expression.type.name === 'bool'))
    return expression;
  throw context.error(
    bound.location,
    '42804',
    `argument of ${clause} must be type boolean, not type ${typeLabel(bound)}`,
  );
}

/** An open type becomes text, as in the select list. */
export function settle(context: BindingContext, bound: Bound): Expression {
  return bound.open === null ? bound.expression : coerceTo(context, bound, 'text');
}

/** PostgreSQL's select_common_type; `clause` words the error. */
export function commonType(context: BindingContext, items: readonly Bound[], clause: string): TypeName {
  let chosen: TypeName | null = null;
  for (const item of items) {
    const type = typeOf(item);
    if (type === null || type === chosen) continue;
    if (chosen === null) {
      chosen = type;
      continue;
    }
    if (
      categoryOf(type) !== categoryOf(chosen) ||
      (isArrayType(type) && elementTypeName(type) !== elementTypeName(chosen) && !related(type, chosen))
    ) {
      throw context.error(
        item.location,
        '42804',
        `${clause} types ${formatType({ name: chosen })} and ${formatType({ name: type })} cannot be matched`,
      );
    }
    if (!isPreferred(chosen) && canCast(chosen, type, 'implicit') && !canCast(type, chosen, 'implicit'))
      chosen = type;
  }
  return chosen ?? 'text';
}

const related = (a: TypeName, b: TypeName): boolean => canCast(a, b, 'implicit') || canCast(b, a, 'implicit');

/** Same modifiers in every branch survive, else none. */
export function commonModifier(name: TypeName, items: readonly Expression[]): SqlType {
  const [first] = items;
  if (first === undefined || first.type.name !== name) return { name };
  const same = items.every(
    ({ type }) =>
      type.name === name &&
      type.length === first.type.length &&
      type.precision === first.type.precision &&
      type.scale === first.type.scale,
  );
  return same ? first.type : { name };
}

/** All items in their common type. */
export function coerceAll(
  context: BindingContext,
  items: readonly Bound[],
  clause: string,
): Readonly<{ items: readonly Expression[]; type: SqlType }> {
  const name = commonType(context, items, clause);
  const coerced = items.map((item) => {
    const expression = tryCoerce(context, item, { name }, 'implicit');
    if (expression !== null) return expression;
    throw context.error(
      item.location,
      '42846',
      `${clause} could not convert type ${typeLabel(item)} to ${formatType({ name })}`,
    );
  });
  return { items: coerced, type: commonModifier(name, coerced) };
}

/** INSERT, UPDATE and DEFAULT: 42804 with PostgreSQL's hint. */
export function coerceForColumn(
  context: BindingContext,
  bound: Bound,
  column: string,
  target: SqlType,
  what = 'expression',
): Expression {
  const expression = tryCoerce(context, bound, target, 'assignment');
  if (expression !== null) return expression;
  const subject = what === 'default expression' ? 'default expression' : 'expression';
  throw context.error(
    what === 'default expression' ? -1 : bound.location,
    '42804',
    `column "${column}" is of type ${formatType({ name: target.name })} but ${subject} is of type ${typeLabel(bound)}`,
    'You will need to rewrite or cast the expression.',
  );
}
