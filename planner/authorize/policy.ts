/** CREATE, ALTER and DROP POLICY, and ALTER … ROW LEVEL SECURITY. 42501, 42704, 42710, 42601. */
import type { AlterPolicyStmt, CreatePolicyStmt, DropStmt, Node, RangeVar, RenameStmt } from 'libpg-query';
import { SqlError } from '../../common/sql-error.ts';
import {
  type PolicyCommand,
  type PolicyDefinition,
  type PolicyExpression,
  PUBLIC,
  type RowSecurity,
} from '../../runtime/plan/authorization.ts';
import type { Oid, RelationDefinition } from '../../runtime/plan/relation.ts';
import { BindingContext, Gathered } from '../bind/binding-context.ts';
import { findRelation } from '../bind/relation-lookup.ts';
import { listOf, stringOf } from '../bind/tree.ts';
import { viewSettings } from '../define/create-view.ts';
import { policyTexts } from '../parse/policy-syntax.ts';
import type { Planned } from '../statement.ts';
import { ENVIRONMENT, planned, type StatementContext } from '../statement-context.ts';
import { namedRelation } from '../write/target.ts';
import { kindLabel } from './access.ts';
import { requireOwner } from './require.ts';
import { roleOf, roleSpecOf } from './role-name.ts';
import { bindPolicy, fieldsOfRelation } from './row-security.ts';

const NONE: RowSecurity = { enabled: false, forced: false, policies: [] };

export const rowSecurityOf = (relation: RelationDefinition): RowSecurity => relation.rowSecurity ?? NONE;

function guardedRelation(binding: BindingContext, range: RangeVar, label?: string): RelationDefinition {
  const relation = namedRelation(binding, range);
  requireOwner(binding, relation, label);
  if (relation.kind !== 'sink') return relation;
  throw binding.error(range.location, '42809', `"${relation.name}" is a sink and has no rows`);
}

const withPolicies = (
  relation: RelationDefinition,
  policies: readonly PolicyDefinition[],
): RelationDefinition => ({ ...relation, rowSecurity: { ...rowSecurityOf(relation), policies } });

function altered(context: StatementContext, relation: RelationDefinition, tag: string): Planned {
  return planned(context, { kind: 'alter', objects: [relation], tag });
}

export function planCreatePolicy(context: StatementContext, create: CreatePolicyStmt): Planned {
  const { binding } = context;
  const command = (create.cmd_name ?? 'all') as PolicyCommand;
  if (create.with_check !== undefined && (command === 'select' || command === 'delete')) {
    throw binding.error(-1, '42601', 'WITH CHECK cannot be applied to SELECT or DELETE');
  }
  if (create.qual !== undefined && command === 'insert') {
    throw binding.error(-1, '42601', 'only WITH CHECK expression allowed for INSERT');
  }
  const relation = guardedRelation(binding, create.table ?? {});
  const name = create.policy_name ?? '';
  const { policies } = rowSecurityOf(relation);
  if (policies.some((policy) => policy.name === name)) {
    throw binding.error(-1, '42710', `policy "${name}" for table "${relation.name}" already exists`);
  }
  const policy: PolicyDefinition = {
    oid: binding.catalog.allocateOid(),
    name,
    permissive: create.permissive === true,
    command,
    roles: policyRoles(binding, create.roles ?? []),
    ...expressionsOf(context, relation),
  };
  return altered(context, withPolicies(relation, [...policies, policy]), 'CREATE POLICY');
}

function policyRoles(binding: BindingContext, nodes: readonly Node[]): readonly Oid[] {
  const specs = nodes.map(roleSpecOf);
  const isPublic = specs.length === 0 || specs.some((spec) => spec.roletype === 'ROLESPEC_PUBLIC');
  if (isPublic && specs.length > 1) {
    binding.gathered.notices.push({
      severity: 'WARNING',
      code: '01000',
      message: 'ignoring specified roles other than PUBLIC',
      hint: 'All roles are members of the PUBLIC role.',
    });
  }
  return isPublic ? [PUBLIC] : [...new Set(specs.map((spec) => roleOf(binding, spec).oid))];
}

/** As they are written, once they are known to mean something. */
function expressionsOf(
  context: StatementContext,
  relation: RelationDefinition,
): Pick<PolicyDefinition, 'using' | 'check'> {
  const { using, check } = policyTexts(context.parsed.text);
  return {
    using: using === null ? null : checkedExpression(context, relation, using),
    check: check === null ? null : checkedExpression(context, relation, check),
  };
}

function checkedExpression(
  { binding }: StatementContext,
  relation: RelationDefinition,
  text: string,
): PolicyExpression {
  const gathered = new Gathered();
  const inner = new BindingContext(binding.plan, binding.source, binding.clauses, {
    gathered,
    viewDepth: -1,
  });
  const made: PolicyExpression = {
    text,
    relation: relation.name,
    columns: fieldsOfRelation(relation).map((column) => column.name),
    settings: viewSettings(binding),
    names: [],
    dependencies: [],
  };
  bindPolicy(inner, ENVIRONMENT, relation, made);
  return { ...made, names: gathered.names, dependencies: [...gathered.relations] };
}

