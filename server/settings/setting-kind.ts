/** What values a setting takes: each kind reads a text into a value, and prints a value as SHOW does. */
import { formatDatum } from '../../common/value-text.ts';

export type SettingKind<T = unknown> = Readonly<{
  /** pg_settings.vartype */
  type: 'bool' | 'integer' | 'string' | 'enum';
  /** null = invalid */
  parse(text: string): T | null;
  /** The canonical text. */
  format(value: T): string;
  /** What it takes, in words: behind "is not". */
  takes: string;
  /** Named in the hint of 22023. */
  values?: readonly string[];
  /** The one value that is supported though the kind has more. */
  only?: string;
  /** pg_settings.unit, and how much of what `parse` gives it is: what a number alone means */
  unit?: string;
  unitSize?: number;
  least?: number;
  most?: number;
}>;

/** As pg_settings has it: a number of units. */
export const baseText = (kind: SettingKind, text: string): string =>
  kind.unitSize === undefined ? text : inUnits(kind, kind.parse(text) as number);

export const inUnits = ({ unitSize = 1 }: SettingKind, value: number): string => String(value / unitSize);

/** The text as SHOW prints it; null = invalid. */
export function canonicalText(kind: SettingKind, text: string): string | null {
  const value = kind.parse(text);
  return value === null ? null : kind.format(value);
}

export const booleanSetting: SettingKind<boolean> = {
  type: 'bool',
  takes: 'on or off',
  parse: parseBoolean,
  format: (value) => (value ? 'on' : 'off'),
};

function parseBoolean(text: string): boolean | null {
  const word = text.trim().toLowerCase();
  if (word === '') return null;
  if (word === '1' || 'true'.startsWith(word) || 'yes'.startsWith(word) || word === 'on') return true;
  if (word === '0' || 'false'.startsWith(word) || 'no'.startsWith(word) || 'off'.startsWith(word)) {
    return word === 'o' ? null : false;
  }
  return null;
}

/** Any text; `takes`: what it means. */
export const textSetting: SettingKind<string> = {
  type: 'string',
  takes: 'a text',
  parse: (text) => text,
  format: (value) => value,
};

export function choice<const T extends string>(...values: readonly T[]): SettingKind<T> {
  return {
    type: 'enum',
    takes: `one of ${values.join(', ')}`,
    values,
    parse: (text) => {
      const word = text.trim().toLowerCase();
      return values.find((candidate) => candidate === word) ?? null;
    },
    format: (value) => value,
  };
}

/** Values whose capitals are shown as they stand, however they are given. */
export function spelledChoice<const T extends string>(...values: readonly T[]): SettingKind<T> {
  return {
    ...choice(...values),
    parse: (text) => {
      const word = text.trim().toLowerCase();
      return values.find((candidate) => candidate.toLowerCase() === word) ?? null;
    },
  };
}

export function integer(
  least: number,
  most: number,
  takes = `a whole number from ${least} to ${most}`,
): SettingKind<number> {
  return {
    type: 'integer',
    takes,
    least,
    most,
    parse: (text) => {
      const number = Number(text.trim() === '' ? Number.NaN : text);
      return Number.isInteger(number) && number >= least && number <= most ? number : null;
    },
    format: String,
  };
}

export const port = integer(0, 65_535, 'a port (0 to 65535)');

const UNITS_MS: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
  ['ms', 1],
  ['us', 0.001],
];
const DURATION_MS_MAX = 2_147_483_647;

const isBareNumber = (text: string): boolean => /^\s*\d+(\.\d+)?\s*$/.test(text);

/** Milliseconds, shown in the largest unit that divides them. */
export function durationBetween(
  leastMs: number,
  mostMs: number,
  takes = `a duration from ${formatDurationMs(leastMs)} to ${formatDurationMs(mostMs)}`,
  unit: 'ms' | 's' = 'ms',
): SettingKind<number> {
  const unitSize = unit === 's' ? 1_000 : 1;
  return {
    type: 'integer',
    unit,
    unitSize,
    takes,
    least: leastMs,
    most: mostMs,
    parse: (text) => {
      const milliseconds = parseDurationMs(isBareNumber(text) ? `${text.trim()}${unit}` : text);
      return milliseconds !== null && milliseconds >= leastMs && milliseconds <= mostMs ? milliseconds : null;
    },
    format: formatDurationMs,
  };
}

export const duration = durationBetween(0, DURATION_MS_MAX, 'a duration such as 1500ms, 10s or 2min');

export function parseDurationMs(value: string): number | null {
  const match = /^\s*([0-9]+(?:\.[0-9]+)?)\s*([a-z]*)\s*$/.exec(value);
  if (match === null) return null;
  const unit = match[2] === '' ? 1 : UNITS_MS.find(([name]) => name === match[2])?.[1];
  if (unit === undefined) return null;
  const milliseconds = Math.round(Number(match[1]) * unit);
  return milliseconds <= DURATION_MS_MAX ? milliseconds : null;
}

function formatDurationMs(milliseconds: number): string {
  if (milliseconds === 0) return '0';
  const [name, size] = UNITS_MS.find(([, unit]) => unit >= 1 && milliseconds % unit === 0)!;
  return `${milliseconds / size}${name}`;
}

