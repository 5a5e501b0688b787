/** LIMIT and OFFSET: constants and parameters. 2201W, 2201X. */
import type { Node, SelectStmt } from 'libpg-query';
import type { BindingContext } from './binding-context.ts';
import { plainClause } from './clause.ts';
import { coerceTo } from './coerce.ts';
import type { BindEnvironment } from './environment.ts';
import { ExpressionBinder } from './expression-binder.ts';
import { Scope } from './scope.ts';
import { leftmostLocation } from './tree.ts';

export type Limit = Readonly<{
  limit: number | null;
  offset: number;
  perWindow: boolean;
  /** Byte location of the count. */
  location: number;
}>;

export function bindLimit(context: BindingContext, select: SelectStmt, environment: BindEnvironment): Limit {
  const binder = (clause: string): ExpressionBinder =>
    new ExpressionBinder(context, new Scope([], null), plainClause(clause), new WeakMap(), environment);
  if (select.limitOption === 'LIMIT_OPTION_WITH_TIES') {
    throw context.error(
      leftmostLocation(select.limitCount),
      '0A000',
      'FETCH FIRST … WITH TIES is not supported',
      'Use LIMIT.',
    );
  }
  const limit = count(binder('LIMIT'), select.limitCount, 'LIMIT', '2201W');
  const offset = count(binder('OFFSET'), select.limitOffset, 'OFFSET', '2201X') ?? 0;
  const location = leftmostLocation(select.limitCount);
  const perWindow =
    select.limitCount !== undefined && context.clauses.limitsPerWindow.has(context.offset(location));
  return { limit, offset, perWindow, location };
}

function count(
  binder: ExpressionBinder,
  node: Node | undefined,
  clause: string,
  code: '2201W' | '2201X',
): number | null {
  if (node === undefined) return null;
  const { context } = binder;
  if ('ColumnRef' in node) {
    throw context.error(leftmostLocation(node), '42P10', `argument of ${clause} must not contain variables`);
  }
  const bound = binder.bind(node);
  if (
    bound.open === null &&
    !['int2', 'int4', 'int8', 'numeric', 'float4', 'float8'].includes(bound.expression.type.name)
  ) {
    const type = bound.expression.type.name;
    throw context.error(
      bound.location,
      '42804',
      `argument of ${clause} must be type bigint, not type ${type === 'bool' ? 'boolean' : type}`,
    );
  }
  const value =
    constantCount(
      bound.expression.kind === 'constant' && bound.open === null ? bound.expression.text : undefined,
    ) ?? coerceTo(context, bound, 'int8');
  if (typeof value === 'number') return checked(context, value, clause, code, bound.location);
  if (value.kind !== 'constant') {
    throw context.error(
      bound.location,
      '0A000',
      `${clause} takes a constant or a parameter only`,
      'Compute the number first, and give it as a parameter.',
    );
  }
  return value.text === null ? null : checked(context, Number(value.text), clause, code, bound.location);
}

/** Numbers are rounded as the cast to bigint does for numeric: half away from zero. */
function constantCount(text: string | null | undefined): number | null {
  if (text === null || text === undefined || !/^-?\d+(\.\d+)?$/.test(text)) return null;
  const value = Number(text);
  return Math.sign(value) * Math.round(Math.abs(value));
}

function checked(
  context: BindingContext,
  value: number,
  clause: string,
  code: '2201W' | '2201X',
  location: number,
): number {
  // PostgreSQL finds this when it runs and gives no position.
  if (value < 0) throw context.error(-1, code, `${clause} must not be negative`);
  if (!Number.isSafeInteger(value)) throw context.error(location, '22003', 'bigint out of range');
  return value;
}
