/** Dates and times in ISO style, zone UTC, written at an offset; each function gives the offset after the text. */
import { writeAscii, writePadded, writePair, writeUnsigned } from './number-text.ts';

const MICROS_PER_SECOND = 1_000_000;
const MICROS_PER_MINUTE = 60_000_000;
const MINUTES_PER_DAY = 1_440;
const DATE_INFINITY = 2_147_483_647;
const DATE_MINUS_INFINITY = -2_147_483_648;

/**
 * The text up to the minute, `2026-11-21 12:34:`, kept from the last call: neighbouring rows mostly share it.
 * Years of more than four digits are never cached.
 */
const prefix = { separator: 0, bytes: Buffer.alloc(24) };
/** µs at which that minute begins; NaN: none is kept. An array keeps the double out of a box. */
const prefixFrom = Float64Array.of(Number.NaN);

/** µs since 1970 as `2026-11-21 12:34:56.789`; `separator` stands between date and time. No zone is written. */
export function writeTimestamp(out: Uint8Array, at: number, micros: number, separator: number): number {
  let within = micros - prefixFrom[0]!;
  if (!(within >= 0 && within < MICROS_PER_MINUTE) || separator !== prefix.separator) {
    if (!Number.isFinite(micros)) return writeAscii(out, at, micros > 0 ? 'infinity' : '-infinity');
    const minute = Math.floor(micros / MICROS_PER_MINUTE);
    const day = Math.floor(minute / MINUTES_PER_DAY);
    const minuteOfDay = minute - day * MINUTES_PER_DAY;
    const end = writeDatePart(prefix.bytes, 0, day);
    if (end !== 10) {
      prefixFrom[0] = Number.NaN;
      return writeDistantTimestamp(out, at, micros, separator);
    }
    prefix.bytes[10] = separator;
    writePair(prefix.bytes, 11, (minuteOfDay / 60) | 0);
    prefix.bytes[13] = 58;
    writePair(prefix.bytes, 14, minuteOfDay % 60);
    prefix.bytes[16] = 58;
    prefixFrom[0] = minute * MICROS_PER_MINUTE;
    prefix.separator = separator;
    within = micros - prefixFrom[0]!;
  }
  const bytes = prefix.bytes;
  for (let i = 0; i < 17; i++) out[at + i] = bytes[i]!;
  return writeSeconds(out, at + 17, within | 0);
}

function writeDistantTimestamp(out: Uint8Array, at: number, micros: number, separator: number): number {
  const day = Math.floor(micros / (MICROS_PER_MINUTE * MINUTES_PER_DAY));
  at = writeDatePart(out, at, day);
  out[at++] = separator;
  return writeTime(out, at, micros - day * MICROS_PER_MINUTE * MINUTES_PER_DAY);
}

/** PostgreSQL writes such years as positive ones, with ` BC` at the very end: the caller appends it. */
export function isBeforeChrist(micros: number): boolean {
  return micros < FIRST_MICRO_OF_YEAR_ONE && Number.isFinite(micros);
}

const FIRST_DAY_OF_YEAR_ONE = -719_162;
const FIRST_MICRO_OF_YEAR_ONE = FIRST_DAY_OF_YEAR_ONE * MINUTES_PER_DAY * MICROS_PER_MINUTE;

export function writeDate(out: Uint8Array, at: number, day: number): number {
  if (day === DATE_INFINITY) return writeAscii(out, at, 'infinity');
  if (day === DATE_MINUS_INFINITY) return writeAscii(out, at, '-infinity');
  at = writeDatePart(out, at, day);
  return day < FIRST_DAY_OF_YEAR_ONE ? writeAscii(out, at, ' BC') : at;
}

/** µs since midnight, 24:00:00 allowed. */
export function writeTime(out: Uint8Array, at: number, micros: number): number {
  const minutes = Math.floor(micros / MICROS_PER_MINUTE);
  at = writePair(out, at, (minutes / 60) | 0);
  out[at++] = 58;
  at = writePair(out, at, minutes % 60);
  out[at++] = 58;
  return writeSeconds(out, at, (micros - minutes * MICROS_PER_MINUTE) | 0);
}

/** µs of the minute, an int32. */
function writeSeconds(out: Uint8Array, at: number, micros: number): number {
  const seconds = (micros / MICROS_PER_SECOND) | 0;
  at = writePair(out, at, seconds);
  const fraction = (micros - seconds * MICROS_PER_SECOND) | 0;
  if (fraction === 0) return at;
  out[at] = 46;
  let end = writePadded(out, at + 1, fraction, 6);
  while (out[end - 1] === 48) end--;
  return end;
}

/** Days since 1970 to the civil calendar by eras of 400 years, counted from 1 March of year 0. */
function writeDatePart(out: Uint8Array, at: number, day: number): number {
  const shifted = day + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1_460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const shown = year > 0 ? year : 1 - year;
  at = shown < 10_000 ? writePadded(out, at, shown, 4) : writeUnsigned(out, at, shown);
  out[at++] = 45;
  at = writePair(out, at, month);
  out[at++] = 45;
  return writePair(out, at, dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1);
}
