/** Secrets as connectors ask for them: opened at each use, and never kept. */
import { openSecret } from '../../common/sealed-secret.ts';
import { SecretKey } from '../../common/secret-key.ts';
import { SqlError } from '../../common/sql-error.ts';
import { type CatalogObject, type Oid, shownName } from '../plan/relation.ts';
import type { OptionText } from '../plan/secret.ts';

export class SecretReader {
  readonly #key: SecretKey;
  readonly #objects: ReadonlyMap<Oid, CatalogObject>;

  constructor(keyFile: string | null, objects: ReadonlyMap<Oid, CatalogObject>) {
    this.#key = new SecretKey(keyFile);
    this.#objects = objects;
  }

  /** The option's text, or the value that its secret has when asked. 55000, 58P01, XX001, 42704; no error holds any of them. */
  bytesOf(option: OptionText): Buffer {
    if (option.kind === 'text') return Buffer.from(option.text);
    const secret = this.#objects.get(option.secret);
    if (secret?.kind !== 'secret') throw new SqlError('42704', 'the secret does not exist any more');
    try {
      return openSecret(this.#key.read(), secret.oid, secret.sealed);
    } catch (error) {
      if (!(error instanceof SqlError)) throw error;
      const message = `secret "${shownName(secret)}" cannot be read: ${error.message}`;
      throw new SqlError(error.code, message, { hint: error.hint });
    }
  }
}
