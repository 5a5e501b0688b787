/** A relation's rows as its readers see them. */
import type { Schema } from '../../common/types.ts';
import type { RelationDefinition } from '../../runtime/plan/relation.ts';

export const relationSchema = (relation: RelationDefinition): Schema =>
  relation.kind === 'sink' ? [] : relation.columns.map(({ name, type }) => ({ name, type }));

/** Columns that tell its rows apart; null: none are known to. */
export function relationKey(relation: RelationDefinition): readonly number[] | null {
  if (relation.kind === 'table') return relation.primaryKey.length === 0 ? null : relation.primaryKey;
  return relation.kind === 'materialized-view' ? relation.plan.key : null;
}