const UNITS_BYTES: readonly (readonly [string, number])[] = [
  ['TB', 2 ** 40],
  ['GB', 2 ** 30],
  ['MB', 2 ** 20],
  ['kB', 2 ** 10],
  ['B', 1],
];

/** Bytes, shown in the largest unit that divides them. */
export function sizeBetween(
  leastBytes: number,
  mostBytes: number,
  unit: 'B' | 'kB' = 'B',
): SettingKind<number> {
  const bound =
    mostBytes === Number.MAX_SAFE_INTEGER
      ? `at least ${formatSize(leastBytes)}`
      : `${formatSize(leastBytes)} to ${formatSize(mostBytes)}`;
  return {
    type: 'integer',
    unit,
    unitSize: unit === 'kB' ? 2 ** 10 : 1,
    takes: `a size of ${bound}`,
    least: leastBytes,
    most: mostBytes,
    parse: (text) => {
      const bytes = parseSize(isBareNumber(text) ? `${text.trim()}${unit}` : text);
      return bytes !== null && bytes >= leastBytes && bytes <= mostBytes ? bytes : null;
    },
    format: formatSize,
  };
}

/** null: no size. */
export function parseSize(text: string): number | null {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([kMGT]?B)?\s*$/.exec(text);
  const unit = UNITS_BYTES.find(([name]) => name === (match?.[2] ?? 'B'))?.[1];
  return match === null || unit === undefined ? null : Math.round(Number(match[1]) * unit);
}

function formatSize(bytes: number): string {
  const [name, size] = UNITS_BYTES.find(([, unit]) => bytes % unit === 0 && bytes >= unit) ?? ['B', 1];
  return `${bytes / size}${name}`;
}

const DATE_STYLES: Readonly<Record<string, string>> = {
  iso: 'ISO',
  sql: 'SQL',
  postgres: 'Postgres',
  german: 'German',
};
const DATE_ORDERS: Readonly<Record<string, string>> = {
  mdy: 'MDY',
  us: 'MDY',
  noneuro: 'MDY',
  noneuropean: 'MDY',
  dmy: 'DMY',
  euro: 'DMY',
  european: 'DMY',
  ymd: 'YMD',
};

const spelled = (takes: string, parse: (text: string) => string | null): SettingKind<string> => ({
  type: 'string',
  takes,
  parse,
  format: (value) => value,
});

/** `ISO`, `SQL, DMY`, `european` …; a part that is absent keeps PostgreSQL's initial value. */
export const dateStyle = spelled('a date style such as ISO, MDY', (value) => {
  let style = 'ISO';
  let order: string | null = null;
  for (const part of value.split(',')) {
    const word = part.trim().toLowerCase();
    if (word in DATE_STYLES) style = DATE_STYLES[word]!;
    else if (word in DATE_ORDERS) order = DATE_ORDERS[word]!;
    else if (word === 'default') style = 'ISO';
    else return null;
  }
  return `${style}, ${order ?? (style === 'German' ? 'DMY' : 'MDY')}`;
});

/** `<+05:30>-05:30`: how the zone is called, and how far west it is. */
function zoneEast(hours: number): string {
  const seconds = Math.round(Math.abs(hours) * 3_600);
  const parts = [seconds / 3_600, (seconds / 60) % 60, seconds % 60].map((part) =>
    twoDigits(Math.floor(part)),
  );
  while (parts.length > 1 && parts.at(-1) === '00') parts.pop();
  const distance = parts.join(':');
  return hours < 0 ? `<-${distance}>+${distance}` : `<+${distance}>-${distance}`;
}

const twoDigits = (n: number): string => String(n).padStart(2, '0');

/** A name that common/value-text.ts can print an instant in. A number is hours east, where names of POSIX count west. */
export const timeZone = spelled('a time zone', (value) => {
  const zone = /^[-+]?(\d+\.?\d*|\.\d+)$/.test(value.trim()) ? zoneEast(Number(value)) : value.trim();
  if (zone === '') return null;
  if (zone.toLowerCase() === 'default' || zone.toLowerCase() === 'local') return 'UTC';
  if (zone.toUpperCase() === 'UTC') return 'UTC';
  try {
    formatDatum(0, { name: 'timestamptz' }, { timeZone: zone });
    return zone;
  } catch {
    return null;
  }
});

/** Text crosses the wire as UTF-8 only. SQL_ASCII, which asks for no conversion, is that too. */
export const clientEncoding: SettingKind<string> = {
  ...spelled('UTF8', (value) => {
    const word = value.replaceAll(/[^a-zA-Z0-9]/g, '').toUpperCase();
    if (word === 'UTF8' || word === 'UNICODE' || word === 'DEFAULT') return 'UTF8';
    return word === 'SQLASCII' ? 'SQL_ASCII' : null;
  }),
  values: ['UTF8'],
};

/** Of PostgreSQL: `18.0`. */
export const version: SettingKind<string> = {
  type: 'string',
  takes: 'a version such as 18.0',
  parse: (text) => (/^\d{2}(\.\d{1,2})?$/.test(text.trim()) ? text.trim() : null),
  format: (value) => value,
};

/** server_version_num: 150004 of 15.4. */
export function versionNumber(text: string): string {
  const [major = '', minor = '0'] = text.split('.');
  return `${major}${minor.padStart(4, '0')}`;
}
