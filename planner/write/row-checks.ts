/** WITH CHECK of row-level security: which rows a statement may leave behind. */
import type { RowCheck } from '../../runtime/engine-client.ts';
import type { PolicyDefinition } from '../../runtime/plan/authorization.ts';
import type { StreamDefinition, TableDefinition } from '../../runtime/plan/relation.ts';
import { appliedPolicies, type RowCommand } from '../authorize/applied-policies.ts';
import { combined } from '../authorize/row-security.ts';
import type { BindingContext } from '../bind/binding-context.ts';
import type { BindEnvironment } from '../bind/environment.ts';

/** `reads`: the statement needs SELECT too, so that it may not make what it may not see. */
export function rowChecks(
  binding: BindingContext,
  environment: BindEnvironment,
  target: StreamDefinition | TableDefinition,
  command: 'insert' | 'update',
  reads: boolean,
): readonly RowCheck[] {
  const checkOf = (policy: PolicyDefinition) => policy.check ?? policy.using;
  return [
    ...checksOf(binding, environment, target, command, checkOf),
    ...(reads ? checksOf(binding, environment, target, 'select', (policy) => policy.using) : []),
  ];
}

/** Of the rows that are there already, and that ON CONFLICT DO UPDATE would change. */
export const conflictChecks = (
  binding: BindingContext,
  environment: BindEnvironment,
  target: TableDefinition,
): readonly RowCheck[] => [
  ...checksOf(binding, environment, target, 'update', (policy) => policy.using),
  ...checksOf(binding, environment, target, 'select', (policy) => policy.using),
];

/** A restrictive policy is told by its name. */
function checksOf(
  binding: BindingContext,
  environment: BindEnvironment,
  target: StreamDefinition | TableDefinition,
  command: RowCommand,
  expressionOf: (policy: PolicyDefinition) => PolicyDefinition['using'],
): readonly RowCheck[] {
  const applied = appliedPolicies(binding.catalog, binding.role, target, command);
  if (applied === null) return [];
  const bind = (part: typeof applied): RowCheck['predicate'] =>
    combined(binding, environment, target, part, expressionOf);
  const named = applied.restrictive.map((policy): RowCheck => {
    const alone = { permissive: [policy], restrictive: [] };
    return { predicate: bind(alone), policy: policy.name };
  });
  return [{ predicate: bind({ ...applied, restrictive: [] }), policy: null }, ...named];
}
