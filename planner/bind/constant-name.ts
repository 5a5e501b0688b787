import type { FuncCall } from 'libpg-query';
import { coerceTo } from './coerce.ts';
import type { ExpressionBinder } from './expression-binder.ts';

/** The one argument of a function that takes the name of a `what`: 42883 without one, 0A000 where it is not constant. */
export function constantName(
  binder: ExpressionBinder,
  call: FuncCall,
  shown: string,
  what: string,
): Readonly<{ text: string | null; location: number }> {
  const { context } = binder;
  const [argument, ...more] = call.args ?? [];
  if (argument === undefined || more.length > 0) {
    throw context.error(call.location ?? 0, '42883', `function ${shown} takes the name of a ${what}`);
  }
  const bound = binder.bind(argument);
  const name = coerceTo(context, bound, 'text');
  if (name.kind !== 'constant') {
    throw context.error(bound.location, '0A000', `${shown} takes a constant name`, `Write ${shown}('name').`);
  }
  return { text: name.text, location: bound.location };
}
