/** Operators, comparisons and the forms that PostgreSQL's grammar keeps as A_Expr: IN, BETWEEN, LIKE, NULLIF … */
import type { A_Expr, Node } from 'libpg-query';
import { elementTypeName, isArrayType, type TypeName } from '../../common/types.ts';
import { BOOL, type Expression, junction, someExpression } from '../../runtime/plan/expression.ts';
import { functionsNamed } from '../../runtime/plan/functions.ts';
import type { FunctionSignature } from '../../runtime/plan/signature.ts';
import { type Bound, typed, typeOf } from './bound.ts';
import { coerceTo, commonType, tryCoerce, typeLabel } from './coerce.ts';
import type { ExpressionBinder } from './expression-binder.ts';
import { resolve, resolveOperator } from './function-resolution.ts';
import { parseArrayElements } from './literal.ts';
import { leftmostLocation, listOf, stringOf } from './tree.ts';
import { isPreferred } from './type-category.ts';

export function bindOperatorExpression(binder: ExpressionBinder, e: A_Expr, node: Node): Bound {
  const location = e.location ?? 0;
  const at = leftmostLocation(node);
  const name = (e.name ?? []).map(stringOf).at(-1) ?? '';
  const left = e.lexpr;
  const right = e.rexpr as Node;
  switch (e.kind) {
    case 'AEXPR_OP':
    case 'AEXPR_LIKE':
    case 'AEXPR_ILIKE':
    case 'AEXPR_SIMILAR':
      return relocate(bindSimple(binder, name, left, right, location), at);
    case 'AEXPR_DISTINCT':
    case 'AEXPR_NOT_DISTINCT':
      return relocate(
        bindDistinct(binder, left as Node, right, e.kind === 'AEXPR_NOT_DISTINCT', location),
        at,
      );
    case 'AEXPR_NULLIF':
      return bindNullIf(binder, left as Node, right, location);
    case 'AEXPR_IN':
      return relocate(bindIn(binder, left as Node, listOf(right), name === '<>', location), at);
    case 'AEXPR_BETWEEN':
    case 'AEXPR_NOT_BETWEEN':
    case 'AEXPR_BETWEEN_SYM':
    case 'AEXPR_NOT_BETWEEN_SYM':
      return relocate(bindBetween(binder, e.kind, left as Node, listOf(right), location), at);
    case 'AEXPR_OP_ANY':
    case 'AEXPR_OP_ALL':
      return relocate(
        bindQuantified(binder, e.kind === 'AEXPR_OP_ANY', name, left as Node, right, location),
        at,
      );
    default:
      throw binder.refuse(node);
  }
}

const relocate = (bound: Bound, location: number): Bound => ({ ...bound, location });

function bindSimple(
  binder: ExpressionBinder,
  name: string,
  left: Node | undefined,
  right: Node,
  location: number,
): Bound {
  if (left !== undefined && 'RowExpr' in left && 'RowExpr' in right) {
    return bindRows(binder, name, left.RowExpr.args ?? [], right.RowExpr.args ?? [], location);
  }
  const rightBound = (): Bound => binder.bind(right);
  if (left === undefined) return prefixOperator(binder, name, rightBound(), location);
  const l = binder.bind(left);
  return operator(binder, name, l, rightBound(), location);
}

function prefixOperator(binder: ExpressionBinder, name: string, arg: Bound, location: number): Bound {
  const found = resolve(functionsNamed('prefix-operator', name), [typeOf(arg)]);
  if (found.kind !== 'found') {
    const hint =
      found.kind === 'ambiguous'
        ? 'Could not choose a best candidate operator. You might need to add explicit type casts.'
        : 'No operator matches the given name and argument type. You might need to add an explicit type cast.';
    const label = `${name} ${typeLabel(arg)}`;
    if (found.kind === 'ambiguous')
      throw binder.context.error(location, '42725', `operator is not unique: ${label}`, hint);
    throw binder.context.error(location, '42883', `operator does not exist: ${label}`, hint);
  }
  const { candidate, args } = found;
  const value = coerceTo(binder.context, arg, args[0] ?? 'text');
  return typed(
    { kind: 'call', function: candidate.key, args: [value], type: { name: candidate.result } },
    location,
  );
}

