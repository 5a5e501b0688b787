/**
 * Windowed reduce, ON WINDOW CLOSE: panes in, one row per group and window out, when the watermark reaches the
 * window's end. After D-Streams' reduceByKeyAndWindow with an inverse (Zaharia et al., SOSP 2013, section 4.1).
 *
 *   rows → [open panes] ─sealed─→ pending ─→ ring of panes inside the window, with totals ─→ (keys, window, results)
 *
 * A slide costs the groups it touches, whatever the size. A window of one pane (TUMBLE) is emitted from the pane
 * itself. Rows that are late for some windows still count in the others: their pane is sealed a second time and joins
 * the totals and the ring.
 */
import type { Schema } from '../../common/types.ts';
import { AggregateSet } from '../aggregate/aggregate-set.ts';
import type { Batch } from '../batch/column.ts';
import { FRESH_ARRAYS, type RecycledArrays } from '../batch/column-arrays.ts';
import type { PlanNode } from '../plan/query-plan.ts';
import { sharesPanes } from '../plan/sharing-key.ts';
import { GroupTable } from '../state/group-table.ts';
import { SealedPane } from '../state/sealed-pane.ts';
import { type GroupSharing, SharedGroups } from '../state/shared-groups.ts';
import type { StateReader, StateWriter } from '../state/state-codec.ts';
import type { PanePartial } from '../state/two-stacks.ts';
import { type WindowShape, windowShape } from '../state/window-shape.ts';
import type { Delta, DStream, QueryContext, StatefulDStream, Tick } from './dstream.ts';
import { emitGroups } from './emit-groups.ts';
import { type HeldPane, PaneInput } from './pane-input.ts';
import { identity, PaneRing, type WindowContents } from './pane-ring.ts';

type WindowedReduceNode = PlanNode & { kind: 'windowed-reduce' };

export class WindowedReduce implements StatefulDStream {
  readonly schema: Schema;
  readonly timeColumns: readonly number[];
  readonly #node: WindowedReduceNode;
  readonly #context: QueryContext;
  readonly #shape: WindowShape;
  /** position of the time attribute's watermark in the input's; −1: windows never close before the end */
  readonly #watermarkOf: number;
  readonly #shared: SharedGroups;
  readonly #leave: () => void;
  readonly #table: GroupTable;
  readonly #input: PaneInput;
  readonly #ring: PaneRing;
  /** null: the whole run is one tick */
  readonly #recycled: RecycledArrays | null;
  /** sealed, not yet in the ring; by pane */
  #pending: HeldPane[] = [];
  #nextWindow = Number.NEGATIVE_INFINITY;
  #watermark = Number.NEGATIVE_INFINITY;

  /** `sharing`: where queries over the same input keep groups and panes together; null: on its own (finite). */
  constructor(input: DStream, node: WindowedReduceNode, context: QueryContext, sharing: GroupSharing | null) {
    this.schema = node.schema;
    this.#node = node;
    this.#context = context;
    this.#shape = windowShape(node.window);
    this.#watermarkOf = input.timeColumns.indexOf(node.time);
    this.timeColumns = this.#watermarkOf < 0 ? [] : node.timeColumns;
    this.#recycled = sharing?.arrays ?? null;
    const joined = sharing?.join(node.input, node.keys);
    this.#shared = joined?.groups ?? new SharedGroups(this.#keyTypes());
    this.#leave = joined?.leave ?? (() => undefined);
    this.#table = this.#shared.table;
    const makeSet = (): AggregateSet => this.#makeSet(0);
    this.#input = new PaneInput(node, this.#shape, this.#shared, makeSet, context);
    this.#ring = new PaneRing(node.aggregates, node.input.schema, this.#table);
  }

