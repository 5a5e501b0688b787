/** Keys of every type, NULLs and odd values among them: equal values share a group, and its key comes out as it went in. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SqlType } from '../../common/types.ts';
import { compareDatum } from '../../common/value-compare.ts';
import type { Batch } from '../../runtime/batch/column.ts';
import { buildColumn, readDatum } from '../../runtime/batch/datum.ts';
import { GroupTable } from '../../runtime/state/group-table.ts';
import { StateReader, StateWriter } from '../../runtime/state/state-codec.ts';

const double = fc.constantFrom(0, -0, Number.NaN, Infinity, -Infinity, 1.5, -1e300, 5e-324, 2 ** 53);
const micros = fc.constantFrom(0, -0, Infinity, -Infinity, 1.7e15, -1, 8.64e10);
const big = fc.constantFrom(
  0n,
  1n,
  -1n,
  2n ** 32n,
  -(2n ** 32n),
  2n ** 53n,
  -(2n ** 53n) - 1n,
  2n ** 63n - 1n,
  -(2n ** 63n),
);
const small = fc.integer({ min: -4, max: 4 }).map(BigInt);
const KEYS: readonly Readonly<{ type: SqlType; value: fc.Arbitrary<unknown> }>[] = [
  { type: { name: 'bool' }, value: fc.boolean() },
  { type: { name: 'int4' }, value: fc.constantFrom(0, 1, -1, 2147483647, -2147483648) },
  { type: { name: 'int8' }, value: small },
  { type: { name: 'int8' }, value: big },
  { type: { name: 'float8' }, value: double },
  { type: { name: 'timestamptz' }, value: micros },
  { type: { name: 'text' }, value: fc.constantFrom('', 'a', 'aa', 'b', 'ü', 'a'.repeat(40)) },
];

const oneKey = fc.constantFrom(...KEYS).map((key) => [key]);
const keys = fc.oneof(oneKey, fc.array(fc.constantFrom(...KEYS), { minLength: 2, maxLength: 3 }));
const cases = keys.chain((columns) => {
  const row = fc.tuple(
    ...columns.map(({ value }) => fc.oneof({ weight: 6, arbitrary: value }, fc.constant(null))),
  );
  const batch = fc.array(row, { minLength: 1, maxLength: 12 });
  return fc.record({
    types: fc.constant(columns.map((c) => c.type)),
    batches: fc.array(batch, { minLength: 1, maxLength: 4 }),
    reload: fc.boolean(),
  });
});

const batchOf = (types: readonly SqlType[], rows: readonly (readonly unknown[])[]): Batch => ({
  rows: rows.length,
  weights: null,
  columns: types.map((type, c) =>
    buildColumn(
      type,
      rows.map((row) => row[c]),
    ),
  ),
});

test('as SQL compares them', () => {
  fc.assert(
    fc.property(cases, ({ types, batches, reload }) => {
      let table = new GroupTable(types);
      const ordinals = types.map((_, i) => i);
      const equal = (a: readonly unknown[], b: readonly unknown[]): boolean =>
        types.every((type, i) =>
          a[i] === null || b[i] === null ? a[i] === b[i] : compareDatum(a[i], b[i], type) === 0,
        );
      const seen: { row: readonly unknown[]; group: number }[] = [];
      for (const rows of batches) {
        const batch = batchOf(types, rows);
        const groups = new Uint32Array(rows.length);
        table.intern(batch, ordinals, groups);
        table.retainAll(groups, rows.length);
        const found = new Uint32Array(rows.length);
        table.lookup(batch, ordinals, found);
        expect([...found]).toEqual([...groups]);
        rows.forEach((row, i) => {
          for (const other of seen) expect(other.group === groups[i]).toBe(equal(other.row, row));
          seen.push({ row, group: groups[i]! });
        });
        const columns = table.keyColumns(groups, rows.length);
        rows.forEach((row, i) => {
          const shown = types.map((type, c) => readDatum(columns[c]!, i, type));
          expect(equal(shown, row), `${shown} for ${row}`).toBe(true);
        });
        if (!reload) continue;
        const w = new StateWriter();
        table.save(w);
        table = new GroupTable(types);
        table.load(new StateReader(w.finish()));
      }
    }),
    { numRuns: 1500 },
  );
});
