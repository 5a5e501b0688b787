/** Random LIKE patterns and regular expressions over random texts: PostgreSQL's answer, or a refusal with 2201B. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { answerOf, type ExpressionCase, expressionOf, sqlOf } from '../support/expression-case.ts';
import { PostgresOracle } from '../support/postgres-oracle.ts';
import { TEST_SEED } from '../support/seeds.ts';

let oracle: PostgresOracle;
beforeAll(async () => {
  oracle = await PostgresOracle.start();
});
afterAll(() => oracle.stop());

const text = fc.array(fc.constantFrom('a', 'b', 'c', '\n'), { maxLength: 8 }).map((c) => c.join(''));
const likePattern = fc
  .array(fc.constantFrom('a', 'b', '%', '_', '\\'), { maxLength: 6 })
  .map((c) => c.join(''));

const quantifier = fc.constantFrom('', '', '', '*', '+', '?', '{1,2}', '{2}', '*?', '+?');
const simple = fc.constantFrom('a', 'b', 'c', '.', '[ab]', '[^a]');

function pattern(depth: number): fc.Arbitrary<string> {
  const atom =
    depth === 0
      ? simple
      : fc.oneof(
          { weight: 3, arbitrary: simple },
          { weight: 1, arbitrary: pattern(depth - 1).map((p) => `(${p})`) },
          { weight: 1, arbitrary: pattern(depth - 1).map((p) => `(?:${p})`) },
        );
  const branch = fc.array(fc.tuple(atom, quantifier), { minLength: 1, maxLength: 3 });
  return fc
    .array(
      branch.map((parts) => parts.map(([a, q]) => a + q).join('')),
      { minLength: 1, maxLength: 2 },
    )
    .map((branches) => branches.join('|'));
}

const anchored = fc
  .tuple(fc.constantFrom('', '', '^'), pattern(2), fc.constantFrom('', '', '$'))
  .map((p) => p.join(''));

async function compare(cases: readonly ExpressionCase[]): Promise<number> {
  const theirs = await oracle.evaluate(cases.map(sqlOf));
  let refused = 0;
  for (const [i, c] of cases.entries()) {
    const ours = answerOf(expressionOf(c));
    if (ours.code === '2201B' && theirs[i]!.code === null) {
      refused++;
      continue;
    }
    const label = sqlOf(c);
    expect({ label, text: ours.text, code: ours.code }).toEqual({
      label,
      text: theirs[i]!.text,
      code: theirs[i]!.code,
    });
  }
  return refused;
}

test('LIKE', async () => {
  const pairs = fc.sample(fc.tuple(text, likePattern), { numRuns: 1500, seed: TEST_SEED });
  expect(await compare(pairs.map((args) => ({ key: '~~(text,text)', args })))).toBe(0);
});

test('whether a regular expression matches', async () => {
  const pairs = fc.sample(fc.tuple(text, anchored), { numRuns: 1000, seed: TEST_SEED });
  expect(await compare(pairs.map((args) => ({ key: '~(text,text)', args })))).toBe(0);
});

test('what a regular expression matches', async () => {
  const pairs = fc.sample(fc.tuple(text, anchored), { numRuns: 800, seed: TEST_SEED });
  const cases = pairs.flatMap(([t, p]): ExpressionCase[] => [
    { key: 'regexp_match(text,text)', args: [t, p] },
    { key: 'regexp_replace(text,text,text,text)', args: [t, p, '[\\1]', 'g'] },
    { key: 'regexp_split_to_array(text,text)', args: [t, p] },
  ]);
  const refused = await compare(cases);
  expect(cases.length - refused).toBeGreaterThan(300);
});
