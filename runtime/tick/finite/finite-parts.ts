/** Rows as the parts that a finite query's scan takes one by one. */
import type { Batch } from '../../batch/column.ts';
import { type AdmittedBatch, relationDelta, type RelationDelta } from '../../source/admitted.ts';

export function* partsOf(all: Iterable<Batch>): Generator<RelationDelta> {
  for (const batch of all) yield relationDelta([batch], new Map(), false);
}

/** A stream's retained rows up to that tick. */
export function* partsUpTo(
  parts: Iterable<AdmittedBatch & Readonly<{ tick: number }>>,
  last: number,
): Generator<RelationDelta> {
  for (const part of parts) {
    if (part.tick > last) return;
    yield { parts: [part], watermarks: new Map(), ended: false };
  }
}