  follow(): void {
    if (sharesPanes(this.#node)) this.#input.follow();
  }

  step(tick: Tick, [input]: readonly [Delta]): Delta {
    this.#recycled?.begin(tick.number);
    for (const batch of input.batches) this.#input.admit(tick.number, batch, this.#watermark);
    const watermark = this.#watermarkOf < 0 ? Number.NEGATIVE_INFINITY : input.watermarks[this.#watermarkOf]!;
    const out: Batch[] = [];
    this.#watermark = input.ended ? Number.POSITIVE_INFINITY : Math.max(this.#watermark, watermark);
    this.#takeSealed(tick.number);
    const more = this.#close(out);
    // what was held back is not yet behind the watermark
    const sent = more ? this.#endOf(this.#nextWindow - 1) : this.#watermark;
    return { batches: out, watermarks: this.#outputWatermarks(sent), ended: input.ended && !more, more };
  }

  memoryBytes(): number {
    return (
      this.#table.memoryBytes() / Math.max(1, this.#shared.sharers) +
      this.#input.memoryBytes() +
      this.#ring.memoryBytes() +
      this.#pending.reduce((sum, held) => sum + held.sealed.memoryBytes(), 0)
    );
  }

  save(w: StateWriter): void {
    this.#table.save(w);
    const { firstTime } = this.#input;
    w.value({ nextWindow: this.#nextWindow, watermark: this.#watermark, firstTime });
    for (const list of [this.#input.snapshot(), this.#pending, this.#ring.panes()]) {
      w.number(list.length);
      for (const partial of list) savePartial(w, partial);
    }
  }

  load(r: StateReader): void {
    const table = new GroupTable(this.#keyTypes());
    table.load(r);
    const saved = r.value() as { nextWindow: number; watermark: number; firstTime: number | null };
    this.#nextWindow = saved.nextWindow;
    this.#watermark = saved.watermark;
    const lists = [0, 1, 2].map(() => Array.from({ length: r.number() }, () => this.#loadPartial(r, table)));
    this.#input.restore(lists[0]!, saved.firstTime);
    this.#pending = lists[1]!;
    for (const held of lists[2]!) this.#ring.enter(held);
  }

  close(): void {
    this.#input.close();
    for (const held of this.#pending) held.sealed.release(this.#table);
    this.#pending = [];
    this.#ring.close();
    this.#leave();
  }

  #keyTypes() {
    return this.#node.keys.map((k) => this.#node.input.schema[k]!.type);
  }

  #makeSet(capacity: number): AggregateSet {
    return AggregateSet.create(this.#node.aggregates, this.#node.input.schema, false, capacity);
  }

  #startOf(window: number): number {
    return this.#shape.firstPane(window) * this.#shape.widthMicros + this.#shape.offsetMicros;
  }

  #endOf(window: number): number {
    return this.#shape.endPane(window) * this.#shape.widthMicros + this.#shape.offsetMicros;
  }

  #takeSealed(tick: number): void {
    const sealed = this.#input.seal(tick, this.#watermark);
    if (sealed.length > 0) this.#pending = [...this.#pending, ...sealed].sort((a, b) => a.pane - b.pane);
  }

  /**
   * Emits the windows up to the watermark, in order, touching only panes that hold rows; stops after a bounded number
   * of rows and returns true if there are more.
   */
  #close(out: Batch[]): boolean {
    const last = this.#shape.lastClosed(this.#watermark);
    if (last === Number.NEGATIVE_INFINITY) return false;
    let rows = 0;
    for (;;) {
      this.#ring.leaveBelow(this.#shape.firstPane(this.#nextWindow));
      this.#dropHopeless();
      if (this.#ring.empty) {
        const next = this.#pending[0];
        if (next === undefined) break;
        this.#nextWindow = Math.max(this.#nextWindow, this.#shape.firstWindow(next.pane));
      }
      if (this.#nextWindow > last) break;
      if (rows >= STEP_ROWS_MAX) return true;
      const from = out.length;
      this.#emitWindow(this.#nextWindow, out);
      for (let i = from; i < out.length; i++) rows += out[i]!.rows;
      this.#nextWindow++;
    }
    if (Number.isFinite(last)) this.#nextWindow = Math.max(this.#nextWindow, last + 1);
    // panes of the window that closes next enter as they come, not all at its end
    if (!this.#singlePane) this.#enterUpTo(this.#shape.endPane(this.#nextWindow));
    return false;
  }

  /** Pending panes that no window to come holds. */
  #dropHopeless(): void {
    let drop = 0;
    while (drop < this.#pending.length) {
      const { pane, sealed } = this.#pending[drop]!;
      const last = this.#shape.lastWindow(pane);
      if (last >= this.#nextWindow && this.#shape.firstWindow(pane) <= last) break;
      sealed.release(this.#table);
      drop++;
    }
    if (drop > 0) this.#pending = this.#pending.slice(drop);
  }

  #emitWindow(window: number, out: Batch[]): void {
    const end = this.#shape.endPane(window);
    const [only, other] = this.#pending;
    if (this.#singlePane && this.#ring.empty && (other === undefined || other.pane >= end)) {
      const { groups, count, values, sealed } = only!;
      this.#pending.shift();
      this.#emit(window, { groups, count, set: values, slots: identity(count) }, out);
      sealed.release(this.#table);
      return;
    }
    this.#enterUpTo(end);
    this.#emit(window, this.#ring.contents(), out);
  }

  /** A window is one pane of this node's own width. */
  get #singlePane(): boolean {
    return this.#node.window.kind === 'tumble';
  }

  #enterUpTo(pane: number): void {
    let entering = 0;
    while (entering < this.#pending.length && this.#pending[entering]!.pane < pane)
      this.#ring.enter(this.#pending[entering++]!);
    if (entering > 0) this.#pending = this.#pending.slice(entering);
  }

  #emit(window: number, contents: WindowContents, out: Batch[]): void {
    const { groups, count, set, slots } = contents;
    const { firstTime } = this.#input;
    if (this.#node.partial === false && this.#startOf(window) < (firstTime ?? Number.NEGATIVE_INFINITY))
      return;
    const windows = this.#node.bounds.map((bound) =>
      bound === 'window_start' ? this.#startOf(window) : this.#endOf(window),
    );
    const arrays = this.#recycled ?? FRESH_ARRAYS;
    const { schema } = this;
    emitGroups(
      { table: this.#table, groups, count, set, slots, windows, schema, context: this.#context, arrays },
      out,
    );
  }

  #outputWatermarks(watermark: number): number[] {
    const end = this.#node.keys.length + this.#node.bounds.indexOf('window_end');
    const size = this.#node.window.kind === 'session' ? 0 : this.#node.window.sizeMicros;
    return this.timeColumns.map((column) => (column === end ? watermark : watermark - size));
  }

  /** Its groups get numbers of this operator's table, and references. */
  #loadPartial(r: StateReader, table: GroupTable): HeldPane {
    const pane = r.number();
    const count = r.number();
    const groups = this.#shared.adopt(table, r.array(Uint32Array), count);
    const values = this.#makeSet(count);
    values.load(r);
    return { pane, count, groups, values, sealed: new SealedPane(pane, groups, count, values) };
  }
}

/** Rows of one step: a watermark that jumps closes many windows, and their rows must not all be in memory at once. */
const STEP_ROWS_MAX = 65_536;

function savePartial(w: StateWriter, partial: PanePartial): void {
  w.number(partial.pane);
  w.number(partial.count);
  w.array(partial.groups.subarray(0, partial.count));
  partial.values.save(w);
}
