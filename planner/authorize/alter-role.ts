/** ALTER ROLE: attributes, RENAME, SET and RESET; ALTER GROUP … ADD | DROP USER. 42501, 42704. */
import type { AlterRoleSetStmt, AlterRoleStmt, RenameStmt } from 'libpg-query';
import { SqlError } from '../../common/sql-error.ts';
import { BOOTSTRAP_ROLE_OID, DATABASE, type RoleDefinition } from '../../runtime/plan/authorization.ts';
import { settingText } from '../session/settings.ts';
import type { Planned, Statement } from '../statement.ts';
import { planned, type StatementContext } from '../statement-context.ts';
import { GUARDED } from './create-role.ts';
import { planGrantRole } from './grant-role.ts';
import { isAdminOf, isSuperuser } from './membership.ts';
import { denied, requireFreeRoleName, requireOwnRole, roleNamed, roleOf } from './role-name.ts';
import { readRoleOptions, type RoleAttributes } from './role-options.ts';

type Change = Extract<Statement, { kind: 'change' }>;

function altered(
  context: StatementContext,
  role: RoleDefinition,
  rest: Partial<Pick<Change, 'password' | 'setting'>> = {},
): Planned {
  return planned(context, {
    kind: 'change',
    changes: [{ kind: 'alter', object: role }],
    password: null,
    setting: null,
    ...rest,
    tag: 'ALTER ROLE',
  });
}

export function planAlterRole(context: StatementContext, alter: AlterRoleStmt): Planned {
  const { binding } = context;
  const role = roleOf(binding, alter.role ?? {});
  requireOwnRole(role);
  const options = readRoleOptions(binding, alter.options ?? []);
  if (options.members.length > 0) return alterGroup(context, alter, role, options.members);
  const { password, ...attributes } = options.attributes;
  requireAlterable(context, role, options.attributes);
  if (role.oid === BOOTSTRAP_ROLE_OID && attributes.superuser === false) {
    throw denied('alter role', 'The bootstrap superuser must have the SUPERUSER attribute.');
  }
  const cleared = password === null ? { verifier: null } : {};
  const secret = password === undefined || password === null ? null : { role: role.oid, secret: password };
  return altered(context, { ...role, ...attributes, ...cleared }, { password: secret });
}

/** ALTER GROUP g ADD USER a, b: GRANT g TO a, b. */
function alterGroup(
  context: StatementContext,
  { action, options }: AlterRoleStmt,
  role: RoleDefinition,
  members: readonly RoleDefinition[],
): Planned {
  if ((options ?? []).length > 1) throw new SqlError('42601', 'conflicting or redundant options');
  const grant = planGrantRole(context, {
    is_grant: action !== -1,
    granted_roles: [{ AccessPriv: { priv_name: role.name } }],
    grantee_roles: members.map((member) => ({
      RoleSpec: { roletype: 'ROLESPEC_CSTRING', rolename: member.name },
    })),
    behavior: 'DROP_RESTRICT',
  });
  return { ...grant, statement: { ...(grant.statement as Change), tag: 'ALTER ROLE' } };
}

function requireAlterable(
  { binding }: StatementContext,
  role: RoleDefinition,
  attributes: RoleAttributes,
): void {
  const { catalog, plan } = binding;
  const user = catalog.roleByOid(plan.role);
  if (user?.superuser) return;
  if (role.superuser || attributes.superuser !== undefined) {
    const words = role.superuser
      ? 'may alter roles with the SUPERUSER attribute.'
      : 'may change the SUPERUSER attribute.';
    throw denied('alter role', `Only roles with the SUPERUSER attribute ${words}`);
  }
  const administers = user?.createRole === true && isAdminOf(catalog, plan.role, role.oid);
  const onlyPassword = Object.keys(attributes).every((name) => name === 'password');
  if (!administers) {
    if (onlyPassword && role.oid === plan.role) return;
    throw denied(
      'alter role',
      onlyPassword && Object.keys(attributes).length > 0
        ? `To change another role's password, the current user must have the CREATEROLE attribute and the ADMIN option on the role.`
        : `Only roles with the CREATEROLE attribute and the ADMIN option on role "${role.name}" may alter this role.`,
    );
  }
  for (const [flag, word] of GUARDED) {
    if (attributes[flag] !== undefined && user?.[flag] !== true) {
      throw denied('alter role', `Only roles with the ${word} attribute may change the ${word} attribute.`);
    }
  }
}

export function planRenameRole(context: StatementContext, rename: RenameStmt): Planned {
  const { binding } = context;
  const { catalog, plan } = binding;
  const role = roleNamed(binding, rename.subname ?? '');
  requireOwnRole(role);
  if (role.oid === plan.sessionRole) throw new SqlError('0A000', 'session user cannot be renamed');
  if (role.oid === plan.role) throw new SqlError('0A000', 'current user cannot be renamed');
  const name = rename.newname ?? '';
  requireFreeRoleName(binding, name);
  if (role.superuser && !isSuperuser(catalog, plan.role)) {
    throw denied(
      'rename role',
      'Only roles with the SUPERUSER attribute may rename roles with the SUPERUSER attribute.',
    );
  }
  requireAdministrator(context, role, 'rename');
  return altered(context, { ...role, name });
}

export function requireAdministrator(
  { binding }: StatementContext,
  role: RoleDefinition,
  verb: string,
): void {
  const { catalog, plan } = binding;
  if (isSuperuser(catalog, plan.role)) return;
  if (catalog.roleByOid(plan.role)?.createRole === true && isAdminOf(catalog, plan.role, role.oid)) return;
  throw denied(
    `${verb} role`,
    `Only roles with the CREATEROLE attribute and the ADMIN option on role "${role.name}" may ${verb} this role.`,
  );
}

export function planAlterRoleSettings(context: StatementContext, alter: AlterRoleSetStmt): Planned {
  const { binding } = context;
  if (alter.role === undefined) {
    throw new SqlError('0A000', 'ALTER ROLE ALL SET is not supported', {
      hint: 'Settings of all sessions stand in the configuration.',
    });
  }
  if (alter.database !== undefined && alter.database !== DATABASE.name) {
    throw new SqlError('3D000', `database "${alter.database}" does not exist`);
  }
  const role = roleOf(binding, alter.role);
  requireOwnRole(role);
  if (role.superuser && !isSuperuser(binding.catalog, binding.plan.role)) {
    throw denied(
      'alter role',
      'Only roles with the SUPERUSER attribute may alter roles with the SUPERUSER attribute.',
    );
  }
  if (role.oid !== binding.plan.role) requireAdministrator(context, role, 'alter');
  const { setstmt = {} } = alter;
  const name = (setstmt.name ?? '').toLowerCase();
  const { [name]: _, ...others } = role.settings;
  switch (setstmt.kind) {
    case 'VAR_SET_VALUE': {
      const value = settingText(context, name, setstmt.args ?? []);
      return altered(
        context,
        { ...role, settings: { ...others, [name]: value } },
        { setting: { name, value } },
      );
    }
    case 'VAR_SET_DEFAULT':
    case 'VAR_RESET':
      return altered(context, { ...role, settings: others });
    case 'VAR_RESET_ALL':
      return altered(context, { ...role, settings: {} });
    case 'VAR_SET_CURRENT': {
      const value = binding.plan.settings.get(name) ?? '';
      return altered(
        context,
        { ...role, settings: { ...others, [name]: value } },
        { setting: { name, value } },
      );
    }
    default:
      throw new SqlError('0A000', 'this form of ALTER ROLE … SET is not supported');
  }
}
