/**
 * The rows of a windowed reduce on their way into panes. A query that runs alone, reads its own source, or is still
 * reading what was there before it keeps panes of its own; once it follows the same ticks as others, rows go to panes
 * it shares with them. Late rows are told here: each query has its own windows.
 */
import { AggregateSet } from '../aggregate/aggregate-set.ts';
import { type Batch, isValid } from '../batch/column.ts';
import { gatherBatch } from '../batch/gather.ts';
import type { PlanNode } from '../plan/query-plan.ts';
import { panesOf, timeScale } from '../state/pane-grid.ts';
import { PaneStore } from '../state/pane-store.ts';
import type { SealedPane } from '../state/sealed-pane.ts';
import type { SharedGroups } from '../state/shared-groups.ts';
import type { PaneShare } from '../state/shared-panes.ts';
import type { PanePartial } from '../state/two-stacks.ts';
import type { WindowShape } from '../state/window-shape.ts';
import type { QueryContext } from './dstream.ts';
import { noticePartialWindows } from './partial-windows.ts';

type WindowedReduceNode = PlanNode & { kind: 'windowed-reduce' };

/** A sealed pane as one window store sees it: its number in that store's panes, its values in the order of its calls. */
export type HeldPane = PanePartial & Readonly<{ sealed: SealedPane }>;

export class PaneInput {
  readonly #node: WindowedReduceNode;
  readonly #shape: WindowShape;
  readonly #groups: SharedGroups;
  readonly #context: QueryContext;
  readonly #makeSet: () => AggregateSet;
  readonly #own: PaneStore;
  #share: PaneShare | null = null;
  /** where this node's aggregates stand in the shared panes' */
  #places: readonly number[] = [];
  #firstTime: number | null = null;
  #paneOf = new Float64Array(4096);

  constructor(
    node: WindowedReduceNode,
    shape: WindowShape,
    groups: SharedGroups,
    makeSet: () => AggregateSet,
    context: QueryContext,
  ) {
    this.#node = node;
    this.#shape = shape;
    this.#groups = groups;
    this.#context = context;
    this.#makeSet = makeSet;
    this.#own = new PaneStore(groups.table, makeSet());
  }

  /** Time of the first row, µs; null: none came. */
  get firstTime(): number | null {
    return this.#firstTime;
  }

