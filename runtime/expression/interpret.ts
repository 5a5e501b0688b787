/** Evaluates an expression over one row of datums: for constants, and as the plain meaning that the loops must keep. */
import { unreachable } from '../../common/assert.ts';
import { SqlError } from '../../common/sql-error.ts';
import { compareDatum } from '../../common/value-compare.ts';
import { parseWith } from '../../common/value-text.ts';
import { functionByKey } from '../plan/functions.ts';
import type { Expression } from '../plan/expression.ts';
import { implementationOf } from './implementations.ts';
import type { EvaluationContext } from './implementation.ts';

export function interpret(
  e: Expression,
  row: readonly unknown[],
  context: EvaluationContext,
  subqueryValues: readonly unknown[] = [],
): unknown {
  const run = (child: Expression): unknown => interpret(child, row, context, subqueryValues);
  switch (e.kind) {
    case 'column':
      return row[e.index];
    case 'constant':
      return e.text === null ? null : parseWith(context.format, e.text, e.type);
    case 'now':
      return context.now();
    case 'subquery':
    case 'subquery-rows': {
      const value = subqueryValues[e.index] ?? null;
      if (value instanceof SqlError) throw value;
      return value;
    }
    case 'call': {
      const args = e.args.map(run);
      if (functionByKey(e.function)?.strict !== false && args.includes(null)) return null;
      return Reflect.apply(implementationOf(e.function)(context), null, args);
    }
    case 'and':
    case 'or': {
      const decisive = e.kind === 'or';
      let unknown = false;
      for (const arg of e.args) {
        const value = run(arg);
        if (value === decisive) return decisive;
        if (value === null) unknown = true;
      }
      return unknown ? null : !decisive;
    }
    case 'not': {
      const value = run(e.arg);
      return value === null ? null : !value;
    }
    case 'is-null':
      return (run(e.arg) === null) !== e.negated;
    case 'is-truth': {
      const value = run(e.arg);
      const wanted = e.truth === 'unknown' ? null : e.truth === 'true';
      return (value === wanted) !== e.negated;
    }
    case 'is-distinct': {
      const [left, right] = [run(e.left), run(e.right)];
      const distinct =
        left === null || right === null ? left !== right : compareDatum(left, right, e.left.type) !== 0;
      return distinct !== e.negated;
    }
    case 'case': {
      const branch = e.branches.find((b) => run(b.when) === true);
      if (branch !== undefined) return run(branch.then);
      return e.otherwise === null ? null : run(e.otherwise);
    }
    case 'coalesce': {
      for (const arg of e.args) {
        const value = run(arg);
        if (value !== null) return value;
      }
      return null;
    }
    case 'greatest':
    case 'least': {
      const sign = e.kind === 'greatest' ? 1 : -1;
      let best: unknown = null;
      for (const arg of e.args) {
        const value = run(arg);
        if (value === null) continue;
        if (best === null || compareDatum(value, best, e.type) * sign > 0) best = value;
      }
      return best;
    }
    case 'in': {
      const value = run(e.arg);
      const list = e.list.flatMap((item) =>
        item.kind === 'subquery-rows' ? ((run(item) as readonly unknown[] | null) ?? []) : [run(item)],
      );
      // nothing is in an empty list, not even what is unknown
      if (list.length === 0) return e.negated;
      if (value === null) return null;
      const found = list.some((item) => item !== null && compareDatum(value, item, e.arg.type) === 0);
      if (found) return !e.negated;
      return list.includes(null) ? null : e.negated;
    }
    default:
      return unreachable(e);
  }
}
