/** How many rows each relation holds, and the bytes they take. */
import type { RelationSize } from '../engine-client.ts';
import type { RelationSet } from './relation-set.ts';

export function relationSizes({ streams, tables, views }: RelationSet): RelationSize[] {
  const sizes: RelationSize[] = [];
  for (const [relation, stream] of streams) {
    sizes.push({ relation, rows: stream.retainedRows, bytes: stream.retainedBytes, indexes: [] });
  }
  for (const [relation, { store, indexes }] of tables) {
    sizes.push(withIndexes(relation, store.size, store.memoryBytes(), indexes.sizes));
  }
  for (const [relation, { view }] of views) {
    sizes.push(withIndexes(relation, view.size, view.memoryBytes, view.indexes.sizes));
  }
  return sizes;
}

/** `bytes`: with those of the indexes. */
function withIndexes(
  relation: number,
  rows: number,
  bytes: number,
  indexes: RelationSize['indexes'],
): RelationSize {
  return { relation, rows, bytes: bytes - indexes.reduce((sum, index) => sum + index.bytes, 0), indexes };
}
