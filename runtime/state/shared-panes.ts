/**
 * One pane store for all windows over the same input, keys and aggregates, whatever their sizes and slides: a row is
 * added once, and a pane is kept once, however many windows hold it.
 *
 *   rows ─→ SharedPanes: panes of `width` ──sealed──┬─→ share of view 1: panes of width · 1
 *                                                   ├─→ share of view 2: panes of width · 60
 *                                                   └─→ …
 *
 * Whoever is the first to step in a tick adds its batches; the others find them there. A share that joins later takes
 * only panes that begin at or after `from`, the end of the last pane the store had a row for: of earlier panes the
 * store may know rows that the newcomer does not count. What lies before `from` it keeps for itself.
 */
import { assert } from '../../common/assert.ts';
import type { AggregateSet } from '../aggregate/aggregate-set.ts';
import type { Batch } from '../batch/column.ts';
import { gatherBatch } from '../batch/gather.ts';
import type { AggregateCall } from '../plan/query-plan.ts';
import type { GroupTable } from './group-table.ts';
import { PaneStore } from './pane-store.ts';
import { panesOf, type PaneGrid } from './pane-grid.ts';
import type { SealedPane } from './sealed-pane.ts';

export type PaneOptions = Readonly<{
  grid: PaneGrid;
  /** ordinal of the time attribute in the input */
  time: number;
  calls: readonly AggregateCall[];
  makeSet: () => AggregateSet;
}>;

/** Numbers a batch's groups, good until the next call. */
export type NumberGroups = (tick: number, batch: Batch) => Uint32Array;

/** What became of a batch: no row was left out, and none has a time before `least`, µs. */
type Admitted = Readonly<{ rows: number; complete: boolean; least: number }>;

export class SharedPanes {
  readonly grid: PaneGrid;
  readonly table: GroupTable;
  readonly #options: PaneOptions;
  readonly #store: PaneStore;
  readonly #shares = new Set<PaneShare>();
  #tick = Number.NaN;
  #admitted: Admitted[] = [];
  /** sealed panes that a share has not taken yet; the first has the number `#firstSealed` */
  #sealed: SealedPane[] = [];
  #firstSealed = 0;
  #paneOf = new Float64Array(4096);

  constructor(table: GroupTable, options: PaneOptions) {
    this.grid = options.grid;
    this.table = table;
    this.#options = options;
    this.#store = new PaneStore(table, options.makeSet());
  }

