/**
 * A secret as it is kept, in base64:
 *
 *   format (1 byte) | mark of the key (8) | nonce (12) | AES-256-GCM of the value | its tag (16)
 *
 * The associated data are the format, the mark and the secret's OID, which it keeps for good: what is kept of one secret
 * can't be put in another one's place. The mark tells a wrong key from damage.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { SqlError } from './sql-error.ts';

const CIPHER = 'aes-256-gcm';
const FORMAT = 1;
const MARK_BYTES = 8;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEAD_BYTES = 1 + MARK_BYTES;

/** Of a key. */
export const KEY_BYTES = 32;

function headOf(key: Buffer): Buffer {
  const mark = createHash('sha256').update('millrace secret key\0').update(key).digest();
  return Buffer.concat([Buffer.of(FORMAT), mark.subarray(0, MARK_BYTES)]);
}

const associated = (head: Buffer, oid: number): Buffer => Buffer.concat([head, Buffer.from(`\0${oid}`)]);

export function sealSecret(key: Buffer, oid: number, value: Uint8Array): string {
  const head = headOf(key);
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce).setAAD(associated(head, oid));
  const sealed = Buffer.concat([cipher.update(value), cipher.final()]);
  return Buffer.concat([head, nonce, sealed, cipher.getAuthTag()]).toString('base64');
}

/** 55000 under another key, XX001 where it is damaged. */
export function openSecret(key: Buffer, oid: number, sealed: string): Buffer {
  const bytes = Buffer.from(sealed, 'base64');
  const head = headOf(key);
  if (bytes.length < HEAD_BYTES + NONCE_BYTES + TAG_BYTES || bytes[0] !== FORMAT) throw damaged();
  if (!bytes.subarray(0, HEAD_BYTES).equals(head)) {
    throw new SqlError('55000', 'it was encrypted with another key', {
      hint: 'Restore the key file that millrace.secret_key_file named then, or give the secret its value anew by ALTER SECRET.',
    });
  }
  const body = HEAD_BYTES + NONCE_BYTES;
  const decipher = createDecipheriv(CIPHER, key, bytes.subarray(HEAD_BYTES, body), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(associated(head, oid)).setAuthTag(bytes.subarray(-TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(body, -TAG_BYTES)), decipher.final()]);
  } catch {
    throw damaged();
  }
}

const damaged = (): SqlError =>
  new SqlError('XX001', 'what is kept of it is damaged', {
    hint: 'Give the secret its value anew by ALTER SECRET.',
  });
