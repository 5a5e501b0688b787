/** ALTER DEFAULT PRIVILEGES: what new objects of a role are granted from the start. 42501, 0LP01. */
import type { AlterDefaultPrivilegesStmt, GrantStmt } from 'libpg-query';
import { SqlError } from '../../common/sql-error.ts';
import type { DefaultAccess, RoleDefinition } from '../../runtime/plan/authorization.ts';
import type { Oid } from '../../runtime/plan/relation.ts';
import type { BindingContext } from '../bind/binding-context.ts';
import { listOf, stringOf } from '../bind/tree.ts';
import { requireSchema } from '../define/names.ts';
import type { Planned } from '../statement.ts';
import { planned, type StatementContext } from '../statement-context.ts';
import { privilegesOf } from './access.ts';
import { builtIn, defaultKind } from './initial-access.ts';
import { granteeOf, readPrivileges } from './grant.ts';
import { granted, revoked } from './grant-items.ts';
import { hasPrivilegesOf } from './membership.ts';
import { roleOf, roleSpecOf } from './role-name.ts';

type Kind = DefaultAccess['kind'];

/** null: kinds of which there are none. */
const KINDS: Readonly<Record<string, Kind | null>> = {
  OBJECT_TABLE: 'relation',
  OBJECT_SCHEMA: 'schema',
  OBJECT_SEQUENCE: null,
  OBJECT_FUNCTION: null,
  OBJECT_TYPE: null,
  OBJECT_LARGEOBJECT: null,
};

/** `ofSecrets`: SECRETS were written where the tree says TYPES. */
export function planDefaultPrivileges(
  context: StatementContext,
  alter: AlterDefaultPrivilegesStmt,
  ofSecrets: boolean,
): Planned {
  const { binding } = context;
  const { action = {} } = alter;
  const named = (name: string) =>
    (alter.options ?? []).flatMap((node) =>
      'DefElem' in node && node.DefElem.defname === name ? listOf(node.DefElem.arg) : [],
    );
  const roles = named('roles').map((node) => roleOf(binding, roleSpecOf(node)));
  const schemas = named('schemas').map((node) => requireSchema(binding, stringOf(node)).oid);
  const kind = ofSecrets ? 'secret' : (KINDS[action.objtype ?? ''] ?? null);
  if (kind === 'schema' && schemas.length > 0) {
    throw new SqlError('0LP01', 'cannot use IN SCHEMA clause when using GRANT/REVOKE ON SCHEMAS');
  }
  const changes = (roles.length > 0 ? roles : [currentRole(binding)]).map((role) => {
    requireOwnDefaults(binding, role);
    if (kind === null) return role;
    const places = schemas.length > 0 ? schemas : [null];
    return places.reduce((changed, schema) => withDefaults(binding, changed, kind, schema, action), role);
  });
  return planned(context, {
    kind: 'change',
    changes: changes.map((object) => ({ kind: 'alter', object })),
    password: null,
    setting: null,
    tag: 'ALTER DEFAULT PRIVILEGES',
  });
}

function currentRole(binding: BindingContext): RoleDefinition {
  return roleOf(binding, { roletype: 'ROLESPEC_CURRENT_ROLE' });
}

function requireOwnDefaults({ catalog, plan }: BindingContext, role: RoleDefinition): void {
  if (hasPrivilegesOf(catalog, plan.role, role.oid)) return;
  throw new SqlError('42501', 'permission denied to change default privileges');
}

function withDefaults(
  binding: BindingContext,
  role: RoleDefinition,
  kind: Kind,
  schema: Oid | null,
  grant: GrantStmt,
): RoleDefinition {
  const all = role.defaultAccess ?? [];
  const old = all.find((item) => item.kind === kind && item.schema === schema);
  // for all schemas it takes the place of what is built in; in one it adds to that
  let access = old?.access ?? (schema === null ? builtIn(kind, role.oid) : []);
  const privileges =
    readPrivileges(grant.privileges ?? [], defaultKind(kind), 'relation') ?? privilegesOf(defaultKind(kind));
  for (const node of grant.grantees ?? []) {
    const change = {
      grantee: granteeOf(binding, node),
      grantor: role.oid,
      owner: role.oid,
      privileges,
      option: grant.grant_option === true,
    };
    const cascade = grant.behavior === 'DROP_CASCADE';
    access = grant.is_grant === true ? granted(access, change) : revoked(access, { ...change, cascade });
  }
  const others = all.filter((item) => item !== old);
  const isBuiltIn =
    schema === null
      ? JSON.stringify(access) === JSON.stringify(builtIn(kind, role.oid))
      : access.length === 0;
  return { ...role, defaultAccess: isBuiltIn ? others : [...others, { kind, schema, access }] };
}
