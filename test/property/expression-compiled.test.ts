/** Random expressions over random columns: compiled loops equal the evaluation of one row after the other. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SqlType, TypeName } from '../../common/types.ts';
import { parseDatum } from '../../common/value-text.ts';
import { compilePredicate } from '../../runtime/expression/compile.ts';
import { BOOL, type Expression } from '../../runtime/plan/expression.ts';
import { batchOf, expectSameAsPlain, NOW, plainAnswers, widened } from '../support/expression-compare.ts';

const COLUMN_TYPES = ['bool', 'int4', 'int8', 'float8', 'text', 'numeric', 'date'] as const;
type Name = (typeof COLUMN_TYPES)[number];
/** Two columns of each type. */
const TYPES: readonly SqlType[] = [...COLUMN_TYPES, ...COLUMN_TYPES].map((name) => ({ name }));

const TEXTS: Readonly<Record<Name, readonly string[]>> = {
  bool: ['t', 'f'],
  int4: ['0', '1', '-1', '7', '100', '2147483647', '-2147483648'],
  int8: [
    '0',
    '1',
    '-3',
    '4611686018427387904',
    '9007199254740991',
    '-9007199254740992',
    '9223372036854775807',
  ],
  float8: ['0', '-0', '1.5', '-2.25', '1e300', 'NaN', 'Infinity', '-Infinity'],
  text: ['', 'a', 'b', 'abc', 'äöü', '😀', 'ab%'],
  numeric: ['0', '1.50', '-2.25', '1e20', 'NaN', 'Infinity'],
  date: ['2024-02-29', '1970-01-01', 'infinity', '-infinity', '2000-01-01'],
};

/** Strict calls by the type of their result. */
const CALLS: Readonly<Record<Name, readonly (readonly [key: string, ...args: Name[]])[]>> = {
  bool: [
    ['<(int4,int4)', 'int4', 'int4'],
    ['=(int8,int4)', 'int8', 'int4'],
    ['>=(int8,int8)', 'int8', 'int8'],
    ['>(float8,float8)', 'float8', 'float8'],
    ['<>(float8,float8)', 'float8', 'float8'],
    ['=(text,text)', 'text', 'text'],
    ['<=(text,text)', 'text', 'text'],
    ['~~(text,text)', 'text', 'text'],
    ['<(numeric,numeric)', 'numeric', 'numeric'],
    ['=(date,date)', 'date', 'date'],
    ['=(bool,bool)', 'bool', 'bool'],
  ],
  int4: [
    ['+(int4,int4)', 'int4', 'int4'],
    ['*(int4,int4)', 'int4', 'int4'],
    ['/(int4,int4)', 'int4', 'int4'],
    ['length(text)', 'text'],
    ['cast(int8,int4)', 'int8'],
    ['-(date,date)', 'date', 'date'],
  ],
  int8: [
    ['+(int8,int8)', 'int8', 'int8'],
    ['*(int8,int4)', 'int8', 'int4'],
    ['-(int8)', 'int8'],
    ['%(int8,int8)', 'int8', 'int8'],
    ['cast(numeric,int8)', 'numeric'],
    ['cast(int4,int8)', 'int4'],
    ['abs(int8)', 'int8'],
  ],
  float8: [
    ['+(float8,float8)', 'float8', 'float8'],
    ['/(float8,float8)', 'float8', 'float8'],
    ['cast(int8,float8)', 'int8'],
    ['sqrt(float8)', 'float8'],
  ],
  text: [
    ['||(text,text)', 'text', 'text'],
    ['upper(text)', 'text'],
    ['cast(int8,text)', 'int8'],
    ['left(text,int4)', 'text', 'int4'],
  ],
  numeric: [
    ['*(numeric,numeric)', 'numeric', 'numeric'],
    ['cast(int8,numeric)', 'int8'],
    ['+(numeric,numeric)', 'numeric', 'numeric'],
  ],
  date: [['+(date,int4)', 'date', 'int4']],
};

const typeOf = (name: TypeName): SqlType => ({ name });

function leaf(name: Name): fc.Arbitrary<Expression> {
  const type = typeOf(name);
  const index = COLUMN_TYPES.indexOf(name);
  return fc.oneof(
    {
      weight: 4,
      arbitrary: fc.constantFrom<Expression>(
        { kind: 'column', index, type },
        { kind: 'column', index: index + COLUMN_TYPES.length, type },
      ),
    },
    {
      weight: 2,
      arbitrary: fc
        .constantFrom(...TEXTS[name])
        .map((text): Expression => ({ kind: 'constant', text, type })),
    },
    { weight: 1, arbitrary: fc.constant<Expression>({ kind: 'constant', text: null, type }) },
  );
}

