/** Row security of relations as statements leave it. */
import type { Oid, RelationDefinition } from '../../runtime/plan/relation.ts';

/** DROP OWNED: a policy for nobody else is gone, others are for the rest of their roles. The same object where nothing changed. */
export function withoutPolicyRole(relation: RelationDefinition, role: Oid): RelationDefinition {
  const { rowSecurity } = relation;
  if (rowSecurity === null || !rowSecurity.policies.some((policy) => policy.roles.includes(role)))
    return relation;
  const policies = rowSecurity.policies.flatMap((policy) => {
    const roles = policy.roles.filter((oid) => oid !== role);
    return roles.length === 0 ? [] : [{ ...policy, roles }];
  });
  return { ...relation, rowSecurity: { ...rowSecurity, policies } };
}
