/** GRANT and REVOKE on relations, secrets, schemas and the database. 42501, 42704, 42P01, 3F000, 3D000, 0LP01. */
import type { GrantStmt, Node } from 'libpg-query';
import { formatType, type TypeName } from '../../common/types.ts';
import { SqlError } from '../../common/sql-error.ts';
import { type Privilege, PUBLIC } from '../../runtime/plan/authorization.ts';
import { isRelation, type Oid } from '../../runtime/plan/relation.ts';
import type { BindingContext } from '../bind/binding-context.ts';
import { listOf, stringOf } from '../bind/tree.ts';
import { requireSchema } from '../define/names.ts';
import { requireSecret } from '../define/secret-name.ts';
import type { Planned } from '../statement.ts';
import { planned, type StatementContext } from '../statement-context.ts';
import { namedRelation } from '../write/target.ts';
import {
  accessOf,
  grantableBy,
  hasPrivilege,
  type OwnedObject,
  PRIVILEGE_NAMES,
  privilegesOf,
} from './access.ts';
import { granted, revoked } from './grant-items.ts';
import { allRoles, hasPrivilegesOf } from './membership.ts';
import { permissionDenied } from './require.ts';
import { roleOf, roleSpecOf } from './role-name.ts';

/** `ofSecrets`: they were written where the tree says types, or tables. */
export function planGrant(context: StatementContext, grant: GrantStmt, ofSecrets: boolean): Planned {
  const { binding } = context;
  requireOwnGrantor(binding, grant);
  const objects = ofSecrets ? secretsIn(binding, grant) : targetsOf(binding, grant);
  const grantees = (grant.grantees ?? []).map((node) => granteeOf(binding, node));
  const changes = objects.map((object) => {
    const wanted = readPrivileges(grant.privileges ?? [], object.kind);
    const changed = { ...object, access: changedAccess(binding, grant, object, wanted, grantees) };
    return { kind: 'alter', object: changed } as const;
  });
  const tag = grant.is_grant === true ? 'GRANT' : 'REVOKE';
  return planned(context, { kind: 'change', changes, password: null, setting: null, tag });
}

/** GRANTED BY names the current user, as in PostgreSQL. */
function requireOwnGrantor(binding: BindingContext, { grantor }: GrantStmt): void {
  if (grantor === undefined || roleOf(binding, grantor).oid === binding.plan.role) return;
  throw new SqlError('0A000', 'grantor must be current user');
}

export function granteeOf(binding: BindingContext, node: Node): Oid {
  const spec = roleSpecOf(node);
  return spec.roletype === 'ROLESPEC_PUBLIC' ? PUBLIC : roleOf(binding, spec).oid;
}

function targetsOf(binding: BindingContext, grant: GrantStmt): readonly OwnedObject[] {
  const nodes = grant.objects ?? [];
  const inSchema = grant.targtype === 'ACL_TARGET_ALL_IN_SCHEMA';
  switch (grant.objtype) {
    case 'OBJECT_TABLE':
      return inSchema
        ? nodes.flatMap((node) => relationsIn(binding, stringOf(node)))
        : unique(
            nodes.flatMap((node) => ('RangeVar' in node ? [namedRelation(binding, node.RangeVar)] : [])),
          );
    case 'OBJECT_SCHEMA':
      return unique(nodes.map((node) => requireSchema(binding, stringOf(node))));
    case 'OBJECT_DATABASE':
      return unique(nodes.map((node) => databaseNamed(binding, stringOf(node))));
    case 'OBJECT_FUNCTION':
    case 'OBJECT_PROCEDURE':
    case 'OBJECT_ROUTINE':
      if (inSchema) {
        for (const node of nodes) requireSchema(binding, stringOf(node));
        return [];
      }
      throw noFunction(nodes[0]);
    default: {
      const kind = (grant.objtype ?? '').replace('OBJECT_', '').replaceAll('_', ' ');
      if (inSchema && kind === 'SEQUENCE') return [];
      throw new SqlError('0A000', `privileges on ${kind} are not supported`, {
        hint: 'Privileges are those on relations, secrets, schemas and the database.',
      });
    }
  }
}

function secretsIn(binding: BindingContext, grant: GrantStmt): readonly OwnedObject[] {
  const nodes = grant.objects ?? [];
  if (grant.targtype === 'ACL_TARGET_ALL_IN_SCHEMA') {
    const schemas = new Set(nodes.map((node) => requireSchema(binding, stringOf(node)).name));
    return [...binding.catalog.objects()].flatMap((object) =>
      object.kind === 'secret' && schemas.has(object.schema) ? [object] : [],
    );
  }
  const named = nodes.map((node) => {
    const [name = '', schema = null] = listOf(node).map(stringOf).toReversed();
    return requireSecret(binding, schema, name);
  });
  return unique(named);
}

/** An object that is named twice is changed once. */
const unique = (objects: readonly OwnedObject[]): readonly OwnedObject[] => [
  ...new Map(objects.map((object) => [object.oid, object])).values(),
];

function relationsIn(binding: BindingContext, name: string): readonly OwnedObject[] {
  requireSchema(binding, name);
  return [...binding.catalog.objects()].flatMap((object) =>
    isRelation(object) && object.schema === name ? [object] : [],
  );
}

function databaseNamed(binding: BindingContext, name: string): OwnedObject {
  const database = binding.catalog.database();
  if (name === database.name) return database;
  throw new SqlError('3D000', `database "${name}" does not exist`);
}

