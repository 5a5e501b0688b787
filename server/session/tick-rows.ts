/**
 * SUBSCRIBE's clauses that need a whole tick at once: ENVELOPE UPSERT turns a tick's changes into the last state of
 * each key, WITHIN TICK ORDER BY sorts them. A tick is whole when a later one or a progress event has come.
 */
import type { Schema, SqlType } from '../../common/types.ts';
import { compareDatum } from '../../common/value-compare.ts';
import { formatDatum } from '../../common/value-text.ts';
import type { Batch } from '../../runtime/batch/column.ts';
import { concatBatches } from '../../runtime/batch/concat.ts';
import { buildColumn, readDatum } from '../../runtime/batch/datum.ts';
import { gatherBatch } from '../../runtime/batch/gather.ts';
import { isValid } from '../../runtime/batch/column.ts';
import type { RowEvent, RowSource } from './row-source.ts';

export type TickOrder = readonly Readonly<{ column: number; descending: boolean; nullsFirst: boolean }>[];

export type TickShape = Readonly<{
  /** The source's columns. */
  schema: Schema;
  /** Ordinals of the key: the answer has its columns first; null = no upserts. */
  upsertKey: readonly number[] | null;
  order: TickOrder;
}>;

export class TickRows implements RowSource {
  readonly #source: RowSource;
  readonly #shape: TickShape;
  #batches: Batch[] = [];
  #tick = 0;
  #snapshot = false;
  readonly #ready: RowEvent[] = [];

  constructor(source: RowSource, shape: TickShape) {
    this.#source = source;
    this.#shape = shape;
  }

  checkBound(): boolean {
    return this.#source.checkBound();
  }

  poll(): RowEvent | null {
    for (;;) {
      const first = this.#ready.shift();
      if (first !== undefined) return first;
      const event = this.#source.poll();
      if (event === null) return null;
      this.#take(event);
    }
  }

  ready(): Promise<void> {
    return this.#ready.length > 0 ? Promise.resolve() : this.#source.ready();
  }

  cancel(): void {
    this.#source.cancel();
  }

  #take(event: RowEvent): void {
    if (event.kind === 'rows') {
      if (event.tick !== this.#tick) this.#flush();
      this.#tick = event.tick;
      this.#snapshot = event.snapshot;
      this.#batches.push(event.batch);
      return;
    }
    if (event.kind !== 'notice') this.#flush();
    this.#ready.push(event);
  }

  #flush(): void {
    if (this.#batches.length === 0) return;
    const { schema, upsertKey, order } = this.#shape;
    // a batch alone stays what it is: others may have encoded it already
    const whole = this.#batches.length === 1 ? this.#batches[0]! : concatBatches(schema, this.#batches);
    this.#batches = [];
    const { batch, deletes } =
      upsertKey === null ? { batch: whole, deletes: null } : upsert(whole, schema, upsertKey);
    const sorted =
      order.length === 0
        ? null
        : sortedRows(batch, arrangedSchema(schema, upsertKey), arrangedOrder(schema, order, upsertKey));
    this.#ready.push({
      kind: 'rows',
      tick: this.#tick,
      snapshot: this.#snapshot,
      batch: sorted === null ? batch : gatherBatch(batch, sorted, batch.rows),
      deletes:
        deletes === null || sorted === null ? deletes : Uint8Array.from(sorted, (row) => deletes[row]!),
    });
  }
}

/** Key columns first, then the others. */
export function arrangement(columns: number, key: readonly number[] | null): readonly number[] {
  if (key === null) return Array.from({ length: columns }, (_, i) => i);
  return [...key, ...Array.from({ length: columns }, (_, i) => i).filter((i) => !key.includes(i))];
}

export const arrangedSchema = (schema: Schema, key: readonly number[] | null): Schema =>
  arrangement(schema.length, key).map((i) => schema[i]!);

function arrangedOrder(schema: Schema, order: TickOrder, key: readonly number[] | null): TickOrder {
  const places = arrangement(schema.length, key);
  return order.map((term) => ({ ...term, column: places.indexOf(term.column) }));
}

/** Of each key the row that is there after the tick, or a deletion. */
function upsert(
  batch: Batch,
  schema: Schema,
  key: readonly number[],
): Readonly<{ batch: Batch; deletes: Uint8Array }> {
  const last = new Map<string, { row: number; weight: number }>();
  for (let row = 0; row < batch.rows; row++) {
    const weight = batch.weights === null ? 1 : batch.weights[row]!;
    if (weight === 0) continue;
    const text = keyText(batch, schema, key, row);
    const known = last.get(text);
    // An insertion wins over the deletion of the state before it, in whatever order they come.
    if (known === undefined) last.set(text, { row, weight });
    else if (weight > 0 || known.weight < 0) last.set(text, { row, weight });
  }
  const entries = [...last.values()];
  const rows = Uint32Array.from(entries, (entry) => entry.row);
  const deletes = Uint8Array.from(entries, (entry) => (entry.weight < 0 ? 1 : 0));
  const chosen = gatherBatch({ ...batch, weights: null }, rows, rows.length);
  const columns = arrangement(schema.length, key).map((i) => {
    if (key.includes(i)) return chosen.columns[i]!;
    const type = schema[i]!.type;
    if (!deletes.includes(1)) return chosen.columns[i]!;
    const datums = entries.map((_, row) =>
      deletes[row] === 1 || !isValid(chosen.columns[i]!.valid, row)
        ? null
        : readDatum(chosen.columns[i]!, row, type),
    );
    return buildColumn(type, datums);
  });
  return { batch: { rows: rows.length, columns, weights: null }, deletes };
}

/** Distinct for distinct keys: lengths stand before the texts. */
export function keyText(batch: Batch, schema: Schema, key: readonly number[], row: number): string {
  let text = '';
  for (const ordinal of key) {
    const column = batch.columns[ordinal]!;
    if (!isValid(column.valid, row)) {
      text += 'n';
      continue;
    }
    const { type } = schema[ordinal]!;
    const part = datumKey(readDatum(column, row, type), type);
    text += `${part.length}:${part}`;
  }
  return text;
}

/** Values that SQL holds equal have one text: 0 and -0, 1.0 and 1.00. */
function datumKey(datum: unknown, type: SqlType): string {
  if (typeof datum === 'number') return `${datum + 0}`;
  const text = formatDatum(datum, type);
  return type.name === 'numeric' && text.includes('.') ? text.replace(/[.]?0+$/, '') : text;
}

function sortedRows(batch: Batch, schema: Schema, order: TickOrder): Uint32Array {
  const keys = order.map((term) => {
    const { type } = schema[term.column]!;
    const column = batch.columns[term.column]!;
    const datums = Array.from({ length: batch.rows }, (_, row) =>
      isValid(column.valid, row) ? readDatum(column, row, type) : null,
    );
    return { ...term, type, datums };
  });
  const rows = Uint32Array.from({ length: batch.rows }, (_, row) => row);
  return rows.sort((a, b) => {
    for (const { datums, type, descending, nullsFirst } of keys) {
      const left = datums[a];
      const right = datums[b];
      if (left === null || right === null) {
        if (left !== right) return (left === null) === nullsFirst ? -1 : 1;
        continue;
      }
      const compared = compareDatum(left, right, type);
      if (compared !== 0) return descending ? -compared : compared;
    }
    return a - b;
  });
}