  /** From now on every batch is one that all queries over the same input get in the same tick. */
  follow(): void {
    const { aggregates: calls, time } = this.#node;
    const { share, places } = this.#groups.joinPanes({
      grid: this.#shape,
      time,
      calls,
      makeSet: this.#makeSet,
    });
    this.#share = share;
    this.#places = places;
  }

  /** Rows of one batch; `watermark`: at the start of the tick. */
  admit(tick: number, all: Batch, watermark: number): void {
    if (all.rows === 0) return;
    const column = all.columns[this.#node.time]!;
    if (this.#firstTime === null) {
      const { values } = column as { values: Float64Array | Int32Array };
      this.#firstTime = values[0]! * timeScale(column);
      noticePartialWindows(this.#shape, this.#firstTime, this.#context);
    }
    const closed = this.#shape.lastClosed(watermark);
    // every pane below this one belongs to a window that has closed
    const lateBelow = closed === Number.NEGATIVE_INFINITY ? closed : this.#shape.endPane(closed);
    let ownBefore = Number.POSITIVE_INFINITY;
    if (this.#share !== null) {
      const { complete, least } = this.#share.admit(tick, all, (t, batch) => this.#number(t, batch));
      ownBefore = this.#share.from;
      if (complete && least >= ownBefore && least >= this.#startOf(lateBelow)) return;
    }
    if (this.#paneOf.length < all.rows) this.#paneOf = new Float64Array(all.rows);
    const least = panesOf(column, this.#shape, all.rows, this.#paneOf);
    const whole =
      column.valid === null &&
      least >= lateBelow &&
      ownBefore === Number.POSITIVE_INFINITY &&
      this.#everyPaneHasAWindow;
    const batch = whole ? all : this.#chosen(all, { watermark, closed, lateBelow, ownBefore });
    if (batch.rows > 0) this.#own.add(batch, this.#paneOf, this.#number(tick, batch));
  }

  /** Panes that are complete, oldest first: all rows of windows up to the last that closes at this watermark. */
  seal(tick: number, watermark: number): HeldPane[] {
    const last = this.#shape.lastClosed(watermark);
    const below = Number.isFinite(last) ? this.#shape.endPane(last) : last;
    const held = this.#own.seal(below).map((sealed) => ownPane(sealed));
    if (this.#share === null) return held;
    held.push(...this.#share.take(tick, watermark).map((sealed) => this.#sharedPane(sealed)));
    return held.sort((a, b) => a.pane - b.pane);
  }

  /** Copies of the open panes. */
  snapshot(): PanePartial[] {
    const shared = this.#share?.snapshot() ?? [];
    return [
      ...this.#own.snapshot(),
      ...shared.map((open) => ({
        ...open,
        pane: this.#paneAt(open.pane),
        values: this.#arranged(open.values),
      })),
    ];
  }

  restore(partials: readonly PanePartial[], firstTime: number | null): void {
    this.#firstTime = firstTime;
    for (const partial of partials) this.#own.restore(partial);
  }

  close(): void {
    this.#own.release();
    this.#share?.leave();
  }

  memoryBytes(): number {
    return this.#own.memoryBytes() + (this.#share?.panes.memoryBytes() ?? 0);
  }

  get #everyPaneHasAWindow(): boolean {
    return this.#node.window.kind !== 'hop' || this.#node.window.slideMicros <= this.#node.window.sizeMicros;
  }

  #number(tick: number, batch: Batch): Uint32Array {
    return this.#groups.intern(tick, batch, this.#node.keys);
  }

  #startOf(pane: number): number {
    return pane * this.#shape.widthMicros + this.#shape.offsetMicros;
  }

  /** The own pane in which a shared one lies. */
  #paneAt(shared: number): number {
    const start = this.#share!.panes.startOf(shared);
    return Math.floor((start - this.#shape.offsetMicros) / this.#shape.widthMicros);
  }

  #sharedPane(sealed: SealedPane): HeldPane {
    const { groups, count } = sealed;
    return { pane: this.#paneAt(sealed.pane), groups, count, values: this.#arranged(sealed.values), sealed };
  }

  #arranged(values: AggregateSet): AggregateSet {
    return new AggregateSet(
      this.#node.aggregates,
      this.#places.map((place) => values.accumulators[place]!),
      values.counts,
    );
  }

  /**
   * The rows that own panes take: none without a time, none all of whose windows have closed, none between windows,
   * none that the shared panes have. `#paneOf` follows. Rows late for any window are told.
   */
  #chosen(
    batch: Batch,
    bounds: Readonly<{ watermark: number; closed: number; lateBelow: number; ownBefore: number }>,
  ): Batch {
    const { watermark, closed, lateBelow, ownBefore } = bounds;
    const column = batch.columns[this.#node.time]!;
    const { values } = column as { values: Float64Array | Int32Array };
    const scale = timeScale(column);
    const keep = new Uint32Array(batch.rows);
    let count = 0;
    for (let i = 0; i < batch.rows; i++) {
      if (!isValid(column.valid, i)) continue;
      const pane = this.#paneOf[i]!;
      if (!Number.isFinite(pane)) continue;
      const last = this.#shape.lastWindow(pane);
      if (this.#shape.firstWindow(pane) > last) continue;
      const time = values[i]! * scale;
      if (pane < lateBelow) this.#context.late(time, watermark, this.#inputSchema, batch, i);
      if (last <= closed || time >= ownBefore) continue;
      this.#paneOf[count] = pane;
      keep[count++] = i;
    }
    return count === batch.rows ? batch : gatherBatch(batch, keep, count);
  }

  get #inputSchema() {
    return this.#node.input.schema;
  }
}

const ownPane = (sealed: SealedPane): HeldPane => {
  const { pane, groups, count, values } = sealed;
  return { pane, groups, count, values, sealed };
};
