/** PostgreSQL's order of the datums of one type. NULLs are the caller's. */
import { compareDecimals, type Decimal } from './decimal.ts';
import { compareIntervals, type Interval } from './interval.ts';
import { compareJsonb } from './json.ts';
import { compareBytes, compareText, trimBlanks } from './text.ts';
import { elementTypeName, isArrayType, type SqlType } from './types.ts';

/** NaN is greater than every number and equal to itself; −0 equals 0. */
export function compareFloats(a: number, b: number): number {
  if (a < b) return -1;
  if (a > b) return 1;
  if (a === b) return 0;
  return Number.isNaN(a) ? (Number.isNaN(b) ? 0 : 1) : -1;
}

/** Negative, 0 or positive. */
export function compareDatum(a: unknown, b: unknown, type: SqlType): number {
  if (isArrayType(type.name)) {
    return compareArrays(a as readonly unknown[], b as readonly unknown[], {
      name: elementTypeName(type.name),
    });
  }
  switch (elementTypeName(type.name)) {
    case 'bool':
      return Number(a) - Number(b);
    case 'int2':
    case 'int4':
    case 'float4':
    case 'float8':
    case 'date':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return compareFloats(a as number, b as number);
    case 'int8':
      return (a as bigint) < (b as bigint) ? -1 : (a as bigint) > (b as bigint) ? 1 : 0;
    case 'numeric':
      return compareDecimals(a as Decimal, b as Decimal);
    case 'interval':
      return compareIntervals(a as Interval, b as Interval);
    case 'text':
    case 'varchar':
    case 'json':
    case 'uuid':
      return compareText(a as string, b as string);
    case 'bpchar':
      return compareText(trimBlanks(a as string), trimBlanks(b as string));
    case 'jsonb':
      return compareJsonb(a as string, b as string);
    case 'bytea':
      return compareBytes(a as Uint8Array, b as Uint8Array);
  }
}

/** Element by element, NULL last and equal to NULL, the shorter first. */
function compareArrays(a: readonly unknown[], b: readonly unknown[], element: SqlType): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const [x, y] = [a[i], b[i]];
    if (x === null || y === null) {
      if (x !== y) return x === null ? 1 : -1;
      continue;
    }
    const order = compareDatum(x, y, element);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}
