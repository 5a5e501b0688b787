/** Every function over columns of samples: the generated loops give what the function gives row by row. */
import { describe, expect, test } from 'vitest';
import { SqlError } from '../../common/sql-error.ts';
import type { SqlType } from '../../common/types.ts';
import { parseDatum } from '../../common/value-text.ts';
import type { Expression } from '../../runtime/plan/expression.ts';
import { functionByKey } from '../../runtime/plan/functions.ts';
import { batchOf, compiledAnswers, expectSameAsPlain } from '../support/expression-compare.ts';
import type { ExpressionCase } from '../support/expression-case.ts';
import { sampleCases } from '../support/expression-samples.ts';

const BY_KEY: ReadonlyMap<string, readonly ExpressionCase[]> = Map.groupBy(sampleCases(), (c) => c.key);
const BY_NAME = Map.groupBy([...BY_KEY.keys()], (key) => functionByKey(key)!.name);

/** One row, or none where a sample is no value of its type. */
function datumsOf(c: ExpressionCase, types: readonly SqlType[]): readonly (readonly unknown[])[] {
  try {
    return [c.args.map((text, i) => (text === null ? null : parseDatum(text, types[i]!)))];
  } catch (error) {
    if (error instanceof SqlError) return [];
    throw error;
  }
}

function callOverColumns(key: string): { e: Expression; types: readonly SqlType[] } {
  const signature = functionByKey(key)!;
  const types = signature.args.map((name): SqlType => ({ name }));
  const args = types.map((type, index): Expression => ({ kind: 'column', index, type }));
  return { e: { kind: 'call', function: key, args, type: { name: signature.result } }, types };
}

describe.each([...BY_NAME.keys()])('%s', (name) => {
  test.each(BY_NAME.get(name)!)('%s', (key) => {
    const { e, types } = callOverColumns(key);
    const cases = BY_KEY.get(key)!;
    const rows = cases.flatMap((c) => datumsOf(c, types));
    expectSameAsPlain(e, types, rows);
  });
});

test('rows of different outcome do not mix: errors stay with their rows', () => {
  const { e, types } = callOverColumns('/(int4,int4)');
  const rows = [
    [6, 3],
    [1, 0],
    [null, 0],
    [7, 2],
    [-2147483648, -1],
  ];
  expect(compiledAnswers(e, batchOf(types, rows))).toEqual([
    '2',
    '22012 division by zero',
    null,
    '3',
    '22003 integer out of range',
  ]);
});
