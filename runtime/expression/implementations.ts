/** The implementation of every entry of runtime/plan/functions.ts, by its key. */
import { assert } from '../../common/assert.ts';
import { ARITHMETIC } from './functions/arithmetic.ts';
import { BYTES_FUNCTIONS } from './functions/bytes.ts';
import { CAST_FUNCTIONS } from './functions/cast.ts';
import { COMPARISON } from './functions/comparison.ts';
import { DATE_TIME_FUNCTIONS } from './functions/date-time.ts';
import { FLOAT_MATH } from './functions/float-math.ts';
import { JSON_AND_ARRAY_FUNCTIONS } from './functions/json-array.ts';
import { REGEXP_FUNCTIONS } from './functions/regexp-functions.ts';
import { TEXT_FUNCTIONS } from './functions/text.ts';
import { TEMPLATE_FUNCTIONS } from './functions/template-functions.ts';
import type { Implementation } from './implementation.ts';

export const EXPRESSION_IMPLEMENTATIONS: ReadonlyMap<string, Implementation> = new Map([
  ...ARITHMETIC,
  ...FLOAT_MATH,
  ...COMPARISON,
  ...CAST_FUNCTIONS,
  ...TEXT_FUNCTIONS,
  ...REGEXP_FUNCTIONS,
  ...BYTES_FUNCTIONS,
  ...JSON_AND_ARRAY_FUNCTIONS,
  ...DATE_TIME_FUNCTIONS,
  ...TEMPLATE_FUNCTIONS,
]);

export function implementationOf(key: string): Implementation {
  const implementation = EXPRESSION_IMPLEMENTATIONS.get(key);
  assert(implementation !== undefined, `no implementation of ${key}`);
  return implementation;
}
