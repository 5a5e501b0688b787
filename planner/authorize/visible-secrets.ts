import type { Oid } from '../../runtime/plan/relation.ts';
import type { SecretDefinition } from '../../runtime/plan/secret.ts';
import type { Catalog } from '../catalog.ts';
import { hasPrivilege, isOwner } from './access.ts';

/** Those that the role owns or may use: of others it is not told that there are any. */
export function visibleSecrets(catalog: Catalog, role: Oid): readonly SecretDefinition[] {
  return [...catalog.objects()].flatMap((object) =>
    object.kind === 'secret' && (isOwner(catalog, role, object) || hasPrivilege(catalog, role, object, 'U'))
      ? [object]
      : [],
  );
}
