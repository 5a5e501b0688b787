/** REASSIGN OWNED and DROP OWNED: all that a role has, at once. 42501, 2BP01. */
import type { DropOwnedStmt, Node, ReassignOwnedStmt } from 'libpg-query';
import { BOOTSTRAP_ROLE_OID, type RoleDefinition } from '../../runtime/plan/authorization.ts';
import { type CatalogChange, isRelation, type Oid } from '../../runtime/plan/relation.ts';
import { SqlError } from '../../common/sql-error.ts';
import type { BindingContext } from '../bind/binding-context.ts';
import { type Droppable, isDroppable, withDependents } from '../define/drop.ts';
import type { Planned } from '../statement.ts';
import { planned, type StatementContext } from '../statement-context.ts';
import { isOwned, kindLabel, type OwnedObject } from './access.ts';
import { withoutRole } from './grant-items.ts';
import { withoutDefaultsFor } from './initial-access.ts';
import { allRoles, hasPrivilegesOf } from './membership.ts';
import { withOwner } from './owner.ts';
import { denied, roleOf, roleSpecOf } from './role-name.ts';
import { withoutPolicyRole } from './row-security-changes.ts';

function* ownedObjects({ catalog }: BindingContext): Generator<OwnedObject> {
  for (const object of catalog.objects()) if (isOwned(object)) yield object;
}

function rolesOf(
  binding: BindingContext,
  nodes: readonly Node[],
  verb: 'reassign' | 'drop',
): readonly RoleDefinition[] {
  return nodes.map((node) => {
    const role = roleOf(binding, roleSpecOf(node));
    if (!hasPrivilegesOf(binding.catalog, binding.plan.role, role.oid)) {
      throw denied(
        `${verb} objects`,
        `Only roles with privileges of role "${role.name}" may ${verb} objects owned by it.`,
      );
    }
    if (role.oid === BOOTSTRAP_ROLE_OID) {
      throw new SqlError(
        '2BP01',
        verb === 'drop'
          ? `cannot drop objects owned by role ${role.name} because they are required by the database system`
          : `cannot reassign ownership of objects owned by role ${role.name} because they are required by the database system`,
      );
    }
    return role;
  });
}

export function planReassignOwned(context: StatementContext, reassign: ReassignOwnedStmt): Planned {
  const { binding } = context;
  const from = new Set(rolesOf(binding, reassign.roles ?? [], 'reassign').map((role) => role.oid));
  const to = roleOf(binding, reassign.newrole ?? {});
  if (!hasPrivilegesOf(binding.catalog, binding.plan.role, to.oid)) {
    throw denied(
      'reassign objects',
      `Only roles with privileges of role "${to.name}" may reassign objects to it.`,
    );
  }
  const changes = [...ownedObjects(binding)].flatMap((object): CatalogChange[] =>
    from.has(object.owner) ? [{ kind: 'alter', object: withOwner(object, to.oid) }] : [],
  );
  return planned(context, {
    kind: 'change',
    changes,
    password: null,
    setting: null,
    tag: 'REASSIGN OWNED',
  });
}

export function planDropOwned(context: StatementContext, drop: DropOwnedStmt): Planned {
  const { binding } = context;
  const roles = rolesOf(binding, drop.roles ?? [], 'drop').map((role) => role.oid);
  const oids = droppedOids(binding, roles, drop.behavior === 'DROP_CASCADE');
  const altered = [...ownedObjects(binding)].flatMap((object): CatalogChange[] => {
    if (oids.includes(object.oid)) return [];
    const left = roles.reduce(withoutRights, object);
    return left === object ? [] : [{ kind: 'alter', object: left }];
  });
  const defaults = [...allRoles(binding.catalog)].flatMap((role): CatalogChange[] => {
    const own = roles.includes(role.oid) ? { ...role, defaultAccess: [] } : role;
    const left = roles.reduce(withoutDefaultsFor, own);
    return left === role || (role.defaultAccess ?? []).length === 0 ? [] : [{ kind: 'alter', object: left }];
  });
  return planned(context, {
    kind: 'change',
    changes: [...altered, ...defaults, ...(oids.length === 0 ? [] : [{ kind: 'drop', oids } as const])],
    password: null,
    setting: null,
    tag: 'DROP OWNED',
  });
}

/** The same object where the role had nothing of it. */
function withoutRights(object: OwnedObject, role: Oid): OwnedObject {
  const withoutPolicies = isRelation(object) ? withoutPolicyRole(object, role) : object;
  const { access } = object;
  if (access === null || !access.some((item) => item.grantee === role)) return withoutPolicies;
  return { ...withoutPolicies, access: withoutRole(access, role, object.owner) };
}

function droppedOids(binding: BindingContext, roles: readonly Oid[], cascade: boolean): readonly Oid[] {
  const own = [...ownedObjects(binding)].filter((object) => roles.includes(object.owner));
  const schemas = own.filter((object) => object.kind === 'schema');
  const inside = [...binding.catalog.objects()].filter(
    (object): object is Droppable =>
      isDroppable(object) &&
      (roles.includes(object.owner) || schemas.some((schema) => schema.name === object.schema)),
  );
  const foreign = inside.find((relation) => !roles.includes(relation.owner));
  if (foreign !== undefined && !cascade) {
    throw new SqlError('2BP01', `cannot drop desired object(s) because other objects depend on them`, {
      detail: `${kindLabel(foreign.kind)} ${foreign.schema}.${foreign.name} depends on schema ${foreign.schema}`,
      hint: 'Use DROP ... CASCADE to drop the dependent objects too.',
    });
  }
  const notices: string[] = [];
  const relations = withDependents(
    binding,
    inside,
    cascade,
    notices,
    (relation) => `${kindLabel(relation.kind)} ${relation.name}`,
  );
  for (const message of notices)
    binding.gathered.notices.push({ severity: 'NOTICE', code: '00000', message });
  return [...relations, ...schemas.map((schema) => schema.oid)];
}
