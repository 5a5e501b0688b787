/** Whether the key at hand opens the secrets that there are. */
import { accessSync, constants } from 'node:fs';
import { dirname } from 'node:path';
import type { Logger } from 'pino';
import { openSecret } from '../common/sealed-secret.ts';
import { SecretKey } from '../common/secret-key.ts';
import { SqlError } from '../common/sql-error.ts';
import { shownName } from '../runtime/plan/relation.ts';
import type { CatalogView } from './catalog.ts';

/**
 * Says at a start which secrets can't be read. The server goes on without them: what uses one fails by itself and tries
 * again, and all else is served.
 */
export function checkSecrets(catalog: CatalogView, key: SecretKey, log: Logger): void {
  for (const [reason, secrets] of unreadable(catalog, key))
    log.error({ secrets, reason }, 'secrets cannot be read');
}

/** Before the server is told to read its key there. 22023 where that loses secrets, or is no place for a key. */
export function requireKeyOfSecrets(catalog: CatalogView, path: string): void {
  const key = new SecretKey(path);
  const [lost] = unreadable(catalog, key);
  if (lost !== undefined) {
    throw new SqlError('22023', 'the secrets that there are cannot be read with that key file', {
      detail: `${lost[0]}.`,
      hint: 'Copy the file that millrace.secret_key_file names now to that place first.',
    });
  }
  try {
    key.read();
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    // made with the first secret
    if (error.code === '58P01' && isWritable(dirname(path))) return;
    throw new SqlError('22023', error.message);
  }
}

/** Their names by the reason why. */
function unreadable(catalog: CatalogView, key: SecretKey): ReadonlyMap<string, readonly string[]> {
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
  return reasons;
}

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
