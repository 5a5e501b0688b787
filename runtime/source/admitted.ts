/** Rows of a stream as one tick admitted them. */
import type { Batch } from '../batch/column.ts';

export type AdmittedBatch = Readonly<{
  batch: Batch;
  /** time of the tick, µs: the hidden column arrived_at of every row */
  arrivedAt: number;
  /** arrival number of the first row; the others follow without gaps */
  firstArrival: number;
}>;

/** What a relation gives its readers in one tick. */
export type RelationDelta = Readonly<{
  parts: readonly AdmittedBatch[];
  /** watermark by ordinal of the relation's column (ARRIVED_AT included); absent: not a time attribute */
  watermarks: ReadonlyMap<number, number>;
  ended: boolean;
  /** Its watermark goes with the clock (IDLE AFTER). */
  idle?: boolean;
}>;

export const NO_ARRIVAL = -1;

/** A table's or view's delta: rows without arrival. */
export const relationDelta = (
  batches: readonly Batch[],
  watermarks: ReadonlyMap<number, number>,
  ended: boolean,
): RelationDelta => ({
  parts: batches.map((batch) => ({ batch, arrivedAt: 0, firstArrival: NO_ARRIVAL })),
  watermarks,
  ended,
});
