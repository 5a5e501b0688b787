import type { Schema } from '../../common/types.ts';
import type { Delta, DStream, Tick } from './dstream.ts';

/** All rows of all inputs; a time column's watermark is the least of the inputs'. */
export class UnionAll implements DStream {
  readonly schema: Schema;
  readonly timeColumns: readonly number[];
  readonly #positions: readonly (readonly number[])[];

  constructor(inputs: readonly DStream[], schema: Schema, timeColumns: readonly number[]) {
    this.schema = schema;
    this.timeColumns = timeColumns.filter((c) => inputs.every((input) => input.timeColumns.includes(c)));
    this.#positions = inputs.map((input) => this.timeColumns.map((c) => input.timeColumns.indexOf(c)));
  }

  step(_tick: Tick, inputs: readonly Delta[]): Delta {
    const watermarks = this.timeColumns.map((_, t) =>
      Math.min(...inputs.map((input, i) => input.watermarks[this.#positions[i]![t]!]!)),
    );
    return {
      batches: inputs.flatMap((input) => input.batches),
      watermarks,
      ended: inputs.every((input) => input.ended),
    };
  }
}
