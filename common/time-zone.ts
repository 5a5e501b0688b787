/**
 * Time zones: IANA names by Intl, PostgreSQL's abbreviations, POSIX specifications and fixed offsets.
 *
 * Offsets are seconds east of UTC. Intl takes about 5 µs an answer, so the offsets of a zone are kept per UTC day:
 * one number where the day has one offset, else the second at which it changes.
 */
import { LRUCache } from 'lru-cache';
import { MICROS_PER_DAY, MICROS_PER_SECOND } from './calendar.ts';
import { SqlError } from './sql-error.ts';

export type TimeZone = Readonly<{
  name: string;
  /** The offset where it never changes, else null. */
  fixedSeconds: number | null;
  offsetAt: (utcMicros: number) => number;
  /** Short name in use at the time, `EST`; null: print the offset. */
  abbreviationAt: (utcMicros: number) => string | null;
}>;

const ZONES_MAX = 1000;
const DAYS_MAX = 40_000;
const SECONDS_PER_DAY = 86_400;
const zones = new LRUCache<string, TimeZone>({ max: ZONES_MAX });

function fixedZone(name: string, seconds: number, abbreviation: string | null): TimeZone {
  return { name, fixedSeconds: seconds, offsetAt: () => seconds, abbreviationAt: () => abbreviation };
}

/** PostgreSQL's default set, hours east of UTC. */
const ABBREVIATION_HOURS: Readonly<Record<string, number>> = {
  utc: 0, gmt: 0, ut: 0, uct: 0, z: 0, zulu: 0, wet: 0, west: 1, bst: 1, cet: 1, met: 1, cest: 2, mest: 2, cetdst: 2,
  eet: 2, eest: 3, eetdst: 3, sast: 2, ist: 2, idt: 3, msk: 3, msd: 4, sgt: 8, hkt: 8, pht: 8, jst: 9, kst: 9, awst: 8,
  aest: 10, aedt: 11, aesst: 11, acst: 9.5, acdt: 10.5, nzst: 12, nzdt: 13, nzt: 12, nst: -3.5, ndt: -2.5,
  ast: -4, adt: -3, est: -5, edt: -4, cst: -6, cdt: -5, mst: -7, mdt: -6, pst: -8, pdt: -7, akst: -9, akdt: -8, hst: -10,
  brt: -3, brst: -2, art: -3, clt: -4, pkt: 5, npt: 5.75, ict: 7, bdt: 6, wib: 7, wadt: 8, uyt: -3, cot: -5, pet: -5,
}; // biome-ignore format: a table

/** Seconds east of UTC of an abbreviation such as PST; undefined where it is none. */
export function abbreviationOffset(word: string): number | undefined {
  const lower = word.toLowerCase();
  const hours = Object.hasOwn(ABBREVIATION_HOURS, lower) ? ABBREVIATION_HOURS[lower] : undefined;
  return hours === undefined ? undefined : hours * 3600;
}

const POSIX = /^(?:[A-Za-z]{3,}|<[^>]+>|)([+-]?)(\d{1,3})(?::(\d{1,2})(?::(\d{1,2}))?)?$/;

/** `UTC+3`, `-3`, `FOO3`: as POSIX has it, the sign counts west of Greenwich. */
function posixZone(name: string): TimeZone | undefined {
  const match = POSIX.exec(name);
  if (match === null) return undefined;
  const [, sign, hours = '0', minutes = '0', seconds = '0'] = match;
  if (Number(hours) > 167 || Number(minutes) > 59 || Number(seconds) > 59) return undefined;
  const west = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
  const word = /^[A-Za-z]{3,}/.exec(name)?.[0] ?? null;
  const east = sign === '-' ? west : -west;
  return fixedZone(name, east === 0 ? 0 : east, word);
}

class DayOffsets {
  readonly #format: Intl.DateTimeFormat;
  readonly #days = new Map<number, Readonly<{ before: number; changeSecond: number; after: number }>>();
  #lastDay = Number.NaN;
  #lastOffset = 0;

  constructor(format: Intl.DateTimeFormat) {
    this.#format = format;
  }

  at(utcMicros: number): number {
    const second = Math.floor(utcMicros / MICROS_PER_SECOND);
    const day = Math.floor(second / SECONDS_PER_DAY);
    if (day === this.#lastDay) return this.#lastOffset;
    let entry = this.#days.get(day);
    if (entry === undefined) {
      entry = this.#measure(day);
      if (this.#days.size >= DAYS_MAX) this.#days.clear();
      this.#days.set(day, entry);
    }
    if (entry.before === entry.after) {
      this.#lastDay = day;
      this.#lastOffset = entry.before;
    }
    return second < entry.changeSecond ? entry.before : entry.after;
  }

  /** No zone changed twice within one day; the change is found by bisection. */
  #measure(day: number): Readonly<{ before: number; changeSecond: number; after: number }> {
    let low = day * SECONDS_PER_DAY;
    let high = low + SECONDS_PER_DAY - 1;
    const before = this.#ask(low);
    const after = this.#ask(high);
    if (before === after) return { before, changeSecond: low, after };
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.#ask(middle) === before) low = middle;
      else high = middle;
    }
    return { before, changeSecond: high, after };
  }

