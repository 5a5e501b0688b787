/** All spellings of windows become one specification; durations are checked here. 22023, 54000, 42P02. */
import type { Node } from 'libpg-query';
import { isFiniteInterval } from '../../common/interval.ts';
import { parseInterval } from '../../common/interval-parse.ts';
import { SqlError } from '../../common/sql-error.ts';
import type { Expression } from '../../runtime/plan/expression.ts';
import type { WindowSpecification } from '../../runtime/plan/query-plan.ts';
import type { DurationSyntax, WindowClauseSyntax } from '../parse/statement-syntax.ts';
import type { BindingContext } from './binding-context.ts';
import { coerceTo } from './coerce.ts';
import type { ExpressionBinder } from './expression-binder.ts';
import { leftmostLocation } from './tree.ts';

export const PANES_MAX = 1_000_000;
const MICROS_PER_DAY = 86_400_000_000;
/** Stands in for $n while a statement is only described. */
const PLACEHOLDER_MICROS = 1_000_000;

/** µs of interval text without months; throws 22023, 22007. */
export function durationMicros(text: string, what: string): number {
  const span = parseInterval(text);
  if (!isFiniteInterval(span)) throw new SqlError('22023', `${what} must be finite`);
  if (span.months !== 0) {
    throw new SqlError('22023', `${what} must not contain months or years`, {
      hint: 'Use days, hours, minutes or seconds: their length is fixed.',
    });
  }
  return span.days * MICROS_PER_DAY + span.micros;
}

/** A duration of a clause: WINDOW TUMBLING (SIZE …), EMIT EVERY …. */
export function clauseDuration(context: BindingContext, syntax: DurationSyntax, what: string): number {
  const micros = durationOfSyntax(context, syntax, what);
  if (micros <= 0) throw context.errorAtOffset(syntax.offset, '22023', `${what} must be greater than zero`);
  return micros;
}

/** Any sign; µs. */
export function durationOfSyntax(context: BindingContext, syntax: DurationSyntax, what: string): number {
  let text: string | null | undefined = syntax.kind === 'text' ? syntax.text : undefined;
  if (syntax.kind === 'param') {
    const { parameters } = context;
    if (parameters.refusal !== null) {
      throw context.errorAtOffset(
        syntax.offset,
        '42P02',
        `there is no parameter $${syntax.number}`,
        parameters.refusal,
      );
    }
    parameters.reference(syntax.number);
    parameters.setType(syntax.number, 'interval');
    if (!parameters.bound) return PLACEHOLDER_MICROS;
    const value = parameters.value(syntax.number, { name: 'interval' });
    text = value.kind === 'constant' ? value.text : null;
  }
  if (text === null || text === undefined) {
    throw context.errorAtOffset(syntax.offset, '22004', `${what} must not be null`);
  }
  return located(
    () => durationMicros(text, what),
    (error) => context.errorAtOffset(syntax.offset, error.code, error.message, error.hint),
  );
}

function located<T>(run: () => T, at: (error: SqlError) => SqlError): T {
  try {
    return run();
  } catch (error) {
    throw error instanceof SqlError ? at(error) : error;
  }
}

/** A duration given as an expression: INTERVAL literal, string or parameter. */
export function durationArgument(
  binder: ExpressionBinder,
  node: Node,
  what: string,
  positive = true,
): number {
  const { context } = binder;
  const bound = binder.bind(node);
  const location = leftmostLocation(node);
  const isParameter = bound.open?.kind === 'parameter' || 'ParamRef' in node || holdsParameter(node);
  const value: Expression = coerceTo(context, bound, 'interval');
  if (isParameter && !context.parameters.bound) return PLACEHOLDER_MICROS;
  if (value.kind !== 'constant') {
    throw context.error(location, '22023', `${what} must be a constant interval`);
  }
  if (value.text === null) throw context.error(location, '22004', `${what} must not be null`);
  const { text } = value;
  const micros = located(
    () => durationMicros(text, what),
    (error) => context.error(location, error.code, error.message, error.hint),
  );
  if (positive && micros <= 0) throw context.error(location, '22023', `${what} must be greater than zero`);
  return micros;
}

const holdsParameter = (node: Node): boolean => JSON.stringify(node).includes('"ParamRef"');

export function windowClauseSpecification(
  context: BindingContext,
  clause: WindowClauseSyntax,
): WindowSpecification {
  switch (clause.kind) {
    case 'session':
      return { kind: 'session', gapMicros: clauseDuration(context, clause.gap, 'session gap') };
    case 'tumble':
      return {
        kind: 'tumble',
        sizeMicros: clauseDuration(context, clause.size, 'window size'),
        offsetMicros: 0,
      };
    case 'hop': {
      const sizeMicros = clauseDuration(context, clause.size, 'window size');
      const slideMicros = clauseDuration(context, clause.advance, 'window slide');
      const specification: WindowSpecification = { kind: 'hop', sizeMicros, slideMicros, offsetMicros: 0 };
      checkPanes(specification, (code, message, hint) =>
        context.errorAtOffset(clause.offset, code, message, hint),
      );
      return specification;
    }
  }
}

export function greatestCommonDivisor(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}

/** Width and number of the panes of one window; null for sessions. */
export function panesOf(
  window: WindowSpecification,
): Readonly<{ widthMicros: number; count: number }> | null {
  switch (window.kind) {
    case 'session':
      return null;
    case 'tumble':
      return { widthMicros: window.sizeMicros, count: 1 };
    case 'hop': {
      const widthMicros = greatestCommonDivisor(window.sizeMicros, window.slideMicros);
      return { widthMicros, count: window.sizeMicros / widthMicros };
    }
    case 'cumulate':
      return { widthMicros: window.stepMicros, count: window.sizeMicros / window.stepMicros };
  }
}

type Fail = (code: SqlError['code'], message: string, hint?: string) => SqlError;

export function checkPanes(window: WindowSpecification, fail: Fail): void {
  if (window.kind === 'cumulate' && window.sizeMicros % window.stepMicros !== 0) {
    throw fail('22023', 'CUMULATE window size must be a multiple of its step');
  }
  const panes = panesOf(window);
  if (panes !== null && panes.count > PANES_MAX) {
    throw fail(
      '54000',
      `window has ${panes.count} panes, more than ${PANES_MAX}`,
      'Panes are as wide as the greatest common divisor of slide and size: choose a slide that divides the size.',
    );
  }
}
