/** The laws of runtime/aggregate/accumulator.ts, over every aggregate of the plan language. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decimal } from '../../common/decimal.ts';
import { interval } from '../../common/interval.ts';
import { formatDatum } from '../../common/value-text.ts';
import type { SqlType, TypeName } from '../../common/types.ts';
import { isInvertible, type Accumulator, type Rows } from '../../runtime/aggregate/accumulator.ts';
import { createAccumulator } from '../../runtime/aggregate/create-accumulator.ts';
import type { Column } from '../../runtime/batch/column.ts';
import { FRESH_ARRAYS } from '../../runtime/batch/column-arrays.ts';
import { buildColumn, readDatum } from '../../runtime/batch/datum.ts';
import { AGGREGATES, aggregateByKey } from '../../runtime/plan/aggregates.ts';
import type { AggregateCall } from '../../runtime/plan/query-plan.ts';
import { StateReader, StateWriter } from '../../runtime/state/state-codec.ts';

const DOUBLES = [
  0,
  -0,
  1,
  -1,
  0.1,
  1 / 3,
  1e300,
  -1e300,
  1e-300,
  5e-324,
  1.7976931348623157e308,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
];
const DATUMS: Partial<Record<TypeName, readonly unknown[]>> = {
  bool: [true, false],
  int2: [0, 1, -32768, 32767],
  int4: [0, 1, -2147483648, 2147483647],
  int8: [0n, 1n, -9223372036854775808n, 9223372036854775807n, 2n ** 53n, 2n ** 53n + 1n],
  numeric: [decimal(0n, 0), decimal(150n, 2), decimal(15n, 1), decimal(-(10n ** 30n), 5)],
  float4: [0, 0.5, -1.25, Number.NaN, Number.POSITIVE_INFINITY],
  float8: DOUBLES,
  text: ['', 'a', 'b', 'é'],
  timestamptz: [0, 1_700_000_000_000_000, Number.POSITIVE_INFINITY],
  interval: [interval(0, 0, 0), interval(1, 0, 0), interval(0, 30, 5)],
};

/** Keys over the types above; arg_min and arg_max by one type of each layout. */
const KEYS = [
  ...AGGREGATES.filter((a) => a.args.every((t) => DATUMS[t] !== undefined)).map((a) => a.key),
  'arg_min(text,float8)',
  'arg_max(int8,timestamptz)',
  'arg_min(float8,text)',
];

type Value = Readonly<{ group: number; args: readonly unknown[]; arrival: number }>;
const GROUPS = 3;
const CAPACITY = 8;

function callOf(key: string, distinct: boolean): { call: AggregateCall; types: readonly SqlType[] } {
  const signature = aggregateByKey(key)!;
  const types = signature.args.map((name) => ({ name }));
  const arrival = signature.orderSensitive ? signature.args.length : null;
  const call = {
    function: key,
    args: types.map((_, i) => i),
    distinct,
    filter: null,
    arrival,
    type: { name: signature.result },
  };
  return { call, types };
}

const valuesOf = (types: readonly SqlType[]): fc.Arbitrary<Value[]> =>
  fc
    .array(
      fc.record({
        group: fc.integer({ min: 0, max: GROUPS - 1 }),
        args: fc.tuple(
          ...types.map((t) =>
            fc.oneof(
              { weight: 1, arbitrary: fc.constant(null) },
              { weight: 5, arbitrary: fc.constantFrom(...DATUMS[t.name]!) },
            ),
          ),
        ),
      }),
      { maxLength: 12 },
    )
    .map((rows) => rows.map((r, i) => ({ ...r, arrival: i })));

function rowsOf(
  values: readonly Value[],
  types: readonly SqlType[],
  weights: Int32Array | null,
): { rows: Rows; args: Column[] } {
  const args = types.map((type, c) =>
    buildColumn(
      type,
      values.map((v) => v.args[c]),
    ),
  );
  args.push(
    buildColumn(
      { name: 'int8' },
      values.map((v) => BigInt(v.arrival)),
    ),
  );
  return { rows: { count: values.length, groups: Uint32Array.from(values, (v) => v.group), weights }, args };
}