  #ask(second: number): number {
    // Beyond the range of Date the rules of its last year hold.
    const millis = Math.min(Math.max(second * 1000, -8.64e15), 8.64e15);
    const text = this.#format.formatToParts(millis).find((part) => part.type === 'timeZoneName')?.value ?? '';
    const match = /GMT([+-])(\d{2}):(\d{2})(?::(\d{2}))?/.exec(text);
    if (match === null) return 0;
    const size = Number(match[2]) * 3600 + Number(match[3]) * 60 + Number(match[4] ?? 0);
    return match[1] === '-' ? -size : size;
  }
}

const IANA_NAME = /^[A-Za-z][A-Za-z0-9_+-]*(?:\/[A-Za-z0-9_+-]+)*$/;

/** Each locale knows the short names of its own part of the world. */
const NAME_LOCALES = ['en-US', 'en-GB', 'en-AU', 'en-IN', 'en-ZA'];

function abbreviations(name: string): (micros: number) => string | null {
  let formats: readonly Intl.DateTimeFormat[] | null = null;
  return (micros) => {
    formats ??= NAME_LOCALES.map(
      (l) => new Intl.DateTimeFormat(l, { timeZone: name, timeZoneName: 'short' }),
    );
    for (const format of formats) {
      const word =
        format.formatToParts(micros / 1000).find((part) => part.type === 'timeZoneName')?.value ?? '';
      if (/^[A-Z]{3,}$/.test(word) && word !== 'GMT') return word;
    }
    return null;
  };
}

function ianaZone(name: string): TimeZone | undefined {
  if (!IANA_NAME.test(name)) return undefined;
  try {
    const offsets = new DayOffsets(
      new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' }),
    );
    const abbreviationAt = abbreviations(name);
    return { name, fixedSeconds: null, offsetAt: (micros) => offsets.at(micros), abbreviationAt };
  } catch {
    return undefined;
  }
}

/** By name, in any case; undefined where there is none. */
export function findTimeZone(name: string): TimeZone | undefined {
  const cached = zones.get(name);
  if (cached !== undefined) return cached;
  const zone = makeZone(name);
  if (zone !== undefined) zones.set(name, zone);
  return zone;
}

function makeZone(name: string): TimeZone | undefined {
  const lower = name.toLowerCase();
  if (['utc', 'gmt', 'etc/utc', 'uct', 'zulu', 'z', 'universal', 'etc/gmt'].includes(lower)) {
    return fixedZone(lower.includes('gmt') ? 'GMT' : 'UTC', 0, lower.includes('gmt') ? 'GMT' : 'UTC');
  }
  const seconds = abbreviationOffset(name);
  if (seconds !== undefined) return fixedZone(name.toUpperCase(), seconds, name.toUpperCase());
  return ianaZone(name) ?? posixZone(name);
}

/** 22023 where the zone is not known. */
export function timeZone(name: string): TimeZone {
  const zone = findTimeZone(name);
  if (zone === undefined) throw new SqlError('22023', `time zone "${name}" not recognized`);
  return zone;
}

export const fixedOffsetZone = (secondsEast: number): TimeZone => fixedZone('', secondsEast, null);

/** UTC → local wall time, both in µs. */
export function toLocal(zone: TimeZone, utcMicros: number): number {
  return utcMicros + zone.offsetAt(utcMicros) * MICROS_PER_SECOND;
}

/**
 * Local wall time → UTC. A time that the clocks skip is read with the offset before the change, one that comes twice
 * with the offset after it (standard time), as PostgreSQL does.
 */
export function toUtc(zone: TimeZone, localMicros: number): number {
  if (zone.fixedSeconds !== null) return localMicros - zone.fixedSeconds * MICROS_PER_SECOND;
  const before = zone.offsetAt(localMicros - MICROS_PER_DAY) * MICROS_PER_SECOND;
  const after = zone.offsetAt(localMicros + MICROS_PER_DAY) * MICROS_PER_SECOND;
  if (before === after) return localMicros - before;
  const early = localMicros - before;
  const late = localMicros - after;
  const earlyHolds = zone.offsetAt(early) * MICROS_PER_SECOND === before;
  const lateHolds = zone.offsetAt(late) * MICROS_PER_SECOND === after;
  if (lateHolds) return late;
  return earlyHolds || before < after ? early : late;
}

/** `+02`, `-04:30`, `+00:19:32`. */
export function formatOffset(seconds: number): string {
  const size = Math.abs(seconds);
  const parts = [Math.floor(size / 3600), Math.floor(size / 60) % 60, size % 60];
  while (parts.length > 1 && parts.at(-1) === 0) parts.pop();
  return (seconds < 0 ? '-' : '+') + parts.map((n) => String(n).padStart(2, '0')).join(':');
}
