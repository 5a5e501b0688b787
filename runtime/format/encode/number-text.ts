/** Numbers as PostgreSQL prints them, written at an offset; each function gives the offset after the text. */
import { formatFloat4, formatFloat8 } from '../../../common/value-number.ts';

const ZERO = 48;
const MINUS = 45;
const POINT = 46;

/** The digits of 00 to 99, two bytes each. */
const PAIRS = Buffer.from(Array.from({ length: 100 }, (_, n) => `${n}`.padStart(2, '0')).join(''), 'latin1');

export function writePair(out: Uint8Array, at: number, value: number): number {
  out[at] = PAIRS[value * 2]!;
  out[at + 1] = PAIRS[value * 2 + 1]!;
  return at + 2;
}

function digitCount(value: number): number {
  if (value < 10) return 1;
  if (value < 100) return 2;
  if (value < 1_000) return 3;
  if (value < 10_000) return 4;
  if (value < 100_000) return 5;
  if (value < 1_000_000) return 6;
  if (value < 10_000_000) return 7;
  if (value < 100_000_000) return 8;
  return value < 1_000_000_000 ? 9 : 10;
}

/** 0 ≤ value < 2^32. */
export function writeUnsigned(out: Uint8Array, at: number, value: number): number {
  const end = at + digitCount(value);
  let position = end;
  while (value >= 100) {
    const quotient = (value / 100) >>> 0;
    const pair = (value - quotient * 100) * 2;
    out[--position] = PAIRS[pair + 1]!;
    out[--position] = PAIRS[pair]!;
    value = quotient;
  }
  if (value >= 10) {
    out[--position] = PAIRS[value * 2 + 1]!;
    out[--position] = PAIRS[value * 2]!;
  } else {
    out[--position] = ZERO + value;
  }
  return end;
}

/** 0 ≤ value < 2^31, an int32: its divisions are multiplications. */
function writeSmall(out: Uint8Array, at: number, value: number): number {
  const end = at + digitCount(value);
  let position = end;
  let rest = value | 0;
  while (rest >= 100) {
    const quotient = (rest / 100) | 0;
    const pair = (rest - quotient * 100) << 1;
    out[--position] = PAIRS[pair + 1]!;
    out[--position] = PAIRS[pair]!;
    rest = quotient;
  }
  if (rest >= 10) {
    out[--position] = PAIRS[(rest << 1) + 1]!;
    out[--position] = PAIRS[rest << 1]!;
  } else {
    out[--position] = ZERO + rest;
  }
  return end;
}

/** `width` digits with leading zeros; value < 10^width ≤ 10^8. */
export function writePadded(out: Uint8Array, at: number, value: number, width: number): number {
  let rest = value | 0;
  for (let position = at + width - 1; position >= at; position--) {
    const quotient = (rest / 10) | 0;
    out[position] = ZERO + (rest - quotient * 10);
    rest = quotient;
  }
  return at + width;
}

/** Any safe integer. */
export function writeInteger(out: Uint8Array, at: number, value: number): number {
  if (value < 0) {
    out[at++] = MINUS;
    value = -value;
  }
  if (value < 2_147_483_648) return writeSmall(out, at, value | 0);
  if (value < 4_294_967_296) return writeUnsigned(out, at, value);
  const high = Math.floor(value / 100_000_000);
  at = writeUnsigned(out, at, high);
  return writePadded(out, at, value - high * 100_000_000, 8);
}

export function writeAscii(out: Uint8Array, at: number, text: string): number {
  const length = text.length;
  for (let i = 0; i < length; i++) out[at + i] = text.charCodeAt(i);
  return at + length;
}

export function writeBigInt(out: Uint8Array, at: number, value: bigint): number {
  return writeAscii(out, at, value.toString());
}

/**
 * The shortest decimal that reads back as the same double. Where |v| is m / 10^k with k in {0, 2, 4, 6} and
 * m < 10^15, that decimal is it (15 digits always round-trip), and its digits are written without a string.
 */
export function writeFloat8(out: Uint8Array, at: number, value: number): number {
  const size = value < 0 ? -value : value;
  if (size < 1e9 && size >= 1e-4) {
    let scaled = Math.round(size * 100);
    if (scaled / 100 === size) {
      if (scaled < 2_147_483_648) return writeCents(out, at, value < 0, scaled | 0);
      return writeDecimal(out, at, value < 0, scaled, 100, 2);
    }
    scaled = Math.round(size * 10_000);
    if (scaled / 10_000 === size) return writeDecimal(out, at, value < 0, scaled, 10_000, 4);
    scaled = Math.round(size * 1_000_000);
    if (scaled < 1e15 && scaled / 1_000_000 === size) {
      return writeDecimal(out, at, value < 0, scaled, 1_000_000, 6);
    }
    // JavaScript and PostgreSQL agree where neither uses an exponent.
    return writeAscii(out, at, `${value}`);
  }
  return writeAscii(out, at, formatFloat8(value));
}

/** float4's shortest decimals have at most nine digits; short ones take the same path as float8's. */
export function writeFloat4(out: Uint8Array, at: number, value: number): number {
  const size = value < 0 ? -value : value;
  // Up to six digits, whole numbers, halves and quarters are printed alike for both widths.
  if (size < 100_000 && size >= 1 && Number.isInteger(size * 4)) {
    return writeDecimal(out, at, value < 0, size * 100, 100, 2);
  }
  return writeAscii(out, at, formatFloat4(value));
}

/** cents / 100, an int32; trailing zeros of the fraction are left out. */
function writeCents(out: Uint8Array, at: number, negative: boolean, cents: number): number {
  let end = at;
  if (negative) out[end++] = MINUS;
  const whole = (cents / 100) | 0;
  end = writeSmall(out, end, whole);
  const fraction = (cents - whole * 100) | 0;
  if (fraction === 0) return end;
  const tens = (fraction / 10) | 0;
  const ones = fraction - tens * 10;
  out[end] = POINT;
  out[end + 1] = ZERO + tens;
  if (ones === 0) return end + 2;
  out[end + 2] = ZERO + ones;
  return end + 3;
}

/** scaled / scale, where scale = 10^places; trailing zeros of the fraction are left out. */
function writeDecimal(
  out: Uint8Array,
  at: number,
  negative: boolean,
  scaled: number,
  scale: number,
  places: number,
): number {
  if (negative) out[at++] = MINUS;
  const whole = Math.floor(scaled / scale);
  at = writeUnsigned(out, at, whole);
  const fraction = (scaled - whole * scale) | 0;
  if (fraction === 0) return at;
  out[at] = POINT;
  let end = writePadded(out, at + 1, fraction, places);
  while (out[end - 1] === ZERO) end--;
  return end;
}
