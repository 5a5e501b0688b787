/** Constant rows, sent once: in the first tick; nothing comes after them. */
import type { Schema } from '../../common/types.ts';
import { parseDatum } from '../../common/value-text.ts';
import type { Batch } from '../batch/column.ts';
import { concatBatches } from '../batch/concat.ts';
import { buildColumn } from '../batch/datum.ts';
import { compileExpressions, type ExpressionOptions } from '../expression/compile.ts';
import type { Expression } from '../plan/expression.ts';
import type { StateReader, StateWriter } from '../state/state-codec.ts';
import type { Delta, StatefulDStream } from './dstream.ts';

type ValuesNode = Readonly<{ schema: Schema; rows: readonly (readonly Expression[])[] }>;

export class Values implements StatefulDStream {
  readonly schema: Schema;
  readonly timeColumns: readonly number[] = [];
  readonly #node: ValuesNode;
  readonly #compile: ExpressionOptions;
  #sent = false;

  constructor(node: ValuesNode, compile: ExpressionOptions) {
    this.schema = node.schema;
    this.#node = node;
    this.#compile = compile;
  }

  step(): Delta {
    if (this.#sent || this.#node.rows.length === 0) return { batches: [], watermarks: [], ended: true };
    this.#sent = true;
    return { batches: [this.#rows()], watermarks: [], ended: true };
  }

  memoryBytes(): number {
    return 0;
  }

  save(w: StateWriter): void {
    w.number(this.#sent ? 1 : 0);
  }

  load(r: StateReader): void {
    this.#sent = r.number() === 1;
  }

  #rows(): Batch {
    const { rows } = this.#node;
    if (rows.every((row) => row.every((e) => e.kind === 'constant'))) {
      const columns = this.schema.map((field, c) =>
        buildColumn(
          field.type,
          rows.map((row) => constantOf(row[c]!)),
        ),
      );
      return { rows: rows.length, columns, weights: null };
    }
    const one: Batch = { rows: 1, columns: [], weights: null };
    const evaluated = rows.map(
      (row): Batch => ({ ...one, columns: compileExpressions(row, this.#compile).evaluate(one) }),
    );
    return evaluated.length === 1 ? evaluated[0]! : concatBatches(this.schema, evaluated);
  }
}

function constantOf(expression: Expression): unknown {
  if (expression.kind !== 'constant' || expression.text === null) return null;
  return parseDatum(expression.text, expression.type);
}
