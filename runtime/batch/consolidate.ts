/** Signed batches: removing what cancels out, so that a result that did not change is not sent. */
import type { Schema } from '../../common/types.ts';
import { RowCodec } from '../state/row-codec.ts';
import type { Batch } from './column.ts';
import { gatherBatch } from './gather.ts';

/** Old rows with −1, new ones with +1, without the rows that are in both. */
export function consolidatePair(
  schema: Schema,
  old: readonly Batch[],
  fresh: readonly Batch[],
  out: Batch[],
): void {
  if (old.length === 0) {
    out.push(...fresh.filter((b) => b.rows > 0));
    return;
  }
  out.push(...consolidate(schema, [...old.map(negated), ...fresh]));
}

export function negated(batch: Batch): Batch {
  const weights = new Int32Array(batch.rows);
  for (let i = 0; i < batch.rows; i++) weights[i] = -(batch.weights === null ? 1 : batch.weights[i]!);
  return { ...batch, weights };
}

/** The same change with one weight per distinct row and none at 0: retractions first, then insertions. */
export function consolidate(schema: Schema, batches: readonly Batch[]): Batch[] {
  const codec = new RowCodec(
    schema.map((f) => f.type),
    'row',
  );
  const ordinals = schema.map((_, i) => i);
  const sums = new Map<string, { batch: number; row: number; weight: number }>();
  batches.forEach((batch, b) => {
    const rows = codec.encode(batch, ordinals);
    const bytes = Buffer.from(rows.bytes.buffer, rows.bytes.byteOffset, rows.bytes.byteLength);
    for (let i = 0; i < batch.rows; i++) {
      const key = bytes.toString('latin1', rows.starts[i]!, rows.ends[i]!);
      const weight = batch.weights === null ? 1 : batch.weights[i]!;
      const sum = sums.get(key);
      if (sum === undefined) sums.set(key, { batch: b, row: i, weight });
      else sum.weight += weight;
    }
  });
  const picked: { rows: number[]; weights: number[] }[] = batches.map(() => ({ rows: [], weights: [] }));
  for (const { batch, row, weight } of sums.values()) {
    if (weight === 0) continue;
    picked[batch]!.rows.push(row);
    picked[batch]!.weights.push(weight);
  }
  const out: Batch[] = [];
  for (const sign of [-1, 1]) {
    batches.forEach((batch, b) => {
      const keep = picked[b]!.rows.map((row, i) => ({ row, weight: picked[b]!.weights[i]! })).filter(
        (p) => p.weight * sign > 0,
      );
      if (keep.length === 0) return;
      const rows = Uint32Array.from(keep, (k) => k.row);
      const chosen = gatherBatch(batch, rows, rows.length);
      const weights = keep.every((k) => k.weight === 1) ? null : Int32Array.from(keep, (k) => k.weight);
      out.push({ ...chosen, weights });
    });
  }
  return out;
}
