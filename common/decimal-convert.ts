/** numeric to and from the other number types, and numeric(p,s). */
import {
  type Decimal,
  decimal,
  fromBigInt,
  formatDecimal,
  INFINITY,
  integerDigits,
  NAN,
  NEGATIVE_INFINITY,
  parseDecimal,
  rescale,
  powerOfTen,
} from './decimal.ts';
import { SqlError } from './sql-error.ts';

/** float8 → numeric keeps 15 significant digits, float4 → numeric 6, as PostgreSQL does. */
export function decimalFromDouble(value: number, digits: 15 | 6): Decimal {
  if (Number.isNaN(value)) return NAN;
  if (value === Number.POSITIVE_INFINITY) return INFINITY;
  if (value === Number.NEGATIVE_INFINITY) return NEGATIVE_INFINITY;
  // The digits of %.15g: toPrecision gives them, trailing zeros go.
  const [mantissa = '', exponent = '0'] = value.toExponential(digits - 1).split('e');
  const trimmed = mantissa.includes('.') ? mantissa.replace(/\.?0+$/, '') : mantissa;
  return parseDecimal(`${trimmed}e${exponent}`);
}

/** The nearest double; ±Infinity beyond its range is left to the caller to judge. */
export function decimalToDouble(d: Decimal): number {
  switch (d.kind) {
    case 'nan':
      return Number.NaN;
    case 'infinity':
      return Number.POSITIVE_INFINITY;
    case '-infinity':
      return Number.NEGATIVE_INFINITY;
    case 'finite':
      return Number(formatDecimal(d));
  }
}

const RANGES = {
  int2: { min: -(2n ** 15n), max: 2n ** 15n - 1n, name: 'smallint' },
  int4: { min: -(2n ** 31n), max: 2n ** 31n - 1n, name: 'integer' },
  int8: { min: -(2n ** 63n), max: 2n ** 63n - 1n, name: 'bigint' },
} as const;

/** Rounded half away from zero; 22003 beyond the range, 0A000 for NaN and ±Infinity as PostgreSQL has it. */
export function decimalToInteger(d: Decimal, type: 'int2' | 'int4' | 'int8'): bigint {
  const { min, max, name } = RANGES[type];
  if (d.kind !== 'finite') {
    throw new SqlError('0A000', `cannot convert ${d.kind === 'nan' ? 'NaN' : 'infinity'} to ${name}`);
  }
  const rounded = rescale(d.coefficient, d.scale, 0);
  if (rounded < min || rounded > max) throw new SqlError('22003', `${name} out of range`);
  return rounded;
}

/** numeric(precision, scale): rounds, and checks that it fits. */
export function applyPrecision(d: Decimal, precision: number, scale: number): Decimal {
  if (d.kind === 'nan') return d;
  if (d.kind !== 'finite') {
    throw new SqlError('22003', 'numeric field overflow', {
      detail: `A field with precision ${precision}, scale ${scale} cannot hold an infinite value.`,
    });
  }
  const coefficient = rescale(d.coefficient, d.scale, scale);
  if (integerDigits(coefficient, scale) > precision - scale) {
    const exponent = precision - scale;
    throw new SqlError('22003', 'numeric field overflow', {
      detail:
        `A field with precision ${precision}, scale ${scale} must round to an absolute value less than ` +
        `${exponent === 0 ? '1' : `10^${exponent}`}.`,
    });
  }
  if (scale < 0) return fromBigInt(coefficient * powerOfTen(-scale));
  return decimal(coefficient, scale);
}
