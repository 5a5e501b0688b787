import { BUILT_IN_ROLES } from '../../plan/authorization.ts';
import { secretsOf, shownName } from '../../plan/relation.ts';
import type { RelationSet } from '../relation-set.ts';

/** Of millrace.secrets: all but what they are kept for. */
export function secretRows({ objects }: RelationSet): readonly (readonly unknown[])[] {
  const users = new Map<number, string[]>();
  for (const object of objects.values()) {
    if (object.kind !== 'stream') continue;
    for (const oid of secretsOf(object)) users.set(oid, [...(users.get(oid) ?? []), shownName(object)]);
  }
  const ownerName = (oid: number): string | null =>
    (objects.get(oid) ?? BUILT_IN_ROLES.find((role) => role.oid === oid))?.name ?? null;
  return [...objects.values()].flatMap((object) => {
    if (object.kind !== 'secret') return [];
    const { oid, schema, name, owner, createdAt, alteredAt, comment } = object;
    const usedBy = users.get(oid)?.toSorted().join(', ') ?? null;
    return [[BigInt(oid), schema, name, ownerName(owner), createdAt, alteredAt, usedBy, comment]];
  });
}
