/** One value as text or as PostgreSQL's binary format, written at an offset; gives the offset after it. */
import { writeAscii, writeBigInt, writeFloat4, writeFloat8, writeInteger } from './number-text.ts';
import { FIELD, type OutputField } from './output-field.ts';
import { isBeforeChrist, writeDate, writeTime, writeTimestamp } from './time-text.ts';

const SPACE = 32;
const LETTER_T = 84;
const HEX = Buffer.from('0123456789abcdef', 'latin1');
const EPOCH_2000_DAYS = 10_957;
const EPOCH_2000_MICROS = 946_684_800_000_000;
const DATE_INFINITY = 2_147_483_647;
const DATE_MINUS_INFINITY = -2_147_483_648;

/** Everything but FIELD.bytes, which each framing copies in its own way (escapes, quotes). */
export function writeScalarText(out: Uint8Array, at: number, field: OutputField, row: number): number {
  switch (field.code) {
    case FIELD.bool:
      out[at] = field.flags[row] === 0 ? 102 : 116;
      return at + 1;
    case FIELD.int16:
    case FIELD.int32:
      return writeInteger(out, at, field.integers[row]!);
    case FIELD.int64:
      return writeInteger(out, at, field.doubles[row]!);
    case FIELD.wideInt64:
      return writeBigInt(out, at, field.wide[row]!);
    case FIELD.float8:
      return writeFloat8(out, at, field.doubles[row]!);
    case FIELD.float4:
      return writeFloat4(out, at, field.doubles[row]!);
    case FIELD.date:
      return writeDate(out, at, field.integers[row]!);
    case FIELD.time:
      return writeTime(out, at, field.doubles[row]!);
    case FIELD.timestamp:
      return writeInstant(out, at, field.doubles[row]!, false);
    case FIELD.timestamptz:
      return writeInstant(out, at, field.doubles[row]!, true);
    case FIELD.uuid:
      return writeUuid(out, at, field.bytes, field.starts[row]!);
    default:
      return writeHex(out, writeAscii(out, at, '\\x'), field.bytes, field.starts[row]!, field.ends[row]!);
  }
}

export function writeInstant(out: Uint8Array, at: number, micros: number, zone: boolean): number {
  at = writeTimestamp(out, at, micros, SPACE);
  if (zone && Number.isFinite(micros)) {
    out[at] = 43;
    out[at + 1] = 48;
    out[at + 2] = 48;
    at += 3;
  }
  return isBeforeChrist(micros) ? writeAscii(out, at, ' BC') : at;
}

/** ISO 8601 with `T`; timestamptz ends with `Z`. */
export function writeIsoInstant(out: Uint8Array, at: number, micros: number, zone: boolean): number {
  at = writeTimestamp(out, at, micros, LETTER_T);
  if (zone && Number.isFinite(micros)) out[at++] = 90;
  return isBeforeChrist(micros) ? writeAscii(out, at, ' BC') : at;
}

export function writeUuid(out: Uint8Array, at: number, bytes: Uint8Array, start: number): number {
  for (let i = 0; i < 16; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) out[at++] = 45;
    const byte = bytes[start + i]!;
    out[at++] = HEX[byte >> 4]!;
    out[at++] = HEX[byte & 15]!;
  }
  return at;
}

export function writeHex(out: Uint8Array, at: number, bytes: Uint8Array, start: number, end: number): number {
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    out[at++] = HEX[byte >> 4]!;
    out[at++] = HEX[byte & 15]!;
  }
  return at;
}

/** Long values go through the native copy, short ones are cheaper by hand. */
export function copyBytes(
  out: Uint8Array,
  at: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  if (end - start > 64) {
    out.set(bytes.subarray(start, end), at);
    return at + end - start;
  }
  for (let i = start; i < end; i++) out[at++] = bytes[i]!;
  return at;
}

export function writeInt32At(out: Uint8Array, at: number, value: number): number {
  out[at] = value >>> 24;
  out[at + 1] = value >>> 16;
  out[at + 2] = value >>> 8;
  out[at + 3] = value;
  return at + 4;
}

function writeInt64At(out: Uint8Array, at: number, value: number): number {
  const high = Math.floor(value / 4_294_967_296);
  writeInt32At(out, at, high);
  return writeInt32At(out, at + 4, value - high * 4_294_967_296);
}

const double = new Float64Array(1);
const single = new Float32Array(1);
const doubleWords = new Uint32Array(double.buffer);
const singleWord = new Uint32Array(single.buffer);

/** PostgreSQL's binary format without the length before it. */
export function writeBinaryValue(out: Uint8Array, at: number, field: OutputField, row: number): number {
  switch (field.code) {
    case FIELD.bool:
      out[at] = field.flags[row]!;
      return at + 1;
    case FIELD.int16: {
      const value = field.integers[row]!;
      out[at] = value >> 8;
      out[at + 1] = value;
      return at + 2;
    }
    case FIELD.int32:
      return writeInt32At(out, at, field.integers[row]!);
    case FIELD.int64:
      return writeInt64At(out, at, field.doubles[row]!);
    case FIELD.wideInt64: {
      const value = field.wide[row]!;
      writeInt32At(out, at, Number(value >> 32n));
      return writeInt32At(out, at + 4, Number(value & 0xffff_ffffn));
    }
    case FIELD.float8:
      double[0] = field.doubles[row]!;
      writeInt32At(out, at, doubleWords[1]!);
      return writeInt32At(out, at + 4, doubleWords[0]!);
    case FIELD.float4:
      single[0] = field.doubles[row]!;
      return writeInt32At(out, at, singleWord[0]!);
    case FIELD.date: {
      const day = field.integers[row]!;
      const infinite = day === DATE_INFINITY || day === DATE_MINUS_INFINITY;
      return writeInt32At(out, at, infinite ? day : day - EPOCH_2000_DAYS);
    }
    case FIELD.time:
      return writeInt64At(out, at, field.doubles[row]!);
    case FIELD.timestamp:
    case FIELD.timestamptz:
      return writeBinaryInstant(out, at, field.doubles[row]!);
    case FIELD.jsonb:
      out[at] = 1; // version of the format
      return copyBytes(out, at + 1, field.bytes, field.starts[row]!, field.ends[row]!);
    default:
      return copyBytes(out, at, field.bytes, field.starts[row]!, field.ends[row]!);
  }
}

function writeBinaryInstant(out: Uint8Array, at: number, micros: number): number {
  if (Number.isFinite(micros)) return writeInt64At(out, at, micros - EPOCH_2000_MICROS);
  // ±infinity are the extreme 64-bit values.
  const low = micros > 0 ? 0xffff_ffff : 0;
  writeInt32At(out, at, micros > 0 ? 0x7fff_ffff : 0x8000_0000);
  return writeInt32At(out, at + 4, low);
}
