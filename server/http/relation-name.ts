import { SqlError } from '../../common/sql-error.ts';
import type { RelationDefinition } from '../../runtime/plan/relation.ts';
import type { CatalogView } from '../catalog.ts';

const DEFAULT_SCHEMA = 'public';

/** The relation that a path names: `name` or `schema.name`, exactly as it is spelt in the catalog. */
export function findRelation(catalog: CatalogView, path: string): RelationDefinition {
  const dot = path.indexOf('.');
  const relation =
    catalog.relation(DEFAULT_SCHEMA, path) ??
    (dot < 0 ? undefined : catalog.relation(path.slice(0, dot), path.slice(dot + 1)));
  if (relation === undefined) throw new SqlError('42P01', `relation "${path}" does not exist`);
  return relation;
}

export const quoteIdentifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;

export const quoteLiteral = (text: string): string =>
  `${text.includes('\\') ? ' E' : ''}'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;

export const qualifiedName = (relation: RelationDefinition): string =>
  `${quoteIdentifier(relation.schema)}.${quoteIdentifier(relation.name)}`;
