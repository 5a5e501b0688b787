/** Order of rows within one batch by sort keys, with PostgreSQL's order of values; ties by the whole row. */
import { compareDatum } from '../../common/value-compare.ts';
import type { Schema, SqlType } from '../../common/types.ts';
import type { SortKey } from '../plan/query-plan.ts';
import type { Batch, Column } from './column.ts';
import { isValid } from './column.ts';
import { readDatum } from './datum.ts';

export type RowComparator = (a: number, b: number) => number;

/** Compares rows of this batch; with `wholeRow` rows are equal only if every column is. */
export function rowComparator(
  schema: Schema,
  batch: Batch,
  order: readonly SortKey[],
  wholeRow: boolean,
): RowComparator {
  const keys = [...order];
  if (wholeRow) {
    const used = new Set(order.map((k) => k.column));
    schema.forEach((_, column) => {
      if (!used.has(column)) keys.push({ column, descending: false, nullsFirst: false });
    });
  }
  const comparators = keys.map((key) =>
    columnComparator(batch.columns[key.column]!, schema[key.column]!.type, key),
  );
  if (comparators.length === 1) return comparators[0]!;
  return (a, b) => {
    for (const compare of comparators) {
      const order = compare(a, b);
      if (order !== 0) return order;
    }
    return 0;
  };
}

function columnComparator(column: Column, type: SqlType, key: SortKey): RowComparator {
  const values = valueComparator(column, type);
  const sign = key.descending ? -1 : 1;
  const { valid } = column;
  if (valid === null) return key.descending ? (a, b) => -values(a, b) : values;
  const nullOrder = key.nullsFirst ? -1 : 1;
  return (a, b) => {
    const aValid = isValid(valid, a);
    const bValid = isValid(valid, b);
    if (aValid && bValid) return sign * values(a, b);
    if (aValid === bValid) return 0;
    return aValid ? -nullOrder : nullOrder;
  };
}

function valueComparator(column: Column, type: SqlType): RowComparator {
  switch (column.kind) {
    case 'bool':
    case 'int32':
      return (a, b) => column.values[a]! - column.values[b]!;
    case 'int64': {
      const { wide, values } = column;
      if (wide === null) return (a, b) => values[a]! - values[b]!;
      return (a, b) => (wide[a]! < wide[b]! ? -1 : wide[a]! > wide[b]! ? 1 : 0);
    }
    case 'float64':
      return (a, b) => compareDoubles(column.values[a]!, column.values[b]!);
    case 'bytes': {
      if (type.name === 'bpchar' || type.name === 'jsonb') break;
      const bytes = Buffer.from(column.bytes.buffer, column.bytes.byteOffset, column.bytes.byteLength);
      const { starts, ends } = column;
      return (a, b) => bytes.compare(bytes, starts[b]!, ends[b]!, starts[a]!, ends[a]!);
    }
    case 'boxed':
      break;
  }
  return (a, b) => compareDatum(readDatum(column, a, type), readDatum(column, b, type), type);
}

/** NaN is the greatest and equal to itself. */
export function compareDoubles(a: number, b: number): number {
  if (a < b) return -1;
  if (a > b) return 1;
  if (a === b) return 0;
  return a === a ? -1 : b === b ? 1 : 0;
}
