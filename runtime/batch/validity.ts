import type { Validity } from './column.ts';

/** A bitmap for `rows` rows, all NULL. */
export const allNull = (rows: number): Uint8Array => new Uint8Array((rows + 7) >> 3);

/** A bitmap for `rows` rows, all valid. */
export const allValid = (rows: number): Uint8Array => new Uint8Array((rows + 7) >> 3).fill(255);

export function setValid(bits: Uint8Array, row: number): void {
  bits[row >> 3] = bits[row >> 3]! | (1 << (row & 7));
}

export function setNull(bits: Uint8Array, row: number): void {
  bits[row >> 3] = bits[row >> 3]! & ~(1 << (row & 7));
}

/** The bits of the chosen rows; null where none of them is NULL. */
export function gatherValidity(valid: Validity, rows: Uint32Array, count: number): Validity {
  if (valid === null) return null;
  const out = allNull(count);
  let nulls = 0;
  for (let i = 0; i < count; i++) {
    const row = rows[i]!;
    const bit = (valid[row >> 3]! >> (row & 7)) & 1;
    nulls += bit ^ 1;
    out[i >> 3] = out[i >> 3]! | (bit << (i & 7));
  }
  return nulls === 0 ? null : out;
}

/** Copies `count` bits from bit `from` of `source` (null = all valid) to bit `at` of `target`. */
export function copyValidity(
  source: Validity,
  from: number,
  count: number,
  target: Uint8Array,
  at: number,
): void {
  for (let i = 0; i < count; i++) {
    const bit = source === null ? 1 : (source[(from + i) >> 3]! >> ((from + i) & 7)) & 1;
    if (bit === 1) setValid(target, at + i);
    else setNull(target, at + i);
  }
}
