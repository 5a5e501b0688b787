/** What an index finds is what a look at all rows finds: rows of a store that retract, and of one that only grows. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseDatum } from '../../common/value-text.ts';
import { BATCH_ROWS_MAX, type Batch } from '../../runtime/batch/column.ts';
import { buildColumn, readDatum } from '../../runtime/batch/datum.ts';
import { RowIndex } from '../../runtime/state/row-index.ts';
import { AppendStore } from '../../runtime/view/append-store.ts';
import { RowStore } from '../../runtime/view/row-store.ts';
import type { Schema } from '../../common/types.ts';

const SCHEMA: Schema = [
  { name: 'n', type: { name: 'int8' } },
  { name: 's', type: { name: 'text' } },
  { name: 'f', type: { name: 'float8' } },
  { name: 'd', type: { name: 'numeric' } },
];
const TYPES = SCHEMA.map(({ type }) => type);
/** Texts of equal values next to each other: what a key takes for one. */
const VALUES: readonly (readonly (string | null)[])[] = [
  ['1', '2', '-9007199254740993', null],
  ['', 'a', 'a longer text than eight bytes', 'é', null],
  ['0', '-0', 'NaN', '1.5', null],
  ['1', '1.00', 'NaN', '250', null],
];
/** Which values SQL calls equal, by their canonical text. */
const canonical = (text: string | null): string | null =>
  text === null ? null : ({ '-0': '0', '1.00': '1' }[text] ?? text);

type Row = readonly (string | null)[];
const row: fc.Arbitrary<Row> = fc.tuple(...VALUES.map((values) => fc.constantFrom(...values)));
const columns = fc.constantFrom([0], [1], [2], [3], [0, 1], [1, 2, 3], [2, 0]);

function batchOf(rows: readonly Row[], weights: readonly number[] | null): Batch {
  return {
    rows: rows.length,
    columns: TYPES.map((type, c) =>
      buildColumn(
        type,
        rows.map((values) => (values[c] === null ? null : parseDatum(values[c]!, type))),
      ),
    ),
    weights: weights === null ? null : Int32Array.from(weights),
  };
}

const keyOf = (values: Row, key: readonly number[]): string | null =>
  key.some((c) => values[c] === null) ? null : JSON.stringify(key.map((c) => canonical(values[c]!)));

const shown = (batches: readonly Batch[]): string[] =>
  batches
    .flatMap(({ rows, columns: all }) =>
      Array.from({ length: rows }, (_, i) =>
        all.map((column, c) => readDatum(column, i, TYPES[c]!)).map((v) => (Object.is(v, -0) ? '-0' : v)),
      ),
    )
    .map((datums) =>
      JSON.stringify(datums, (_, v: unknown) => (typeof v === 'bigint' ? `${v}n` : String(v ?? 'null'))),
    )
    .sort();

/** The asked keys, in the order of the index's columns. */
function keyBatch(rows: readonly Row[], key: readonly number[]): Batch {
  const batch = batchOf(rows, null);
  return { ...batch, columns: key.map((c) => batch.columns[c]!) };
}

const expected = (held: readonly Row[], asked: readonly Row[], key: readonly number[]): string[] => {
  const keys = new Set(asked.map((values) => keyOf(values, key)));
  const found = held.filter((values) => keyOf(values, key) !== null && keys.has(keyOf(values, key)));
  return found.length === 0 ? [] : shown([batchOf(found, null)]);
};

it('a store that retracts', () => {
  const change = fc.array(fc.tuple(row, fc.boolean()), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(
      columns,
      fc.array(change, { maxLength: 12 }),
      fc.nat(12),
      fc.array(row, { minLength: 1, maxLength: 3 }),
      (key, changes, indexedAt, asked) => {
        const store = new RowStore(SCHEMA);
        const index = new RowIndex(key, TYPES);
        let held: Row[] = [];
        changes.forEach((batch, at) => {
          if (at === Math.min(indexedAt, changes.length - 1)) store.addIndex(index);
          const applied: [Row, number][] = [];
          for (const [values, comes] of batch) {
            const there = held.findIndex((other) => JSON.stringify(other) === JSON.stringify(values));
            if (!comes && there < 0) continue;
            if (comes) held.push(values);
            else held = held.filter((_, i) => i !== there);
            applied.push([values, comes ? 1 : -1]);
          }
          if (applied.length > 0)
            store.apply(
              batchOf(
                applied.map(([values]) => values),
                applied.map(([, weight]) => weight),
              ),
            );
        });
        if (changes.length === 0) store.addIndex(index);
        const found = store.rowsOf(index, keyBatch(asked, key), 1000);
        expect(shown(found!)).toEqual(expected(held, asked, key));
        store.clear();
        expect(store.rowsOf(index, keyBatch(asked, key), 1000)).toEqual([]);
      },
    ),
    { numRuns: 300 },
  );
});

it('a store that only grows, and is trimmed', () => {
  // some are longer than the index's first room
  const batch = fc.tuple(fc.array(row, { minLength: 1, maxLength: 6 }), fc.constantFrom(1, 1, 3, 700));
  fc.assert(
    fc.property(
      columns,
      fc.array(batch, { maxLength: 14 }),
      fc.nat(14),
      fc.nat(6),
      fc.array(row, { minLength: 1, maxLength: 3 }),
      (key, batches, indexedAt, kept, asked) => {
        const retention = { ageMicros: kept, bytes: null, none: false };
        const store = new AppendStore(SCHEMA, retention);
        const index = new RowIndex(key, TYPES);
        let held: { time: number; rows: Row[] }[] = [];
        batches.forEach(([rows, times], at) => {
          if (at === Math.min(indexedAt, batches.length - 1)) store.addIndex(index);
          const all = Array.from({ length: times }, () => rows)
            .flat()
            .slice(0, BATCH_ROWS_MAX);
          // two batches of each time, which are joined while they are small
          const time = at >> 1;
          store.append(at + 1, time, 0, batchOf(all, null), false);
          held.push({ time, rows: all });
          store.trim(time);
          held = held.filter((entry) => entry.time >= time - kept);
        });
        if (batches.length === 0) store.addIndex(index);
        const found = store.rowsOf(index, keyBatch(asked, key), 1_000_000)!;
        const rows = held.flatMap((entry) => entry.rows);
        expect(shown(found)).toEqual(expected(rows, asked, key));
        expect(store.size).toBe(rows.length);
        store.clear();
        expect(store.rowsOf(index, keyBatch(asked, key), 10)).toEqual([]);
      },
    ),
    { numRuns: 150 },
  );
});

it('keys that are gone leave no memory behind', () => {
  const store = new RowStore(SCHEMA);
  const index = new RowIndex([1], TYPES);
  store.addIndex(index);
  const rows = (from: number): Row[] =>
    Array.from({ length: 1000 }, (_, i) => ['1', `key number ${from + i}`, '0', '1']);
  store.apply(batchOf(rows(0), null));
  const before = index.memoryBytes();
  for (let at = 0; at < 50; at++) {
    store.apply(
      batchOf(
        rows(at * 1000),
        Array.from({ length: 1000 }, () => -1),
      ),
    );
    store.apply(batchOf(rows(at * 1000 + 1000), null));
  }
  // the arena of keys is cleaned now and then
  expect(index.memoryBytes()).toBeLessThan(before + 4 * 2 ** 20);
  expect(store.rowsOf(index, keyBatch(rows(50_000), [1]), 999)).toBeNull();
  expect(shown(store.rowsOf(index, keyBatch(rows(50_000), [1]), 1000)!)).toHaveLength(1000);
});
