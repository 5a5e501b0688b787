import type { Logger } from 'pino';
import { openSecret } from '../common/sealed-secret.ts';
import type { SecretKey } from '../common/secret-key.ts';
import { SqlError } from '../common/sql-error.ts';
import { shownName } from '../runtime/plan/relation.ts';
import type { CatalogView } from './catalog.ts';

/**
 * Says at a start which secrets the key at hand does not open. The server goes on without them: what uses one fails by
 * itself and tries again, and all else is served.
 */
export function checkSecrets(catalog: CatalogView, key: SecretKey, log: Logger): void {
  const reasons = new Map<string, string[]>();
  for (const object of catalog.objects()) {
    if (object.kind !== 'secret') continue;
    try {
      openSecret(key.read(), object.oid, object.sealed);
    } catch (error) {
      if (!(error instanceof SqlError)) throw error;
      const reason = error.hint === undefined ? error.message : `${error.message}. ${error.hint}`;
      reasons.set(reason, [...(reasons.get(reason) ?? []), shownName(object)]);
    }
  }
  for (const [reason, secrets] of reasons) log.error({ secrets, reason }, 'secrets cannot be read');
}
