import type { Schema } from '../../common/types.ts';
import type { Batch } from '../../runtime/batch/column.ts';
import { ByteWriter } from '../../runtime/format/encode/byte-writer.ts';
import { objectLineShape, writeJsonRows } from '../../runtime/format/encode/json.ts';
import { jsonField } from '../../runtime/format/encode/output-field.ts';
import { NOTIFIED_CHANGES_BYTES_MAX } from '../limits.ts';

/** Room for `{"tick":…,"changes":[…]}` around the changes. */
const FRAME_BYTES = 64;

/**
 * Changes of a relation since its listener last heard of it: a row that came and went leaves nothing. What is more than
 * a notification holds is only counted.
 */
export class MergedChanges {
  readonly #columns: Schema;
  /** A row as JSON, to its net count. */
  readonly #counts = new Map<string, number>();
  #bytes = FRAME_BYTES;
  /** Rows that changed, once they no longer fit; null before. */
  #counted: number | null = null;
  #tick = 0;

  constructor(columns: Schema) {
    this.#columns = columns;
  }

  get isEmpty(): boolean {
    return this.#counted === null && this.#counts.size === 0;
  }

  add(batch: Batch, tick: number): void {
    this.#tick = tick;
    if (this.#counted !== null) {
      this.#counted += changedRows(batch);
      return;
    }
    const writer = new ByteWriter();
    const fields = batch.columns.map((column, i) => jsonField(column, this.#columns[i]!.type, batch.rows));
    const shape = objectLineShape(this.#columns);
    for (let row = 0; row < batch.rows; row++) {
      writer.length = 0;
      writeJsonRows(writer, fields, row, row + 1, shape);
      // without the brace it begins with and the line break it ends with
      const text = writer.bytes.toString('utf8', 1, writer.length - 1);
      this.#change(text, batch.weights === null ? 1 : batch.weights[row]!, writer.length);
      if (this.#bytes > NOTIFIED_CHANGES_BYTES_MAX) {
        this.#countOnly(changedRows(batch, row + 1));
        return;
      }
    }
  }

  #change(text: string, weight: number, textBytes: number): void {
    const before = this.#counts.get(text) ?? 0;
    const after = before + weight;
    const bytes = (count: number): number => (count === 0 ? 0 : textBytes + `{"diff":${count},},`.length);
    this.#bytes += bytes(after) - bytes(before);
    if (after === 0) this.#counts.delete(text);
    else this.#counts.set(text, after);
  }

  #countOnly(more: number): void {
    let rows = more;
    for (const count of this.#counts.values()) rows += Math.abs(count);
    this.#counts.clear();
    this.#bytes = FRAME_BYTES;
    this.#counted = rows;
  }

  /** `{"tick":7,"changes":[{"diff":1,"tag":"a"}]}`, retractions first, or `{"tick":7,"rows":1000}`. */
  take(): string {
    const head = `{"tick":${this.#tick},`;
    if (this.#counted !== null) {
      const rows = this.#counted;
      this.#counted = null;
      return `${head}"rows":${rows}}`;
    }
    const changes = [...this.#counts].sort(([, a], [, b]) => Math.sign(a) - Math.sign(b));
    this.#counts.clear();
    this.#bytes = FRAME_BYTES;
    return `${head}"changes":[${changes.map(([text, count]) => `{"diff":${count},${text}`).join(',')}]}`;
  }
}

function changedRows({ rows, weights }: Batch, from = 0): number {
  if (weights === null) return rows - from;
  let sum = 0;
  for (let row = from; row < rows; row++) sum += Math.abs(weights[row]!);
  return sum;
}
