/** Signed batches: removing what cancels out, so that a result that did not change is not sent. */
import type { Schema } from '../../common/types.ts';
import { KeyTable } from '../state/key-table.ts';
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
  const total = batches.reduce((sum, batch) => sum + batch.rows, 0);
  // distinct rows are numbered as they come: those of a batch that no earlier one has follow each other
  const keys = new KeyTable();
  const ids = new Uint32Array(Math.max(0, ...batches.map((batch) => batch.rows)));
  const rowOf = new Uint32Array(total);
  const sums = new Int32Array(total);
  const limits: number[] = [];
  let known = 0;
  for (const batch of batches) {
    const { bytes, starts, ends } = codec.encode(batch, ordinals);
    keys.intern(bytes, starts, ends, batch.rows, ids);
    known = addRows(ids, batch, known, rowOf, sums);
    limits.push(known);
  }
  const out: Batch[] = [];
  for (const sign of [-1, 1]) {
    batches.forEach((batch, b) => {
      const chosen = withSign(sign, limits[b - 1] ?? 0, limits[b]!, rowOf, sums);
      if (chosen.rows.length > 0) {
        out.push({ ...gatherBatch(batch, chosen.rows, chosen.rows.length), weights: chosen.weights });
      }
    });
  }
  return out;
}

/** Adds the rows' weights; a number that is new is the next one. Returns how many are known then. */
function addRows(
  ids: Uint32Array,
  { rows, weights }: Batch,
  known: number,
  rowOf: Uint32Array,
  sums: Int32Array,
): number {
  let next = known;
  for (let i = 0; i < rows; i++) {
    const id = ids[i]!;
    if (id === next) rowOf[next++] = i;
    sums[id] = sums[id]! + (weights === null ? 1 : weights[i]!);
  }
  return next;
}

/** Of the distinct rows from … to − 1 those whose weight has this sign. Weights null: all are 1. */
function withSign(
  sign: number,
  from: number,
  to: number,
  rowOf: Uint32Array,
  sums: Int32Array,
): Readonly<{ rows: Uint32Array; weights: Int32Array | null }> {
  const rows = new Uint32Array(to - from);
  const weights = new Int32Array(to - from);
  let count = 0;
  let plain = true;
  for (let id = from; id < to; id++) {
    const weight = sums[id]!;
    if (weight * sign <= 0) continue;
    plain &&= weight === 1;
    rows[count] = rowOf[id]!;
    weights[count++] = weight;
  }
  return { rows: rows.subarray(0, count), weights: plain ? null : weights.slice(0, count) };
}