export function planAlterPolicy(context: StatementContext, alter: AlterPolicyStmt): Planned {
  const { binding } = context;
  const relation = guardedRelation(binding, alter.table ?? {});
  const { policies } = rowSecurityOf(relation);
  const old = requirePolicy(relation, alter.policy_name ?? '');
  if (alter.qual !== undefined && old.command === 'insert') {
    throw binding.error(-1, '42601', 'only WITH CHECK expression allowed for INSERT');
  }
  if (alter.with_check !== undefined && (old.command === 'select' || old.command === 'delete')) {
    throw binding.error(-1, '42601', 'only USING expression allowed for SELECT, DELETE');
  }
  const { using, check } = expressionsOf(context, relation);
  const policy: PolicyDefinition = {
    ...old,
    roles: alter.roles === undefined ? old.roles : policyRoles(binding, alter.roles),
    using: using ?? old.using,
    check: check ?? old.check,
  };
  const next = policies.map((other) => (other === old ? policy : other));
  return altered(context, withPolicies(relation, next), 'ALTER POLICY');
}

function requirePolicy(relation: RelationDefinition, name: string): PolicyDefinition {
  const found = rowSecurityOf(relation).policies.find((policy) => policy.name === name);
  if (found === undefined)
    throw new SqlError('42704', `policy "${name}" for table "${relation.name}" does not exist`);
  return found;
}

export function planRenamePolicy(context: StatementContext, rename: RenameStmt): Planned {
  const { binding } = context;
  const relation = guardedRelation(binding, rename.relation ?? {});
  const name = rename.newname ?? '';
  const { policies } = rowSecurityOf(relation);
  if (policies.some((policy) => policy.name === name)) {
    throw binding.error(-1, '42710', `policy "${name}" for table "${relation.name}" already exists`);
  }
  const old = requirePolicy(relation, rename.subname ?? '');
  const next = policies.map((policy) => (policy === old ? { ...policy, name } : policy));
  return altered(context, withPolicies(relation, next), 'ALTER POLICY');
}

export function planDropPolicy(context: StatementContext, drop: DropStmt): Planned {
  const { binding } = context;
  const names = listOf(drop.objects?.[0]).map(stringOf);
  const name = names.at(-1) ?? '';
  const relname = names.at(-2) ?? '';
  const schemaname = names.at(-3);
  const found = findRelation(binding, schemaname ?? null, relname);
  const missing =
    found === null
      ? `relation "${relname}" does not exist`
      : found.kind === 'relation' && !rowSecurityOf(found.definition).policies.some((p) => p.name === name)
        ? `policy "${name}" for relation "${relname}" does not exist`
        : null;
  if (missing !== null && drop.missing_ok === true) {
    return planned(context, {
      kind: 'nothing',
      tag: 'DROP POLICY',
      notice: `${missing}, skipping`,
      noticeCode: '00000',
    });
  }
  const range = schemaname === undefined ? { relname } : { relname, schemaname };
  // whether there is one is told to all
  const old = requirePolicy(namedRelation(binding, range), name);
  const relation = guardedRelation(binding, range, 'relation');
  const policies = rowSecurityOf(relation).policies.filter((policy) => policy !== old);
  return altered(context, withPolicies(relation, policies), 'DROP POLICY');
}

/** ENABLE, DISABLE, FORCE, NO FORCE ROW LEVEL SECURITY; null: another command. */
export function withRowSecurityCommand(
  relation: RelationDefinition,
  command: string | undefined,
): RelationDefinition | null {
  const change: Partial<RowSecurity> | undefined = {
    AT_EnableRowSecurity: { enabled: true },
    AT_DisableRowSecurity: { enabled: false },
    AT_ForceRowSecurity: { forced: true },
    AT_NoForceRowSecurity: { forced: false },
  }[command ?? ''];
  if (change === undefined) return null;
  if (relation.kind === 'sink') {
    throw new SqlError('42809', `"${relation.name}" is a sink and has no rows`);
  }
  return { ...relation, rowSecurity: { ...rowSecurityOf(relation), ...change } };
}

/** 2BP01 for a relation that the policy of another one asks. */
export function refusePolicyReaders({ catalog }: BindingContext, dropped: readonly Oid[]): void {
  for (const object of catalog.objects()) {
    if (!('rowSecurity' in object) || dropped.includes(object.oid)) continue;
    for (const policy of object.rowSecurity?.policies ?? []) {
      const read = [...(policy.using?.dependencies ?? []), ...(policy.check?.dependencies ?? [])];
      const oid = read.find((dependency) => dropped.includes(dependency));
      const target = oid === undefined ? undefined : catalog.relationByOid(oid);
      if (target === undefined) continue;
      throw new SqlError(
        '2BP01',
        `cannot drop ${kindLabel(target.kind)} ${target.name} because other objects depend on it`,
        {
          detail: `policy ${policy.name} on ${kindLabel(object.kind)} ${object.name} depends on ${kindLabel(target.kind)} ${target.name}`,
          hint: 'Drop the policy first.',
        },
      );
    }
  }
}
