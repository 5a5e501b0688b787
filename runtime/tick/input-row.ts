/** A late row as it came in: all columns of the relation that was read, whatever the query made of them. */
import type { Schema } from '../../common/types.ts';
import type { Batch } from '../batch/column.ts';
import { originOf } from '../batch/origin.ts';
import type { RelationDefinition, StreamDefinition } from '../plan/relation.ts';
import { rowToJson } from './kept-rows.ts';
import type { RelationSet } from './relation-set.ts';

/** As JSON. Where the input is another operator's result (windows over windows in one query), the row of that. */
export function inputRow(relations: RelationSet, schema: Schema, batch: Batch, row: number): string {
  const origin = originOf(batch, row);
  const definition = relations.objects.get(origin.chosen?.relation ?? -1);
  if (origin.chosen === null || definition === undefined || !('columns' in definition))
    return rowToJson(schema, batch, row);
  if (definition.kind === 'index') return rowToJson(schema, batch, row);
  const read = isReadPerQuery(definition) ? columnsRead(definition, origin.chosen.columns) : null;
  const fields = definition.columns.map(({ name, type }, c) =>
    read === null || read.has(c) ? { name, type } : { name: '', type },
  );
  return rowToJson(fields, origin.batch, origin.row);
}

/** Each of its readers reads the file from its start, and decodes what it needs alone. */
export const isReadPerQuery = (definition: RelationDefinition): definition is StreamDefinition =>
  definition.kind === 'stream' && definition.source.connector === 'file' && definition.retention.none;

/** What must be decoded for a scan of these columns; null: all (generated columns may read any). */
export function columnsRead(
  definition: StreamDefinition,
  columns: readonly number[],
): ReadonlySet<number> | null {
  if (definition.columns.some((c) => c.generated !== null)) return null;
  const required = definition.columns.flatMap((c, i) => (c.notNull ? [i] : []));
  const time = definition.watermark === null ? [] : [definition.watermark.column];
  return new Set([...columns, ...required, ...time]);
}
