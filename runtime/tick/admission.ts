/** What a row must satisfy to enter a stream: generated columns, NOT NULL, a finite time, not beyond MAX SKEW. */
import { SqlError } from '../../common/sql-error.ts';
import { formatDatum } from '../../common/value-text.ts';
import type { Schema } from '../../common/types.ts';
import { isValid, type Batch, type Column } from '../batch/column.ts';
import { gatherBatch } from '../batch/gather.ts';
import { readDatum } from '../batch/datum.ts';
import { DATE_INFINITY, DATE_NEGATIVE_INFINITY } from '../batch/datum.ts';
import type { ColumnDefinition, StreamDefinition } from '../plan/relation.ts';
import { nullViolation } from '../format/decode/decoded-columns.ts';
import { rowToText } from './kept-rows.ts';

const MICROS_PER_DAY = 86_400_000_000;

export const schemaOf = (columns: readonly ColumnDefinition[]): Schema =>
  columns.map(({ name, type }) => ({ name, type }));

export type RejectAdmission = (row: number, error: SqlError, payload: string) => void;

const NONE_FAILED: ReadonlyMap<number, SqlError> = new Map();

/** Rows that may enter; the others go to `reject`. `failed`: those whose generated columns can't be computed. */
export function admissible(
  definition: StreamDefinition,
  batch: Batch,
  nowMicros: number,
  reject: RejectAdmission,
  failed: ReadonlyMap<number, SqlError> = NONE_FAILED,
): Batch {
  const notNull = definition.columns.flatMap((c, i) => (c.notNull ? [i] : []));
  const time = definition.watermark?.column ?? null;
  const checked = new Set(time === null ? notNull : [...notNull, time]);
  const hasNulls = [...checked].some((c) => batch.columns[c]!.valid !== null);
  const skew = definition.watermark?.maxSkewMicros ?? null;
  const latest = skew === null ? Number.POSITIVE_INFINITY : nowMicros + skew;
  const fit = !hasNulls && failed.size === 0;
  if (fit && (time === null || timesWithin(batch.columns[time]!, batch.rows, latest))) return batch;
  const keep = new Uint32Array(batch.rows);
  let count = 0;
  for (let i = 0; i < batch.rows; i++) {
    const error = failed.get(i) ?? rowError(definition, batch, i, checked, time, latest);
    if (error === null) keep[count++] = i;
    else reject(i, error, rowToText(schemaOf(definition.columns), batch, i));
  }
  return count === batch.rows ? batch : gatherBatch(batch, keep, count);
}

function rowError(
  definition: StreamDefinition,
  batch: Batch,
  row: number,
  checked: ReadonlySet<number>,
  time: number | null,
  latest: number,
): SqlError | null {
  for (const c of checked) {
    if (!isValid(batch.columns[c]!.valid, row))
      return nullViolation(definition.columns[c]!.name, definition.name);
  }
  if (time === null) return null;
  const at = timeAt(batch.columns[time]!, row);
  const { name, type } = definition.columns[time]!;
  if (!Number.isFinite(at)) return new SqlError('22008', `time attribute "${name}" must be finite`);
  if (at <= latest) return null;
  const shown = formatDatum(readDatum(batch.columns[time]!, row, type), type);
  return new SqlError('22008', `time attribute "${name}" is too far ahead of the clock: ${shown}`, {
    hint: 'MAX SKEW of the stream says how far ahead a row may be.',
  });
}

function timeAt(column: Column, row: number): number {
  if (column.kind === 'float64') return column.values[row]!;
  if (column.kind !== 'int32') throw new TypeError('time attribute in another layout');
  const days = column.values[row]!;
  if (days === DATE_INFINITY || days === DATE_NEGATIVE_INFINITY) return Number.POSITIVE_INFINITY;
  return days * MICROS_PER_DAY;
}

function timesWithin(column: Column, rows: number, latest: number): boolean {
  if (column.kind !== 'float64') {
    for (let i = 0; i < rows; i++) {
      const time = timeAt(column, i);
      if (!Number.isFinite(time) || time > latest) return false;
    }
    return true;
  }
  const { values } = column;
  let bad = 0;
  for (let i = 0; i < rows; i++) {
    const time = values[i]!;
    bad |= time - time === 0 && time <= latest ? 0 : 1;
  }
  return bad === 0;
}
