/** CREATE ROLE | USER | GROUP. 42710, 42939, 42501. */
import type { CreateRoleStmt } from 'libpg-query';
import { BOOTSTRAP_ROLE, BOOTSTRAP_ROLE_OID, type RoleDefinition } from '../../runtime/plan/authorization.ts';
import type { Planned } from '../statement.ts';
import { planned, type StatementContext } from '../statement-context.ts';
import { requireGrantable } from './grant-role.ts';
import { isSuperuser } from './membership.ts';
import { RoleChanges } from './role-changes.ts';
import { denied, requireFreeRoleName } from './role-name.ts';
import { readRoleOptions, type RoleAttributes } from './role-options.ts';

/** What takes the attribute itself to give it. */
export const GUARDED = [
  ['superuser', 'SUPERUSER'],
  ['createDatabase', 'CREATEDB'],
  ['replication', 'REPLICATION'],
  ['bypassRowSecurity', 'BYPASSRLS'],
] as const satisfies readonly (readonly [keyof RoleAttributes, string])[];

export function planCreateRole(context: StatementContext, create: CreateRoleStmt): Planned {
  const { binding } = context;
  const { catalog, plan } = binding;
  const name = create.role ?? '';
  const options = readRoleOptions(binding, create.options ?? []);
  const { password = null, ...attributes } = options.attributes;
  requireCreator(context, attributes);
  requireFreeRoleName(binding, name);
  const role: RoleDefinition = {
    ...BOOTSTRAP_ROLE,
    superuser: false,
    createRole: false,
    createDatabase: false,
    replication: false,
    bypassRowSecurity: false,
    login: create.stmt_type === 'ROLESTMT_USER',
    ...attributes,
    oid: catalog.allocateOid(),
    name,
  };
  const changes = new RoleChanges();
  changes.create(role);
  const granted = { admin: false, inherit: true, set: true };
  for (const group of options.memberOf) {
    const grantor = requireGrantable(binding, group);
    changes.addMembership(role, { ...granted, role: group.oid, grantor, inherit: role.inherit });
  }
  const superuser = isSuperuser(catalog, plan.role);
  const grantor = superuser ? BOOTSTRAP_ROLE_OID : plan.role;
  for (const [members, admin] of [
    [options.members, false],
    [options.admins, true],
  ] as const) {
    for (const member of members) {
      changes.addMembership(member, {
        ...granted,
        role: role.oid,
        grantor,
        admin,
        inherit: member.inherit,
      });
    }
  }
  const creator = catalog.roleByOid(plan.role);
  if (!superuser && creator !== undefined) {
    // who made it may grant, alter and drop it, and no more
    const own = { role: role.oid, grantor: BOOTSTRAP_ROLE_OID, admin: true, inherit: false, set: false };
    changes.addMembership(creator, own);
  }
  return planned(context, {
    kind: 'change',
    changes: changes.changes,
    password: password === null ? null : { role: role.oid, secret: password },
    setting: null,
    tag: 'CREATE ROLE',
  });
}

function requireCreator({ binding }: StatementContext, attributes: RoleAttributes): void {
  const { catalog, plan } = binding;
  const creator = catalog.roleByOid(plan.role);
  if (creator?.superuser) return;
  if (creator?.createRole !== true) {
    throw denied('create role', 'Only roles with the CREATEROLE attribute may create roles.');
  }
  for (const [flag, word] of GUARDED) {
    if (attributes[flag] === true && (flag === 'superuser' || !creator[flag])) {
      throw denied(
        'create role',
        `Only roles with the ${word} attribute may create roles with the ${word} attribute.`,
      );
    }
  }
}
