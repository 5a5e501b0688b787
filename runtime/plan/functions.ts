/** The table of functions, operators and casts: what the planner may put into a `call`. */
import { CASTS } from './functions/casts.ts';
import { OPERATORS } from './functions/operators.ts';
import { SCALAR_FUNCTIONS } from './functions/scalar-functions.ts';
import type { FunctionSignature } from './signature.ts';

export const FUNCTIONS: readonly FunctionSignature[] = [...OPERATORS, ...CASTS, ...SCALAR_FUNCTIONS];

// Prefix operators share their symbol with operators, but never the number of arguments, so keys are unique.
const BY_KEY: ReadonlyMap<string, FunctionSignature> = new Map(FUNCTIONS.map((f) => [f.key, f]));

const BY_NAME = Map.groupBy(FUNCTIONS, (f) => `${f.kind} ${f.name}`);

export function functionByKey(key: string): FunctionSignature | undefined {
  return BY_KEY.get(key);
}

/** All overloads, in the table's order; empty where there is none. */
export function functionsNamed(kind: FunctionSignature['kind'], name: string): readonly FunctionSignature[] {
  return BY_NAME.get(`${kind} ${name}`) ?? [];
}