function noFunction(node: Node | undefined): SqlError {
  if (node === undefined || !('ObjectWithArgs' in node))
    return new SqlError('42883', 'function does not exist');
  const { objname = [], objargs = [], args_unspecified } = node.ObjectWithArgs;
  const name = objname.map(stringOf).join('.');
  if (args_unspecified === true) return new SqlError('42883', `could not find a function named "${name}"`);
  const types = objargs.map((arg) => {
    const names = 'TypeName' in arg ? (arg.TypeName.names ?? []) : [];
    return formatType({ name: names.map(stringOf).at(-1) as TypeName });
  });
  return new SqlError('42883', `function ${name}(${types.join(', ')}) does not exist`);
}

/** null: ALL [PRIVILEGES]. */
type Wanted = readonly Privilege[] | null;

const LETTERS: ReadonlyMap<string, Privilege> = new Map([
  ...Object.entries(PRIVILEGE_NAMES).map(
    ([letter, name]) => [name.toLowerCase(), letter as Privilege] as const,
  ),
  ['temp', 'T'] as const,
]);

const KIND_WORDS: Partial<Readonly<Record<OwnedObject['kind'], string>>> = {
  schema: 'schema',
  database: 'database',
  secret: 'secret',
};

export function readPrivileges(
  nodes: readonly Node[],
  kind: OwnedObject['kind'],
  relations = 'table',
): Wanted {
  if (nodes.length === 0) return null;
  return nodes.flatMap((node): readonly Privilege[] => {
    if (!('AccessPriv' in node)) return [];
    const { priv_name, cols } = node.AccessPriv;
    if (listOf(cols?.[0]).length > 0) throw noColumns();
    if (priv_name === undefined) return privilegesOf(kind);
    const letter = LETTERS.get(priv_name);
    if (letter === undefined) throw new SqlError('42601', `unrecognized privilege type "${priv_name}"`);
    if (!privilegesOf(kind).includes(letter)) {
      throw new SqlError(
        '0LP01',
        `invalid privilege type ${PRIVILEGE_NAMES[letter]} for ${KIND_WORDS[kind] ?? relations}`,
      );
    }
    return [letter];
  });
}

const noColumns = (): SqlError =>
  new SqlError('0A000', 'privileges on columns are not supported', {
    hint: 'Create a view of these columns, and grant SELECT on it.',
  });

function changedAccess(
  binding: BindingContext,
  grant: GrantStmt,
  object: OwnedObject,
  wanted: Wanted,
  grantees: readonly Oid[],
): OwnedObject['access'] {
  const { owner } = object;
  const isGrant = grant.is_grant === true;
  const option = grant.grant_option === true;
  const all = wanted ?? privilegesOf(object.kind);
  const { grantor, options } = bestGrantor(binding, object, all);
  const privileges = all.filter((privilege) => options.includes(privilege));
  if (grantableBy(object, grantor).length === 0) requireSome(binding, object);
  if (!isGrant) requireColumns(binding, object, all);
  warn(binding, isGrant, object, all, privileges, wanted === null);
  let items = accessOf(object);
  for (const grantee of grantees) {
    const change = { grantee, grantor, owner, privileges, option };
    items = isGrant
      ? granted(items, change)
      : revoked(items, { ...change, cascade: grant.behavior === 'DROP_CASCADE' });
  }
  return items;
}

/** The owner where the user may act for it; else, of the user's roles, the one that may grant the most. */
function bestGrantor(
  { catalog, plan }: BindingContext,
  object: OwnedObject,
  wanted: readonly Privilege[],
): Readonly<{ grantor: Oid; options: readonly Privilege[] }> {
  if (hasPrivilegesOf(catalog, plan.role, object.owner)) {
    return { grantor: object.owner, options: privilegesOf(object.kind) };
  }
  let best = { grantor: plan.role, options: grantableBy(object, plan.role) };
  const count = (options: readonly Privilege[]): number => options.filter((p) => wanted.includes(p)).length;
  for (const { oid } of allRoles(catalog)) {
    if (!hasPrivilegesOf(catalog, plan.role, oid)) continue;
    const options = grantableBy(object, oid);
    if (count(options) > count(best.options)) best = { grantor: oid, options };
  }
  return best;
}

/** Who has nothing at all of an object is told so. */
function requireSome({ catalog, plan }: BindingContext, object: OwnedObject): void {
  if (privilegesOf(object.kind).some((privilege) => hasPrivilege(catalog, plan.role, object, privilege)))
    return;
  const { kind, name } = object;
  // as PostgreSQL, to which GRANT is on tables
  throw permissionDenied({ kind: kind === 'view' || kind === 'materialized-view' ? 'table' : kind, name });
}

/** What columns can have too: who revokes it from a relation revokes it from each of its columns, in PostgreSQL. */
const COLUMN_PRIVILEGES: readonly Privilege[] = ['r', 'a', 'w', 'x'];

function requireColumns(
  { catalog, plan }: BindingContext,
  object: OwnedObject,
  revoked: readonly Privilege[],
): void {
  const column = isRelation(object) && 'columns' in object ? object.columns[0] : undefined;
  if (column === undefined || !COLUMN_PRIVILEGES.some((privilege) => revoked.includes(privilege))) return;
  if (COLUMN_PRIVILEGES.some((privilege) => hasPrivilege(catalog, plan.role, object, privilege))) return;
  throw new SqlError('42501', `permission denied for column "${column.name}" of relation "${object.name}"`);
}

function warn(
  binding: BindingContext,
  isGrant: boolean,
  { name }: OwnedObject,
  wanted: readonly Privilege[],
  given: readonly Privilege[],
  all: boolean,
): void {
  const none = given.length === 0;
  if (!none && (all || given.length === wanted.length)) return;
  const message = isGrant
    ? `${none ? 'no privileges were' : 'not all privileges were'} granted for "${name}"`
    : `${none ? 'no privileges could be' : 'not all privileges could be'} revoked for "${name}"`;
  binding.gathered.notices.push({ severity: 'WARNING', code: isGrant ? '01007' : '01006', message });
}
