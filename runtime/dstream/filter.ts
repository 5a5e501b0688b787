import type { Schema } from '../../common/types.ts';
import type { Batch } from '../batch/column.ts';
import { gatherBatch } from '../batch/gather.ts';
import { linkRows } from '../batch/origin.ts';
import { selectLeniently, type PredicateProgram } from '../expression/compile.ts';
import type { Delta, DStream, QueryContext, Tick } from './dstream.ts';

/** Rows for which the predicate is TRUE; their weights stay. */
export class Filter implements DStream {
  readonly schema: Schema;
  readonly timeColumns: readonly number[];
  readonly #predicate: PredicateProgram;
  readonly #context: QueryContext;
  #selected = new Uint32Array(4096);

  constructor(input: DStream, predicate: PredicateProgram, context: QueryContext) {
    this.schema = input.schema;
    this.timeColumns = input.timeColumns;
    this.#predicate = predicate;
    this.#context = context;
  }

  step(_tick: Tick, [input]: readonly [Delta]): Delta {
    const batches: Batch[] = [];
    for (const batch of input.batches) {
      if (this.#selected.length < batch.rows) this.#selected = new Uint32Array(batch.rows);
      const count = selectLeniently(this.#predicate, batch, this.#selected, (row, error) =>
        this.#context.reject(error, this.schema, batch, row),
      );
      if (count === batch.rows) batches.push(batch);
      else if (count > 0) {
        const made = gatherBatch(batch, this.#selected, count);
        batches.push(linkRows(made, batch, this.#selected.slice(0, count)));
      }
    }
    return { ...input, batches };
  }
}
