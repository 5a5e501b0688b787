/**
 * Reads of single rows: where filters right above a scan hold the primary key, or the columns of an index, to constants,
 * that gives the rows, and no other can pass. The filter stays: what is read is only less.
 */
import { parseDatum } from '../../../common/value-text.ts';
import type { Schema } from '../../../common/types.ts';
import type { Batch, Column } from '../../batch/column.ts';
import { buildColumn } from '../../batch/datum.ts';
import { gatherBatch } from '../../batch/gather.ts';
import { areHeld, type KeyConstants } from '../../plan/key-constants.ts';
import type { RelationIndexes } from '../relation-indexes.ts';
import { type ChangeableTable, HELD } from '../table-changes.ts';

/** The rows that may pass; null: the constants do not say. */
export function pointRead(table: ChangeableTable, constants: KeyConstants): Batch | null {
  const { definition, schema } = table;
  const { primaryKey } = definition;
  const types = schema.map(({ type }) => type);
  if (!areHeld(primaryKey, constants, types)) return null;
  const rows = constants.get(primaryKey[0]!)!.length;
  const columns = schema.map(({ type }, c) =>
    primaryKey.includes(c)
      ? keyColumn(schema, c, constants)
      : buildColumn(type, new Array<null>(rows).fill(null)),
  );
  return holdersOnce(table, { rows, columns, weights: null });
}

/** By the longest index whose columns are held. null: there is none, or it gives so much that reading all is as cheap. */
export function indexRead(indexes: RelationIndexes, constants: KeyConstants): readonly Batch[] | null {
  const index = indexes.heldBy(constants);
  if (index === null) return null;
  const columns = index.columns.map((c) => keyColumn(indexes.schema, c, constants));
  const rows = constants.get(index.columns[0]!)!.length;
  return indexes.rowsOf(index, { rows, columns, weights: null });
}

function keyColumn(schema: Schema, ordinal: number, constants: KeyConstants): Column {
  const datums = constants
    .get(ordinal)!
    .map(({ text, type }) => (text === null ? null : parseDatum(text, type)));
  return buildColumn(schema[ordinal]!.type, datums);
}

function holdersOnce(table: ChangeableTable, keys: Batch): Batch {
  const held = table.held(keys);
  const seen = new Set<string>();
  const chosen = table.keys.texts(keys).flatMap((text, i) => {
    if (held[i] !== HELD || seen.has(text)) return [];
    seen.add(text);
    return [i];
  });
  return table.holders(gatherBatch(keys, Uint32Array.from(chosen), chosen.length));
}
