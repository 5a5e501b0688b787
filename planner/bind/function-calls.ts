/** Function calls: scalar functions, aggregates, row_number() OVER, functions about the session, casts as functions. */
import type { FuncCall, Node } from 'libpg-query';
import type { TypeName } from '../../common/types.ts';
import { aggregatesNamed } from '../../runtime/plan/aggregates.ts';
import type { Expression } from '../../runtime/plan/expression.ts';
import { functionsNamed } from '../../runtime/plan/functions.ts';
import type { AggregateSignature } from '../../runtime/plan/signature.ts';
import { AGGREGATE_BASE, type Bound, column, INT8, typed, typeOf } from './bound.ts';
import { plainClause } from './clause.ts';
import { castExplicitly, coerceTo, settle, typeLabel } from './coerce.ts';
import { requireEquality } from './equality.ts';
import type { ExpressionBinder } from './expression-binder.ts';
import { type ArgumentType, resolve } from './function-resolution.ts';
import { outputText } from './operators.ts';
import { bindClaim } from './claim-function.ts';
import { bindHasRole } from './role-function.ts';
import { bindSessionFunction } from './session-functions.ts';
import { stringOf } from './tree.ts';
import { canCast } from './type-category.ts';
import { scalarTypeName } from './type-names.ts';
import { bindWatermark } from './watermark-function.ts';
import { bindWindowFunction } from './window-functions.ts';

/** Windows in FROM and GROUP BY; elsewhere they are refused. */
export const WINDOW_FUNCTION_NAMES: ReadonlySet<string> = new Set([
  'hop',
  'tumble',
  'cumulate',
  'session',
  'windo_',
  'session_window',
]);

/** Entries of the function table that only the planner calls. */
const INTERNAL: ReadonlySet<string> = new Set(['[]', 'array', 'output', 'varchar', 'bpchar', 'numeric']);

const NOW_FUNCTIONS: ReadonlySet<string> = new Set(['now', 'transaction_timestamp', 'statement_timestamp']);

export function bindFunctionCall(binder: ExpressionBinder, call: FuncCall): Bound {
  const location = call.location ?? 0;
  const names = (call.funcname ?? []).map(stringOf);
  const name = names.at(-1) ?? '';
  const schema = names.length > 1 ? (names.at(-2) ?? null) : null;
  const { context } = binder;
  if (schema !== null && schema !== 'pg_catalog' && schema !== 'millrace') {
    throw missing(binder, call, names.join('.'), []);
  }
  if (schema === null && WINDOW_FUNCTION_NAMES.has(name)) throw misplacedWindow(binder, name, location);
  if (call.over !== undefined) return bindWindowFunction(binder, call, name);
  if (schema === 'millrace' && name === 'watermark') return bindWatermark(binder, call);
  if (schema === 'millrace' && name === 'claim') return bindClaim(binder, call);
  if (schema !== 'millrace') {
    const count = (call.args ?? []).length;
    if (name === 'pg_has_role' && (count === 2 || count === 3)) return bindHasRole(binder, call);
    const session = bindSessionFunction(binder, call, name);
    if (session !== null) return session;
    if (NOW_FUNCTIONS.has(name) && (call.args ?? []).length === 0) {
      return typed({ kind: 'now', type: { name: 'timestamptz' } }, location);
    }
  }
  if (aggregatesNamed(name).length > 0) return bindAggregate(binder, call, name);
  if (
    call.agg_star === true &&
    (call.args ?? []).length === 0 &&
    functionsNamed('function', name).every((f) => f.args.length > 0)
  ) {
    throw missing(binder, call, name, []);
  }
  if (call.agg_star === true) {
    throw context.error(location, '42809', `${name}(*) specified, but ${name} is not an aggregate function`);
  }
  if (call.agg_distinct === true) {
    throw context.error(location, '42809', `DISTINCT specified, but ${name} is not an aggregate function`);
  }
  if (call.agg_filter !== undefined) {
    throw context.error(location, '42809', `FILTER specified, but ${name} is not an aggregate function`);
  }
  return bindScalar(binder, call, schema === 'millrace' ? `millrace.${name}` : name);
}

function misplacedWindow(binder: ExpressionBinder, name: string, location: number): Error {
  const shown = name === 'windo_' ? 'window' : name;
  return binder.context.error(
    location,
    '0A000',
    `${shown}() is not supported in ${binder.clause.name}`,
    'Name the window in FROM or GROUP BY, and use window_start and window_end here.',
  );
}

function bindArguments(binder: ExpressionBinder, call: FuncCall): readonly Bound[] {
  return (call.args ?? []).map((arg: Node) => {
    if ('NamedArgExpr' in arg) {
      throw binder.context.error(
        arg.NamedArgExpr.location,
        '0A000',
        'named arguments are not supported for this function',
      );
    }
    return binder.bind(arg);
  });
}

function bindScalar(binder: ExpressionBinder, call: FuncCall, name: string): Bound {
  const location = call.location ?? 0;
  if (call.func_variadic === true) throw binder.context.error(location, '0A000', 'VARIADIC is not supported');
  const args = bindArguments(binder, call);
  if (name === 'concat' || name === 'concat_ws') return bindConcat(binder, call, name, args);
  const candidates = INTERNAL.has(name) ? [] : functionsNamed('function', name);
  const types: readonly ArgumentType[] = args.map(typeOf);
  const exact = candidates.find(
    (c) => c.args.length === types.length && c.args.every((t, i) => t === types[i]),
  );
  if (exact === undefined) {
    const cast = castAsFunction(binder, name, args, location);
    if (cast !== null) return cast;
  }
  const found = resolve(candidates, types);
  if (found.kind === 'ambiguous') throw ambiguous(binder, call, name, args);
  if (found.kind === 'none') throw missing(binder, call, name, args);
  const { candidate } = found;
  const coerced = args.map((arg, i) => coerceTo(binder.context, arg, found.args[i] ?? 'text'));
  if (candidate.volatility === 'volatile') binder.context.gathered.forbidCaching();
  return typed(
    { kind: 'call', function: candidate.key, args: coerced, type: { name: candidate.result } },
    location,
  );
}

