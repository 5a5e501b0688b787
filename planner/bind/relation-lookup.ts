/** Relations by name, as search_path says; pg_catalog first. */
import type { RangeVar } from 'libpg-query';
import { DATABASE } from '../../runtime/plan/authorization.ts';
import type { RelationDefinition } from '../../runtime/plan/relation.ts';
import { isSystemView, SYSTEM_SCHEMA, type SystemViewName } from '../../runtime/plan/system-views.ts';
import type { BindingContext } from './binding-context.ts';
import { firstInPath } from './search-path.ts';

export type Found =
  | Readonly<{ kind: 'relation'; definition: RelationDefinition }>
  | Readonly<{ kind: 'system'; view: SystemViewName }>
  | Readonly<{ kind: 'catalog' }>;

const CATALOG_SCHEMAS: ReadonlySet<string> = new Set(['pg_catalog', 'information_schema']);

/** There is one database, and no other can be made. 0A000 for another one's name, in PostgreSQL's words. */
export function requireThisDatabase(context: Pick<BindingContext, 'error'>, range: RangeVar): void {
  const { catalogname, schemaname, relname } = range;
  if (catalogname === undefined || catalogname === DATABASE.name) return;
  const name = `${catalogname}.${schemaname}.${relname}`;
  throw context.error(
    range.location,
    '0A000',
    `cross-database references are not implemented: "${name}"`,
    `The only database is ${DATABASE.name}: leave its name out.`,
  );
}

/** null where there is none; 42501 for a schema that is named and may not be used. */
export function findRelation(
  context: Pick<BindingContext, 'catalog' | 'searchPath' | 'role'>,
  schema: string | null,
  name: string,
): Found | null {
  if (schema !== null && CATALOG_SCHEMAS.has(schema)) return { kind: 'catalog' };
  const found = firstInPath(context, schema, (candidate) => findIn(context, candidate, name));
  return found === null && schema === null && /^pg_[a-z]/.test(name) ? { kind: 'catalog' } : found;
}

function findIn(context: Pick<BindingContext, 'catalog'>, schema: string, name: string): Found | null {
  if (schema === SYSTEM_SCHEMA && isSystemView(name)) return { kind: 'system', view: name };
  const definition = context.catalog.relation(schema, name);
  return definition === undefined ? null : { kind: 'relation', definition };
}

export const shownName = (schema: string | null, name: string): string =>
  schema === null ? name : `${schema}.${name}`;
