/** to_char, to_number, to_timestamp and to_date: text by template. */
import {
  absoluteValue,
  compareDecimals,
  type Decimal,
  decimal,
  fromBigInt,
  fromInteger,
  parseDecimal,
  roundTo,
  subtract,
} from '../../../common/decimal.ts';
import { decimalFromDouble } from '../../../common/decimal-convert.ts';
import type { Interval } from '../../../common/interval.ts';
import { DATE_MAX, DATE_MIN, timestampFromParts, zonedFromLocal } from '../../../common/timestamp.ts';
import { fixedOffsetZone } from '../../../common/time-zone.ts';
import { SqlError } from '../../../common/sql-error.ts';
import { type Entry, pure } from '../implementation.ts';
import { formatIntervalBy, formatTimestampBy, formatTimestamptzBy } from './date-format.ts';
import { parseByTemplate } from './date-parse.ts';
import { formatNumber } from './number-format.ts';
import { parseNumber } from './number-parse.ts';
import { numberTemplate } from './number-template.ts';

/** Significant digits that to_char shows of a float. */
const FLOAT8_DIGITS = 15;
const FLOAT4_DIGITS = 6;
/** Enough to tell a tie from what is near one. */
const GUARD_PLACES = 25;

/** A float is first printed with as many places as its significant digits allow, from its exact value. */
function formatFloat(
  value: number,
  template: string,
  digits: typeof FLOAT8_DIGITS | typeof FLOAT4_DIGITS,
): string {
  const { after, shift, exponent, roman } = numberTemplate(template);
  if (!Number.isFinite(value) || exponent || roman !== null || shift > 0) {
    return formatNumber(decimalFromDouble(value, digits), template, exponent ? after : undefined);
  }
  const whole =
    Math.abs(value) < 1
      ? 1
      : Math.round(Math.abs(value)).toLocaleString('en-US', { useGrouping: false }).length;
  const places = whole >= digits ? 0 : Math.min(after, digits - whole);
  return formatNumber(exactRounded(value, places), template, places);
}

/** The double rounded at `places`, half to even on its exact binary value. */
function exactRounded(value: number, places: number): Decimal {
  if (Math.abs(value) >= 1e21) return fromBigInt(BigInt(value));
  // toFixed gives the exact digits; it rounds ties up, printf to even.
  const exact = parseDecimal(value.toFixed(Math.min(100, places + GUARD_PLACES)));
  const rounded = roundTo(exact, places);
  const tie = compareDecimals(absoluteValue(subtract(exact, rounded)), decimal(5n, places + 1)) === 0;
  if (!tie || rounded.coefficient % 2n === 0n) return rounded;
  return decimal(rounded.coefficient - (rounded.coefficient > 0n ? 1n : -1n), places);
}

type Template = (value: never, template: string) => string | null;
/** An empty template gives an empty text. */
const unlessEmpty =
  (format: Template): Template =>
  (value, template) =>
    template === '' ? '' : format(value, template);

export const TEMPLATE_FUNCTIONS: readonly Entry[] = [
  pure(
    'to_char(int4,text)',
    unlessEmpty((v: number, t) => formatNumber(fromInteger(v), t)),
  ),
  pure(
    'to_char(int8,text)',
    unlessEmpty((v: bigint, t) => formatNumber(fromBigInt(v), t)),
  ),
  pure(
    'to_char(numeric,text)',
    unlessEmpty((v: Decimal, t) => formatNumber(v, t)),
  ),
  pure(
    'to_char(float4,text)',
    unlessEmpty((v: number, t) => formatFloat(v, t, FLOAT4_DIGITS)),
  ),
  pure(
    'to_char(float8,text)',
    unlessEmpty((v: number, t) => formatFloat(v, t, FLOAT8_DIGITS)),
  ),
  pure('to_char(timestamp,text)', (v: number, t: string) => (t === '' ? null : formatTimestampBy(v, t))),
  [
    'to_char(timestamptz,text)',
    ({ format }) =>
      (v: number, t: string) =>
        t === '' ? null : formatTimestamptzBy(v, t, format.zone),
  ],
  pure('to_char(interval,text)', (v: Interval, t: string) => (t === '' ? null : formatIntervalBy(v, t))),
  pure('to_number(text,text)', (text: string, t: string) => (t === '' ? null : parseNumber(text, t))),
  [
    'to_timestamp(text,text)',
    ({ format }) =>
      (text: string, template: string) => {
        const { day, micros, offset } = parseByTemplate(text, template);
        const zone = offset === null ? format.zone : fixedOffsetZone(offset);
        return zonedFromLocal(timestampFromParts(day, micros), zone);
      },
  ],
  pure('to_date(text,text)', (text: string, template: string) => {
    const { day } = parseByTemplate(text, template);
    if (day < DATE_MIN || day > DATE_MAX) throw new SqlError('22008', `date out of range: "${text}"`);
    return day;
  }),
];
