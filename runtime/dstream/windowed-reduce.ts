/**
 * Windowed reduce, ON WINDOW CLOSE: panes in, one row per group and window out, when the watermark reaches the
 * window's end. After D-Streams' reduceByKeyAndWindow with an inverse (Zaharia et al., SOSP 2013, section 4.1).
 *
 *        sealed panes     ring: panes inside the window          emitted
 *    rows → [open panes] → [p7][p6][p5][p4][p3] → totals ──────→ (keys, window, results)
 *                           enters: totals ⊕ p7      leaves: totals ⊖ p3
 *
 * Aggregates with an inverse live in `totals`; the others in two stacks over the same panes. A slide costs the groups
 * it touches, whatever the size. A window of one pane (TUMBLE) is emitted from the pane itself. Rows that are late for
 * some windows still count in the others: their pane is sealed a second time and joins the totals and the ring.
 */
import type { Schema } from '../../common/types.ts';
import { AggregateSet } from '../aggregate/aggregate-set.ts';
import { isInvertible } from '../aggregate/accumulator.ts';
import { createAccumulator } from '../aggregate/create-accumulator.ts';
import type { Batch, Column } from '../batch/column.ts';
import { isValid } from '../batch/column.ts';
import { FRESH_ARRAYS, RecycledArrays } from '../batch/column-arrays.ts';
import { gatherBatch } from '../batch/gather.ts';
import type { PlanNode } from '../plan/query-plan.ts';
import { GroupTable } from '../state/group-table.ts';
import { PaneStore } from '../state/pane-store.ts';
import { SharedGroups, type GroupSharing } from '../state/shared-groups.ts';
import type { StateReader, StateWriter } from '../state/state-codec.ts';
import { TwoStacks, type PanePartial } from '../state/two-stacks.ts';
import { windowShape, type WindowShape } from '../state/window-shape.ts';
import type { Delta, QueryContext, StatefulDStream, DStream, Tick } from './dstream.ts';
import { emitGroups } from './emit-groups.ts';
import { noticePartialWindows } from './partial-windows.ts';

type WindowedReduceNode = PlanNode & { kind: 'windowed-reduce' };

export class WindowedReduce implements StatefulDStream {
  readonly schema: Schema;
  readonly timeColumns: readonly number[];
  readonly #node: WindowedReduceNode;
  readonly #inputSchema: Schema;
  readonly #context: QueryContext;
  readonly #shape: WindowShape;
  readonly #singlePane: boolean;
  /** position of the time attribute's watermark in the input's; −1: windows never close before the end */
  readonly #watermarkOf: number;
  readonly #shared: SharedGroups;
  readonly #leave: () => void;
  readonly #table: GroupTable;
  readonly #panes: PaneStore;
  readonly #inverse: readonly number[];
  readonly #folded: readonly number[];
  readonly #totals: AggregateSet;
  readonly #stacks: TwoStacks | null;
  /** sealed, not yet part of the totals; by pane */
  #pending: PanePartial[] = [];
  /** part of the totals; by pane, `#ringHead` the oldest */
  #ring: PanePartial[] = [];
  #ringHead = 0;
  #nextWindow = Number.NEGATIVE_INFINITY;
  #watermark = Number.NEGATIVE_INFINITY;
  #firstTime: number | null = null;
  #live = new Uint32Array(256);
  #paneOf = new Float64Array(4096);
  /** null: the whole run is one tick */
  readonly #recycled: RecycledArrays | null;

