/** Text of bytea: hex (`\x68656c6c6f`) and escape. */
import { SqlError } from './sql-error.ts';

export function parseBytea(text: string): Uint8Array {
  return text.startsWith('\\x') ? parseHex(text.slice(2)) : parseEscaped(text);
}

function parseHex(text: string): Uint8Array {
  const digits = text.replace(/[ \n\t\r]/g, '');
  const bad = /[^0-9a-fA-F]/u.exec(digits);
  if (bad !== null) throw new SqlError('22023', `invalid hexadecimal digit: "${bad[0]}"`);
  if (digits.length % 2 !== 0) {
    throw new SqlError('22023', 'invalid hexadecimal data: odd number of digits');
  }
  return new Uint8Array(Buffer.from(digits, 'hex'));
}

const BACKSLASH = 0x5c;
const isOctal = (byte: number | undefined, max: number): boolean =>
  byte !== undefined && byte >= 0x30 && byte <= max;

function parseEscaped(text: string): Uint8Array {
  const source = Buffer.from(text);
  const out = new Uint8Array(source.length);
  let length = 0;
  for (let i = 0; i < source.length; i++) {
    if (source[i] !== BACKSLASH) {
      out[length++] = source[i]!;
      continue;
    }
    if (source[i + 1] === BACKSLASH) {
      out[length++] = BACKSLASH;
      i++;
    } else if (isOctal(source[i + 1], 0x33) && isOctal(source[i + 2], 0x37) && isOctal(source[i + 3], 0x37)) {
      out[length++] = (source[i + 1]! - 0x30) * 64 + (source[i + 2]! - 0x30) * 8 + source[i + 3]! - 0x30;
      i += 3;
    } else throw new SqlError('22P02', 'invalid input syntax for type bytea');
  }
  return out.slice(0, length);
}

export function formatBytea(bytes: Uint8Array, output: 'hex' | 'escape'): string {
  if (output === 'hex')
    return `\\x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`;
  let out = '';
  for (const byte of bytes) {
    if (byte === BACKSLASH) out += '\\\\';
    else if (byte < 0x20 || byte > 0x7e) out += `\\${byte.toString(8).padStart(3, '0')}`;
    else out += String.fromCharCode(byte);
  }
  return out;
}
