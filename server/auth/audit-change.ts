/** A change of the catalog as the audit log tells it: names, what is another now, and who may do what by it. */
import type { Membership } from '../../runtime/plan/authorization.ts';
import type { CatalogChange, CatalogObject } from '../../runtime/plan/relation.ts';
import type { CatalogView } from '../catalog.ts';
import { accessTexts } from '../system-catalog/access-rows.ts';

export type AuditFields = Readonly<Record<string, unknown>>;

/** What a role may do by itself; the verifier is only told to be another. */
const SHOWN_ATTRIBUTES: ReadonlySet<string> = new Set([
  'superuser',
  'inherit',
  'createRole',
  'createDatabase',
  'login',
  'replication',
  'bypassRowSecurity',
  'connectionLimit',
  'validUntil',
]);

/** `before` and `now`: the catalog around the change. */
export function describeChange(
  change: CatalogChange,
  before: CatalogView,
  now: CatalogView,
): readonly AuditFields[] {
  switch (change.kind) {
    case 'create':
      return [{ event: 'create', ...nameOf(change.object), ...ownerOf(change.object, now) }];
    case 'alter': {
      const old = before.object(change.object.oid);
      const details = old === undefined ? {} : differences(old, change.object, now);
      return [{ event: 'alter', ...nameOf(change.object), ...details }];
    }
    case 'drop':
      return change.oids.flatMap((oid) => {
        const object = before.object(oid);
        return object === undefined ? [] : [{ event: 'drop', ...nameOf(object) }];
      });
  }
}

function nameOf(object: CatalogObject): AuditFields {
  const schema = 'schema' in object ? { schema: object.schema } : {};
  return { kind: object.kind, ...schema, name: object.name };
}

/** Whose token it is. */
function ownerOf(object: CatalogObject, now: CatalogView): AuditFields {
  return object.kind === 'token' ? { for: now.roleByOid(object.role)?.name ?? null } : {};
}

function differences(old: CatalogObject, object: CatalogObject, now: CatalogView): AuditFields {
  const [a, b] = [old, object] as unknown as Record<string, unknown>[];
  const changed = Object.keys({ ...a, ...b }).filter(
    (name) => JSON.stringify(a?.[name]) !== JSON.stringify(b?.[name]),
  );
  const shown = changed.filter((name) => object.kind === 'role' && SHOWN_ATTRIBUTES.has(name));
  return {
    changed,
    ...(old.name === object.name ? {} : { before: old.name }),
    ...Object.fromEntries(shown.map((name) => [name, b?.[name]])),
    ...accessDifference(old, object, now),
    ...membershipDifference(old, object, now),
    ...('owner' in object && changed.includes('owner') ? { owner: now.roleByOid(object.owner)?.name } : {}),
  };
}

/** GRANT and REVOKE, as PostgreSQL writes privileges: `"anna"=r/"millrace"`. */
function accessDifference(old: CatalogObject, object: CatalogObject, now: CatalogView): AuditFields {
  if (!('access' in old && 'access' in object)) return {};
  // Before the first GRANT an owner's own privileges stand nowhere, then they do.
  const own = object.access?.filter((item) => item.grantee === item.grantor) ?? null;
  const had = accessTexts(now, old.access ?? own) ?? [];
  return between(had, accessTexts(now, object.access) ?? []);
}

function membershipDifference(old: CatalogObject, object: CatalogObject, now: CatalogView): AuditFields {
  if (old.kind !== 'role' || object.kind !== 'role') return {};
  const texts = (memberOf: readonly Membership[]): readonly string[] =>
    memberOf.map(({ role, admin, inherit, set }) => {
      const options = Object.entries({ admin, inherit, set }).flatMap(([name, on]) => (on ? [name] : []));
      return `role ${JSON.stringify(now.roleByOid(role)?.name ?? role)} with ${options.join(', ') || 'nothing'}`;
    });
  return between(texts(old.memberOf), texts(object.memberOf));
}

function between(had: readonly string[], has: readonly string[]): AuditFields {
  const granted = has.filter((text) => !had.includes(text));
  const revoked = had.filter((text) => !has.includes(text));
  return { ...(granted.length > 0 ? { granted } : {}), ...(revoked.length > 0 ? { revoked } : {}) };
}
