/** The table of aggregates. arg_min and arg_max take every type by every ordered type, so their rows are made when asked. */
import type { TypeName } from '../../common/types.ts';
import { FLOATS, INTEGERS, ORDERED, ORDERED_ARRAYS, TYPES } from './functions/types.ts';
import type { AggregateSignature, Reduction } from './signature.ts';

function aggregate(
  name: string,
  args: readonly TypeName[],
  result: TypeName,
  reduction: Reduction,
  orderSensitive = false,
): AggregateSignature {
  return { key: `${name}(${args.join(',')})`, name, args, result, reduction, orderSensitive };
}

const VARIANCES = ['var_pop', 'var_samp', 'variance', 'stddev_pop', 'stddev_samp', 'stddev'] as const;

/** min and max: varchar and its arrays are compared as text. */
const COMPARABLE: readonly TypeName[] = [...ORDERED.filter((t) => t !== 'bool'), ...ORDERED_ARRAYS];

export const AGGREGATES: readonly AggregateSignature[] = [
  aggregate('count', [], 'int8', 'inverse'),
  ...TYPES.map((t) => aggregate('count', [t], 'int8', 'inverse')),
  aggregate('sum', ['int2'], 'int8', 'inverse'),
  aggregate('sum', ['int4'], 'int8', 'inverse'),
  aggregate('sum', ['int8'], 'numeric', 'inverse'),
  ...(['numeric', ...FLOATS, 'interval'] as const).map((t) => aggregate('sum', [t], t, 'inverse')),
  ...([...INTEGERS, 'numeric'] as const).map((t) => aggregate('avg', [t], 'numeric', 'inverse')),
  ...FLOATS.map((t) => aggregate('avg', [t], 'float8', 'inverse')),
  aggregate('avg', ['interval'], 'interval', 'inverse'),
  ...VARIANCES.flatMap((name) => [
    ...([...INTEGERS, 'numeric'] as const).map((t) => aggregate(name, [t], 'numeric', 'inverse')),
    ...FLOATS.map((t) => aggregate(name, [t], 'float8', 'inverse')),
  ]),
  ...['bool_and', 'bool_or', 'every'].map((name) => aggregate(name, ['bool'], 'bool', 'inverse')),
  ...['min', 'max'].flatMap((name) => COMPARABLE.map((t) => aggregate(name, [t], t, 'two-stacks'))),
  ...['first', 'last'].flatMap((name) => TYPES.map((t) => aggregate(name, [t], t, 'two-stacks', true))),
];

const BY_KEY: ReadonlyMap<string, AggregateSignature> = new Map(AGGREGATES.map((a) => [a.key, a]));
const BY_NAME = Map.groupBy(AGGREGATES, (a) => a.name);

const argAggregates = (name: string): readonly AggregateSignature[] =>
  TYPES.flatMap((value) =>
    [...ORDERED, ...ORDERED_ARRAYS].map((by) => aggregate(name, [value, by], value, 'two-stacks', true)),
  );

const ARG_AGGREGATES = ['arg_min', 'arg_max'];

/** All overloads; empty where there is none. */
export function aggregatesNamed(name: string): readonly AggregateSignature[] {
  return ARG_AGGREGATES.includes(name) ? argAggregates(name) : (BY_NAME.get(name) ?? []);
}

/** By `sum(float8)`, `count()`, `arg_max(text,timestamptz)`. */
export function aggregateByKey(key: string): AggregateSignature | undefined {
  const name = key.slice(0, key.indexOf('('));
  if (ARG_AGGREGATES.includes(name)) return argAggregates(name).find((a) => a.key === key);
  return BY_KEY.get(key);
}
