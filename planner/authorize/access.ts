/** Who may do what with an object: owners, what was granted, and PostgreSQL's defaults. */
import {
  type AccessItem,
  type DatabaseDefinition,
  type Owned,
  PG_READ_ALL_DATA,
  PG_WRITE_ALL_DATA,
  type Privilege,
  PUBLIC,
} from '../../runtime/plan/authorization.ts';
import type {
  CatalogObject,
  Oid,
  RelationDefinition,
  SchemaDefinition,
} from '../../runtime/plan/relation.ts';
import type { SecretDefinition } from '../../runtime/plan/secret.ts';
import type { Catalog } from '../catalog.ts';
import { hasPrivilegesOf, inheritedRoles, isSuperuser } from './membership.ts';

export type OwnedObject = RelationDefinition | SecretDefinition | SchemaDefinition | DatabaseDefinition;

export const isOwned = (object: CatalogObject): object is OwnedObject =>
  object.kind !== 'role' && object.kind !== 'token' && object.kind !== 'index';

const RELATION: readonly Privilege[] = ['r', 'a', 'w', 'd', 'D', 'x', 't', 'm'];

/** All that there is to grant on a kind of object. */
export function privilegesOf(kind: OwnedObject['kind']): readonly Privilege[] {
  switch (kind) {
    case 'schema':
      return ['U', 'C'];
    case 'database':
      return ['C', 'T', 'c'];
    case 'secret':
      return ['U'];
    default:
      return RELATION;
  }
}

export const PRIVILEGE_NAMES: Readonly<Record<Privilege, string>> = {
  r: 'SELECT',
  a: 'INSERT',
  w: 'UPDATE',
  d: 'DELETE',
  D: 'TRUNCATE',
  x: 'REFERENCES',
  t: 'TRIGGER',
  m: 'MAINTAIN',
  U: 'USAGE',
  C: 'CREATE',
  c: 'CONNECT',
  T: 'TEMPORARY',
};

/** What holds for an object of which nothing was ever granted or revoked. */
export function accessOf(object: Pick<OwnedObject, 'kind'> & Owned): readonly AccessItem[] {
  if (object.access !== null) return object.access;
  const { owner } = object;
  const own: AccessItem = {
    grantee: owner,
    grantor: owner,
    privileges: privilegesOf(object.kind),
    grantable: [],
  };
  if (object.kind !== 'database') return [own];
  return [{ grantee: PUBLIC, grantor: owner, privileges: ['T', 'c'], grantable: [] }, own];
}

export function hasPrivilege(
  catalog: Catalog,
  role: Oid,
  object: OwnedObject,
  privilege: Privilege,
): boolean {
  if (isSuperuser(catalog, role)) return true;
  const roles = inheritedRoles(catalog, role);
  const isTheirs = ({ grantee, privileges }: AccessItem): boolean =>
    (grantee === PUBLIC || roles.has(grantee)) && privileges.includes(privilege);
  return accessOf(object).some(isTheirs) || isPredefined(roles, object, privilege);
}

/** What pg_read_all_data and pg_write_all_data may. */
function isPredefined(roles: ReadonlySet<Oid>, object: OwnedObject, privilege: Privilege): boolean {
  const reads = roles.has(PG_READ_ALL_DATA);
  const writes = roles.has(PG_WRITE_ALL_DATA);
  switch (privilege) {
    case 'r':
      return reads;
    case 'U':
      return object.kind === 'schema' && (reads || writes);
    case 'a':
    case 'w':
    case 'd':
      return writes;
    default:
      return false;
  }
}

/** Of the privileges, those that `role` itself may grant; the owner all, whatever it revoked from itself. */
export function grantableBy(object: OwnedObject, role: Oid): readonly Privilege[] {
  const all = privilegesOf(object.kind);
  if (role === object.owner) return all;
  return all.filter((privilege) =>
    accessOf(object).some(({ grantee, grantable }) => grantee === role && grantable.includes(privilege)),
  );
}

export const isOwner = (catalog: Catalog, role: Oid, object: Owned): boolean =>
  hasPrivilegesOf(catalog, role, object.owner);

/** How errors name the object's kind. */
export function kindLabel(kind: OwnedObject['kind']): string {
  return kind === 'materialized-view' ? 'materialized view' : kind;
}
