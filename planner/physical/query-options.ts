/** Options of a continuous query: WITH (late = 'correct', lateness = '1 minute', …). 22023 for what is unknown. */

import { SqlError } from '../../common/sql-error.ts';
import type { LatePolicy } from '../../runtime/plan/query-plan.ts';
import type { BindingContext } from '../bind/binding-context.ts';
import { durationMicros } from '../bind/window-specification.ts';
import type { OptionSyntax } from '../parse/statement-syntax.ts';

export type QueryOptions = Readonly<{
  backfill: boolean;
  partial: boolean;
  late: LatePolicy;
  onError: 'reject' | 'fail';
  retention: string | null;
  changelog: string | null;
}>;

const SELECT_OPTIONS = ['late', 'lateness', 'on_error', 'partial'];
const SUBSCRIBE_OPTIONS = ['backfill', ...SELECT_OPTIONS];
const VIEW_OPTIONS = [...SUBSCRIBE_OPTIONS, 'retention', 'changelog'];

export type OptionOwner = 'select' | 'subscribe' | 'view' | 'sink';

const validNames = (owner: OptionOwner): readonly string[] =>
  owner === 'select' ? SELECT_OPTIONS : owner === 'subscribe' ? SUBSCRIBE_OPTIONS : VIEW_OPTIONS;

export function unknownOption(
  context: BindingContext,
  option: OptionSyntax,
  valid: readonly string[],
): SqlError {
  return context.errorAtOffset(
    option.offset,
    '22023',
    `unrecognized option "${option.name}"`,
    `Valid options are ${[...valid].sort().join(', ')}.`,
  );
}

export function readQueryOptions(
  context: BindingContext,
  options: readonly OptionSyntax[],
  owner: OptionOwner,
): QueryOptions {
  const valid = validNames(owner);
  const given = new Map<string, OptionSyntax>();
  for (const option of options) {
    if (!valid.includes(option.name)) throw unknownOption(context, option, valid);
    if (given.has(option.name)) {
      throw context.errorAtOffset(option.offset, '42601', `option "${option.name}" specified more than once`);
    }
    given.set(option.name, option);
  }
  return {
    backfill: booleanOption(context, given.get('backfill'), true),
    partial: booleanOption(context, given.get('partial'), true),
    late: latePolicy(context, given.get('late'), given.get('lateness')),
    onError: onErrorOption(context, given.get('on_error')),
    retention: given.get('retention')?.value ?? null,
    changelog: given.get('changelog')?.value ?? null,
  };
}

export function booleanOption(
  context: BindingContext,
  option: OptionSyntax | undefined,
  fallback: boolean,
): boolean {
  if (option === undefined) return fallback;
  const value = option.value?.toLowerCase() ?? 'true';
  if (['true', 'on', 'yes', '1'].includes(value)) return true;
  if (['false', 'off', 'no', '0'].includes(value)) return false;
  throw context.errorAtOffset(option.offset, '22023', `option "${option.name}" requires a Boolean value`);
}

function latePolicy(
  context: BindingContext,
  late: OptionSyntax | undefined,
  lateness: OptionSyntax | undefined,
): LatePolicy {
  const value = late?.value?.toLowerCase() ?? 'drop';
  if (value === 'drop') {
    if (lateness === undefined) return { kind: 'drop' };
    throw context.errorAtOffset(lateness.offset, '22023', 'option "lateness" needs late = \'correct\'');
  }
  if (value !== 'correct' || late === undefined) {
    throw context.errorAtOffset(
      late?.offset ?? 0,
      '22023',
      `invalid value for option "late": "${late?.value ?? ''}"`,
      "Valid values are 'drop' and 'correct'.",
    );
  }
  if (lateness?.value == null) {
    throw context.errorAtOffset(
      late.offset,
      '22023',
      'late = \'correct\' needs option "lateness"',
      "Say how late a row may be: lateness = '1 minute'.",
    );
  }
  return { kind: 'correct', latenessMicros: optionDuration(context, lateness) };
}

/** Positive µs. */
export function optionDuration(context: BindingContext, option: OptionSyntax): number {
  try {
    const micros = durationMicros(option.value ?? '', `option "${option.name}"`);
    if (micros > 0) return micros;
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    throw context.errorAtOffset(option.offset, error.code, error.message, error.hint);
  }
  throw context.errorAtOffset(option.offset, '22023', `option "${option.name}" must be greater than zero`);
}

function onErrorOption(context: BindingContext, option: OptionSyntax | undefined): 'reject' | 'fail' {
  const value = option?.value?.toLowerCase() ?? 'reject';
  if (value === 'reject' || value === 'fail') return value;
  throw context.errorAtOffset(
    option?.offset ?? 0,
    '22023',
    `invalid value for option "on_error": "${option?.value ?? ''}"`,
    "Valid values are 'reject' and 'fail'.",
  );
}
