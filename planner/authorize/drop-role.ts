/** DROP ROLE | USER | GROUP. 42704, 55006, 2BP01, 42501. */
import type { DropRoleStmt } from 'libpg-query';
import { SqlError } from '../../common/sql-error.ts';
import { BOOTSTRAP_ROLE_OID, type RoleDefinition } from '../../runtime/plan/authorization.ts';
import type { Catalog } from '../catalog.ts';
import { isRelation, type Oid, shownName } from '../../runtime/plan/relation.ts';
import { isOwned, kindLabel } from './access.ts';
import type { BindingContext } from '../bind/binding-context.ts';
import type { Planned } from '../statement.ts';
import { planned, type StatementContext } from '../statement-context.ts';
import { requireAdministrator } from './alter-role.ts';
import { allRoles, isSuperuser } from './membership.ts';
import { RoleChanges } from './role-changes.ts';
import { denied, requireOwnRole, roleOf, roleSpecOf } from './role-name.ts';

export function planDropRole(context: StatementContext, drop: DropRoleStmt): Planned {
  const { binding } = context;
  const dropped = (drop.roles ?? []).flatMap((node) => targetOf(context, node, drop.missing_ok === true));
  const oids = new Set(dropped.map((role) => role.oid));
  const changes = new RoleChanges();
  for (const role of dropped) {
    requireUnused(binding, role);
    for (const other of allRoles(binding.catalog)) {
      if (oids.has(other.oid)) continue;
      const memberOf = changes.current(other).memberOf.filter((m) => m.role !== role.oid);
      if (memberOf.length < changes.current(other).memberOf.length) changes.alter(other, { memberOf });
      const granted = memberOf.find((m) => m.grantor === role.oid);
      if (granted !== undefined) {
        const of = binding.catalog.roleByOid(granted.role)?.name ?? '';
        throw inUse(role, [`privileges for membership of role ${other.name} in role ${of}`]);
      }
    }
  }
  return planned(context, {
    kind: 'change',
    changes: [...changes.changes, ...(oids.size === 0 ? [] : [{ kind: 'drop', oids: [...oids] } as const])],
    password: null,
    setting: null,
    tag: 'DROP ROLE',
  });
}

function targetOf(
  context: StatementContext,
  node: Parameters<typeof roleSpecOf>[0],
  missingOk: boolean,
): readonly RoleDefinition[] {
  const { binding } = context;
  const { catalog, plan } = binding;
  const spec = roleSpecOf(node);
  if (catalog.roleByOid(plan.role)?.createRole !== true && !isSuperuser(catalog, plan.role)) {
    throw denied(
      'drop role',
      'Only roles with the CREATEROLE attribute and the ADMIN option on the target roles may drop roles.',
    );
  }
  if (spec.roletype !== 'ROLESPEC_CSTRING') {
    throw new SqlError('22023', 'cannot use special role specifier in DROP ROLE');
  }
  if (missingOk && catalog.role(spec.rolename ?? '') === undefined) {
    const message = `role "${spec.rolename ?? ''}" does not exist, skipping`;
    binding.gathered.notices.push({ severity: 'NOTICE', code: '00000', message });
    return [];
  }
  const role = roleOf(binding, spec);
  if (role.oid === plan.role) throw new SqlError('55006', 'current user cannot be dropped');
  if (role.oid === plan.sessionRole || role.oid === plan.loginRole)
    throw new SqlError('55006', 'session user cannot be dropped');
  if (role.superuser && !isSuperuser(catalog, plan.role)) {
    throw denied(
      'drop role',
      'Only roles with the SUPERUSER attribute may drop roles with the SUPERUSER attribute.',
    );
  }
  requireAdministrator(context, role, 'drop');
  if (role.oid === BOOTSTRAP_ROLE_OID) {
    throw new SqlError(
      '2BP01',
      `cannot drop role ${role.name} because it is required by the database system`,
    );
  }
  requireOwnRole(role);
  return [role];
}

/** 2BP01 while something is its own or granted to it. */
function requireUnused({ catalog }: BindingContext, role: RoleDefinition): void {
  const uses: string[] = [];
  for (const object of catalog.objects()) {
    if (object.kind === 'token' && object.role === role.oid) uses.push(`token ${object.name}`);
    if (object.kind === 'role' && object.oid !== role.oid) {
      for (const { kind, schema, access } of object.defaultAccess ?? []) {
        if (!access.some((item) => item.grantee === role.oid)) continue;
        const place = schemaName(catalog, schema);
        uses.push(
          `privileges for default privileges on new ${kind}s belonging to role ${object.name}${place}`,
        );
      }
    }
    if (!isOwned(object)) continue;
    const label = `${kindLabel(object.kind)} ${'schema' in object ? shownName(object) : object.name}`;
    if (object.owner === role.oid) uses.push(`owner of ${label}`);
    else if (object.access?.some((item) => item.grantee === role.oid || item.grantor === role.oid))
      uses.push(`privileges for ${label}`);
    if (!isRelation(object)) continue;
    for (const policy of object.rowSecurity?.policies ?? [])
      if (policy.roles.includes(role.oid)) uses.push(`target of policy ${policy.name} on ${label}`);
  }
  if (uses.length > 0) throw inUse(role, uses);
}

function schemaName(catalog: Catalog, oid: Oid | null): string {
  for (const object of catalog.objects())
    if (object.kind === 'schema' && object.oid === oid) return ` in schema ${object.name}`;
  return '';
}

const inUse = (role: RoleDefinition, uses: readonly string[]): SqlError =>
  new SqlError('2BP01', `role "${role.name}" cannot be dropped because some objects depend on it`, {
    detail: uses.join('\n'),
  });
