import type { Schema } from '../../common/types.ts';
import type { Batch } from '../batch/column.ts';
import { gatherInt32 } from '../batch/gather.ts';
import { linkRows } from '../batch/origin.ts';
import { evaluateLeniently, type ExpressionProgram } from '../expression/compile.ts';
import { type Expression, timeSource } from '../plan/expression.ts';
import type { Delta, DStream, QueryContext, Tick } from './dstream.ts';

/** New columns from expressions over the input's; plain columns pass through. A row that fails is left out. */
export class Project implements DStream {
  readonly schema: Schema;
  readonly timeColumns: readonly number[];
  readonly #inputSchema: Schema;
  readonly #program: ExpressionProgram;
  readonly #context: QueryContext;
  /** For each time column of the output the position of its watermark in the input's. */
  readonly #watermarkOf: readonly number[];

  constructor(
    input: DStream,
    output: Readonly<{ schema: Schema; timeColumns: readonly number[]; expressions: readonly Expression[] }>,
    program: ExpressionProgram,
    context: QueryContext,
  ) {
    this.schema = output.schema;
    const sources = output.timeColumns.map((ordinal) => {
      const expression = output.expressions[ordinal];
      const source = expression === undefined ? null : timeSource(expression);
      return source === null ? -1 : input.timeColumns.indexOf(source);
    });
    this.timeColumns = output.timeColumns.filter((_, i) => sources[i]! >= 0);
    this.#watermarkOf = sources.filter((s) => s >= 0);
    this.#inputSchema = input.schema;
    this.#program = program;
    this.#context = context;
  }

  step(_tick: Tick, [input]: readonly [Delta]): Delta {
    const batches: Batch[] = [];
    for (const batch of input.batches) {
      const { columns, rows } = evaluateLeniently(this.#program, batch, (row, error) =>
        this.#context.reject(error, this.#inputSchema, batch, row),
      );
      if (rows === null)
        batches.push(linkRows({ rows: batch.rows, columns, weights: batch.weights }, batch, null));
      else if (rows.length > 0) {
        const weights = batch.weights === null ? null : gatherInt32(batch.weights, rows, rows.length);
        batches.push(linkRows({ rows: rows.length, columns, weights }, batch, rows));
      }
    }
    const watermarks = this.#watermarkOf.map((w) => input.watermarks[w]!);
    return { batches, watermarks, ended: input.ended, idle: input.idle };
  }
}
