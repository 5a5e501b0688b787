/** to_timestamp(text, text) and to_date(text, text). */
import {
  daysFromCivil,
  daysInMonth,
  isLeapYear,
  isoWeekStart,
  JULIAN_EPOCH,
  MICROS_PER_HOUR,
  MICROS_PER_MINUTE,
  MICROS_PER_SECOND,
} from '../../../common/calendar.ts';
import { SqlError } from '../../../common/sql-error.ts';
import { abbreviationOffset } from '../../../common/time-zone.ts';
import { DAYS, MONTHS, ROMAN_MONTHS } from './date-format.ts';
import { dateTemplate, type TemplateNode } from './date-template.ts';

/** Wall time, and the offset in seconds where the text names one. */
export type ParsedDate = Readonly<{ day: number; micros: number; offset: number | null }>;

/** Most digits that a field takes when another digit may follow. */
const WIDTHS: Readonly<Record<string, number>> = {
  YYYY: 4, YYY: 3, YY: 2, Y: 1, IYYY: 4, IYY: 3, IY: 2, I: 1, MM: 2, DD: 2, DDD: 3, IDDD: 3, D: 1, ID: 1, WW: 2, IW: 2, W: 1,
  Q: 1, CC: 2, J: 7, HH: 2, HH12: 2, HH24: 2, MI: 2, SS: 2, MS: 3, US: 6, FF1: 1, FF2: 2, FF3: 3, FF4: 4, FF5: 5,
  FF6: 6, SSSS: 5, SSSSS: 5, TZH: 2, TZM: 2,
}; // biome-ignore format: a table

const FRACTION_DIGITS: Readonly<Record<string, number>> = {
  MS: 3,
  US: 6,
  FF1: 1,
  FF2: 2,
  FF3: 3,
  FF4: 4,
  FF5: 5,
  FF6: 6,
};

const invalid = (message: string, detail?: string, hint?: string): SqlError =>
  new SqlError('22007', message, { detail, hint });

class DateReader {
  readonly #text: string;
  readonly values = new Map<string, number>();
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  skipBlanks(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at++;
  }

  get rest(): string {
    return this.#text.slice(this.#at);
  }

  skip(count: number): void {
    this.#at += count;
  }

  set(name: string, value: number, field: string): void {
    const old = this.values.get(name);
    if (old !== undefined && old !== 0 && old !== value) {
      throw invalid(
        `conflicting values for "${field}" field in formatting string`,
        'This value contradicts a previous setting for the same field type.',
      );
    }
    this.values.set(name, value);
  }

  /** `free`: as many digits as there are; else as many characters as the field is wide. */
  integer(field: string, free: boolean): Readonly<{ value: number; digits: number }> {
    this.skipBlanks();
    const width = WIDTHS[field] ?? 2;
    const source = free ? this.rest : this.rest.slice(0, width);
    const match = /^[+-]?\d+/.exec(source);
    const used = match?.[0].length ?? 0;
    if (used === 0 || (!free && used < width)) {
      const detail =
        used === 0
          ? 'Value must be an integer.'
          : `Field requires ${width} characters, but only ${used} could be parsed.`;
      throw invalid(`invalid value "${this.rest.slice(0, width)}" for "${field}"`, detail);
    }
    this.skip(used);
    return { value: Number(match?.[0]), digits: used };
  }

  /** Which of the names stands here, by at least its first `length` letters. */
  name(names: readonly string[], whole: boolean, field: string): number {
    this.skipBlanks();
    const lower = this.rest.toLowerCase();
    const index = names.findIndex((n) => lower.startsWith((whole ? n : n.slice(0, 3)).toLowerCase()));
    if (index < 0) {
      const shown = this.rest.split(/\s/)[0] ?? '';
      throw invalid(
        `invalid value "${shown}" for "${field}"`,
        'The given value did not match any of the allowed values for this field.',
      );
    }
    this.skip(whole ? names[index]!.length : 3);
    return index;
  }
}

const isNumeric = (node: TemplateNode | undefined): boolean =>
  node?.kind === 'field' && Object.hasOwn(WIDTHS, node.field);

export function parseByTemplate(text: string, templateText: string): ParsedDate {
  const { nodes, exact } = dateTemplate(templateText);
  if (exact) throw new SqlError('0A000', 'date format prefix "FX" is not supported');
  const reader = new DateReader(text);
  for (const [i, node] of nodes.entries()) {
    if (reader.rest === '') break;
    if (node.kind === 'field') readField(reader, node, node.fill || !isNumeric(nodes[i + 1]));
    else if (node.kind === 'separator') skipSeparator(reader, nodes, i);
    // A letter stands for any one character.
    else if (reader.rest !== '') reader.skip(node.text.length);
  }
  return assemble(reader.values, text);
}