function add(
  accumulator: Accumulator,
  values: readonly Value[],
  types: readonly SqlType[],
  weight: 1 | -1 = 1,
): void {
  const weights = weight === 1 ? null : new Int32Array(values.length).fill(-1);
  const { rows, args } = rowsOf(values, types, weights);
  accumulator.add(rows, args);
}

const ALL = Uint32Array.from({ length: GROUPS }, (_, i) => i);

/** Results as text; the message where they can't be computed. */
function results(accumulator: Accumulator, values: readonly Value[], type: SqlType): string[] {
  return Array.from(ALL, (group) => {
    const counts = Float64Array.of(values.filter((v) => v.group === group).length);
    try {
      const datum = readDatum(accumulator.emit(Uint32Array.of(group), 1, counts, FRESH_ARRAYS), 0, type);
      return datum === null ? 'NULL' : formatDatum(datum, type);
    } catch (error) {
      return (error as Error).message;
    }
  });
}

const RUNS = { numRuns: 25 };

for (const distinct of [false, true]) {
  const keys = distinct ? KEYS.filter((k) => /^(count|sum|avg)\(.+\)$/.test(k)) : KEYS;
  describe.each(keys)(`%s${distinct ? ' DISTINCT' : ''}`, (key) => {
    const { call, types } = callOf(key, distinct);
    const make = (retracts = false): Accumulator => createAccumulator(call, types, retracts, CAPACITY);
    const fresh = (values: readonly Value[]): string[] => {
      const one = make();
      add(one, values, types);
      return results(one, values, call.type);
    };

    it('combining panes in any order equals adding the rows', () => {
      fc.assert(
        fc.property(valuesOf(types), fc.integer({ min: 0, max: 12 }), (values, cut) => {
          const [a, b] = [values.slice(0, cut), values.slice(cut)];
          for (const order of [
            [a, b],
            [b, a],
          ]) {
            const total = make();
            for (const part of order) {
              const pane = make();
              add(pane, part, types);
              total.combine(ALL, GROUPS, pane.copy(ALL, GROUPS));
            }
            expect(results(total, values, call.type)).toEqual(fresh(values));
          }
        }),
        RUNS,
      );
    });

    it('deduct undoes combine, exactly', () => {
      if (!isInvertible(make())) return;
      fc.assert(
        fc.property(valuesOf(types), valuesOf(types), (stays, leaves) => {
          const total = make();
          if (!isInvertible(total)) return;
          const [kept, gone] = [make(), make()];
          add(kept, stays, types);
          add(gone, leaves, types);
          total.combine(ALL, GROUPS, gone.copy(ALL, GROUPS));
          total.combine(ALL, GROUPS, kept.copy(ALL, GROUPS));
          total.deduct(ALL, GROUPS, gone.copy(ALL, GROUPS));
          expect(results(total, stays, call.type)).toEqual(fresh(stays));
        }),
        RUNS,
      );
    });

    it('a weight of −1 undoes one of +1', () => {
      fc.assert(
        fc.property(valuesOf(types), valuesOf(types), (stays, leaves) => {
          const one = make(true);
          add(one, leaves, types);
          add(one, stays, types);
          add(one, leaves, types, -1);
          expect(results(one, stays, call.type)).toEqual(fresh(stays));
        }),
        RUNS,
      );
    });

    it('saved and loaded, copied and assigned, cleared', () => {
      fc.assert(
        fc.property(valuesOf(types), (values) => {
          const one = make();
          add(one, values, types);
          const w = new StateWriter();
          one.save(w);
          const loaded = make();
          loaded.load(new StateReader(w.finish()));
          expect(results(loaded, values, call.type)).toEqual(fresh(values));
          const assigned = make();
          add(assigned, values, types);
          assigned.assign(ALL, GROUPS, one.copy(ALL, GROUPS));
          expect(results(assigned, values, call.type)).toEqual(fresh(values));
          assigned.clear(ALL, GROUPS);
          expect(results(assigned, [], call.type)).toEqual(fresh([]));
        }),
        RUNS,
      );
    });
  });
}
