/** int8 values in bytes: 64 bits, little-endian. */
import { type Int64Column, isValid, type Validity } from '../batch/column.ts';

/** The values at these places: numbers while all are safe integers, else 64 bits each. */
export function safeOrWide(view: DataView, places: Uint32Array, count: number, valid: Validity): Int64Column {
  const values = new Float64Array(count);
  let safe = true;
  for (let i = 0; i < count; i++) {
    if (valid !== null && !isValid(valid, i)) continue;
    const at = places[i]!;
    const value = view.getInt32(at + 4, true) * 4294967296 + view.getUint32(at, true);
    values[i] = value;
    safe &&= value <= Number.MAX_SAFE_INTEGER && value >= Number.MIN_SAFE_INTEGER;
  }
  if (safe) return { kind: 'int64', values, wide: null, valid };
  const wide = new BigInt64Array(count);
  for (let i = 0; i < count; i++) {
    if (valid === null || isValid(valid, i)) wide[i] = view.getBigInt64(places[i]!, true);
  }
  return { kind: 'int64', values: new Float64Array(0), wide, valid };
}
