/** What new objects are granted from the start: as it is built in, or as ALTER DEFAULT PRIVILEGES says. */
import type { AccessItem, DefaultAccess, Owned, RoleDefinition } from '../../runtime/plan/authorization.ts';
import type { Oid } from '../../runtime/plan/relation.ts';
import type { Catalog } from '../catalog.ts';
import { accessOf } from './access.ts';
import { merged } from './grant-items.ts';

type Kind = DefaultAccess['kind'];

export const defaultKind = (kind: Kind): 'table' | 'schema' | 'secret' =>
  kind === 'relation' ? 'table' : kind;

export const builtIn = (kind: Kind, owner: Oid): readonly AccessItem[] =>
  accessOf({ kind: defaultKind(kind), owner, access: null });

/** Of a new object; null: as it is built in. */
export function initialAccess(catalog: Catalog, owner: Oid, kind: Kind, schema: Oid | null): Owned['access'] {
  const defaults = catalog.roleByOid(owner)?.defaultAccess ?? [];
  const of = (place: Oid | null) => defaults.find((item) => item.kind === kind && item.schema === place);
  const own = of(null)?.access;
  const here = schema === null ? undefined : of(schema)?.access;
  if (own === undefined && here === undefined) return null;
  return merged(own ?? builtIn(kind, owner), here ?? []);
}

/** The role's defaults without another role; the same where it was in none. */
export function withoutDefaultsFor(role: RoleDefinition, other: Oid): RoleDefinition {
  const all = role.defaultAccess ?? [];
  if (!all.some(({ access }) => access.some((item) => item.grantee === other))) return role;
  const defaultAccess = all.map((item) => ({
    ...item,
    access: item.access.filter((a) => a.grantee !== other),
  }));
  return { ...role, defaultAccess };
}
