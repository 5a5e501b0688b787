/** ALTER … OWNER TO. 42501. */
import type { AlterOwnerStmt, RoleSpec } from 'libpg-query';
import { SqlError } from '../../common/sql-error.ts';
import type { RoleDefinition } from '../../runtime/plan/authorization.ts';
import { isRelation, type Oid } from '../../runtime/plan/relation.ts';
import type { BindingContext } from '../bind/binding-context.ts';
import { stringOf } from '../bind/tree.ts';
import { requireSchema } from '../define/names.ts';
import type { Planned } from '../statement.ts';
import { planned, type StatementContext } from '../statement-context.ts';
import type { OwnedObject } from './access.ts';
import { reowned } from './grant-items.ts';
import { isSuperuser } from './membership.ts';
import { requireCreateIn, requireOwner, requirePrivilege } from './require.ts';
import { requireSettable, roleOf } from './role-name.ts';

/** The object under another owner, with what the old one had and granted. */
export function withOwner<T extends OwnedObject>(object: T, owner: Oid): T {
  const access = object.access === null ? null : reowned(object.access, object.owner, owner);
  return { ...object, owner, access };
}

/** 42501 unless the user owns it, can become the new owner, and that one may make things there. */
export function changedOwner<T extends OwnedObject>(binding: BindingContext, object: T, spec: RoleSpec): T {
  const role = roleOf(binding, spec);
  if (role.oid === object.owner) return object;
  requireOwner(binding, object);
  requireSettable(binding, role);
  requireRoom(binding, object, role);
  return withOwner(object, role.oid);
}

function requireRoom(binding: BindingContext, object: OwnedObject, role: RoleDefinition): void {
  if (isSuperuser(binding.catalog, binding.plan.role)) return;
  if (isRelation(object) || object.kind === 'secret') requireCreateIn(binding, object.schema, role.oid);
  else requirePrivilege(binding, binding.catalog.database(), 'C');
}

export function planAlterOwner(context: StatementContext, alter: AlterOwnerStmt): Planned {
  const { binding } = context;
  const name = alter.object === undefined ? '' : stringOf(alter.object);
  const spec = alter.newowner ?? {};
  if (alter.objectType === 'OBJECT_SCHEMA') {
    const object = changedOwner(binding, requireSchema(binding, name), spec);
    return planned(context, { kind: 'alter', objects: [object], tag: 'ALTER SCHEMA' });
  }
  if (alter.objectType === 'OBJECT_DATABASE') {
    const database = binding.catalog.database();
    if (name !== database.name) throw new SqlError('3D000', `database "${name}" does not exist`);
    const object = changedOwner(binding, database, spec);
    return planned(context, { kind: 'alter', objects: [object], tag: 'ALTER DATABASE' });
  }
  const kind = (alter.objectType ?? '').replace('OBJECT_', '').replaceAll('_', ' ');
  throw binding.error(-1, '0A000', `ALTER ${kind} OWNER TO is not supported`);
}