/** A binary operator over bound sides; 42883, 42725. */
export function operator(
  binder: ExpressionBinder,
  name: string,
  left: Bound,
  right: Bound,
  location: number,
): Bound {
  const symbol = name === '!=' ? '<>' : name;
  if (symbol === '||') {
    const text = concatenation(binder, left, right, location);
    if (text !== null) return text;
  }
  const all = functionsNamed('operator', symbol);
  const candidates = symbol === '||' ? concatenations(all, left, right) : all;
  const found = resolveOperator(candidates, typeOf(left), typeOf(right));
  if (found.kind !== 'found') {
    const label = `${typeLabel(left)} ${symbol} ${typeLabel(right)}`;
    if (found.kind === 'ambiguous') {
      throw binder.context.error(
        location,
        '42725',
        `operator is not unique: ${label}`,
        'Could not choose a best candidate operator. You might need to add explicit type casts.',
      );
    }
    throw binder.context.error(
      location,
      '42883',
      `operator does not exist: ${label}`,
      'No operator matches the given name and argument types. You might need to add explicit type casts.',
    );
  }
  const {
    candidate,
    args: [l = 'text', r = 'text'],
  } = found;
  const args = [coerceTo(binder.context, left, l), coerceTo(binder.context, right, r)];
  return typed({ kind: 'call', function: candidate.key, args, type: { name: candidate.result } }, location);
}

/** Those of arrays where a side is one; without, a string that is open is no array. */
function concatenations(
  all: readonly FunctionSignature[],
  left: Bound,
  right: Bound,
): readonly FunctionSignature[] {
  const isArray = (type: TypeName | null): boolean => type !== null && isArrayType(type);
  const ofArrays = isArray(typeOf(left)) || isArray(typeOf(right));
  return all.filter(({ result }) => isArray(result) === ofArrays);
}

/** text || anynonarray and the other way round: the other side is cast to text. */
function concatenation(binder: ExpressionBinder, left: Bound, right: Bound, location: number): Bound | null {
  const isText = (b: Bound): boolean => ['text', 'varchar', 'bpchar'].includes(typeOf(b) ?? '');
  const isOther = (b: Bound): boolean => {
    const type = typeOf(b);
    return type !== null && !isArrayType(type) && !isText(b) && type !== 'bytea' && type !== 'jsonb';
  };
  const mixed = (isText(left) && isOther(right)) || (isOther(left) && isText(right));
  const openMixed = (left.open !== null && isOther(right)) || (isOther(left) && right.open !== null);
  if (!mixed && !openMixed) return null;
  const args = [castText(binder, left), castText(binder, right)];
  return typed({ kind: 'call', function: '||(text,text)', args, type: { name: 'text' } }, location);
}

/** As `::text` gives it. */
function castText(binder: ExpressionBinder, bound: Bound): Expression {
  const text = tryCoerce(binder.context, bound, { name: 'text' }, 'explicit');
  if (text !== null) return text;
  throw binder.context.error(bound.location, '42846', `cannot cast type ${typeLabel(bound)} to text`);
}

/** A value's output text: for bool and bpchar that is not the cast to text. */
export function outputText(binder: ExpressionBinder, bound: Bound): Expression {
  const type = typeOf(bound);
  if (type === 'bool' || type === 'bpchar') {
    return { kind: 'call', function: `output(${type})`, args: [bound.expression], type: { name: 'text' } };
  }
  return castText(binder, bound);
}

