import type { TextFormat } from '../../common/value-text.ts';

/** What a function may look at beside its arguments. I1: the clock is an input. */
export type EvaluationContext = Readonly<{ now: () => number; format: TextFormat }>;

/** Works on datums; a strict function never sees null. */
export type ScalarFunction = (...args: never[]) => unknown;

/** Made once per place of use, so that it may remember compiled patterns and time zones. */
export type Implementation = (context: EvaluationContext) => ScalarFunction;

/** The key of runtime/plan/functions.ts. */
export type Entry = readonly [key: string, implementation: Implementation];

/** A function of its arguments alone. */
export const pure = (key: string, call: ScalarFunction): Entry => [key, () => call];

/** The same function under several keys. */
export const pureAll = (keys: readonly string[], call: ScalarFunction): readonly Entry[] =>
  keys.map((key) => pure(key, call));