/** concat takes anything, as its output text. */
function bindConcat(binder: ExpressionBinder, call: FuncCall, name: string, args: readonly Bound[]): Bound {
  const least = name === 'concat' ? 1 : 2;
  if (args.length < least) throw missing(binder, call, name, args);
  const texts = args.map((a) => outputText(binder, a));
  const key = name === 'concat' ? 'concat(text)' : 'concat_ws(text,text)';
  return typed({ kind: 'call', function: key, args: texts, type: { name: 'text' } }, call.location ?? 0);
}

/** `date('2026-01-01')`, `float8(x)`: a type's name with one argument is a cast where no function fits exactly. */
function castAsFunction(
  binder: ExpressionBinder,
  name: string,
  args: readonly Bound[],
  location: number,
): Bound | null {
  const target = scalarTypeName(name);
  const [arg] = args;
  if (target === null || arg === undefined || args.length !== 1) return null;
  const source = typeOf(arg);
  const fits = source === null ? arg.open?.kind === 'literal' : canCast(source, target, 'explicit');
  return fits ? castExplicitly(binder.context, arg, { name: target }, location) : null;
}

const CALL_HINT = 'You might need to add explicit type casts.';

function missing(binder: ExpressionBinder, call: FuncCall, name: string, args: readonly Bound[]): Error {
  const label = `${name}(${args.map(typeLabel).join(', ')})`;
  return binder.context.error(
    call.location,
    '42883',
    `function ${label} does not exist`,
    `No function matches the given name and argument types. ${CALL_HINT}`,
  );
}

function ambiguous(binder: ExpressionBinder, call: FuncCall, name: string, args: readonly Bound[]): Error {
  const label = `${name}(${args.map(typeLabel).join(', ')})`;
  return binder.context.error(
    call.location,
    '42725',
    `function ${label} is not unique`,
    `Could not choose a best candidate function. ${CALL_HINT}`,
  );
}

function bindAggregate(binder: ExpressionBinder, call: FuncCall, name: string): Bound {
  const location = call.location ?? 0;
  const { context } = binder;
  if (call.agg_within_group === true) {
    throw context.error(
      location,
      '0A000',
      'ordered-set aggregates are not supported',
      'Use min, max, avg or count with FILTER.',
    );
  }
  if ((call.agg_order ?? []).length > 0) {
    throw context.error(
      location,
      '0A000',
      'ORDER BY inside an aggregate is not supported',
      'first and last follow the order of arrival; arg_min and arg_max take the order as their second argument.',
    );
  }
  const uses = binder.clause.aggregates;
  if (uses === null) throw misplacedAggregate(binder, location);
  const inner = binder.within(plainClause('aggregate function calls'));
  const args = bindArguments(inner, call);
  const filter =
    call.agg_filter === undefined
      ? null
      : binder.within(plainClause('FILTER')).bindBoolean(call.agg_filter, 'FILTER');
  const signature = aggregateSignature(binder, call, name, args);
  const coerced = args.map((arg, i) => aggregateArgument(binder, arg, signature.args[i] ?? 'text'));
  const distinct = call.agg_distinct === true;
  if (distinct && coerced[0] !== undefined) requireEquality(binder, coerced[0], location);
  const use = { signature, args: coerced, distinct, filter };
  const known = uses.findIndex((u) => JSON.stringify(u) === JSON.stringify(use));
  if (known < 0) uses.push(use);
  const index = AGGREGATE_BASE + (known < 0 ? uses.length - 1 : known);
  return typed(column(index, resultType(signature, coerced)), location);
}

/** min, max and their kin of varchar(n) keep no modifier. */
function resultType(signature: AggregateSignature, _args: readonly Expression[]) {
  return signature.key === 'count()' ? INT8 : { name: signature.result };
}

function aggregateArgument(binder: ExpressionBinder, arg: Bound, target: TypeName): Expression {
  return arg.open !== null && target === 'text'
    ? settle(binder.context, arg)
    : coerceTo(binder.context, arg, target);
}

function aggregateSignature(
  binder: ExpressionBinder,
  call: FuncCall,
  name: string,
  args: readonly Bound[],
): AggregateSignature {
  const location = call.location ?? 0;
  if (call.agg_star === true && name !== 'count') throw missing(binder, call, name, []);
  if (name === 'count' && args.length === 0 && call.agg_star !== true) {
    throw binder.context.error(
      location,
      '42809',
      'count(*) must be used to call a parameterless aggregate function',
    );
  }
  // first, last, count take any type; an open one is text.
  const anyType = name === 'count' || name === 'first' || name === 'last' || name.startsWith('arg_');
  const types = args.map((a) => typeOf(a) ?? (anyType ? 'text' : null));
  const candidates = aggregatesNamed(name).map((c) => ({ ...c, variadic: false }));
  const found = resolve(candidates, types);
  if (found.kind === 'ambiguous') throw ambiguous(binder, call, name, args);
  if (found.kind === 'none') throw missing(binder, call, name, args);
  const { variadic: _, ...signature } = found.candidate;
  return signature;
}

function misplacedAggregate(binder: ExpressionBinder, location: number): Error {
  const where = binder.clause.name;
  const message =
    where === 'aggregate function calls'
      ? 'aggregate function calls cannot be nested'
      : `aggregate functions are not allowed in ${where}`;
  return binder.context.error(location, '42803', message);
}
