/** Which policies stand between a role and the rows of a relation: PostgreSQL's rules of row-level security. */
import {
  type PolicyCommand,
  type PolicyDefinition,
  type Privilege,
  PUBLIC,
} from '../../runtime/plan/authorization.ts';
import type { Oid, RelationDefinition } from '../../runtime/plan/relation.ts';
import type { Catalog } from '../catalog.ts';
import { isOwner } from './access.ts';
import { allRoles, hasPrivilegesOf } from './membership.ts';

export type RowCommand = Exclude<PolicyCommand, 'all'>;

/** A row counts where one of the permissive and each of the restrictive lets it pass; without a permissive one none does. */
export type AppliedPolicies = Readonly<{
  permissive: readonly PolicyDefinition[];
  restrictive: readonly PolicyDefinition[];
}>;

/** null: the role sees and writes every row. */
export function appliedPolicies(
  catalog: Catalog,
  role: Oid,
  relation: RelationDefinition,
  command: RowCommand,
): AppliedPolicies | null {
  const { rowSecurity } = relation;
  if (rowSecurity === null || !rowSecurity.enabled) return null;
  const definition = catalog.roleByOid(role);
  if (definition?.superuser === true || definition?.bypassRowSecurity === true) return null;
  if (isOwner(catalog, role, relation) && !rowSecurity.forced) return null;
  const own = rowSecurity.policies.filter(
    (policy) =>
      (policy.command === 'all' || policy.command === command) &&
      policy.roles.some((oid) => oid === PUBLIC || hasPrivilegesOf(catalog, role, oid)),
  );
  return {
    permissive: own.filter((policy) => policy.permissive),
    restrictive: own.filter((policy) => !policy.permissive),
  };
}

const COMMANDS: Partial<Readonly<Record<Privilege, RowCommand>>> = {
  r: 'select',
  a: 'insert',
  w: 'update',
  d: 'delete',
};

/** What of the policies a plan holds: it is another text whenever the plan would be another. '' where there are none. */
export function policyMark(
  catalog: Catalog,
  role: Oid,
  relation: RelationDefinition,
  privilege: Privilege,
): string {
  const command = COMMANDS[privilege];
  const applied = command === undefined ? null : appliedPolicies(catalog, role, relation, command);
  if (applied === null) return '';
  const text = JSON.stringify(applied);
  return text.includes('pg_has_role') ? text + memberships(catalog) : text;
}

/** What pg_has_role() in a policy may have been answered from. */
const memberships = (catalog: Catalog): string =>
  JSON.stringify([...allRoles(catalog)].map(({ oid, superuser, memberOf }) => [oid, superuser, memberOf]));
