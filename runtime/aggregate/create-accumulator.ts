/** From an aggregate call of the plan to its accumulator. Every key of runtime/plan/aggregates.ts has one (a test lists them). */
import { assert } from '../../common/assert.ts';
import { physicalKind, type SqlType } from '../../common/types.ts';
import type { AggregateCall } from '../plan/query-plan.ts';
import type { Accumulator } from './accumulator.ts';
import { BoolFold } from './bool-fold.ts';
import { ChosenRow, type Choice } from './chosen-row.ts';
import { Count } from './count.ts';
import { Distinct } from './distinct.ts';
import { IntervalMoments } from './interval-moments.ts';
import { Moments } from './moments.ts';
import type { MomentsResult } from './moments-result.ts';
import { NumberExtreme } from './number-extreme.ts';
import { NumericMoments } from './numeric-moments.ts';
import { RetractableChoice } from './retractable-choice.ts';

/**
 * `argTypes`: types of the call's arguments (the arrival column comes after them). `retracts`: rows may come with
 * negative weights, or must be deductible.
 */
export function createAccumulator(
  call: AggregateCall,
  argTypes: readonly SqlType[],
  retracts: boolean,
  capacity: number,
): Accumulator {
  if (call.distinct) {
    const plain = { ...call, distinct: false, arrival: null };
    const emptyType = call.function.startsWith('count(') ? null : call.type;
    return new Distinct(capacity, { type: argTypes[0]!, emptyType }, (n) =>
      createAccumulator(plain, argTypes, true, n),
    );
  }
  const name = call.function.slice(0, call.function.indexOf('('));
  const type = argTypes[0];
  switch (name) {
    case 'count':
      return new Count(capacity);
    case 'bool_and':
    case 'every':
      return new BoolFold(capacity, 'and');
    case 'bool_or':
      return new BoolFold(capacity, 'or');
    case 'sum':
    case 'avg':
      if (type!.name === 'interval') return new IntervalMoments(capacity, name);
      return moments(type!, momentsResult(name, call.type), capacity);
    case 'min':
    case 'max':
      return extreme(type!, name === 'max', retracts, capacity);
    case 'first':
    case 'last':
    case 'arg_min':
    case 'arg_max':
      return chosen(call, name, argTypes, retracts, capacity);
    default:
      return moments(type!, varianceResult(name, call.type), capacity);
  }
}

function moments(type: SqlType, result: MomentsResult, capacity: number): Accumulator {
  return type.name === 'numeric' ? new NumericMoments(capacity, result) : Moments.empty(capacity, result);
}

function momentsResult(name: 'sum' | 'avg', type: SqlType): MomentsResult {
  if (name === 'avg') return { kind: 'avg', type: type.name === 'numeric' ? 'numeric' : 'float8' };
  assert(
    type.name === 'float8' || type.name === 'float4' || type.name === 'int8' || type.name === 'numeric',
    `sum with result ${type.name}`,
  );
  return { kind: 'sum', type: type.name };
}

function varianceResult(name: string, type: SqlType): MomentsResult {
  const known = /^(var|stddev|variance)(?:_(pop|samp))?$/.exec(name);
  assert(known !== null, `aggregate ${name} has no accumulator`);
  return {
    kind: 'variance',
    type: type.name === 'numeric' ? 'numeric' : 'float8',
    sample: known[2] !== 'pop',
    root: known[1] === 'stddev',
  };
}

function extreme(type: SqlType, greatest: boolean, retracts: boolean, capacity: number): Accumulator {
  const kind = physicalKind(type);
  if (!retracts && (kind === 'float64' || kind === 'int32' || kind === 'int64')) {
    return new NumberExtreme(capacity, type, greatest);
  }
  const choice: Choice = { valueType: type, byType: null, by: 'value', greatest, arrivalArgument: null };
  return retracts ? new RetractableChoice(capacity, choice) : new ChosenRow(capacity, choice);
}

function chosen(
  call: AggregateCall,
  name: 'first' | 'last' | 'arg_min' | 'arg_max',
  argTypes: readonly SqlType[],
  retracts: boolean,
  capacity: number,
): Accumulator {
  const byArgument = name === 'arg_min' || name === 'arg_max';
  const choice: Choice = {
    valueType: argTypes[0]!,
    byType: byArgument ? argTypes[1]! : null,
    by: byArgument ? 'argument' : 'arrival',
    greatest: name === 'last' || name === 'arg_max',
    arrivalArgument: call.arrival === null ? null : argTypes.length,
  };
  return retracts ? new RetractableChoice(capacity, choice) : new ChosenRow(capacity, choice);
}
