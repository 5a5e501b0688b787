/** Numbers in timestamp columns: seconds, milliseconds or microseconds since 1970. */
import { SqlError } from '../../../common/sql-error.ts';
import type { SqlType } from '../../../common/types.ts';

export type TimestampUnit = 's' | 'ms' | 'us';

export const MICROS_PER_UNIT: Readonly<Record<TimestampUnit, number>> = { s: 1_000_000, ms: 1000, us: 1 };

export const isTimestamp = (type: SqlType): boolean =>
  type.name === 'timestamptz' || type.name === 'timestamp';

/** µs since 1970 of a number in a timestamp column (default: ms), null where the text is no plain number. */
export function epochMicros(text: string, type: SqlType, unit: TimestampUnit | null): number | null {
  if (!isTimestamp(type) || !/^-?\d+(\.\d+)?$/.test(text)) return null;
  return scaleEpoch(Number(text), unit);
}

export function scaleEpoch(value: number, unit: TimestampUnit | null): number {
  const micros = Math.round(value * MICROS_PER_UNIT[unit ?? 'ms']);
  if (!Number.isSafeInteger(micros)) throw new SqlError('22008', 'timestamp out of range');
  return micros;
}
