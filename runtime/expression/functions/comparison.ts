/** = <> < <= > >= over all ordered types, and over the mixtures that PostgreSQL has. */
import { timestampFromDate, zonedFromLocal } from '../../../common/timestamp.ts';
import type { TypeName } from '../../../common/types.ts';
import { compareDatum, compareFloats } from '../../../common/value-compare.ts';
import { ORDERED, ORDERED_ARRAYS } from '../../plan/functions/types.ts';
import type { Entry, EvaluationContext } from '../implementation.ts';

const OPERATORS: Readonly<Record<string, (order: number) => boolean>> = {
  '=': (order) => order === 0,
  '<>': (order) => order !== 0,
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
};

type Compare = (a: never, b: never) => number;

function entries(
  left: TypeName,
  right: TypeName,
  bind: (context: EvaluationContext) => Compare,
): readonly Entry[] {
  return Object.entries(OPERATORS).map(
    ([symbol, holds]): Entry => [
      `${symbol}(${left},${right})`,
      (context) => {
        const compare = bind(context);
        return (a: never, b: never) => holds(compare(a, b));
      },
    ],
  );
}

const INTEGERS: readonly TypeName[] = ['int2', 'int4', 'int8'];

/** Instants as timestamptz: wall times count in the session's zone. */
function instant(type: TypeName, context: EvaluationContext): (value: number) => number {
  const { zone } = context.format;
  switch (type) {
    case 'date':
      return (date) => zonedFromLocal(timestampFromDate(date), zone);
    case 'timestamp':
      return (local) => zonedFromLocal(local, zone);
    default:
      return (zoned) => zoned;
  }
}

function zoned(left: TypeName, right: TypeName): readonly Entry[] {
  return entries(left, right, (context) => {
    const [a, b] = [instant(left, context), instant(right, context)];
    return (x: number, y: number) => compareFloats(a(x), b(y));
  });
}

/** A date beyond the range of timestamps is still comparable with one. */
const midnight = (date: number): number => date * 86_400_000_000;

export const COMPARISON: readonly Entry[] = [
  ...[...ORDERED, ...ORDERED_ARRAYS].flatMap((type) =>
    entries(type, type, () => (a: unknown, b: unknown) => compareDatum(a, b, { name: type })),
  ),
  // JavaScript compares numbers with bigints exactly.
  ...INTEGERS.flatMap((left) =>
    INTEGERS.filter((right) => right !== left).flatMap((right) =>
      entries(left, right, () => (a: number, b: number) => (a < b ? -1 : a > b ? 1 : 0)),
    ),
  ),
  ...entries('float4', 'float8', () => compareFloats),
  ...entries('float8', 'float4', () => compareFloats),
  ...entries('date', 'timestamp', () => (a: number, b: number) => compareFloats(midnight(a), b)),
  ...entries('timestamp', 'date', () => (a: number, b: number) => compareFloats(a, midnight(b))),
  ...zoned('date', 'timestamptz'),
  ...zoned('timestamptz', 'date'),
  ...zoned('timestamp', 'timestamptz'),
  ...zoned('timestamptz', 'timestamp'),
];
