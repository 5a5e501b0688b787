/** The table of functions and its implementations belong together. */
import { expect, test } from 'vitest';
import { EXPRESSION_IMPLEMENTATIONS } from '../../runtime/expression/implementations.ts';
import { INLINE_TEMPLATES } from '../../runtime/expression/inline.ts';
import { aggregateByKey, AGGREGATES, aggregatesNamed } from '../../runtime/plan/aggregates.ts';
import { functionByKey, FUNCTIONS, functionsNamed } from '../../runtime/plan/functions.ts';

test('keys are unique and made of name and arguments', () => {
  expect(new Set(FUNCTIONS.map((f) => f.key)).size).toBe(FUNCTIONS.length);
  for (const f of FUNCTIONS) expect(f.key).toBe(`${f.name}(${f.args.join(',')})`);
});

test('every function has an implementation', () => {
  expect(FUNCTIONS.filter((f) => !EXPRESSION_IMPLEMENTATIONS.has(f.key)).map((f) => f.key)).toEqual([]);
});

test('every implementation and template is of a function in the table', () => {
  const known = new Set(FUNCTIONS.map((f) => f.key));
  expect([...EXPRESSION_IMPLEMENTATIONS.keys()].filter((key) => !known.has(key))).toEqual([]);
  expect(
    [...INLINE_TEMPLATES.keys()].filter((key) => !known.has(key) || !functionByKey(key)?.strict),
  ).toEqual([]);
});

test('casts carry their context, other entries none', () => {
  for (const f of FUNCTIONS) expect(f.castContext !== undefined).toBe(f.kind === 'cast');
  expect(functionsNamed('cast', 'cast').find((f) => f.key === 'cast(int4,int8)')?.castContext).toBe(
    'implicit',
  );
  expect(functionByKey('cast(int8,int4)')?.castContext).toBe('assignment');
  expect(functionByKey('cast(text,int4)')?.castContext).toBe('explicit');
});

test('aggregates are found by key and name', () => {
  for (const a of AGGREGATES) expect(aggregateByKey(a.key)).toEqual(a);
  expect(aggregateByKey('arg_max(text,timestamptz)')?.result).toBe('text');
  expect(aggregateByKey('arg_max(text,json)')).toBeUndefined();
  expect(aggregatesNamed('sum').map((a) => a.key)).toContain('sum(float8)');
  expect(aggregatesNamed('nope')).toEqual([]);
  expect(aggregateByKey('min(int4)')?.reduction).toBe('two-stacks');
  expect(aggregateByKey('sum(int4)')).toMatchObject({ result: 'int8', reduction: 'inverse' });
});
