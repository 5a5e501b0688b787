/** What a statement needs its role to have: 42501 where it has not; what was needed is kept for later. */
import { SqlError } from '../../common/sql-error.ts';
import {
  type Owned,
  PG_CREATE_SUBSCRIPTION,
  PG_READ_SERVER_FILES,
  PG_WRITE_SERVER_FILES,
  type Privilege,
} from '../../runtime/plan/authorization.ts';
import type { Oid, RelationDefinition } from '../../runtime/plan/relation.ts';
import type { SecretDefinition } from '../../runtime/plan/secret.ts';
import { hasPrivilegesOf } from './membership.ts';
import type { BindingContext } from '../bind/binding-context.ts';
import { initialAccess } from './initial-access.ts';
import { hasPrivilege, isOwner, kindLabel, type OwnedObject } from './access.ts';

/** A new relation: `ownedFromNow`, and nothing that hides rows. */
export const newlyOwned = (
  binding: BindingContext,
  schema: string | null,
): Owned & Readonly<{ rowSecurity: null }> => ({
  ...ownedFromNow(binding, schema, 'relation'),
  rowSecurity: null,
});

/** Who owns what a statement makes, and who else may use it from the start. */
export function ownedFromNow(
  { catalog, plan }: BindingContext,
  schema: string | null,
  kind: 'relation' | 'secret',
): Owned {
  // of a session that goes on after its role
  if (catalog.roleByOid(plan.role) === undefined)
    throw new SqlError('42704', `role "${plan.user}" does not exist`);
  const place = schema === null ? null : (catalog.schema(schema)?.oid ?? null);
  return { owner: plan.role, access: initialAccess(catalog, plan.role, kind, place) };
}

export const permissionDenied = (object: Pick<OwnedObject, 'kind' | 'name'>, detail?: string): SqlError =>
  new SqlError('42501', `permission denied for ${kindLabel(object.kind)} ${object.name}`, { detail });

export function requirePrivilege(binding: BindingContext, object: OwnedObject, privilege: Privilege): void {
  if (!hasPrivilege(binding.catalog, binding.role, object, privilege)) throw permissionDenied(object);
}

export function requireOwner(
  binding: BindingContext,
  object: OwnedObject,
  label: string = kindLabel(object.kind),
): void {
  if (isOwner(binding.catalog, binding.plan.role, object)) return;
  throw new SqlError('42501', `must be owner of ${label} ${object.name}`);
}

/** For objects that go to another schema, or to another owner: it must be allowed to make things there. */
export function requireCreateIn(binding: BindingContext, schema: string, role: Oid): void {
  const definition = binding.catalog.schema(schema);
  if (definition === undefined || hasPrivilege(binding.catalog, role, definition, 'C')) return;
  throw permissionDenied(definition);
}

/** Who may drop a relation or secret: its owner, and that of its schema. */
export function requireDroppable(
  binding: BindingContext,
  relation: RelationDefinition | SecretDefinition,
): void {
  const schema = binding.catalog.schema(relation.schema);
  if (schema !== undefined && isOwner(binding.catalog, binding.plan.role, schema)) return;
  requireOwner(binding, relation);
}

/** Whatever listens on a port answers the server, not the role. */
export function requireNetwork({ catalog, plan }: BindingContext): void {
  if (hasPrivilegesOf(catalog, plan.role, PG_CREATE_SUBSCRIPTION)) return;
  throw new SqlError('42501', 'permission denied to connect the server to others', {
    detail:
      'Only roles with privileges of the "pg_create_subscription" role may create streams that connect to others.',
  });
}

/** Files of the server's directory are nobody's own. */
export function requireFiles({ catalog, plan }: BindingContext, verb: 'read' | 'write'): void {
  const [role, name] =
    verb === 'read'
      ? [PG_READ_SERVER_FILES, 'pg_read_server_files']
      : [PG_WRITE_SERVER_FILES, 'pg_write_server_files'];
  if (hasPrivilegesOf(catalog, plan.role, role)) return;
  throw new SqlError('42501', `permission denied to ${verb} files of the server`, {
    detail: `Only roles with privileges of the "${name}" role may ${verb} files of the server.`,
  });
}
