import type { Schema } from '../../common/types.ts';
import type { Delta, DStream, Tick } from './dstream.ts';

/** All rows of all inputs; a time column's watermark is the least of the inputs', of those that are not idle where any isn't. */
export class UnionAll implements DStream {
  readonly schema: Schema;
  readonly timeColumns: readonly number[];
  readonly #positions: readonly (readonly number[])[];
  #watermarks: readonly number[];

  constructor(inputs: readonly DStream[], schema: Schema, timeColumns: readonly number[]) {
    this.schema = schema;
    this.timeColumns = timeColumns.filter((c) => inputs.every((input) => input.timeColumns.includes(c)));
    this.#positions = inputs.map((input) => this.timeColumns.map((c) => input.timeColumns.indexOf(c)));
    this.#watermarks = this.timeColumns.map(() => Number.NEGATIVE_INFINITY);
  }

  step(_tick: Tick, inputs: readonly Delta[]): Delta {
    const someMove = inputs.some((input) => input.idle !== true);
    this.#watermarks = this.#watermarks.map((before, t) => {
      let least = Number.POSITIVE_INFINITY;
      for (const [i, input] of inputs.entries()) {
        if (someMove && input.idle === true) continue;
        least = Math.min(least, input.watermarks[this.#positions[i]![t]!]!);
      }
      // an input that wakes up comes with an older one
      return Math.max(before, least);
    });
    return {
      batches: inputs.flatMap((input) => input.batches),
      watermarks: this.#watermarks,
      ended: inputs.every((input) => input.ended),
      idle: !someMove,
    };
  }
}
