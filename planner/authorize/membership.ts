/** Which roles stand behind a role: `GRANT role TO role`, followed as PostgreSQL follows it. */
import type { Membership, RoleDefinition } from '../../runtime/plan/authorization.ts';
import type { Oid } from '../../runtime/plan/relation.ts';
import type { Catalog } from '../catalog.ts';

/** What a chain of memberships is followed for: privileges, SET ROLE, or being a member at all. */
type Purpose = 'inherit' | 'set' | 'member';

type Known = Readonly<{ version: number; roles: Map<string, ReadonlySet<Oid>> }>;
const known = new WeakMap<Catalog, Known>();

/** The role itself and all that it reaches; a role that was dropped reaches itself only. */
function rolesBehind(catalog: Catalog, role: Oid, purpose: Purpose): ReadonlySet<Oid> {
  let cached = known.get(catalog);
  if (cached === undefined || cached.version !== catalog.version) {
    cached = { version: catalog.version, roles: new Map() };
    known.set(catalog, cached);
  }
  const key = `${role} ${purpose}`;
  const found = cached.roles.get(key);
  if (found !== undefined) return found;
  const reached = new Set<Oid>([role]);
  // a Set gives what is added while it is walked
  for (const oid of reached) {
    for (const membership of catalog.roleByOid(oid)?.memberOf ?? []) {
      if (follows(membership, purpose)) reached.add(membership.role);
    }
  }
  cached.roles.set(key, reached);
  return reached;
}

const follows = (membership: Membership, purpose: Purpose): boolean =>
  purpose === 'member' || (purpose === 'inherit' ? membership.inherit : membership.set);

export const isSuperuser = (catalog: Catalog, role: Oid): boolean =>
  catalog.roleByOid(role)?.superuser === true;

/** Roles whose privileges this one has without SET ROLE, itself among them. */
export const inheritedRoles = (catalog: Catalog, role: Oid): ReadonlySet<Oid> =>
  rolesBehind(catalog, role, 'inherit');

/** Superusers have everyone's. */
export const hasPrivilegesOf = (catalog: Catalog, role: Oid, other: Oid): boolean =>
  isSuperuser(catalog, role) || inheritedRoles(catalog, role).has(other);

/** Without what superusers are: whom a policy or a circle of memberships means. */
export const isPlainMemberOf = (catalog: Catalog, role: Oid, other: Oid): boolean =>
  rolesBehind(catalog, role, 'member').has(other);

export const maySetRole = (catalog: Catalog, role: Oid, other: Oid): boolean =>
  isSuperuser(catalog, role) || rolesBehind(catalog, role, 'set').has(other);

/** May grant membership in `other`, alter and drop it. Nobody has ADMIN OPTION on itself. */
export function isAdminOf(catalog: Catalog, role: Oid, other: Oid): boolean {
  if (isSuperuser(catalog, role)) return true;
  if (role === other) return false;
  for (const oid of rolesBehind(catalog, role, 'member')) {
    const memberOf = catalog.roleByOid(oid)?.memberOf ?? [];
    if (memberOf.some((membership) => membership.role === other && membership.admin)) return true;
  }
  return false;
}

export function* allRoles(catalog: Catalog): Generator<RoleDefinition> {
  for (const object of catalog.objects()) if (object.kind === 'role') yield object;
}
