import type { Batch } from './column.ts';
import { gatherBatch } from './gather.ts';

/** Each row as often as its weight says. */
export function unweighted(batch: Batch): Batch {
  if (batch.weights === null) return batch;
  const rows: number[] = [];
  for (let i = 0; i < batch.rows; i++) for (let k = 0; k < batch.weights[i]!; k++) rows.push(i);
  return { ...gatherBatch(batch, Uint32Array.from(rows), rows.length), weights: null };
}
