import type { Schema } from '../../common/types.ts';
import type { Batch } from '../../runtime/batch/column.ts';
import { ByteWriter } from '../../runtime/format/encode/byte-writer.ts';
import { arrayShape, writeJsonRows } from '../../runtime/format/encode/json.ts';
import { jsonField } from '../../runtime/format/encode/output-field.ts';
import { type Id, messageHead, rowsStart } from '../live/live-messages.ts';
import type { LiveShape } from '../session/outcome.ts';
import type { RowEvent } from '../session/row-source.ts';
import { keyText } from '../session/tick-rows.ts';

type RowsEvent = Extract<RowEvent, { kind: 'rows' }>;

/**
 * Changes that a slow reader has not taken, consolidated: of each key what it was when the reader last heard of it
 * (−1) and what it is now (+1). Changes that cancel out leave nothing.
 */
export class Conflation {
  readonly #shape: LiveShape;
  readonly #key: readonly number[];
  /** Key to row (JSON) to net count; for upserts to the last row with 1, or −1 for a deletion. */
  readonly #pending = new Map<string, Map<string, number>>();
  #tick = 0;
  bytes = 0;

  constructor(shape: LiveShape, key: readonly number[]) {
    this.#shape = shape;
    this.#key = key;
  }

  get isEmpty(): boolean {
    return this.#pending.size === 0;
  }

  add(event: RowsEvent): void {
    const { batch, deletes } = event;
    this.#tick = event.tick;
    const rows = rowTexts(batch, this.#shape.columns);
    for (let row = 0; row < batch.rows; row++) {
      const key = keyText(batch, this.#shape.columns, this.#key, row);
      if (this.#shape.envelope === 'operations')
        this.#replace(key, rows[row]!, deletes?.[row] === 1 ? -1 : 1);
      else this.#change(key, rows[row]!, batch.weights === null ? 1 : batch.weights[row]!);
    }
  }

  #replace(key: string, row: string, sign: number): void {
    for (const known of this.#pending.get(key)?.keys() ?? []) this.bytes -= size(known);
    this.#pending.set(key, new Map([[row, sign]]));
    this.bytes += size(row);
  }

  #change(key: string, row: string, weight: number): void {
    let counts = this.#pending.get(key);
    if (counts === undefined) {
      counts = new Map();
      this.#pending.set(key, counts);
    }
    const before = counts.get(row);
    const after = (before ?? 0) + weight;
    if (before === undefined) this.bytes += size(row);
    if (after !== 0) {
      counts.set(row, after);
      return;
    }
    counts.delete(row);
    this.bytes -= size(row);
    if (counts.size === 0) this.#pending.delete(key);
  }

  /** One message of all that is pending, retractions of a key before its insertions. */
  take(id: Id): string {
    const rows: string[] = [];
    const weights: number[] = [];
    for (const counts of this.#pending.values()) {
      for (const sign of [-1, 1]) {
        for (const [row, weight] of counts) {
          if (Math.sign(weight) !== sign) continue;
          rows.push(row);
          weights.push(weight);
        }
      }
    }
    this.#pending.clear();
    this.bytes = 0;
    return `${messageHead(id)}${rowsStart(this.#tick)}${rows.join(',')}]${this.#members(weights)}}`;
  }

  #members(weights: readonly number[]): string {
    if (this.#shape.envelope === 'operations') {
      return `,"ops":[${weights.map((weight) => (weight < 0 ? '"delete"' : '"upsert"')).join(',')}]`;
    }
    return this.#shape.envelope === 'none' || this.#shape.appendOnly ? '' : `,"diffs":[${weights.join(',')}]`;
  }
}

/** What an entry takes in memory, about. */
const size = (row: string): number => row.length + 100;

function rowTexts(batch: Batch, columns: Schema): readonly string[] {
  const writer = new ByteWriter();
  const fields = batch.columns.map((column, i) => jsonField(column, columns[i]!.type, batch.rows));
  const shape = arrayShape(columns.length);
  const texts: string[] = [];
  for (let row = 0; row < batch.rows; row++) {
    writer.length = 0;
    writeJsonRows(writer, fields, row, row + 1, shape);
    texts.push(writer.bytes.toString('utf8', 0, writer.length));
  }
  return texts;
}
