/** GRANT role TO role, REVOKE role FROM role. 42501, 0LP01, 2BP01. */
import type { GrantRoleStmt, Node } from 'libpg-query';
import { SqlError } from '../../common/sql-error.ts';
import {
  BOOTSTRAP_ROLE_OID,
  type Membership,
  type RoleDefinition,
} from '../../runtime/plan/authorization.ts';
import type { Oid } from '../../runtime/plan/relation.ts';
import type { BindingContext } from '../bind/binding-context.ts';
import type { Planned } from '../statement.ts';
import { planned, type StatementContext } from '../statement-context.ts';
import { allRoles, hasPrivilegesOf, isAdminOf, isPlainMemberOf, isSuperuser } from './membership.ts';
import { isSame, RoleChanges } from './role-changes.ts';
import { denied, roleNamed, roleOf, roleSpecOf } from './role-name.ts';

type Options = Partial<Pick<Membership, 'admin' | 'inherit' | 'set'>>;

export function planGrantRole(context: StatementContext, grant: GrantRoleStmt): Planned {
  const { binding } = context;
  const options = readOptions(grant.opt ?? []);
  const changes = new RoleChanges();
  const roles = (grant.granted_roles ?? []).map((node) => {
    if (!('AccessPriv' in node)) throw new SqlError('42601', 'a role is granted by its name');
    const { priv_name = '', cols } = node.AccessPriv;
    if (cols !== undefined)
      throw new SqlError('0LP01', 'column names cannot be included in GRANT/REVOKE ROLE');
    return roleNamed(binding, priv_name);
  });
  const members = (grant.grantee_roles ?? []).map((node) => roleOf(binding, roleSpecOf(node)));
  for (const role of roles) {
    const grantor = grantorOf(binding, grant, role);
    for (const member of members) {
      if (grant.is_grant === true) addMember(binding, changes, role, member, grantor, options);
      else revokeMember(binding, changes, role, member, grantor, options, grant.behavior === 'DROP_CASCADE');
    }
  }
  const tag = grant.is_grant === true ? 'GRANT ROLE' : 'REVOKE ROLE';
  return planned(context, { kind: 'change', changes: changes.changes, password: null, setting: null, tag });
}

function readOptions(nodes: readonly Node[]): Options {
  let options: Options = {};
  for (const node of nodes) {
    if (!('DefElem' in node)) continue;
    const { defname = '', arg } = node.DefElem;
    const value = arg !== undefined && 'Boolean' in arg && arg.Boolean.boolval === true;
    if (defname !== 'admin' && defname !== 'inherit' && defname !== 'set')
      throw new SqlError('42601', `unrecognized role option "${defname}"`);
    options = { ...options, [defname]: value };
  }
  return options;
}

/** The role that the grant is recorded under: who has ADMIN OPTION, or, for superusers, the bootstrap role. */
export function requireGrantable(binding: BindingContext, role: RoleDefinition, verb = 'grant'): Oid {
  const { catalog, plan } = binding;
  const superuser = isSuperuser(catalog, plan.role);
  if (role.superuser && !superuser) {
    throw denied(
      `${verb} role "${role.name}"`,
      `Only roles with the SUPERUSER attribute may ${verb} roles with the SUPERUSER attribute.`,
    );
  }
  if (superuser) return BOOTSTRAP_ROLE_OID;
  if (!isAdminOf(catalog, plan.role, role.oid)) {
    throw denied(
      `${verb} role "${role.name}"`,
      `Only roles with the ADMIN option on role "${role.name}" may ${verb} this role.`,
    );
  }
  return adminAmong(binding, role) ?? plan.role;
}

/** Of the roles whose privileges the user has, one with ADMIN OPTION; itself first. */
function adminAmong({ catalog, plan }: BindingContext, role: RoleDefinition): Oid | null {
  const isAdmin = (candidate: RoleDefinition | undefined): boolean =>
    candidate?.memberOf.some((membership) => membership.role === role.oid && membership.admin) ?? false;
  if (isAdmin(catalog.roleByOid(plan.role))) return plan.role;
  for (const candidate of allRoles(catalog)) {
    if (isAdmin(candidate) && hasPrivilegesOf(catalog, plan.role, candidate.oid)) return candidate.oid;
  }
  return null;
}

