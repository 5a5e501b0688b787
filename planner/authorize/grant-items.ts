/** Lists of what was granted, with the rules of PostgreSQL's acl.c: who granted what stays known. 0LP01, 2BP01. */
import { SqlError } from '../../common/sql-error.ts';
import { type AccessItem, type Privilege, PUBLIC } from '../../runtime/plan/authorization.ts';
import type { Oid } from '../../runtime/plan/relation.ts';

type Privileges = readonly Privilege[];

const union = (a: Privileges, b: Privileges): Privileges => [...a, ...b.filter((p) => !a.includes(p))];
const without = (a: Privileges, b: Privileges): Privileges => a.filter((p) => !b.includes(p));

/** One item a grantee and grantor; an empty one is none. */
function withItem(
  items: readonly AccessItem[],
  grantee: Oid,
  grantor: Oid,
  change: (item: AccessItem) => AccessItem,
): readonly AccessItem[] {
  const at = items.findIndex((item) => item.grantee === grantee && item.grantor === grantor);
  const old = items[at] ?? { grantee, grantor, privileges: [], grantable: [] };
  const next = change(old);
  const others = items.filter((_, i) => i !== at);
  if (next.privileges.length === 0 && next.grantable.length === 0) return others;
  return at < 0 ? [...items, next] : items.map((item, i) => (i === at ? next : item));
}

export type Grant = Readonly<{
  grantee: Oid;
  grantor: Oid;
  owner: Oid;
  privileges: Privileges;
  /** WITH GRANT OPTION; GRANT OPTION FOR */
  option: boolean;
}>;

export function granted(items: readonly AccessItem[], grant: Grant): readonly AccessItem[] {
  const { grantee, grantor, privileges, option } = grant;
  if (option && grantee === PUBLIC) throw new SqlError('0LP01', 'grant options can only be granted to roles');
  if (option && grantor !== grant.owner) refuseCircle(items, grant);
  return withItem(items, grantee, grantor, (item) => ({
    ...item,
    privileges: union(item.privileges, privileges),
    grantable: option ? union(item.grantable, privileges) : item.grantable,
  }));
}

/** Nobody's right to grant may come from whom it is given to. */
function refuseCircle(items: readonly AccessItem[], { grantee, grantor, owner, privileges }: Grant): void {
  // the owner needs no grant of its own
  if (grantee === owner) throw circle();
  let rest = items;
  for (const item of items) {
    if (item.grantee !== grantee) continue;
    const revoke = { ...item, owner, privileges: item.grantable, option: true, cascade: true };
    rest = revoked(rest, revoke);
  }
  const held = rest.flatMap((item) => (item.grantee === grantor ? item.grantable : []));
  if (without(privileges, held).length > 0) throw circle();
}

const circle = (): SqlError =>
  new SqlError('0LP01', 'grant options cannot be granted back to your own grantor');

export type Revoke = Grant & Readonly<{ cascade: boolean }>;

export function revoked(items: readonly AccessItem[], revoke: Revoke): readonly AccessItem[] {
  const { grantee, grantor, owner, privileges, option, cascade } = revoke;
  const next = withItem(items, grantee, grantor, (item) => ({
    ...item,
    privileges: option ? item.privileges : without(item.privileges, privileges),
    grantable: without(item.grantable, privileges),
  }));
  if (grantee === owner) return next;
  const held = (list: readonly AccessItem[]): Privileges =>
    list.flatMap((item) => (item.grantee === grantee ? item.grantable : []));
  const lost = without(without(held(items), held(next)), []);
  return lost.length === 0 ? next : withoutGrantsOf(next, grantee, owner, lost, cascade);
}

/** What a role granted by an option that it has no more. */
function withoutGrantsOf(
  items: readonly AccessItem[],
  grantor: Oid,
  owner: Oid,
  lost: Privileges,
  cascade: boolean,
): readonly AccessItem[] {
  let rest = items;
  for (const item of items) {
    if (item.grantor !== grantor || !item.privileges.some((p) => lost.includes(p))) continue;
    if (!cascade) {
      throw new SqlError('2BP01', 'dependent privileges exist', { hint: 'Use CASCADE to revoke them too.' });
    }
    const { grantee } = item;
    rest = revoked(rest, { grantee, grantor, owner, privileges: lost, option: false, cascade });
  }
  return rest;
}

/** Both together. */
export function merged(items: readonly AccessItem[], others: readonly AccessItem[]): readonly AccessItem[] {
  let all = items;
  for (const { grantee, grantor, privileges, grantable } of others) {
    all = withItem(all, grantee, grantor, (item) => ({
      ...item,
      privileges: union(item.privileges, privileges),
      grantable: union(item.grantable, grantable),
    }));
  }
  return all;
}

/** After ALTER … OWNER TO: what the old owner had and granted is the new one's. */
export function reowned(items: readonly AccessItem[], from: Oid, to: Oid): readonly AccessItem[] {
  const renamed = (oid: Oid): Oid => (oid === from ? to : oid);
  let next: readonly AccessItem[] = [];
  for (const { grantee, grantor, privileges, grantable } of items) {
    next = withItem(next, renamed(grantee), renamed(grantor), (item) => ({
      ...item,
      privileges: union(item.privileges, privileges),
      grantable: union(item.grantable, grantable),
    }));
  }
  return next;
}

/** Nothing is left of a role: neither granted to it nor by it. */
export function withoutRole(items: readonly AccessItem[], role: Oid, owner: Oid): readonly AccessItem[] {
  let rest = items;
  for (const item of items) {
    if (item.grantee !== role) continue;
    const { privileges, grantable } = item;
    const all = union(privileges, grantable);
    rest = revoked(rest, { ...item, owner, privileges: all, option: false, cascade: true });
  }
  return rest;
}
