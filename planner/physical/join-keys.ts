/** Splits a join's condition: equalities of one side with the other become keys, the rest stays a condition. */
import { conjunctsOf, type Expression, junction, walkExpression } from '../../runtime/plan/expression.ts';
import { shiftColumns } from '../bind/bound.ts';

export type JoinKey = Readonly<{
  /** over the input */
  left: Expression;
  /** over the table */
  right: Expression;
}>;

export function splitJoin(
  condition: Expression,
  width: number,
): Readonly<{ keys: readonly JoinKey[]; rest: Expression | null }> {
  const keys: JoinKey[] = [];
  const rest: Expression[] = [];
  for (const part of conjunctsOf(condition)) {
    const key = keyOf(part, width);
    if (key === null) rest.push(part);
    else keys.push(key);
  }
  return { keys, rest: rest.length === 0 ? null : junction('and', rest) };
}

/** Both sides must have one type, so that equal keys have equal bytes. */
function keyOf(e: Expression, width: number): JoinKey | null {
  if (e.kind !== 'call' || !e.function.startsWith('=(')) return null;
  const [a, b] = e.args;
  if (a === undefined || b === undefined || a.type.name !== b.type.name) return null;
  const toTable = (x: Expression): Expression => shiftColumns(x, (index) => index - width);
  if (sideOf(a, width) === 'left' && sideOf(b, width) === 'right') return { left: a, right: toTable(b) };
  if (sideOf(b, width) === 'left' && sideOf(a, width) === 'right') return { left: b, right: toTable(a) };
  return null;
}

function sideOf(e: Expression, width: number): 'left' | 'right' | 'both' | 'none' {
  let left = false;
  let right = false;
  walkExpression(e, (x) => {
    if (x.kind !== 'column') return;
    if (x.index < width) left = true;
    else right = true;
  });
  if (left && right) return 'both';
  return left ? 'left' : right ? 'right' : 'none';
}