function grantorOf(binding: BindingContext, grant: GrantRoleStmt, role: RoleDefinition): Oid {
  const { catalog, plan } = binding;
  const verb = grant.is_grant === true ? 'grant' : 'revoke';
  const own = requireGrantable(binding, role, verb);
  if (grant.grantor === undefined) return own;
  const grantor = roleOf(binding, grant.grantor);
  if (!hasPrivilegesOf(catalog, plan.role, grantor.oid)) {
    throw denied(
      `${verb} privileges ${grant.is_grant === true ? 'as' : 'granted by'} role "${grantor.name}"`,
      `Only roles with privileges of role "${grantor.name}" may ${verb} privileges ${grant.is_grant === true ? 'as' : 'granted by'} this role.`,
    );
  }
  const entitled =
    grantor.oid === BOOTSTRAP_ROLE_OID ||
    grantor.memberOf.some((membership) => membership.role === role.oid && membership.admin);
  if (grant.is_grant === true && !entitled) {
    throw denied(
      `grant privileges as role "${grantor.name}"`,
      `The grantor must have the ADMIN option on role "${role.name}".`,
    );
  }
  return grantor.oid;
}

function addMember(
  binding: BindingContext,
  changes: RoleChanges,
  role: RoleDefinition,
  member: RoleDefinition,
  grantor: Oid,
  options: Options,
): void {
  const { catalog } = binding;
  if (isPlainMemberOf(catalog, role.oid, member.oid)) {
    throw new SqlError('0LP01', `role "${role.name}" is a member of role "${member.name}"`);
  }
  const current = changes.current(member);
  const given = current.memberOf.find((m) => isSame(m, { role: role.oid, grantor }));
  if (given === undefined) {
    const defaults = { admin: false, inherit: member.inherit, set: true };
    changes.addMembership(member, { ...defaults, ...options, role: role.oid, grantor });
    return;
  }
  const next = { ...given, ...options };
  const same = next.admin === given.admin && next.inherit === given.inherit && next.set === given.set;
  if (!same) {
    changes.addMembership(member, next);
    return;
  }
  binding.gathered.notices.push({
    severity: 'NOTICE',
    code: '00000',
    message: `role "${member.name}" has already been granted membership in role "${role.name}" by role "${nameOf(binding, grantor)}"`,
  });
}

const nameOf = (binding: BindingContext, oid: Oid): string =>
  binding.catalog.roleByOid(oid)?.name ?? `${oid}`;

/** Options name what is taken back of the membership; without any it ends. */
function revokeMember(
  binding: BindingContext,
  changes: RoleChanges,
  role: RoleDefinition,
  member: RoleDefinition,
  grantor: Oid,
  options: Options,
  cascade: boolean,
): void {
  const current = changes.current(member);
  const given = current.memberOf.find((m) => isSame(m, { role: role.oid, grantor }));
  if (given === undefined) {
    binding.gathered.notices.push({
      severity: 'WARNING',
      code: '01000',
      message: `role "${member.name}" has not been granted membership in role "${role.name}" by role "${nameOf(binding, grantor)}"`,
    });
    return;
  }
  const ends = Object.keys(options).length === 0;
  if (ends) changes.alter(member, { memberOf: current.memberOf.filter((m) => m !== given) });
  else changes.addMembership(member, { ...given, ...options });
  if (given.admin && (ends || options.admin === false)) {
    endGrantsOf(binding, changes, role, member, cascade);
  }
}

/** What the member granted by its ADMIN OPTION, unless it has it from somebody else too. */
function endGrantsOf(
  binding: BindingContext,
  changes: RoleChanges,
  role: RoleDefinition,
  member: RoleDefinition,
  cascade: boolean,
): void {
  if (changes.current(member).memberOf.some((m) => m.role === role.oid && m.admin)) return;
  for (const other of allRoles(binding.catalog)) {
    const granted = changes
      .current(other)
      .memberOf.find((m) => isSame(m, { role: role.oid, grantor: member.oid }));
    if (granted === undefined) continue;
    if (!cascade) {
      throw new SqlError('2BP01', 'dependent privileges exist', {
        hint: 'Use CASCADE to revoke them too.',
      });
    }
    changes.alter(other, { memberOf: changes.current(other).memberOf.filter((m) => m !== granted) });
    if (granted.admin) endGrantsOf(binding, changes, role, other, cascade);
  }
}
