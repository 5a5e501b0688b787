import { isUtf8 } from 'node:buffer';
import { SqlError } from '../../common/sql-error.ts';

/** Reads the fields of one message's body; anything that doesn't fit is 08P01, bad UTF-8 22021. */
export class MessageReader {
  readonly #body: Buffer;
  #at = 0;

  constructor(body: Buffer) {
    this.#body = body;
  }

  get remaining(): number {
    return this.#body.length - this.#at;
  }

  byte(): number {
    this.#need(1);
    return this.#body[this.#at++]!;
  }

  uint16(): number {
    this.#need(2);
    const value = this.#body.readUInt16BE(this.#at);
    this.#at += 2;
    return value;
  }

  int32(): number {
    this.#need(4);
    const value = this.#body.readInt32BE(this.#at);
    this.#at += 4;
    return value;
  }

  uint32(): number {
    return this.int32() >>> 0;
  }

  bytes(length: number): Buffer {
    this.#need(length);
    const value = this.#body.subarray(this.#at, this.#at + length);
    this.#at += length;
    return value;
  }

  rest(): Buffer {
    return this.bytes(this.remaining);
  }

  /** Text up to a zero byte. */
  cstring(): string {
    const end = this.#body.indexOf(0, this.#at);
    if (end < 0) throw new SqlError('08P01', 'invalid string in message');
    const slice = this.#body.subarray(this.#at, end);
    this.#at = end + 1;
    return decodeUtf8(slice);
  }

  end(): void {
    if (this.remaining !== 0) throw new SqlError('08P01', 'invalid message format');
  }

  #need(count: number): void {
    if (count < 0 || this.remaining < count) {
      throw new SqlError('08P01', 'insufficient data left in message');
    }
  }
}

/** Text of a client; bytes that are not UTF-8 are 22021 as in PostgreSQL, never replaced silently. */
export function decodeUtf8(bytes: Buffer): string {
  if (!isUtf8(bytes)) {
    throw new SqlError('22021', `invalid byte sequence for encoding "UTF8": ${firstBadSequence(bytes)}`);
  }
  return bytes.toString('utf8');
}

function firstBadSequence(bytes: Buffer): string {
  let low = 0;
  let high = bytes.length;
  // The longest valid prefix, by bisection on character starts.
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (isUtf8(bytes.subarray(0, middle)) || endsInsideCharacter(bytes, middle)) low = middle;
    else high = middle - 1;
  }
  while (low > 0 && !isUtf8(bytes.subarray(0, low))) low--;
  return `0x${(bytes[low] ?? 0).toString(16).padStart(2, '0')}`;
}

/** Whether a prefix is valid but for a character cut at its end. */
function endsInsideCharacter(bytes: Buffer, end: number): boolean {
  for (let back = 1; back <= 3 && back < end; back++) {
    const lead = bytes[end - back]!;
    if (lead >= 0xc0) return isUtf8(bytes.subarray(0, end - back));
    if (lead < 0x80) return false;
  }
  return false;
}
