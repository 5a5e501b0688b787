/** What values a setting takes: each kind gives the canonical text of a value, or null where it is invalid. */
import { formatDatum } from '../../common/value-text.ts';

export type SettingKind = Readonly<{
  /** The value as SHOW prints it; null = invalid. */
  canonical: (value: string) => string | null;
  /** Named in the hint of 22023. */
  values?: readonly string[];
  /** The one value that is supported though the kind has more. */
  only?: string;
}>;

export const booleanSetting: SettingKind = { canonical: (value) => canonicalBoolean(value) };

function canonicalBoolean(value: string): string | null {
  const word = value.trim().toLowerCase();
  if (word === '') return null;
  if (word === '1' || 'true'.startsWith(word) || 'yes'.startsWith(word) || word === 'on') return 'on';
  if (word === '0' || 'false'.startsWith(word) || 'no'.startsWith(word) || 'off'.startsWith(word)) {
    return word === 'o' ? null : 'off';
  }
  return null;
}

export function choice(...values: readonly string[]): SettingKind {
  return {
    values,
    canonical: (value) => {
      const word = value.trim().toLowerCase();
      return values.find((candidate) => candidate === word) ?? null;
    },
  };
}

export function integer(least: number, most: number): SettingKind {
  return {
    canonical: (value) => {
      const number = Number(value.trim() === '' ? Number.NaN : value);
      return Number.isInteger(number) && number >= least && number <= most ? `${number}` : null;
    },
  };
}

const UNITS_MS: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
  ['ms', 1],
  ['us', 0.001],
];

/** Milliseconds, shown in the largest unit that divides them. */
export const duration: SettingKind = {
  canonical: (value) => {
    const milliseconds = parseDurationMs(value);
    return milliseconds === null ? null : formatDurationMs(milliseconds);
  },
};

export function parseDurationMs(value: string): number | null {
  const match = /^\s*([0-9]+(?:\.[0-9]+)?)\s*([a-z]*)\s*$/.exec(value);
  if (match === null) return null;
  const unit = match[2] === '' ? 1 : UNITS_MS.find(([name]) => name === match[2])?.[1];
  if (unit === undefined) return null;
  const milliseconds = Math.round(Number(match[1]) * unit);
  return milliseconds <= 2_147_483_647 ? milliseconds : null;
}

function formatDurationMs(milliseconds: number): string {
  if (milliseconds === 0) return '0';
  const [name, size] = UNITS_MS.find(([, unit]) => unit >= 1 && milliseconds % unit === 0)!;
  return `${milliseconds / size}${name}`;
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

/** `ISO`, `SQL, DMY`, `european` …; a part that is absent keeps PostgreSQL's initial value. */
export const checkDateStyle: SettingKind = {
  canonical: (value) => {
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
  },
};

/** A name that common/value-text.ts can print an instant in. */
export const checkTimeZone: SettingKind = {
  canonical: (value) => {
    const zone = value.trim();
    if (zone === '') return null;
    if (zone.toLowerCase() === 'default' || zone.toLowerCase() === 'local') return 'UTC';
    if (zone.toUpperCase() === 'UTC') return 'UTC';
    try {
      formatDatum(0, { name: 'timestamptz' }, { timeZone: zone });
      return zone;
    } catch {
      return null;
    }
  },
};

/** Text crosses the wire as UTF-8 only. SQL_ASCII, which asks for no conversion, is that too. */
export const checkClientEncoding: SettingKind = {
  values: ['UTF8'],
  canonical: (value) => {
    const word = value.replaceAll(/[^a-zA-Z0-9]/g, '').toUpperCase();
    if (word === 'UTF8' || word === 'UNICODE' || word === 'DEFAULT') return 'UTF8';
    return word === 'SQLASCII' ? 'SQL_ASCII' : null;
  },
};