/** A blank or sign matches any of them, or nothing. */
function skipSeparator(reader: DateReader, nodes: readonly TemplateNode[], index: number): void {
  if (nodes[index]!.kind !== 'separator') return;
  reader.skipBlanks();
  const next = reader.rest[0] ?? '';
  const signCounts = (next === '-' || next === '+') && zoneFollows(nodes, index);
  if (!signCounts && /[^A-Za-z0-9\s]/.test(next)) reader.skip(1);
}

const zoneFollows = (nodes: readonly TemplateNode[], index: number): boolean => {
  const next = nodes[index + 1];
  return next?.kind === 'field' && (next.field === 'TZH' || next.field === 'OF');
};

function readField(reader: DateReader, node: TemplateNode & { kind: 'field' }, free: boolean): void {
  const { field } = node;
  switch (field) {
    case 'MONTH':
      reader.set('month', reader.name(MONTHS, true, field) + 1, field);
      return;
    case 'MON':
      reader.set('month', reader.name(MONTHS, false, field) + 1, field);
      return;
    case 'DAY':
      reader.name(DAYS, true, field);
      return;
    case 'DY':
      reader.name(DAYS, false, field);
      return;
    case 'RM': {
      const longestFirst = ROMAN_MONTHS.map((name, i) => [name, i + 1] as const).sort(
        (a, b) => b[0].length - a[0].length,
      );
      const index = reader.name(
        longestFirst.map(([name]) => name),
        true,
        field,
      );
      reader.set('month', longestFirst[index]![1], field);
      return;
    }
    case 'AM':
    case 'PM':
      reader.set('half', reader.name(['AM', 'PM'], true, field) + 1, field);
      return;
    case 'A.M.':
    case 'P.M.':
      reader.set('half', reader.name(['A.M.', 'P.M.'], true, field) + 1, field);
      return;
    case 'AD':
    case 'BC':
      reader.set('era', reader.name(['AD', 'BC'], true, field), field);
      return;
    case 'A.D.':
    case 'B.C.':
      reader.set('era', reader.name(['A.D.', 'B.C.'], true, field), field);
      return;
    case 'TZ':
    case 'OF':
      readZone(reader, field);
      return;
    case 'TZH': {
      reader.skipBlanks();
      const negative = reader.rest.startsWith('-');
      if (/^[+-]/.test(reader.rest)) reader.skip(1);
      const { value } = reader.integer(field, false);
      reader.set('zoneSign', negative ? -1 : 1, field);
      reader.set('zoneHours', Math.abs(value), field);
      return;
    }
    case 'TZM':
      reader.set('zoneMinutes', reader.integer(field, false).value, field);
      return;
    default:
      readNumber(reader, field, free, node.suffix !== null);
      return;
  }
}

function readZone(reader: DateReader, field: string): void {
  reader.skipBlanks();
  const numeric = /^([+-])(\d{1,2})(?::?(\d{2}))?/.exec(reader.rest);
  if (numeric !== null) {
    reader.skip(numeric[0].length);
    const size = Number(numeric[2]) * 3600 + Number(numeric[3] ?? 0) * 60;
    reader.set('offset', numeric[1] === '-' ? 0 - size : size, field);
    return;
  }
  const word = /^[A-Za-z]+/.exec(reader.rest)?.[0] ?? '';
  const offset = abbreviationOffset(word);
  if (offset === undefined || field === 'OF') {
    throw invalid(`invalid value "${reader.rest.split(/\s/)[0] ?? ''}" for "${field}"`);
  }
  reader.skip(word.length);
  reader.set('offset', offset, field);
  return;
}

function readNumber(reader: DateReader, field: string, free: boolean, ordinal: boolean): void {
  if (field === 'Y,YYY') {
    const match = /^\s*(\d+),(\d{3})/.exec(reader.rest);
    if (match === null) throw invalid(`invalid input string for "Y,YYY"`);
    reader.skip(match[0].length);
    reader.set('year', Number(match[1]) * 1000 + Number(match[2]), field);
    return;
  }
  const fraction = FRACTION_DIGITS[field];
  const { value, digits } = reader.integer(field, free);
  if (ordinal) reader.skip(/^[A-Za-z]{2}/.test(reader.rest) ? 2 : 0);
  if (fraction !== undefined) {
    reader.set('micros', Math.round(value * 10 ** (6 - Math.max(digits, 0))), field);
    return;
  }
  switch (field) {
    case 'YYYY':
    case 'IYYY':
      reader.set(field[0] === 'I' ? 'isoYear' : 'year', value, field);
      return;
    case 'YYY':
    case 'YY':
    case 'Y':
    case 'IYY':
    case 'IY':
    case 'I':
      reader.set(field[0] === 'I' ? 'isoYear' : 'year', digits < 4 ? nearYear(value) : value, field);
      return;
    case 'HH12':
    case 'HH':
      if (value < 1 || value > 12) {
        throw new SqlError('22007', `hour "${value}" is invalid for the 12-hour clock`, {
          hint: 'Use the 24-hour clock, or give an hour between 1 and 12.',
        });
      }
      reader.set('twelve', 1, field);
      reader.set('hours', value, field);
      return;
    case 'HH24':
      reader.set('hours', value, field);
      return;
    default:
      reader.set(field, value, field);
      return;
  }
}

