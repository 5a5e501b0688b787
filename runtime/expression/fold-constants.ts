/** Computes immutable sub-expressions without columns once, as far as they give no error. */
import type { SqlType } from '../../common/types.ts';
import { childrenOf, type Expression } from '../plan/expression.ts';
import { functionByKey } from '../plan/functions.ts';
import type { GeneratorOptions } from './emitter.ts';
import { expressionError } from './expression-error.ts';
import { interpret } from './interpret.ts';

export type Folded = Readonly<{ kind: 'folded'; datum: unknown; type: SqlType }>;

/**
 * A whole expression that is constant is `folded`. One whose evaluation fails is left: the error comes with the first
 * row, and not at all where no row reaches it.
 */
export function foldConstants(expression: Expression, options: GeneratorOptions): Expression | Folded {
  if (!isConstant(expression)) return expression;
  try {
    const datum = interpret(expression, [], options.context, options.subqueryValues);
    return { kind: 'folded', datum, type: expression.type };
  } catch (error) {
    if (expressionError(error) !== null) return expression;
    throw error;
  }
}

function isConstant(e: Expression): boolean {
  if (e.kind === 'column' || e.kind === 'now') return false;
  // What is stable may look at the clock; only within one statement does it stay.
  if (e.kind === 'call' && functionByKey(e.function)?.volatility !== 'immutable') return false;
  return childrenOf(e).every(isConstant);
}
