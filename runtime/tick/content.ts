/** The rows of a table or view as they were, or as they would be: those of now with signed changes on top. */
import type { Schema } from '../../common/types.ts';
import type { Batch } from '../batch/column.ts';
import { negated } from '../batch/consolidate.ts';
import { RowStore } from '../view/row-store.ts';
import { tooOld } from './subscription.ts';
import type { TableRuntime } from './table-runtime.ts';
import type { ViewRuntime } from './view-runtime.ts';

/** Later changes of either do not touch the answer. The rows are looked at as they are asked for. */
export function contentWith(schema: Schema, content: readonly Batch[], changes: RowStore): Iterable<Batch> {
  const added = changes.read();
  const taken = changes.readTaken();
  return taken.length === 0 && added.length === 0 ? content : combined(schema, content, added, taken);
}

function* combined(
  schema: Schema,
  content: readonly Batch[],
  added: readonly Batch[],
  taken: readonly Batch[],
): Generator<Batch> {
  const gone = new RowStore(schema);
  for (const batch of taken) gone.apply(batch);
  for (const batch of content) yield gone.size === 0 ? batch : gone.takeFrom(batch);
  yield* added;
}

/** As of the end of that tick: 55000 where the changes since are no longer kept. */
export function contentAt(relation: TableRuntime | ViewRuntime, snapshot: number | null): Iterable<Batch> {
  const content = relation.read();
  if (snapshot === null || relation.lastChange <= snapshot) return content;
  const { changelog, schema, name } = relation;
  if (snapshot < changelog.trimmedTick) throw tooOld(name, snapshot, changelog.trimmedTick);
  const changes = new RowStore(schema);
  for (const { batch } of changelog.since(snapshot)) changes.apply(negated(batch));
  return contentWith(schema, content, changes);
}