  /** Places here of the calls of a window with this grid; null: it can't share these panes. */
  placesOf({ grid, time, calls }: PaneOptions): readonly number[] | null {
    const { widthMicros, offsetMicros } = this.grid;
    const fits =
      grid.widthMicros % widthMicros === 0 && (grid.offsetMicros - offsetMicros) % widthMicros === 0;
    if (!fits || time !== this.#options.time) return null;
    const known = this.#options.calls.map((call) => JSON.stringify(call));
    const places = calls.map((call) => known.indexOf(JSON.stringify(call)));
    return places.includes(-1) ? null : places;
  }

  join(): PaneShare {
    const greatest = this.#store.greatest;
    const from = greatest === Number.NEGATIVE_INFINITY ? greatest : this.startOf(greatest + 1);
    const share = new PaneShare(this, from, this.#firstSealed + this.#sealed.length);
    this.#shares.add(share);
    return share;
  }

  get sharers(): number {
    return this.#shares.size;
  }

  startOf(pane: number): number {
    return pane * this.grid.widthMicros + this.grid.offsetMicros;
  }

  /** The tick's batch number `index`. */
  admit(tick: number, index: number, batch: Batch, numberGroups: NumberGroups): Admitted {
    if (tick !== this.#tick) this.#begin(tick);
    const known = this.#admitted[index];
    if (known !== undefined) {
      assert(known.rows === batch.rows, 'shared panes: sharers see the same batches');
      return known;
    }
    assert(index === this.#admitted.length, 'shared panes: sharers see all batches');
    const admitted = this.#add(tick, batch, numberGroups);
    this.#admitted.push(admitted);
    return admitted;
  }

  /** Seals the panes that end at or before the watermark. */
  seal(watermark: number): void {
    const { widthMicros, offsetMicros } = this.grid;
    const below = Number.isFinite(watermark)
      ? Math.floor((watermark - offsetMicros) / widthMicros)
      : watermark;
    for (const sealed of this.#store.seal(below)) {
      sealed.hold(this.#shares.size);
      this.#sealed.push(sealed);
    }
  }

  /** Panes sealed from this number on, and the number of the next. */
  sealedFrom(cursor: number): { sealed: readonly SealedPane[]; next: number } {
    const next = this.#firstSealed + this.#sealed.length;
    return { sealed: this.#sealed.slice(cursor - this.#firstSealed), next };
  }

  snapshot() {
    return this.#store.snapshot();
  }

  leave(share: PaneShare): void {
    if (!this.#shares.delete(share)) return;
    if (this.#shares.size === 0) this.#store.release();
  }

  memoryBytes(): number {
    return this.#store.memoryBytes() / Math.max(1, this.#shares.size);
  }

  #begin(tick: number): void {
    // every share steps in every tick with news: one that did not has failed and will never step again
    for (const share of [...this.#shares]) if (share.tick < this.#tick) share.leave();
    this.#tick = tick;
    this.#admitted = [];
    const taken = Math.min(...[...this.#shares].map((share) => share.cursor));
    this.#sealed = this.#sealed.slice(taken - this.#firstSealed);
    this.#firstSealed = taken;
  }

  #add(tick: number, all: Batch, numberGroups: NumberGroups): Admitted {
    const column = all.columns[this.#options.time]!;
    if (this.#paneOf.length < all.rows) this.#paneOf = new Float64Array(all.rows);
    const least = panesOf(column, this.grid, all.rows, this.#paneOf);
    let batch = all;
    const complete = column.valid === null && Number.isFinite(least);
    if (!complete) batch = this.#withTime(all);
    if (batch.rows > 0) this.#store.add(batch, this.#paneOf, numberGroups(tick, batch));
    return { rows: all.rows, complete, least: this.startOf(least) };
  }

  /** Rows that have a time; their panes follow. */
  #withTime(batch: Batch): Batch {
    const { valid } = batch.columns[this.#options.time]!;
    const keep = new Uint32Array(batch.rows);
    let count = 0;
    for (let i = 0; i < batch.rows; i++) {
      const pane = this.#paneOf[i]!;
      if ((valid !== null && ((valid[i >> 3]! >> (i & 7)) & 1) === 0) || !Number.isFinite(pane)) continue;
      this.#paneOf[count] = pane;
      keep[count++] = i;
    }
    return gatherBatch(batch, keep, count);
  }
}

/** One window store's part in shared panes. */
export class PaneShare {
  readonly panes: SharedPanes;
  /** µs: rows from here on are in the shared panes. */
  readonly from: number;
  cursor: number;
  /** It stepped last in this tick. */
  tick = Number.NaN;
  #index = 0;
  #left = false;

  constructor(panes: SharedPanes, from: number, cursor: number) {
    this.panes = panes;
    this.from = from;
    this.cursor = cursor;
  }

  admit(tick: number, batch: Batch, numberGroups: NumberGroups): Admitted {
    assert(!this.#left, 'shared panes: a sharer steps in every tick');
    this.#step(tick);
    return this.panes.admit(tick, this.#index++, batch, numberGroups);
  }

  /** The panes sealed since the last call, up to this watermark. Each is to be released. */
  take(tick: number, watermark: number): SealedPane[] {
    this.#step(tick);
    this.panes.seal(watermark);
    const { sealed, next } = this.panes.sealedFrom(this.cursor);
    this.cursor = next;
    const taken: SealedPane[] = [];
    for (const pane of sealed) {
      if (this.panes.startOf(pane.pane) >= this.from) taken.push(pane);
      else pane.release(this.panes.table);
    }
    return taken;
  }

  /** Copies of the open panes it takes from, for a checkpoint. */
  snapshot() {
    return this.panes.snapshot().filter((open) => this.panes.startOf(open.pane) >= this.from);
  }

  leave(): void {
    if (this.#left) return;
    this.#left = true;
    for (const pane of this.panes.sealedFrom(this.cursor).sealed) pane.release(this.panes.table);
    this.panes.leave(this);
  }

  #step(tick: number): void {
    if (tick !== this.tick) this.#index = 0;
    this.tick = tick;
  }
}