/** Years of less than four digits: the one nearest to 2020. */
function nearYear(year: number): number {
  if (year < 70) return year + 2000;
  if (year < 100) return year + 1900;
  if (year < 520) return year + 2000;
  return year < 1000 ? year + 1000 : year;
}

function assemble(values: ReadonlyMap<string, number>, text: string): ParsedDate {
  const outOfRange = (): SqlError => new SqlError('22008', `date/time field value out of range: "${text}"`);
  // A 0 counts as not given.
  const get = (name: string): number | undefined => values.get(name) || undefined;
  return { day: dayOf(get, outOfRange), micros: clockOf(get, outOfRange), offset: offsetOf(get) };
}

type Get = (name: string) => number | undefined;

function offsetOf(get: Get): number | null {
  const offset = get('offset');
  if (offset !== undefined) return offset;
  const hours = get('zoneHours');
  if (hours === undefined) return null;
  return (get('zoneSign') ?? 1) * (hours * 3600 + (get('zoneMinutes') ?? 0) * 60);
}

function clockOf(get: Get, outOfRange: () => SqlError): number {
  const sinceMidnight = get('SSSS') ?? get('SSSSS');
  const micros = get('micros') ?? 0;
  if (sinceMidnight !== undefined) {
    if (sinceMidnight >= 86_400) throw outOfRange();
    return sinceMidnight * MICROS_PER_SECOND + micros;
  }
  let hours = get('hours') ?? 0;
  const [minutes, seconds] = [get('MI') ?? 0, get('SS') ?? 0];
  const half = get('half');
  if (get('twelve') !== undefined) {
    if (half === 2 && hours < 12) hours += 12;
    else if (half === 1 && hours === 12) hours = 0;
  }
  if (hours < 0 || hours >= 24 || minutes < 0 || minutes >= 60 || seconds < 0 || seconds >= 60)
    throw outOfRange();
  return hours * MICROS_PER_HOUR + minutes * MICROS_PER_MINUTE + seconds * MICROS_PER_SECOND + micros;
}

function dayOf(get: Get, outOfRange: () => SqlError): number {
  const julian = get('J');
  if (julian !== undefined) return julian - JULIAN_EPOCH;
  const isoYear = get('isoYear');
  const isoWeek = get('IW');
  if (isoYear !== undefined || isoWeek !== undefined) return isoDayOf(get, outOfRange);
  const year = yearOf(get, outOfRange);
  const ofYear = get('DDD');
  if (ofYear !== undefined && get('month') === undefined && get('MM') === undefined) {
    if (ofYear < 1 || ofYear > (isLeapYear(year) ? 366 : 365)) throw outOfRange();
    return daysFromCivil(year, 1, 1) + ofYear - 1;
  }
  const week = get('WW');
  if (week !== undefined && get('MM') === undefined) {
    if (week < 1 || week > 53) throw outOfRange();
    return daysFromCivil(year, 1, 1) + (week - 1) * 7;
  }
  const month = get('month') ?? get('MM') ?? 1;
  const ofMonth = get('W');
  const date = get('DD') ?? (ofMonth === undefined ? 1 : (ofMonth - 1) * 7 + 1);
  if (month < 1 || month > 12 || date < 1 || date > daysInMonth(year, month)) throw outOfRange();
  return daysFromCivil(year, month, date);
}

/** Without a year: 1 BC, as PostgreSQL has it. */
function yearOf(get: Get, outOfRange: () => SqlError): number {
  const given = get('year');
  const centuryNumber = get('CC');
  if (given === undefined) {
    if (centuryNumber === undefined) return 0;
    return (centuryNumber - 1) * 100 + 1;
  }
  if (get('era') === 1) {
    if (given <= 0) throw outOfRange();
    return 1 - given;
  }
  return given < 0 ? given + 1 : given;
}

function isoDayOf(get: Get, outOfRange: () => SqlError): number {
  if (
    get('MM') !== undefined ||
    get('month') !== undefined ||
    get('DD') !== undefined ||
    get('year') !== undefined
  ) {
    throw invalid(
      'invalid combination of date conventions',
      undefined,
      'Do not mix Gregorian and ISO week date conventions in a formatting template.',
    );
  }
  const year = get('isoYear') ?? 0;
  const ofYear = get('IDDD');
  if (ofYear !== undefined) return isoWeekStart(year, 1) + ofYear - 1;
  const week = get('IW') ?? 1;
  if (week < 1 || week > 53) throw outOfRange();
  return isoWeekStart(year, week) + (get('ID') ?? 1) - 1;
}
