/** `'1 hour'`, `'2 GB'`, `'1 hour, 2 GB'`, `'forever'`, `'none'`: how much a relation keeps. A bound not named keeps its default. */
import { SqlError } from '../../common/sql-error.ts';
import type { Retention } from '../../runtime/plan/relation.ts';
import { durationMicros } from '../bind/window-specification.ts';

const MINUTE = 60_000_000;
const MEGABYTE = 1024 * 1024;

export const STREAM_RETENTION: Retention = { ageMicros: 60 * MINUTE, bytes: 1024 * MEGABYTE, none: false };
export const CONNECTOR_RETENTION: Retention = { ageMicros: null, bytes: null, none: true };
export const VIEW_RETENTION: Retention = { ageMicros: null, bytes: 256 * MEGABYTE, none: false };
export const CHANGELOG_RETENTION: Retention = { ageMicros: 5 * MINUTE, bytes: 64 * MEGABYTE, none: false };

const UNITS: Readonly<Record<string, number>> = {
  b: 1,
  bytes: 1,
  kb: 1024,
  mb: MEGABYTE,
  gb: 1024 * MEGABYTE,
  tb: 1024 * 1024 * MEGABYTE,
};

/** 22023 for what is neither a size nor a duration. */
export function parseRetention(text: string, defaults: Retention): Retention {
  const word = text.trim().toLowerCase();
  if (word === 'forever') return { ageMicros: null, bytes: null, none: false };
  if (word === 'none') return { ageMicros: null, bytes: null, none: true };
  let { ageMicros, bytes } = defaults.none ? { ageMicros: null, bytes: null } : defaults;
  let hasAge = false;
  let hasBytes = false;
  for (const part of word.split(',').map((p) => p.trim())) {
    const size = parseSize(part);
    if (size !== null && !hasBytes) {
      bytes = size;
      hasBytes = true;
    } else if (size === null && !hasAge) {
      ageMicros = parseAge(part, text);
      hasAge = true;
    } else throw malformed(text);
  }
  return { ageMicros, bytes, none: false };
}

function parseSize(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]+)$/.exec(text);
  const unit = UNITS[match?.[2] ?? ''];
  if (match === null || unit === undefined) return null;
  return Math.floor(Number(match[1]) * unit);
}

function parseAge(part: string, whole: string): number {
  try {
    const micros = durationMicros(part, 'retention');
    if (micros > 0) return micros;
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
  }
  throw malformed(whole);
}

const malformed = (text: string): SqlError =>
  new SqlError('22023', `invalid retention: "${text}"`, {
    hint: "Write '1 hour', '2 GB', '1 hour, 2 GB', 'forever' or 'none'.",
  });
