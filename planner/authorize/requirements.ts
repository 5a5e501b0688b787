/** The rights that a plan stands on: asked for when it is made, and again whenever the catalog changes while it runs. */
import { SqlError } from '../../common/sql-error.ts';
import type { Privilege } from '../../runtime/plan/authorization.ts';
import type { Oid, RelationDefinition, Requirement } from '../../runtime/plan/relation.ts';
import type { BindingContext } from '../bind/binding-context.ts';
import type { Catalog } from '../catalog.ts';
import { hasPrivilege, kindLabel } from './access.ts';
import { policyMark } from './applied-policies.ts';
import { permissionDenied } from './require.ts';

/** 42501 unless who acts here may; the right is kept with the plan. */
export function requireRight(
  binding: BindingContext,
  relation: RelationDefinition,
  privilege: Privilege,
): void {
  const policies = policyMark(binding.catalog, binding.role, relation, privilege);
  const requirement: Requirement = { relation: relation.oid, view: binding.view, privilege, policies };
  const refusal = refusalOf(binding.catalog, requirement, binding.plan.role);
  if (refusal !== null) throw refusal;
  if (policies !== '' && binding.plan.settings.get('row_security') === 'off') {
    throw new SqlError(
      '42501',
      `query would be affected by row-level security policy for table "${relation.name}"`,
    );
  }
  binding.gathered.require(requirement);
}

/** null: `role`, or the owner of the view that stands between, still has it. */
function refusalOf(catalog: Catalog, requirement: Requirement, role: Oid): SqlError | null {
  const relation = catalog.relationByOid(requirement.relation);
  // what is gone is told in other words
  if (relation === undefined) return null;
  const actor = requirement.view === null ? role : catalog.relationByOid(requirement.view)?.owner;
  if (actor === undefined) return null;
  if (!hasPrivilege(catalog, actor, relation, requirement.privilege)) return permissionDenied(relation);
  if (policyMark(catalog, actor, relation, requirement.privilege) !== requirement.policies) {
    const label = `${kindLabel(relation.kind)} "${relation.name}"`;
    return new SqlError('42501', `the policies for ${label} have changed`, { hint: 'Run the query again.' });
  }
  // a materialized view shows what its owner may see, now and not only when it was made
  return relation.kind === 'materialized-view' ? refusalOfReads(catalog, relation) : null;
}

function refusalOfReads(
  catalog: Catalog,
  view: RelationDefinition & { kind: 'materialized-view' },
): SqlError | null {
  const refusal = firstRefusal(catalog, view.reads, view.owner);
  if (refusal === null) return null;
  return new SqlError(refusal.code, refusal.message, {
    detail: `Materialized view "${view.name}" reads with the privileges of its owner, who has them no more.`,
  });
}

export function firstRefusal(
  catalog: Catalog,
  requirements: readonly Requirement[],
  role: Oid,
): SqlError | null {
  for (const requirement of requirements) {
    const refusal = refusalOf(catalog, requirement, role);
    if (refusal !== null) return refusal;
  }
  return null;
}

/** For what is written without a statement. 42501. */
export function requireAccess(
  catalog: Catalog,
  role: Oid,
  relation: RelationDefinition,
  privilege: Privilege,
): void {
  const schema = catalog.schema(relation.schema);
  if (schema !== undefined && !hasPrivilege(catalog, role, schema, 'U')) throw permissionDenied(schema);
  const policies = policyMark(catalog, role, relation, privilege);
  const refusal = refusalOf(catalog, { relation: relation.oid, view: null, privilege, policies }, role);
  if (refusal !== null) throw refusal;
  if (policies !== '') throw noBulkLoad();
}

/** Rows that come without a query are not checked one by one. */
export const noBulkLoad = (): SqlError =>
  new SqlError('0A000', 'COPY FROM not supported with row-level security', {
    hint: 'Use INSERT statements instead.',
  });

/** For every session, at its login. 42501. */
export function requireConnect(catalog: Catalog, role: Oid): void {
  const database = catalog.database();
  if (hasPrivilege(catalog, role, database, 'c')) return;
  throw new SqlError('42501', `permission denied for database "${database.name}"`, {
    detail: 'User does not have CONNECT privilege.',
  });
}