/** Forms that every type has. */
function general(name: Name, depth: number): fc.Arbitrary<Expression>[] {
  const type = typeOf(name);
  const self = expression(name, depth - 1);
  const args = fc.array(self, { minLength: 1, maxLength: 3 });
  // biome-ignore lint/suspicious/noThenProperty: the plan's name of a branch
  const branch = fc.record({ when: expression('bool', depth - 1), then: self });
  return [
    args.map((list): Expression => ({ kind: 'coalesce', args: list, type })),
    args.map((list): Expression => ({ kind: 'greatest', args: list, type })),
    args.map((list): Expression => ({ kind: 'least', args: list, type })),
    fc
      .tuple(fc.array(branch, { minLength: 1, maxLength: 2 }), fc.option(self))
      .map(([branches, otherwise]): Expression => ({ kind: 'case', branches, otherwise, type })),
  ];
}

/** Forms that give a boolean. */
function conditions(depth: number): fc.Arbitrary<Expression>[] {
  const bool = expression('bool', depth - 1);
  const args = fc.array(bool, { minLength: 1, maxLength: 3 });
  const any = fc.constantFrom(...COLUMN_TYPES);
  return [
    args.map((list): Expression => ({ kind: 'and', args: list, type: BOOL })),
    args.map((list): Expression => ({ kind: 'or', args: list, type: BOOL })),
    bool.map((arg): Expression => ({ kind: 'not', arg, type: BOOL })),
    fc
      .tuple(bool, fc.constantFrom('true', 'false', 'unknown'), fc.boolean())
      .map(([arg, truth, negated]): Expression => ({ kind: 'is-truth', arg, truth, negated, type: BOOL })),
    any.chain((name) =>
      fc
        .tuple(expression(name, depth - 1), fc.boolean())
        .map(([arg, negated]): Expression => ({ kind: 'is-null', arg, negated, type: BOOL })),
    ),
    any.chain((name) =>
      fc
        .tuple(expression(name, depth - 1), expression(name, depth - 1), fc.boolean())
        .map(
          ([left, right, negated]): Expression => ({ kind: 'is-distinct', left, right, negated, type: BOOL }),
        ),
    ),
    any.chain((name) =>
      fc
        .tuple(
          expression(name, depth - 1),
          fc.array(leaf(name), { minLength: 1, maxLength: 4 }),
          fc.boolean(),
        )
        .map(([arg, list, negated]): Expression => ({ kind: 'in', arg, list, negated, type: BOOL })),
    ),
  ];
}

function expression(name: Name, depth: number): fc.Arbitrary<Expression> {
  if (depth <= 0) return leaf(name);
  const calls = CALLS[name].map(([key, ...args]) =>
    fc
      .tuple(...args.map((arg) => expression(arg, depth - 1)))
      .map((list): Expression => ({ kind: 'call', function: key, args: list, type: typeOf(name) })),
  );
  const special = name === 'bool' ? conditions(depth) : [];
  return fc.oneof(leaf(name), ...calls, ...general(name, depth), ...special);
}

function rowsOf(count: number, nulls: number): fc.Arbitrary<readonly (readonly unknown[])[]> {
  const cells = TYPES.map((type) =>
    fc
      .tuple(fc.nat(99), fc.constantFrom(...TEXTS[type.name as Name]))
      .map(([dice, text]) => (dice < nulls ? null : parseDatum(text, type))),
  );
  return fc.array(fc.tuple(...cells), { minLength: count, maxLength: count });
}

const size = fc.constantFrom(0, 1, 7, 8, 9, 33);
const nulls = fc.constantFrom(0, 0, 10, 50, 100);
const table = fc.tuple(size, nulls).chain(([count, share]) => rowsOf(count, share));
const anyExpression = fc.constantFrom(...COLUMN_TYPES).chain((name) => expression(name, 3));

test('compiled equals row by row, in every variant', () => {
  fc.assert(
    fc.property(anyExpression, table, (e, rows) => expectSameAsPlain(e, TYPES, rows)),
    { numRuns: 1500 },
  );
});

test('a full batch', () => {
  const [rows] = fc.sample(rowsOf(4096, 10), 1);
  for (const e of fc.sample(anyExpression, 12)) expectSameAsPlain(e, TYPES, rows!);
});

test('a predicate chooses the rows where it is true', () => {
  fc.assert(
    fc.property(expression('bool', 3), table, (e, rows) => {
      const plain = plainAnswers(e, rows);
      fc.pre(plain.every((answer) => answer === null || answer === 't' || answer === 'f'));
      const expected = plain.flatMap((answer, row) => (answer === 't' ? [row] : []));
      const batch = batchOf(TYPES, rows);
      for (const b of [batch, { ...batch, columns: batch.columns.map(widened) }]) {
        const into = new Uint32Array(batch.rows);
        const count = compilePredicate(e, { now: () => NOW, timeZone: 'UTC' }).select(b, into);
        expect([...into.subarray(0, count)]).toEqual(expected);
      }
    }),
    { numRuns: 500 },
  );
});