/** Row comparison, by columns from the left. */
function bindRows(
  binder: ExpressionBinder,
  name: string,
  left: readonly Node[],
  right: readonly Node[],
  location: number,
): Bound {
  if (left.length !== right.length) {
    throw binder.context.error(location, '42601', 'unequal number of entries in row expressions');
  }
  if (left.length === 0) throw binder.context.error(location, '0A000', 'cannot compare rows of zero length');
  const pairs = left.map((l, i) => [binder.bind(l), binder.bind(right[i] as Node)] as const);
  const compare = (symbol: string, i: number): Expression => {
    const [l, r] = pairs[i] as readonly [Bound, Bound];
    return operator(binder, symbol, l, r, location).expression;
  };
  const all = (symbol: string): readonly Expression[] => pairs.map((_, i) => compare(symbol, i));
  if (name === '=') return typed(junction('and', all('=')), location);
  if (name === '<>' || name === '!=') return typed(junction('or', all('<>')), location);
  if (!['<', '<=', '>', '>='].includes(name)) {
    throw binder.context.error(
      location,
      '0A000',
      `could not determine interpretation of row comparison operator ${name}`,
      'Row comparison operators must be associated with btree operator families.',
    );
  }
  const strict = name.slice(0, 1);
  let result = compare(name, pairs.length - 1);
  for (let i = pairs.length - 2; i >= 0; i--) {
    result = junction('or', [compare(strict, i), junction('and', [compare('=', i), result])]);
  }
  return typed(result, location);
}

function bindDistinct(
  binder: ExpressionBinder,
  left: Node,
  right: Node,
  negated: boolean,
  location: number,
): Bound {
  const l = binder.bind(left);
  const r = binder.bind(right);
  const equality = operator(binder, '=', l, r, location).expression;
  const [a, b] = equality.kind === 'call' ? equality.args : [];
  if (a === undefined || b === undefined) throw binder.context.error(location, '0A000', 'IS DISTINCT FAIL');
  const [x, y] = sameType(binder, typed(a, l.location), typed(b, r.location));
  return typed({ kind: 'is-distinct', left: x, right: y, negated, type: BOOL }, location);
}

/** Both sides in one type: int4 and int8 compare as they are in PostgreSQL, but here a node has one type. */
function sameType(binder: ExpressionBinder, a: Bound, b: Bound): readonly [Expression, Expression] {
  const name = commonType(binder.context, [a, b], 'IS DISTINCT FROM');
  return [coerceTo(binder.context, a, name), coerceTo(binder.context, b, name)];
}

function bindNullIf(binder: ExpressionBinder, left: Node, right: Node, location: number): Bound {
  const l = binder.bind(left);
  const equality = operator(binder, '=', l, binder.bind(right), location).expression;
  const value = l.open === null ? l.expression : equality.kind === 'call' ? equality.args[0] : undefined;
  if (value === undefined)
    throw binder.context.error(location, '0A000', 'NULLIF over this type is not supported');
  const branches = [
    // biome-ignore lint/suspicious/noThenProperty: THEN of a CASE.
    { when: equality, then: { kind: 'constant', text: null, type: value.type } as Expression },
  ];
  return typed({ kind: 'case', branches, otherwise: value, type: value.type }, location);
}

/** One list node where all members have a common type with the left side, else OR of equalities. */
function bindIn(
  binder: ExpressionBinder,
  left: Node,
  list: readonly Node[],
  negated: boolean,
  location: number,
): Bound {
  if ('RowExpr' in left) {
    const rows = list.map((item) => {
      if (!('RowExpr' in item)) throw binder.refuse(item);
      return bindRows(binder, '=', left.RowExpr.args ?? [], item.RowExpr.args ?? [], location).expression;
    });
    const any = junction('or', rows);
    return typed(negated ? { kind: 'not', arg: any, type: BOOL } : any, location);
  }
  const arg = binder.bind(left);
  const members = list.map((item) => binder.bind(item));
  // As PostgreSQL: constants, if there are several, in one common type; each other member compared by itself.
  const constants = members.filter((m) => !hasColumns(m.expression));
  const common = constants.length > 1 ? inType(binder, arg, constants) : null;
  const single = common === null ? members : members.filter((m) => !constants.includes(m));
  const symbol = negated ? '<>' : '=';
  const parts = single.map((m) => operator(binder, symbol, arg, m, location).expression);
  if (common !== null) {
    parts.unshift({ kind: 'in', arg: common.operand, list: common.values, negated, type: BOOL });
  }
  return typed(junction(negated ? 'and' : 'or', parts), location);
}

