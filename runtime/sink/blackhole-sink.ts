/** Takes rows and adds up its numeric columns: for benchmarks, which check the sums. */

import type { Batch } from '../batch/column.ts';
import type { Sink, SinkInput } from './sink.ts';

export class BlackholeSink implements Sink {
  readonly guarantee = 'none';
  readonly #columns: readonly { name: string; ordinal: number }[];
  readonly #sums: Float64Array;
  /** Kahan's running compensation: sums of many rows stay right to the last digits shown */
  readonly #compensations: Float64Array;

  constructor(input: SinkInput) {
    this.#columns = input.schema.flatMap((field, ordinal) =>
      SUMMED.has(field.type.name) ? [{ name: field.name, ordinal }] : [],
    );
    this.#sums = new Float64Array(this.#columns.length);
    this.#compensations = new Float64Array(this.#columns.length);
  }

  get sums(): ReadonlyMap<string, number> {
    return new Map(this.#columns.map(({ name }, i) => [name, this.#sums[i]!]));
  }

  write(_tick: number, batches: readonly Batch[]): void {
    for (const batch of batches) {
      this.#columns.forEach(({ ordinal }, i) => {
        const column = batch.columns[ordinal]!;
        if (
          column.kind === 'float64' ||
          (column.kind === 'int64' && column.wide === null) ||
          column.kind === 'int32'
        ) {
          addColumn(
            column.values,
            column.valid,
            batch.weights,
            batch.rows,
            this.#sums,
            this.#compensations,
            i,
          );
        }
      });
    }
  }

  commit(): void {
    // nothing to make durable
  }

  close(): void {
    // nothing is held
  }
}

function addColumn(
  values: Float64Array | Int32Array,
  valid: Uint8Array | null,
  weights: Int32Array | null,
  rows: number,
  sums: Float64Array,
  compensations: Float64Array,
  at: number,
): void {
  if (valid === null && weights === null) {
    addPlain(values, rows, sums, compensations, at);
    return;
  }
  let sum = sums[at]!;
  let compensation = compensations[at]!;
  for (let i = 0; i < rows; i++) {
    if (valid !== null && ((valid[i >> 3]! >> (i & 7)) & 1) === 0) continue;
    const value = weights === null ? values[i]! : values[i]! * weights[i]!;
    const y = value - compensation;
    const t = sum + y;
    compensation = t - sum - y;
    sum = t;
  }
  sums[at] = sum;
  compensations[at] = compensation;
}

/** Four rows' sum at a time: the error of adding four is far below what is shown, and the chain is a quarter as long. */
function addPlain(
  values: Float64Array | Int32Array,
  rows: number,
  sums: Float64Array,
  compensations: Float64Array,
  at: number,
): void {
  let sum = sums[at]!;
  let compensation = compensations[at]!;
  const whole = rows & ~3;
  for (let i = 0; i < rows; ) {
    let value = values[i]!;
    if (i < whole) {
      value = value + values[i + 1]! + (values[i + 2]! + values[i + 3]!);
      i += 4;
    } else i++;
    const y = value - compensation;
    const t = sum + y;
    compensation = t - sum - y;
    sum = t;
  }
  sums[at] = sum;
  compensations[at] = compensation;
}

const SUMMED: ReadonlySet<string> = new Set(['int2', 'int4', 'int8', 'float4', 'float8']);