  /** `sharing`: where queries over the same input number their groups together; null: on its own (finite). */
  constructor(input: DStream, node: WindowedReduceNode, context: QueryContext, sharing: GroupSharing | null) {
    this.schema = node.schema;
    this.#node = node;
    this.#inputSchema = input.schema;
    this.#context = context;
    this.#shape = windowShape(node.window);
    this.#singlePane =
      this.#shape.endPane(0) - this.#shape.firstPane(0) === 1 && node.window.kind !== 'cumulate';
    this.#watermarkOf = input.timeColumns.indexOf(node.time);
    this.timeColumns = this.#watermarkOf < 0 ? [] : node.timeColumns;
    const types = node.keys.map((k) => input.schema[k]!.type);
    const joined = sharing?.join(node.input, node.keys);
    this.#recycled = sharing === null ? null : new RecycledArrays();
    this.#shared = joined?.groups ?? new SharedGroups(types);
    this.#leave = joined?.leave ?? (() => undefined);
    this.#table = this.#shared.table;
    this.#panes = new PaneStore(
      this.#table,
      this.#makeSet(
        node.aggregates.map((_, i) => i),
        0,
      ),
    );
    const inverse: number[] = [];
    const folded: number[] = [];
    node.aggregates.forEach((call, i) => {
      const types = call.args.map((a) => input.schema[a]!.type);
      (isInvertible(createAccumulator(call, types, false, 0)) ? inverse : folded).push(i);
    });
    this.#inverse = inverse;
    this.#folded = folded;
    this.#totals = this.#makeSet(inverse, 0);
    this.#stacks = folded.length === 0 ? null : new TwoStacks((capacity) => this.#makeSet(folded, capacity));
  }

  step(tick: Tick, [input]: readonly [Delta]): Delta {
    this.#recycled?.begin(tick.number);
    for (const batch of input.batches) this.#admit(tick.number, batch);
    const watermark = this.#watermarkOf < 0 ? Number.NEGATIVE_INFINITY : input.watermarks[this.#watermarkOf]!;
    const out: Batch[] = [];
    this.#watermark = input.ended ? Number.POSITIVE_INFINITY : Math.max(this.#watermark, watermark);
    const more = this.#close(out);
    // what was held back is not yet behind the watermark
    const sent = more ? this.#endOf(this.#nextWindow - 1) : this.#watermark;
    return { batches: out, watermarks: this.#outputWatermarks(sent), ended: input.ended && !more, more };
  }

  memoryBytes(): number {
    const partials = [...this.#ring.slice(this.#ringHead), ...this.#pending];
    return (
      this.#table.memoryBytes() / Math.max(1, this.#shared.sharers) +
      this.#panes.memoryBytes() +
      (this.#recycled?.bytes ?? 0) +
      this.#totals.memoryBytes() +
      (this.#stacks?.memoryBytes() ?? 0) +
      partials.reduce((sum, p) => sum + p.groups.byteLength + p.values.memoryBytes(), 0)
    );
  }

  save(w: StateWriter): void {
    this.#table.save(w);
    w.value({ nextWindow: this.#nextWindow, watermark: this.#watermark, firstTime: this.#firstTime });
    for (const list of [this.#panes.snapshot(), this.#pending, this.#ring.slice(this.#ringHead)]) {
      w.number(list.length);
      for (const partial of list) savePartial(w, partial);
    }
  }

  load(r: StateReader): void {
    const table = new GroupTable(this.#node.keys.map((k) => this.#inputSchema[k]!.type));
    table.load(r);
    const saved = r.value() as { nextWindow: number; watermark: number; firstTime: number | null };
    this.#nextWindow = saved.nextWindow;
    this.#watermark = saved.watermark;
    this.#firstTime = saved.firstTime;
    const lists = [0, 1, 2].map(() => Array.from({ length: r.number() }, () => this.#loadPartial(r, table)));
    for (const partial of lists[0]!) this.#panes.restore(partial);
    this.#pending = lists[1]!;
    for (const partial of lists[2]!) this.#enter(partial);
  }

  close(): void {
    this.#panes.release();
    for (const { groups, count } of [...this.#pending, ...this.#ring.slice(this.#ringHead)])
      this.#table.releaseAll(groups, count);
    this.#pending = [];
    this.#ring = [];
    this.#ringHead = 0;
    this.#leave();
  }

  #makeSet(calls: readonly number[], capacity: number): AggregateSet {
    return AggregateSet.create(
      calls.map((i) => this.#node.aggregates[i]!),
      this.#inputSchema,
      false,
      capacity,
    );
  }

  /** Rows of one batch into their panes. */
  #admit(tick: number, all: Batch): void {
    const column = all.columns[this.#node.time]!;
    if (column.kind !== 'float64' && column.kind !== 'int32')
      throw new TypeError('time attribute in another layout');
    if (this.#paneOf.length < all.rows) {
      this.#paneOf = new Float64Array(all.rows);
    }
    const scale = column.kind === 'int32' ? MICROS_PER_DAY : 1;
    const { widthMicros, offsetMicros } = this.#shape;
    const least = panesOf(column.values, scale, offsetMicros, widthMicros, all.rows, this.#paneOf);
    if (this.#firstTime === null && all.rows > 0) {
      this.#firstTime = column.values[0]! * scale;
      noticePartialWindows(this.#shape, this.#firstTime, this.#context);
    }
    const open = this.#shape.lastClosed(this.#watermark);
    // every pane below this one belongs to a window that has closed
    const lateBelow = open === Number.NEGATIVE_INFINITY ? open : this.#shape.endPane(open);
    const clean = column.valid === null && least >= lateBelow && this.#everyPaneHasAWindow;
    const batch = clean ? all : this.#withoutLate(all, column, scale, lateBelow, open);
    if (batch.rows === 0) return;
    this.#panes.add(batch, this.#paneOf, this.#shared.intern(tick, batch, this.#node.keys));
  }

  get #everyPaneHasAWindow(): boolean {
    return this.#node.window.kind !== 'hop' || this.#node.window.slideMicros <= this.#node.window.sizeMicros;
  }

  /** Leaves out rows without a time, rows all of whose windows have closed, and rows between windows; `#paneOf` follows. */
  #withoutLate(batch: Batch, column: Column, scale: number, lateBelow: number, lastClosed: number): Batch {
    const values = (column as { values: Float64Array | Int32Array }).values;
    const keep = new Uint32Array(batch.rows);
    let count = 0;
    for (let i = 0; i < batch.rows; i++) {
      if (column.valid !== null && !isValid(column.valid, i)) continue;
      const pane = this.#paneOf[i]!;
      if (!Number.isFinite(pane)) continue;
      const last = this.#shape.lastWindow(pane);
      if (this.#shape.firstWindow(pane) > last) continue;
      if (pane < lateBelow)
        this.#context.late(values[i]! * scale, this.#watermark, this.#inputSchema, batch, i);
      if (last <= lastClosed) continue;
      this.#paneOf[count] = pane;
      keep[count++] = i;
    }
    return count === batch.rows ? batch : gatherBatch(batch, keep, count);
  }

  #startOf(window: number): number {
    return this.#shape.firstPane(window) * this.#shape.widthMicros + this.#shape.offsetMicros;
  }

  #endOf(window: number): number {
    return this.#shape.endPane(window) * this.#shape.widthMicros + this.#shape.offsetMicros;
  }

  /**
   * Emits the windows up to the watermark, in order, touching only panes that hold rows; stops after a bounded number
   * of rows and returns true if there are more.
   */
  #close(out: Batch[]): boolean {
    const last = this.#shape.lastClosed(this.#watermark);
    if (last === Number.NEGATIVE_INFINITY) return false;
    let rows = 0;
    const sealBelow = last === Number.POSITIVE_INFINITY ? last : this.#shape.endPane(last);
    const sealed = this.#panes.seal(sealBelow);
    if (sealed.length > 0) this.#pending = [...this.#pending, ...sealed].sort((a, b) => a.pane - b.pane);
    for (;;) {
      this.#leaveBelow(this.#shape.firstPane(this.#nextWindow));
      this.#dropHopeless();
      if (this.#ringHead === this.#ring.length) {
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
    return false;
  }

  /** Pending panes that no window to come holds. */
  #dropHopeless(): void {
    let drop = 0;
    while (drop < this.#pending.length) {
      const partial = this.#pending[drop]!;
      const last = this.#shape.lastWindow(partial.pane);
      if (last >= this.#nextWindow && this.#shape.firstWindow(partial.pane) <= last) break;
      this.#table.releaseAll(partial.groups, partial.count);
      drop++;
    }
    if (drop > 0) this.#pending = this.#pending.slice(drop);
  }

  #emitWindow(window: number, out: Batch[]): void {
    const end = this.#shape.endPane(window);
    if (this.#singlePane) {
      const partial = this.#pending.shift()!;
      this.#emit(window, partial.groups, partial.count, partial.values, identity(partial.count), out);
      this.#table.releaseAll(partial.groups, partial.count);
      return;
    }
    let entering = 0;
    while (entering < this.#pending.length && this.#pending[entering]!.pane < end)
      this.#enter(this.#pending[entering++]!);
    if (entering > 0) this.#pending = this.#pending.slice(entering);
    const count = this.#liveGroups();
    if (this.#stacks === null) this.#emit(window, this.#live, count, this.#totals, this.#live, out);
    else {
      const set = this.#merged(count);
      this.#emit(window, this.#live, count, set, identity(count), out);
    }
  }

  /** Inverse and folded aggregates of the live groups, in the order of the calls. */
  #merged(count: number): AggregateSet {
    const totals = this.#totals.copy(this.#live, count);
    const folded = this.#stacks!.fold(this.#live, count);
    const accumulators = this.#node.aggregates.map((_, i) => {
      const at = this.#inverse.indexOf(i);
      return at >= 0 ? totals.accumulators[at]! : folded.accumulators[this.#folded.indexOf(i)]!;
    });
    return new AggregateSet(this.#node.aggregates, accumulators, totals.counts);
  }

  #emit(
    window: number,
    groups: Uint32Array,
    count: number,
    set: AggregateSet,
    slots: Uint32Array,
    out: Batch[],
  ): void {
    if (this.#node.partial === false && this.#startOf(window) < (this.#firstTime ?? Number.NEGATIVE_INFINITY))
      return;
    const windows = this.#node.bounds.map((bound) =>
      bound === 'window_start' ? this.#startOf(window) : this.#endOf(window),
    );
    emitGroups(
      {
        table: this.#table,
        groups,
        count,
        set,
        slots,
        windows,
        schema: this.schema,
        context: this.#context,
        arrays: this.#recycled ?? FRESH_ARRAYS,
      },
      out,
    );
  }

  #enter(partial: PanePartial): void {
    this.#totals.grow(this.#table.limit);
    this.#totals.combine(partial.groups, partial.count, this.#subset(partial, this.#inverse));
    if (this.#stacks !== null) {
      this.#stacks.grow(this.#table.limit);
      this.#stacks.enter({ ...partial, values: this.#subset(partial, this.#folded) });
    }
    let at = this.#ring.length;
    while (at > this.#ringHead && this.#ring[at - 1]!.pane > partial.pane) at--;
    if (at === this.#ring.length) this.#ring.push(partial);
    else this.#ring.splice(at, 0, partial);
  }

  #leaveBelow(pane: number): void {
    if (pane === Number.NEGATIVE_INFINITY || this.#ringHead === this.#ring.length) return;
    this.#stacks?.leaveBelow(pane);
    while (this.#ringHead < this.#ring.length && this.#ring[this.#ringHead]!.pane < pane) {
      const partial = this.#ring[this.#ringHead]!;
      this.#ring[this.#ringHead++] = GONE;
      this.#totals.deduct(partial.groups, partial.count, this.#subset(partial, this.#inverse));
      this.#table.releaseAll(partial.groups, partial.count);
    }
    if (this.#ringHead > 64 && this.#ringHead * 2 > this.#ring.length) {
      this.#ring = this.#ring.slice(this.#ringHead);
      this.#ringHead = 0;
    }
  }

  #subset(partial: PanePartial, calls: readonly number[]): AggregateSet {
    const all = partial.values;
    if (calls.length === all.calls.length) return all;
    return new AggregateSet(
      calls.map((i) => all.calls[i]!),
      calls.map((i) => all.accumulators[i]!),
      all.counts,
    );
  }

  /** Groups with rows in the window, into `#live`. */
  #liveGroups(): number {
    const limit = this.#table.limit;
    if (this.#live.length < limit) this.#live = new Uint32Array(2 * limit);
    let held = 0;
    for (let i = this.#ringHead; i < this.#ring.length && held * 4 < limit; i++) held += this.#ring[i]!.count;
    if (held * 4 >= limit)
      return liveOf(this.#totals.counts, Math.min(limit, this.#totals.counts.length), this.#live);
    const seen = new Set<number>();
    for (let i = this.#ringHead; i < this.#ring.length; i++) {
      const { groups, count } = this.#ring[i]!;
      for (let g = 0; g < count; g++) seen.add(groups[g]!);
    }
    let count = 0;
    for (const group of seen) this.#live[count++] = group;
    return count;
  }

  #outputWatermarks(watermark: number): number[] {
    const end = this.#node.keys.length + this.#node.bounds.indexOf('window_end');
    const size = this.#node.window.kind === 'session' ? 0 : this.#node.window.sizeMicros;
    return this.timeColumns.map((column) => (column === end ? watermark : watermark - size));
  }

  /** Its groups get numbers of this operator's table, and references. */
  #loadPartial(r: StateReader, table: GroupTable): PanePartial {
    const pane = r.number();
    const count = r.number();
    const groups = this.#shared.adopt(table, r.array(Uint32Array), count);
    const values = this.#makeSet(
      this.#node.aggregates.map((_, i) => i),
      count,
    );
    values.load(r);
    return { pane, count, groups, values };
  }
}

const MICROS_PER_DAY = 86_400_000_000;
/** Rows of one step: a watermark that jumps closes many windows, and their rows must not all be in memory at once. */
const STEP_ROWS_MAX = 65_536;
const GONE: PanePartial = {
  pane: Number.NEGATIVE_INFINITY,
  groups: new Uint32Array(0),
  count: 0,
  values: new AggregateSet([], [], new Float64Array(0)),
};

function savePartial(w: StateWriter, partial: PanePartial): void {
  w.number(partial.pane);
  w.number(partial.count);
  w.array(partial.groups.subarray(0, partial.count));
  partial.values.save(w);
}

/** Pane numbers into `out`; returns the least. */
function panesOf(
  times: Float64Array | Int32Array,
  scale: number,
  offset: number,
  width: number,
  rows: number,
  out: Float64Array,
): number {
  let least = Number.POSITIVE_INFINITY;
  // rows of one pane mostly follow each other: no division then
  let pane = Number.NaN;
  let from = Number.POSITIVE_INFINITY;
  let to = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < rows; i++) {
    const time = times[i]! * scale - offset;
    if (time >= from && time < to) {
      out[i] = pane;
      continue;
    }
    pane = Math.floor(time / width);
    from = pane * width;
    to = from + width;
    // beyond 2^53 µs (the year 2255) bounds are rounded: each row divides there
    if (!(from >= -Number.MAX_SAFE_INTEGER && to <= Number.MAX_SAFE_INTEGER)) to = Number.NEGATIVE_INFINITY;
    out[i] = pane;
    // NaN never wins; an infinite pane fails the check of the caller
    if (pane < least) least = pane;
    if (pane === Number.POSITIVE_INFINITY) least = Number.NEGATIVE_INFINITY;
  }
  return least;
}

function liveOf(counts: Float64Array, limit: number, out: Uint32Array): number {
  let n = 0;
  for (let group = 0; group < limit; group++) {
    out[n] = group;
    n += counts[group]! > 0 ? 1 : 0;
  }
  return n;
}

let sequence = new Uint32Array(1024).map((_, i) => i);
function identity(count: number): Uint32Array {
  if (sequence.length < count) sequence = new Uint32Array(2 * count).map((_, i) => i);
  return sequence;
}
