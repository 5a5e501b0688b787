/**
 * One value for all that SQL calls equal, where a key is held as text: numeric without trailing zeros, an interval as
 * days and time (a month is 30 days), jsonb with such numbers, arrays of such elements.
 */
import { parseDecimal, type Decimal, formatDecimal } from '../../common/decimal.ts';
import { type Interval, isFiniteInterval } from '../../common/interval.ts';
import { formatJsonb } from '../../common/json.ts';
import { type JsonNode, parseJson } from '../../common/json-parse.ts';
import { elementTypeName, isArrayType, type SqlType } from '../../common/types.ts';

const DAYS_PER_MONTH = 30;
const MICROS_PER_DAY = 86_400_000_000;
const DAYS_MAX = 2 ** 31 - 1;

export function keyDatum(value: unknown, type: SqlType): unknown {
  if (value === null) return null;
  if (isArrayType(type.name)) {
    const element: SqlType = { name: elementTypeName(type.name) };
    return (value as readonly unknown[]).map((item) => keyDatum(item, element));
  }
  switch (type.name) {
    case 'numeric':
      return keyDecimal(value as Decimal);
    case 'interval':
      return keyInterval(value as Interval);
    case 'float4':
    case 'float8':
      return (value as number) + 0;
    case 'bpchar':
      return (value as string).replace(/ +$/, '');
    case 'jsonb':
      return keyJsonb(value as string);
    default:
      return value;
  }
}

function keyDecimal(value: Decimal): Decimal {
  const text = formatDecimal(value);
  return text.includes('.') ? parseDecimal(text.replace(/0+$/, '').replace(/\.$/, '')) : value;
}

/** Days and time have one sign. */
function keyInterval(value: Interval): Interval {
  if (!isFiniteInterval(value)) return value;
  const carry = Math.floor(value.micros / MICROS_PER_DAY);
  let days = value.months * DAYS_PER_MONTH + value.days + carry;
  let micros = value.micros - carry * MICROS_PER_DAY;
  if (days < 0 && micros > 0) {
    days++;
    micros -= MICROS_PER_DAY;
  }
  const months = Math.abs(days) > DAYS_MAX ? Math.trunc(days / DAYS_PER_MONTH) : 0;
  return { months, days: days - months * DAYS_PER_MONTH, micros };
}

/** Canonical text differs only in the scale of numbers. */
export const keyJsonb = (text: string): string =>
  text.includes('.') ? formatJsonb(withKeyNumbers(parseJson(text))) : text;

function withKeyNumbers(node: JsonNode): JsonNode {
  switch (node.kind) {
    case 'number':
      return { kind: 'number', value: keyDecimal(node.value) };
    case 'array':
      return { kind: 'array', items: node.items.map(withKeyNumbers) };
    case 'object':
      return { kind: 'object', members: node.members.map(([key, value]) => [key, withKeyNumbers(value)]) };
    default:
      return node;
  }
}