const hasColumns = (e: Expression): boolean => someExpression(e, (x) => x.kind === 'column');

function inType(binder: ExpressionBinder, arg: Bound, members: readonly Bound[]) {
  const types = new Set([arg, ...members].flatMap((b) => typeOf(b) ?? []));
  // The operator must exist, and be worded by PostgreSQL's rules where it does not.
  let name = types.size === 0 ? 'text' : [...types][0];
  try {
    name = commonType(binder.context, [arg, ...members], 'IN');
  } catch {
    return null;
  }
  if (name === undefined) return null;
  if (name === 'varchar') name = 'text';
  const target = name;
  const comparable = functionsNamed('operator', '=').some(
    (f) => f.args[0] === target && f.args[1] === target,
  );
  if (!comparable) return null;
  const operand = tryCoerce(binder.context, arg, { name: target }, 'implicit');
  const values = members.map((m) => tryCoerce(binder.context, m, { name: target }, 'implicit'));
  if (operand === null || values.some((v) => v === null)) return null;
  return { operand, values: values as readonly Expression[] };
}

function bindBetween(
  binder: ExpressionBinder,
  kind: string,
  left: Node,
  bounds: readonly Node[],
  location: number,
): Bound {
  const [low, high] = bounds as readonly [Node, Node];
  const between = (a: Node, b: Node): Expression => {
    const from = operator(binder, '>=', binder.bind(left), binder.bind(a), location).expression;
    const to = operator(binder, '<=', binder.bind(left), binder.bind(b), location).expression;
    return junction('and', [from, to]);
  };
  const inside = kind.endsWith('SYM')
    ? junction('or', [between(low, high), between(high, low)])
    : between(low, high);
  if (!kind.includes('NOT')) return typed(inside, location);
  return typed({ kind: 'not', arg: inside, type: BOOL }, location);
}

/** x op ANY | ALL over ARRAY[…] or a parameter's array. */
function bindQuantified(
  binder: ExpressionBinder,
  any: boolean,
  name: string,
  left: Node,
  right: Node,
  location: number,
): Bound {
  const arg = binder.bind(left);
  const members = arrayMembers(binder, arg, right, location);
  if (any && name === '=') {
    const common = inType(binder, arg, members);
    if (common !== null && members.length > 0) {
      return typed(
        { kind: 'in', arg: common.operand, list: common.values, negated: false, type: BOOL },
        location,
      );
    }
  }
  if (members.length === 0) return typed({ kind: 'constant', text: any ? 'f' : 't', type: BOOL }, location);
  const parts = members.map((m) => operator(binder, name, arg, m, location).expression);
  return typed(junction(any ? 'or' : 'and', parts), location);
}

function arrayMembers(binder: ExpressionBinder, arg: Bound, right: Node, location: number): readonly Bound[] {
  if ('A_ArrayExpr' in right) return (right.A_ArrayExpr.elements ?? []).map((e) => binder.bind(e));
  const bound = binder.bind(right);
  const own = typeOf(bound);
  if (own !== null && !isArrayType(own)) {
    throw binder.context.error(location, '42809', 'op ANY/ALL (array) requires array on right side');
  }
  const element = own === null ? elementOf(arg) : elementTypeName(own);
  const array = coerceTo(binder.context, bound, `_${element}`);
  if (array.kind === 'call' && array.function.startsWith('array('))
    return array.args.map((a) => typed(a, bound.location));
  if (array.kind !== 'constant') {
    throw binder.context.error(
      location,
      '0A000',
      'ANY and ALL over array columns are not supported',
      'Give the values as ARRAY[…] or as a parameter.',
    );
  }
  const type = { name: element } as const;
  if (array.text === null) return [typed({ kind: 'constant', text: null, type }, bound.location)];
  return parseArrayElements(array.text).map((text) =>
    typed({ kind: 'constant', text, type }, bound.location),
  );
}

function elementOf(arg: Bound) {
  const type = typeOf(arg) ?? 'text';
  const element = elementTypeName(type);
  return element === 'varchar' && !isPreferred(element) ? 'text' : element;
}
