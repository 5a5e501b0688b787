import { compactBatch } from '../batch/concat.ts';
import type { Tick } from '../dstream/dstream.ts';
import type { Output } from './continuous-query.ts';
import type { RelationSet, RunningSink } from './relation-set.ts';

/** A tick's output to where the sink writes: outside, once it is committed, or into a stream (whose next tick admits it). */
export function writeToSink(
  running: RunningSink,
  outputs: Iterable<Output>,
  tick: Tick,
  relations: RelationSet,
): void {
  const { sink, definition } = running;
  for (const { batches } of outputs) {
    for (const batch of batches) running.rows += batch.rows;
    if (batches.length > 0) running.tick = tick.number;
    sink?.write(tick.number, batches);
    if (definition.into === null) continue;
    const stream = relations.stream(definition.into);
    // the batch lives for this tick only
    for (const batch of batches) stream.insert(compactBatch(stream.schema, batch));
  }
}
