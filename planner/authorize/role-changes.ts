/** Roles as a statement leaves them: each once, whatever it does to it. */
import type { Membership, RoleDefinition } from '../../runtime/plan/authorization.ts';
import type { CatalogChange, Oid } from '../../runtime/plan/relation.ts';

export class RoleChanges {
  readonly #created = new Set<Oid>();
  readonly #roles = new Map<Oid, RoleDefinition>();

  create(role: RoleDefinition): void {
    this.#created.add(role.oid);
    this.#roles.set(role.oid, role);
  }

  /** The role with what the statement did to it so far. */
  current(role: RoleDefinition): RoleDefinition {
    return this.#roles.get(role.oid) ?? role;
  }

  alter(role: RoleDefinition, attributes: Partial<RoleDefinition>): void {
    this.#roles.set(role.oid, { ...this.current(role), ...attributes });
  }

  /** One membership a role and grantor: a second one takes the place of the first. */
  addMembership(member: RoleDefinition, membership: Membership): void {
    const others = this.current(member).memberOf.filter((other) => !isSame(other, membership));
    this.alter(member, { memberOf: [...others, membership] });
  }

  get changes(): readonly CatalogChange[] {
    return [...this.#roles.values()].map((object) =>
      this.#created.has(object.oid) ? { kind: 'create', object, replaces: null } : { kind: 'alter', object },
    );
  }
}

export const isSame = (
  a: Pick<Membership, 'role' | 'grantor'>,
  b: Pick<Membership, 'role' | 'grantor'>,
): boolean => a.role === b.role && a.grantor === b.grantor;
