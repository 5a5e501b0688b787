/** The key of secrets: base64 of 32 random bytes in a file of its own, never among what it encrypts. */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { exposureOf } from './private-file.ts';
import { KEY_BYTES } from './sealed-secret.ts';
import { SqlError } from './sql-error.ts';

const OWNERS = 0o600;
/** A file larger than this is no key. */
const FILE_BYTES_MAX = 1024;

export class SecretKey {
  readonly #path: string | null;
  #key: Buffer | null = null;

  /** null: there is no place for one (an engine without a data directory). */
  constructor(path: string | null) {
    this.#path = path;
  }

  /** Read once; later changes of the file are seen by the next start. 58P01, 55000, 58030. */
  read(): Buffer {
    this.#key ??= this.#load();
    return this.#key;
  }

  /** Makes the file where there is none. */
  readOrMake(): Buffer {
    try {
      return this.read();
    } catch (error) {
      if (!(error instanceof SqlError) || error.code !== '58P01') throw error;
    }
    this.#make();
    return this.read();
  }

  #load(): Buffer {
    const path = this.#place();
    let text: string;
    try {
      const status = statSync(path);
      const fault = exposureOf(status);
      if (fault !== null) throw unusable(fault);
      text = status.size > FILE_BYTES_MAX ? '' : readFileSync(path, 'utf8').trim();
    } catch (error) {
      if (error instanceof SqlError) throw error;
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') throw missing();
      throw unusable(`cannot be read (${code ?? 'unknown error'})`);
    }
    const key = Buffer.from(text, 'base64');
    if (key.length !== KEY_BYTES || key.toString('base64') !== text)
      throw unusable(`does not hold ${KEY_BYTES} bytes in base64`);
    return key;
  }

  /** Under another name first, then linked: a key that somebody else made meanwhile is not lost. */
  #make(): void {
    const path = this.#place();
    const partial = `${path}.${process.pid}.partial`;
    try {
      const fd = openSync(partial, 'w', OWNERS);
      writeSync(fd, `${randomBytes(KEY_BYTES).toString('base64')}\n`);
      fsyncSync(fd);
      closeSync(fd);
      try {
        linkSync(partial, path);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      unlinkSync(partial);
      const directory = openSync(dirname(path), 'r');
      fsyncSync(directory);
      closeSync(directory);
    } catch (error) {
      throw new SqlError('58030', 'the secret key file cannot be written', {
        detail: `${(error as NodeJS.ErrnoException).code ?? 'unknown error'}`,
        hint: 'See millrace.secret_key_file.',
      });
    }
  }

  #place(): string {
    if (this.#path !== null) return this.#path;
    throw new SqlError('55000', 'this server has no place for the key of secrets');
  }
}

const missing = (): SqlError =>
  new SqlError('58P01', 'the secret key file does not exist', {
    hint:
      'Restore the file that millrace.secret_key_file names. If it is lost, make another one ' +
      '(openssl rand -base64 32, mode 0600), start the server again, and give each secret its value by ALTER SECRET.',
  });

const unusable = (fault: string): SqlError =>
  new SqlError('55000', `the secret key file ${fault}`, { hint: 'See millrace.secret_key_file.' });
