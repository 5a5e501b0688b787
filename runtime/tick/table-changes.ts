/**
 * What INSERT, UPDATE and DELETE do to a table, whichever it is: the committed one within a tick, or a transaction block's
 * own version of it. All rows of a statement are checked before the first of them changes anything.
 */
import { SqlError } from '../../common/sql-error.ts';
import type { Schema } from '../../common/types.ts';
import { formatDatum } from '../../common/value-text.ts';
import { isValid, type Batch } from '../batch/column.ts';
import { negated } from '../batch/consolidate.ts';
import { readDatum } from '../batch/datum.ts';
import { gatherBatch } from '../batch/gather.ts';
import { nullViolation } from '../format/decode/decoded-columns.ts';
import type { TableDefinition } from '../plan/relation.ts';
import type { TableKeys } from './table-keys.ts';

/** Whether a key may be taken. */
export const FREE = 0;
export const HELD = 1;
/** A commit after the block's snapshot took it: the block does not see the row. */
export const HELD_UNSEEN = 2;

export interface ChangeableTable {
  readonly definition: TableDefinition;
  readonly schema: Schema;
  readonly keys: TableKeys;
  /** FREE, HELD or HELD_UNSEEN for the key of each row. */
  held(batch: Batch): Uint8Array;
  /** The rows that hold the keys of these rows, in their order: each is HELD. */
  holders(batch: Batch): Batch;
  /** How often each of these rows, whole, is there. */
  counts(batch: Batch): Int32Array;
  /** All rows, as they are now. */
  rows(): Iterable<Batch>;
  /** Rows that come (weights null) or go (weights −1). A copy is kept. */
  change(batch: Batch): void;
}

/**
 * 23502, 23505, 40001: the error of the first row that has one. Gives the rows that came, those with a taken key left out
 * under 'nothing'.
 */
export function insertRows(table: ChangeableTable, batch: Batch, onConflict: 'error' | 'nothing'): Batch {
  const failure = nullFailure(table, batch);
  if (failure !== null) {
    freeRows(table, firstRows(batch, failure.row), onConflict);
    throw failure.error;
  }
  const rows = freeRows(table, batch, onConflict);
  const fresh = rows === null ? batch : gatherBatch(batch, rows, rows.length);
  if (fresh.rows > 0) table.change(fresh);
  return fresh;
}

/** The table has the old rows; `fresh` has a row for each. After an error the caller undoes the statement. */
export function replaceRows(table: ChangeableTable, old: Batch, fresh: Batch): void {
  if (old.rows === 0) return;
  const failure = nullFailure(table, fresh);
  const moves = table.definition.primaryKey.some((c) => fresh.columns[c] !== old.columns[c]);
  const held = moves ? new Set(table.keys.texts(old)) : null;
  table.change(negated(old));
  const lawful = failure === null ? fresh : firstRows(fresh, failure.row);
  // rows that keep their keys take nobody's
  if (held !== null) freeRows(table, lawful, 'error', held);
  if (failure !== null) throw failure.error;
  table.change(fresh);
}

export function deleteRows(table: ChangeableTable, rows: Batch): void {
  if (rows.rows > 0) table.change(negated(rows));
}

/** Rows whose key is free, also within the batch; null: all. `left`: keys that the statement's own rows just left. */
function freeRows(
  table: ChangeableTable,
  batch: Batch,
  onConflict: 'error' | 'nothing',
  left: ReadonlySet<string> | null = null,
): Uint32Array | null {
  if (table.definition.primaryKey.length === 0) return null;
  const held = table.held(batch);
  const seen = batch.rows > 1 ? new Set<string>() : null;
  const texts = seen === null && left === null ? [] : table.keys.texts(batch);
  const rows = new Uint32Array(batch.rows);
  let count = 0;
  for (let i = 0; i < batch.rows; i++) {
    const twice = seen?.has(texts[i]!) === true;
    const free = held[i] === FREE || (held[i] === HELD_UNSEEN && left?.has(texts[i]!) === true);
    if (free && !twice) {
      rows[count++] = i;
      seen?.add(texts[i]!);
    } else if (onConflict === 'error') throw duplicateKey(table, batch, i);
    else if (held[i] === HELD_UNSEEN) throw serializationFailure();
  }
  return count === batch.rows ? null : rows.slice(0, count);
}

export const serializationFailure = (): SqlError =>
  new SqlError('40001', 'could not serialize access due to concurrent update', {
    hint: 'The transaction might succeed if retried.',
  });

/** 23502 of the first row that has NULL where none may be. */
export function nullFailure(
  { definition, schema }: ChangeableTable,
  batch: Batch,
): Readonly<{ row: number; error: SqlError }> | null {
  let row = batch.rows;
  let name = '';
  definition.columns.forEach((column, c) => {
    const { valid } = batch.columns[c]!;
    if (valid === null || !(column.notNull || definition.primaryKey.includes(c))) return;
    for (let i = 0; i < row; i++) {
      if (isValid(valid, i)) continue;
      row = i;
      ({ name } = column);
    }
  });
  if (row === batch.rows) return null;
  const { message } = nullViolation(name, definition.name);
  const detail = `Failing row contains (${rowText(schema, batch, row)}).`;
  return { row, error: new SqlError('23502', message, { detail }) };
}

export const firstRows = (batch: Batch, count: number): Batch =>
  gatherBatch(
    batch,
    Uint32Array.from({ length: count }, (_, i) => i),
    count,
  );

function rowText(schema: Schema, batch: Batch, row: number): string {
  const values = schema.map((field, c) => {
    const datum = readDatum(batch.columns[c]!, row, field.type);
    return datum === null ? 'null' : formatDatum(datum, field.type);
  });
  return values.join(', ');
}

/** 23505. */
export function duplicateKey({ definition, schema }: ChangeableTable, batch: Batch, row: number): SqlError {
  const { primaryKey, name } = definition;
  const names = primaryKey.map((c) => schema[c]!.name).join(', ');
  const values = primaryKey
    .map((c) => formatDatum(readDatum(batch.columns[c]!, row, schema[c]!.type), schema[c]!.type))
    .join(', ');
  return new SqlError('23505', `duplicate key value violates unique constraint "${name}_pkey"`, {
    detail: `Key (${names})=(${values}) already exists.`,
  });
}
