/** Where columns are: sets of ordinals that are needed, and the places that they get. */
import { assert } from '../../common/assert.ts';
import type { Field } from '../../common/types.ts';
import { type Expression, walkExpression } from '../../runtime/plan/expression.ts';
import { shiftColumns } from '../bind/bound.ts';
import type { LogicalNode } from '../logical/logical-plan.ts';

export const sorted = (set: ReadonlySet<number>): number[] => [...set].sort((a, b) => a - b);
export const placesOf = (ordinals: readonly number[]): ReadonlyMap<number, number> =>
  new Map(ordinals.map((o, i) => [o, i]));
export const union = (a: ReadonlySet<number>, b: ReadonlySet<number>): ReadonlySet<number> =>
  new Set([...a, ...b]);

export function fieldOf(node: LogicalNode, ordinal: number): Field {
  const field = node.schema[ordinal];
  assert(field !== undefined, `column ${ordinal} of ${node.kind}`);
  return field;
}

export function columnsOf(...expressions: readonly Expression[]): Set<number> {
  const found = new Set<number>();
  for (const expression of expressions) {
    walkExpression(expression, (e) => {
      if (e.kind === 'column') found.add(e.index);
    });
  }
  return found;
}

export function placeOf(at: ReadonlyMap<number, number>, e: Expression): number {
  const place = e.kind === 'column' ? at.get(e.index) : undefined;
  assert(place !== undefined, 'a column that is needed was lowered');
  return place;
}

export const move = (e: Expression, at: ReadonlyMap<number, number>): Expression =>
  shiftColumns(e, (index) => {
    const place = at.get(index);
    assert(place !== undefined, `column ${index} was lowered`);
    return place;
  });
