import { sealSecret } from '../../common/sealed-secret.ts';
import type { SecretKey } from '../../common/secret-key.ts';
import type { SecretValue } from '../../planner/statement.ts';
import type { CatalogChange } from '../../runtime/plan/relation.ts';
import type { CatalogView } from '../catalog.ts';

/** The changes with the value of their secret encrypted: in clear it goes no further than here. 58P01, 55000, 58030. */
export function sealedChanges(
  changes: readonly CatalogChange[],
  value: SecretValue | undefined,
  secrets: SecretKey,
  catalog: CatalogView,
): readonly CatalogChange[] {
  if (value === undefined) return changes;
  const { secret, encoding } = value;
  // a new key beside secrets of an old one would hide that the old one is lost
  const key = hasSecrets(catalog) ? secrets.read() : secrets.readOrMake();
  const clear = Buffer.from(secret.reveal(), encoding);
  return changes.map((change) => {
    if (change.kind === 'drop' || change.object.kind !== 'secret') return change;
    const { object } = change;
    return { ...change, object: { ...object, sealed: sealSecret(key, object.oid, clear) } };
  });
}

function hasSecrets(catalog: CatalogView): boolean {
  for (const { kind } of catalog.objects()) if (kind === 'secret') return true;
  return false;
}
