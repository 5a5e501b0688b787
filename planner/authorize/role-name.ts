/** Roles as statements name them. 42704, 42939. */
import type { Node, RoleSpec } from 'libpg-query';
import { SqlError } from '../../common/sql-error.ts';
import type { RoleDefinition } from '../../runtime/plan/authorization.ts';
import { maySetRole } from './membership.ts';
import type { BindingContext } from '../bind/binding-context.ts';

export function roleSpecOf(node: Node): RoleSpec {
  return 'RoleSpec' in node ? node.RoleSpec : {};
}

/** PUBLIC is none. */
export function roleOf(binding: BindingContext, spec: RoleSpec): RoleDefinition {
  const { catalog, plan } = binding;
  switch (spec.roletype) {
    case 'ROLESPEC_CURRENT_USER':
    case 'ROLESPEC_CURRENT_ROLE':
      return knownRole(catalog.roleByOid(plan.role), plan.user);
    case 'ROLESPEC_SESSION_USER':
      return knownRole(catalog.roleByOid(plan.sessionRole), plan.sessionUser);
    case 'ROLESPEC_PUBLIC':
      return knownRole(undefined, 'public');
    default:
      return knownRole(catalog.role(spec.rolename ?? ''), spec.rolename ?? '');
  }
}

export function roleNamed(binding: BindingContext, name: string): RoleDefinition {
  return knownRole(binding.catalog.role(name), name);
}

function knownRole(role: RoleDefinition | undefined, name: string): RoleDefinition {
  if (role === undefined) throw new SqlError('42704', `role "${name}" does not exist`);
  return role;
}

/** The name of a role to be. */
export function requireFreeRoleName(binding: BindingContext, name: string): void {
  if (name.startsWith('pg_')) throw reservedName(name);
  if (name === 'public' || name === 'none') throw new SqlError('42939', `role name "${name}" is reserved`);
  if (binding.catalog.role(name) !== undefined) throw new SqlError('42710', `role "${name}" already exists`);
}

/** Predefined roles stay as they are. */
export function requireOwnRole(role: RoleDefinition): void {
  if (role.name.startsWith('pg_')) throw reservedName(role.name, 'Cannot alter reserved roles.');
}

const reservedName = (
  name: string,
  detail: string = 'Role names starting with "pg_" are reserved.',
): SqlError => new SqlError('42939', `role name "${name}" is reserved`, { detail });

/** 42501 with PostgreSQL's DETAIL. */
export const denied = (message: string, detail: string): SqlError =>
  new SqlError('42501', `permission denied to ${message}`, { detail });

/** Who gives something to a role must be able to become it. */
export function requireSettable({ catalog, plan }: BindingContext, role: RoleDefinition): void {
  if (maySetRole(catalog, plan.role, role.oid)) return;
  throw new SqlError('42501', `must be able to SET ROLE "${role.name}"`);
}
