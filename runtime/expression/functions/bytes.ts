/** Functions of bytea and uuid. */
import { createHash, randomUUID } from 'node:crypto';
import { SqlError } from '../../../common/sql-error.ts';
import { parseBytea } from '../../../common/value-bytea.ts';
import { type Entry, pure, pureAll } from '../implementation.ts';
import { likeFunction } from '../like.ts';

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const out = new Uint8Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}

function slice(bytes: Uint8Array, start: number, length: number): Uint8Array {
  if (length < 0) throw new SqlError('22011', 'negative substring length not allowed');
  return bytes.slice(Math.max(start - 1, 0), Math.max(start - 1 + length, 0));
}

/** The part of `length` bytes from `start` is replaced. */
function overlay(bytes: Uint8Array, part: Uint8Array, start: number, length = part.length): Uint8Array {
  if (start <= 0) throw new SqlError('22011', 'negative substring length not allowed');
  if (start + length > INT4_MAX) throw new SqlError('22003', 'integer out of range');
  const rest = slice(bytes, start + length, Number.POSITIVE_INFINITY);
  return concat(concat(slice(bytes, 1, start - 1), part), rest);
}

const INT4_MAX = 2 ** 31 - 1;

function trim(bytes: Uint8Array, set: Uint8Array, fromLeft: boolean, fromRight: boolean): Uint8Array {
  let start = 0;
  let end = bytes.length;
  if (fromLeft) while (start < end && set.includes(bytes[start]!)) start++;
  if (fromRight) while (end > start && set.includes(bytes[end - 1]!)) end--;
  return bytes.slice(start, end);
}

const BASE64_LINE = 76;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

const formatError = (name: string): SqlError => new SqlError('22023', `unrecognized encoding: "${name}"`);

const buffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function encode(bytes: Uint8Array, format: string): string {
  switch (format.toLowerCase()) {
    case 'hex':
      return buffer(bytes).toString('hex');
    case 'base64':
      return (
        buffer(bytes)
          .toString('base64')
          .match(new RegExp(`.{1,${BASE64_LINE}}`, 'g')) ?? []
      ).join('\n');
    case 'escape':
      return escapeText(bytes);
    default:
      throw formatError(format);
  }
}

/** Only zero bytes, bytes beyond ASCII and backslashes are escaped. */
function escapeText(bytes: Uint8Array): string {
  let out = '';
  for (const byte of bytes) {
    if (byte === 0 || byte > 127) out += `\\${byte.toString(8).padStart(3, '0')}`;
    else out += byte === 0x5c ? '\\\\' : String.fromCharCode(byte);
  }
  return out;
}

function decode(text: string, format: string): Uint8Array {
  switch (format.toLowerCase()) {
    case 'hex':
      return parseBytea(`\\x${text}`);
    case 'base64': {
      const body = text.replace(/[ \t\n\r]/g, '');
      if (!BASE64.test(body)) {
        const symbol = /[^A-Za-z0-9+/=]/u.exec(body)?.[0];
        if (symbol !== undefined) {
          throw new SqlError('22023', `invalid symbol "${symbol}" found while decoding base64 sequence`);
        }
        throw new SqlError('22023', 'unexpected "=" while decoding base64 sequence');
      }
      if (body.length % 4 !== 0) {
        throw new SqlError('22023', 'invalid base64 end sequence', {
          hint: 'Input data is missing padding, is truncated, or is otherwise corrupted.',
        });
      }
      return new Uint8Array(Buffer.from(body, 'base64'));
    }
    case 'escape':
      return parseBytea(text.startsWith('\\x') ? `\\\\${text.slice(1)}` : text);
    default:
      throw formatError(format);
  }
}

/** LIKE over bytes: each byte counts as one character. */
function bytesLike(negated: boolean): (bytes: Uint8Array, pattern: Uint8Array) => boolean {
  const like = likeFunction(false, negated);
  return (bytes, pattern) => like(buffer(bytes).toString('latin1'), buffer(pattern).toString('latin1'));
}

const hash =
  (algorithm: string) =>
  (bytes: Uint8Array): Uint8Array =>
    new Uint8Array(createHash(algorithm).update(bytes).digest());

export const BYTES_FUNCTIONS: readonly Entry[] = [
  pure('||(bytea,bytea)', concat),
  ...pureAll(['length(bytea)', 'octet_length(bytea)'], (bytes: Uint8Array) => bytes.length),
  pure('bit_length(bytea)', (bytes: Uint8Array) => bytes.length * 8),
  pure('reverse(bytea)', (bytes: Uint8Array) => bytes.slice().reverse()),
  ...pureAll(['substring(bytea,int4)', 'substr(bytea,int4)'], (bytes: Uint8Array, start: number) =>
    slice(bytes, start, Number.POSITIVE_INFINITY),
  ),
  ...pureAll(['substring(bytea,int4,int4)', 'substr(bytea,int4,int4)'], slice),
  ...pureAll(['overlay(bytea,bytea,int4)', 'overlay(bytea,bytea,int4,int4)'], overlay),
  pure('btrim(bytea,bytea)', (bytes: Uint8Array, set: Uint8Array) => trim(bytes, set, true, true)),
  pure('ltrim(bytea,bytea)', (bytes: Uint8Array, set: Uint8Array) => trim(bytes, set, true, false)),
  pure('rtrim(bytea,bytea)', (bytes: Uint8Array, set: Uint8Array) => trim(bytes, set, false, true)),
  pure('position(bytea,bytea)', (bytes: Uint8Array, part: Uint8Array) => buffer(bytes).indexOf(part) + 1),
  pure('encode(bytea,text)', encode),
  pure('decode(text,text)', decode),
  pure('sha256(bytea)', hash('sha256')),
  pure('sha512(bytea)', hash('sha512')),
  ['~~(bytea,bytea)', () => bytesLike(false)],
  ['!~~(bytea,bytea)', () => bytesLike(true)],
  ['like(bytea,bytea)', () => bytesLike(false)],
  ['notlike(bytea,bytea)', () => bytesLike(true)],
  ...pureAll(['gen_random_uuid()', 'uuidv4()'], () => randomUUID()),
];
