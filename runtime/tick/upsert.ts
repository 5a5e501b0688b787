/** INSERT … ON CONFLICT DO UPDATE. */
import { SqlError } from '../../common/sql-error.ts';
import type { Batch } from '../batch/column.ts';
import { concatBatches } from '../batch/concat.ts';
import { buildColumn } from '../batch/datum.ts';
import { gatherBatch } from '../batch/gather.ts';
import { compileExpressions, compilePredicate, type ExpressionOptions } from '../expression/compile.ts';
import type { ConflictAction } from '../engine-client.ts';
import { requireRows } from './row-checks.ts';
import {
  type ChangeableTable,
  firstRows,
  FREE,
  HELD_UNSEEN,
  nullFailure,
  replaceRows,
  serializationFailure,
} from './table-changes.ts';

export type DoUpdate = Extract<ConflictAction, { kind: 'update' }>;

/** What became of the rows proposed, in their order, without those whose WHERE did not hold. */
export type Upserted = Readonly<{
  /** NULLs where there was no row */
  old: Batch;
  fresh: Batch;
}>;

/** `complete` fills in generated columns. */
export function upsertRows(
  table: ChangeableTable,
  batch: Batch,
  action: DoUpdate,
  options: ExpressionOptions,
  complete: (batch: Batch) => Batch,
): Upserted {
  const failure = nullFailure(table, batch);
  const { primaryKey } = table.definition;
  const predicate = action.predicate === null ? null : compilePredicate(action.predicate, options);
  const values = compileExpressions(
    action.assignments.map((a) => a.value),
    options,
  );
  /** keys of the rows that the statement made: none may be changed again */
  const touched = new Set<string>();
  const movesKeys = action.assignments.some((a) => primaryKey.includes(a.column));
  // a row whose key changes may free or take the key of one that comes later: then one by one
  const lawful = failure === null ? batch : firstRows(batch, failure.row);
  const parts = movesKeys && lawful.rows > 1 ? singles(lawful) : [lawful];
  const done = parts.map((part) => upsertPart(part));
  if (failure !== null) throw failure.error;
  return {
    old: concatBatches(
      table.schema,
      done.map((d) => d.old),
    ),
    fresh: concatBatches(
      table.schema,
      done.map((d) => d.fresh),
    ),
  };

  function upsertPart(part: Batch): Upserted {
    const held = table.held(part);
    const texts = table.keys.texts(part);
    const taken = rowsWhere(part.rows, (i) => held[i] !== FREE);
    if (taken.some((i) => held[i] === HELD_UNSEEN)) throw serializationFailure();
    const proposed = gatherBatch(part, taken, taken.length);
    const there = table.holders(proposed);
    // before WHERE, which may not see what its reader may not
    requireRows(table.definition.name, action.existing, there, options, true);
    const both: Batch = {
      rows: there.rows,
      columns: [...there.columns, ...proposed.columns],
      weights: null,
    };
    const holds = chosen(both, predicate);
    const placeOf = new Map([...taken].map((row, i) => [row, i]));
    const kept: { row: number; at: number | null }[] = [];
    for (let row = 0; row < part.rows; row++) {
      const at = placeOf.get(row) ?? null;
      if (touched.has(texts[row]!)) throw secondTime();
      if (at !== null && !holds.has(at)) continue;
      touched.add(texts[row]!);
      kept.push({ row, at });
    }
    const updated = kept.flatMap(({ at }) => (at === null ? [] : [at]));
    const old = at(there, updated);
    const fresh = changed(old, values.evaluate(at(both, updated)));
    requireRows(table.definition.name, action.checks, fresh, options);
    if (movesKeys) for (const text of table.keys.texts(fresh)) noteOnce(text, texts);
    replaceRows(table, old, fresh);
    const inserted = at(
      part,
      kept.flatMap((k) => (k.at === null ? [k.row] : [])),
    );
    if (inserted.rows > 0) table.change(inserted);
    return inOrder(
      table,
      kept.map((k) => k.at !== null),
      old,
      fresh,
      inserted,
    );
  }

  /** A row that moved to another key: that one is the statement's now. */
  function noteOnce(text: string, proposed: readonly string[]): void {
    for (const own of proposed) if (own !== text) touched.delete(own);
    touched.add(text);
  }

  function changed(old: Batch, assigned: readonly Batch['columns'][number][]): Batch {
    const columns = old.columns.map((column, c) => {
      const place = action.assignments.findIndex((a) => a.column === c);
      return place < 0 ? column : assigned[place]!;
    });
    return complete({ rows: old.rows, columns, weights: null });
  }
}

const secondTime = (): SqlError =>
  new SqlError('21000', 'ON CONFLICT DO UPDATE command cannot affect row a second time', {
    hint: 'Ensure that no rows proposed for insertion within the same command have duplicate constrained values.',
  });

function singles(batch: Batch): Batch[] {
  return Array.from({ length: batch.rows }, (_, i) => gatherBatch(batch, Uint32Array.of(i), 1));
}

const at = (batch: Batch, rows: readonly number[]): Batch =>
  gatherBatch(batch, Uint32Array.from(rows), rows.length);

function rowsWhere(rows: number, holds: (row: number) => boolean): Uint32Array {
  const out = new Uint32Array(rows);
  let count = 0;
  for (let i = 0; i < rows; i++) if (holds(i)) out[count++] = i;
  return out.slice(0, count);
}

function chosen(batch: Batch, predicate: ReturnType<typeof compilePredicate> | null): ReadonlySet<number> {
  const rows = new Uint32Array(batch.rows);
  if (predicate === null) return new Set(rows.map((_, i) => i));
  const count = predicate.select(batch, rows);
  return new Set(rows.subarray(0, count));
}

/** Updated and inserted rows as they were proposed. */
function inOrder(
  { schema }: ChangeableTable,
  isUpdate: readonly boolean[],
  old: Batch,
  fresh: Batch,
  inserted: Batch,
): Upserted {
  let updates = 0;
  let inserts = old.rows;
  const order = Uint32Array.from(isUpdate, (update) => (update ? updates++ : inserts++));
  const nothing = nullRows(schema, inserted.rows);
  return {
    old: gatherBatch(concatBatches(schema, [old, nothing]), order, order.length),
    fresh: gatherBatch(concatBatches(schema, [fresh, inserted]), order, order.length),
  };
}

export const nullRows = (schema: ChangeableTable['schema'], rows: number): Batch => ({
  rows,
  columns: schema.map((field) => buildColumn(field.type, new Array<null>(rows).fill(null))),
  weights: null,
});
