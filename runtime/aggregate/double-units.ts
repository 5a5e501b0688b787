/** Doubles as exact integers in units of 2^−1074 (the smallest subnormal), and back with one rounding, half to even. */

const view = new DataView(new ArrayBuffer(8));

export function doubleToUnits(value: number): bigint {
  if (value === 0) return 0n;
  view.setFloat64(0, value);
  const high = view.getUint32(0);
  const exponent = (high >>> 20) & 0x7ff;
  let mantissa = (BigInt(high & 0xfffff) << 32n) | BigInt(view.getUint32(4));
  if (exponent !== 0) mantissa = (mantissa | (1n << 52n)) << BigInt(exponent - 1);
  return value < 0 ? -mantissa : mantissa;
}

/** ±Infinity where the value overflows; +0 for 0. */
export function unitsToDouble(units: bigint): number {
  return scaledToDouble(units, -1074);
}

/** integer × 2^exponent, rounded once. */
export function scaledToDouble(integer: bigint, exponent: number): number {
  if (integer === 0n) return 0;
  const negative = integer < 0n;
  let m = negative ? -integer : integer;
  const bits = m.toString(16).length * 4;
  // keep 55 bits or more and fold the rest into a sticky bit; below the subnormal range keep fewer
  const top = bits + exponent;
  const keep = Math.min(64, Math.max(2, top + 1076));
  const shift = bits - keep;
  let e = exponent;
  if (shift > 0) {
    const s = BigInt(shift);
    const kept = m >> s;
    m = kept << s === m ? kept << 1n : (kept << 1n) | 1n;
    e += shift - 1;
  }
  const value = roundToDouble(m, e);
  return negative ? -value : value;
}

function roundToDouble(m: bigint, exponent: number): number {
  const length = m.toString(2).length;
  let drop = Math.max(length - 53, -1074 - exponent);
  if (drop < 0) drop = 0;
  const d = BigInt(drop);
  let q = m >> d;
  if (drop > 0) {
    const rest = m - (q << d);
    const half = 1n << (d - 1n);
    if (rest > half || (rest === half && (q & 1n) === 1n)) q += 1n;
  }
  const e = exponent + drop;
  // q ≤ 2^53: exact as a number; scale in two steps that cannot round
  let value = Number(q);
  if (e >= -1022) return value * 2 ** Math.min(e, 971) * (e > 971 ? Number.POSITIVE_INFINITY : 1);
  value *= 2 ** -1000;
  return value * 2 ** (e + 1000);
}
