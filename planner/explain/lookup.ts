/** Which key or index a finite query's scan asks for its rows. */
import { areHeld, type KeyConstants, longestHeld } from '../../runtime/plan/key-constants.ts';
import type { Oid } from '../../runtime/plan/relation.ts';
import type { Catalog } from '../catalog.ts';
import { expressionText } from './expression-text.ts';

export type Lookup = Readonly<{ name: string; conditions: readonly string[] }>;

/** As the engine chooses: the primary key, else the longest index; null: all rows are looked at. */
export function lookupOf(catalog: Catalog, relation: Oid, constants: KeyConstants): Lookup | null {
  const definition = catalog.relationByOid(relation);
  if (definition?.kind !== 'table' && definition?.kind !== 'materialized-view') return null;
  const { columns } = definition;
  const types = columns.map(({ type }) => type);
  const conditions = (held: readonly number[]): string[] =>
    held.map((c) => {
      const texts = (constants.get(c) ?? []).map((constant) => expressionText(constant, []));
      const values = texts.length === 1 ? ` = ${texts.join('')}` : ` IN (${texts.join(', ')})`;
      return `${columns[c]?.name ?? ''}${values}`;
    });
  if (definition.kind === 'table' && areHeld(definition.primaryKey, constants, types))
    return { name: 'Primary key lookup', conditions: conditions(definition.primaryKey) };
  const index = longestHeld(catalog.indexesOf(relation), constants, types);
  return index === null
    ? null
    : { name: `Index lookup ${index.name}`, conditions: conditions(index.columns) };
}
