/** The first rows chosen one by one are the first rows of a sort. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SqlType } from '../../common/types.ts';
import { rowComparator } from '../../runtime/batch/compare-rows.ts';
import { buildColumn } from '../../runtime/batch/datum.ts';
import { smallestRows } from '../../runtime/batch/smallest-rows.ts';

const double = fc.constantFrom(
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  -1.5,
  0,
  1e300,
);
const COLUMNS: readonly Readonly<{ type: SqlType; value: fc.Arbitrary<unknown> }>[] = [
  { type: { name: 'float8' }, value: double },
  { type: { name: 'int4' }, value: fc.integer({ min: -3, max: 3 }) },
  { type: { name: 'int8' }, value: fc.bigInt({ min: -3n, max: 3n }) },
  { type: { name: 'int8' }, value: fc.constantFrom(-(1n << 63n), 0n, (1n << 63n) - 1n) },
  { type: { name: 'text' }, value: fc.constantFrom('', 'a', 'b') },
];
const TIE: SqlType = { name: 'int4' };

const cases = fc.constantFrom(...COLUMNS).chain(({ type, value }) =>
  fc.record({
    type: fc.constant(type),
    values: fc.array(fc.oneof({ weight: 20, arbitrary: value }, fc.constant(null)), {
      minLength: 1,
      maxLength: 60,
    }),
    withNulls: fc.boolean(),
    descending: fc.boolean(),
    nullsFirst: fc.boolean(),
    count: fc.nat(12),
    some: fc.boolean(),
  }),
);

test('as a sort', () => {
  fc.assert(
    fc.property(cases, ({ type, values: drawn, withNulls, descending, nullsFirst, count, some }) => {
      const values = withNulls ? drawn : drawn.filter((v) => v !== null);
      const columns = [
        buildColumn(type, values),
        buildColumn(
          TIE,
          values.map((_, i) => (i * 37) % 61),
        ),
      ];
      const batch = { rows: values.length, columns, weights: null };
      const order = [{ column: 0, descending, nullsFirst }];
      const schema = [
        { name: 'v', type },
        { name: 'i', type: TIE },
      ];
      const compare = rowComparator(schema, batch, order, true);
      const all = Uint32Array.from({ length: batch.rows }, (_, i) => i);
      const chosen = some ? all.filter((i) => i % 3 !== 0) : all;
      const expected = [...chosen].sort(compare).slice(0, count);
      expect([...smallestRows(batch, some ? chosen : null, order, count, compare)]).toEqual(expected);
    }),
    { numRuns: 2000 },
  );
});
