/**
 * `authentication.json` of the data directory, for its owner's eyes only:
 *
 *   { "format": 1, "key": base64 of 32 random bytes, "passwordsUsed": boolean }
 *
 * `key` makes what is shown of users that don't exist: it must not change with a restart, or they could be told from real
 * ones. `passwordsUsed` never goes back to false: a role that takes its own password away must not open the server to all.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from '../../common/assert.ts';
import { writeWhole } from '../../common/whole-file.ts';

const FORMAT = 1;
const FILE = 'authentication.json';
const KEY_BYTES = 32;

function parseMembers(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = null;
  }
  assert(typeof value === 'object' && value !== null, `${FILE} is damaged`);
  return value as Readonly<Record<string, unknown>>;
}

export class AuthenticationFile {
  readonly key: Buffer;
  readonly #path: string | null;
  #passwordsUsed: boolean;

  private constructor(path: string | null, key: Buffer, passwordsUsed: boolean) {
    this.#path = path;
    this.key = key;
    this.#passwordsUsed = passwordsUsed;
  }

  /** null: nothing is kept (tests). */
  static open(directory: string | null): AuthenticationFile {
    if (directory === null) return new AuthenticationFile(null, randomBytes(KEY_BYTES), false);
    const path = join(directory, FILE);
    try {
      const saved = parseMembers(readFileSync(path, 'utf8'));
      assert(
        saved['format'] === FORMAT,
        `${FILE} has format ${saved['format']}, this server reads ${FORMAT}`,
      );
      const key = Buffer.from(`${saved['key']}`, 'base64');
      assert(key.length === KEY_BYTES, `${FILE} has no key`);
      return new AuthenticationFile(path, key, saved['passwordsUsed'] === true);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    const file = new AuthenticationFile(path, randomBytes(KEY_BYTES), false);
    file.#write();
    return file;
  }

  get passwordsUsed(): boolean {
    return this.#passwordsUsed;
  }

  notePasswords(): void {
    if (this.#passwordsUsed) return;
    this.#passwordsUsed = true;
    this.#write();
  }

  #write(): void {
    if (this.#path === null) return;
    const { key } = this;
    const passwordsUsed = this.#passwordsUsed;
    writeWhole(this.#path, JSON.stringify({ format: FORMAT, key: key.toString('base64'), passwordsUsed }));
  }
}
