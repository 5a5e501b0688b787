/** Result rows of groups: key columns, window bounds, aggregates. A group whose result can't be computed is withheld. */
import { SqlError } from '../../common/sql-error.ts';
import { physicalKind, type Schema } from '../../common/types.ts';
import type { AggregateSet } from '../aggregate/aggregate-set.ts';
import type { Batch, Column } from '../batch/column.ts';
import type { ColumnArrays } from '../batch/column-arrays.ts';
import type { GroupTable } from '../state/group-table.ts';
import type { QueryContext } from './dstream.ts';

export type GroupEmission = Readonly<{
  table: GroupTable;
  groups: Uint32Array;
  count: number;
  set: AggregateSet;
  /** slots[i]: where groups[i] stands in `set` */
  slots: Uint32Array;
  /** values of the columns after the keys, µs: the bounds of the window */
  windows: readonly number[];
  schema: Schema;
  context: QueryContext;
  arrays: ColumnArrays;
}>;

/** Rows of a batch at the most: a window of many groups leaves in several. */
const EMIT_ROWS_MAX = 16384;

export function emitGroups(emission: GroupEmission, out: Batch[]): void {
  for (let from = 0; from < emission.count; from += EMIT_ROWS_MAX) {
    const to = Math.min(emission.count, from + EMIT_ROWS_MAX);
    emitSlice(emission, emission.groups.subarray(from, to), emission.slots.subarray(from, to), out);
  }
}

function emitSlice(emission: GroupEmission, groups: Uint32Array, slots: Uint32Array, out: Batch[]): void {
  const count = groups.length;
  try {
    const aggregates = emission.set.emit(slots, count, emission.arrays);
    out.push({
      rows: count,
      columns: [...keysAndWindow(emission, groups, count), ...aggregates],
      weights: null,
    });
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    if (count === 1) {
      const keys = keysAndWindow(emission, groups, 1);
      const schema = emission.schema.slice(0, keys.length);
      emission.context.reject(error, schema, { rows: 1, columns: keys, weights: null }, 0);
      return;
    }
    const middle = count >> 1;
    emitSlice(emission, groups.subarray(0, middle), slots.subarray(0, middle), out);
    emitSlice(emission, groups.subarray(middle), slots.subarray(middle), out);
  }
}

function keysAndWindow(emission: GroupEmission, groups: Uint32Array, count: number): Column[] {
  const keys = emission.table.keyColumns(groups, count, emission.arrays);
  const bounds = emission.windows.map((time, i): Column => {
    if (physicalKind(emission.schema[keys.length + i]!.type) === 'int32') {
      return { kind: 'int32', values: new Int32Array(count).fill(time / 86_400_000_000), valid: null };
    }
    return {
      kind: 'float64',
      values: emission.arrays.float64(count).fill(time, 0, count),
      valid: null,
      constant: true,
    };
  });
  return [...keys, ...bounds];
}
