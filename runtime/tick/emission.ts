/**
 * From the root's delta to what a query sends: the visible columns, in the order asked for, with EVERY's periods and
 * LIMIT applied.
 */
import type { Schema } from '../../common/types.ts';
import type { Batch } from '../batch/column.ts';
import { rowComparator } from '../batch/compare-rows.ts';
import { compactBatch, concatBatches } from '../batch/concat.ts';
import { consolidate } from '../batch/consolidate.ts';
import { gatherBatch } from '../batch/gather.ts';
import { decodeBatch, encodeBatch } from '../format/batch-codec.ts';
import type { Delta, Tick } from '../dstream/dstream.ts';
import type { QueryPlan, SortKey } from '../plan/query-plan.ts';
import type { StateReader, StateWriter } from '../state/state-codec.ts';

export class Emission {
  readonly #plan: QueryPlan;
  readonly #rootSchema: Schema;
  readonly #order: readonly SortKey[];
  #held: Batch[] = [];
  #periodEnd: number | null = null;
  #skip = 0;
  #left = Number.POSITIVE_INFINITY;

  constructor(plan: QueryPlan, timeColumns: readonly number[]) {
    this.#plan = plan;
    this.#rootSchema = plan.root.schema;
    this.restart();
    const windowEnd = plan.emit.kind === 'close' ? timeColumns.at(-1) : undefined;
    const byWindow: SortKey[] =
      windowEnd === undefined ? [] : [{ column: windowEnd, descending: false, nullsFirst: false }];
    this.#order = plan.order.length === 0 ? [] : [...byWindow, ...plan.order];
  }

  /** OFFSET and LIMIT count from here on. */
  restart(): void {
    this.#skip = this.#plan.offset;
    this.#left = this.#plan.limit ?? Number.POSITIVE_INFINITY;
  }

  /** LIMIT is used up: the query ends. */
  get finished(): boolean {
    return this.#left <= 0;
  }

  /** Rows to send now, visible columns only. */
  emit(tick: Tick, delta: Delta): Batch[] {
    let batches = delta.batches.filter((b) => b.rows > 0);
    if (this.#plan.emit.kind === 'every')
      batches = this.#everyPeriod(tick, batches, delta.ended, this.#plan.emit.periodMicros);
    if (this.#order.length > 0 && batches.length > 0) batches = [this.#sorted(batches)];
    return this.#limited(batches).map((batch) => this.visible(batch));
  }

  /** What a period still holds back: at the start it is part of the current result, not of what comes later. */
  flush(): Batch[] {
    const out = consolidate(this.#rootSchema, this.#held);
    this.#held = [];
    return this.#limited(out).map((batch) => this.visible(batch));
  }

  visible(batch: Batch): Batch {
    return { ...batch, columns: this.#plan.output.map((ordinal) => batch.columns[ordinal]!) };
  }

  get memoryBytes(): number {
    return this.#held.reduce((sum, b) => sum + 64 * b.rows, 0);
  }

  save(w: StateWriter): void {
    w.value({ periodEnd: this.#periodEnd, skip: this.#skip, left: this.#left });
    w.number(this.#held.length);
    for (const batch of this.#held) w.array(encodeBatch(this.#rootSchema, batch));
  }

  load(r: StateReader): void {
    const saved = r.value() as { periodEnd: number | null; skip: number; left: number };
    this.#periodEnd = saved.periodEnd;
    this.#skip = saved.skip;
    this.#left = saved.left;
    this.#held = Array.from({ length: r.number() }, () => decodeBatch(this.#rootSchema, r.array(Uint8Array)));
  }

  /** Changes wait for the end of their period and leave consolidated. Periods are aligned to the epoch. */
  #everyPeriod(tick: Tick, batches: readonly Batch[], ended: boolean, period: number): Batch[] {
    this.#held.push(...batches.map((b) => compactBatch(this.#rootSchema, b)));
    this.#periodEnd ??= (Math.floor(tick.time / period) + 1) * period;
    if (tick.time < this.#periodEnd && !ended) return [];
    this.#periodEnd = (Math.floor(tick.time / period) + 1) * period;
    const out = consolidate(this.#rootSchema, this.#held);
    this.#held = [];
    return out;
  }

  #sorted(batches: readonly Batch[]): Batch {
    const all = concatBatches(this.#rootSchema, batches);
    const rows = Uint32Array.from({ length: all.rows }, (_, i) => i).sort(
      rowComparator(this.#rootSchema, all, this.#order, false),
    );
    return gatherBatch(all, rows, rows.length);
  }

  #limited(batches: readonly Batch[]): Batch[] {
    if (this.#skip === 0 && this.#left === Number.POSITIVE_INFINITY) return [...batches];
    const out: Batch[] = [];
    for (const batch of batches) {
      const from = Math.min(this.#skip, batch.rows);
      this.#skip -= from;
      const count = Math.min(batch.rows - from, this.#left);
      this.#left -= count;
      if (count <= 0) continue;
      const rows = Uint32Array.from({ length: count }, (_, i) => from + i);
      out.push(gatherBatch(batch, rows, count));
    }
    return out;
  }
}
