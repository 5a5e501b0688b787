/**
 * The open panes of a windowed reduce: partial aggregates per (pane, group).
 *
 *   (pane, group) → slot     map[row(pane) × groupCapacity + group] = slot + 1, 0: none
 *   slot → aggregates        one AggregateSet for all open panes
 *
 * Rows turn into slots once per batch and the aggregates' kernels run on slots, so rows in disorder cost what rows in
 * order cost. A sealed pane leaves as a compact partial (groups, aggregates) and its slots are free again. The dense
 * map is given up for a hash map while panes × groups would pass a bound.
 */
import type { AggregateSet } from '../aggregate/aggregate-set.ts';
import type { Batch } from '../batch/column.ts';
import type { GroupTable } from './group-table.ts';
import { grown } from './grow.ts';
import { SealedPane } from './sealed-pane.ts';
import type { PanePartial } from './two-stacks.ts';

const DENSE_ENTRIES_MAX = 1 << 23;

type OpenPane = { row: number; slots: Uint32Array; count: number };

export class PaneStore {
  readonly #table: GroupTable;
  readonly #values: AggregateSet;
  readonly #open = new Map<number, OpenPane>();
  #freeRows: number[] = [];
  #rowsUsed = 0;
  #groupCapacity = 1024;
  #map = new Int32Array(1024);
  /** instead of `map` when that would be too large: row × 2^32 + group → slot + 1 */
  #sparse: Map<number, number> | null = null;
  #groupOfSlot = new Uint32Array(1024);
  #slotsUsed = 0;
  #freeSlots = new Uint32Array(64);
  #freeSlotCount = 0;
  #slots = new Uint32Array(4096);
  #greatest = Number.NEGATIVE_INFINITY;

  constructor(table: GroupTable, values: AggregateSet) {
    this.#table = table;
    this.#values = values;
  }

  /** The greatest pane that ever got a row. */
  get greatest(): number {
    return this.#greatest;
  }

  /** Adds the rows: panes[i] and groups[i] say where. A (pane, group) holds one reference to its group. */
  add(batch: Batch, panes: Float64Array, groups: Uint32Array): void {
    const rows = batch.rows;
    if (this.#slots.length < rows) this.#slots = new Uint32Array(rows);
    const slots = this.#slots;
    if (this.#table.limit > this.#groupCapacity) this.#growGroups(this.#table.limit);
    this.#reserveSlots(rows);
    for (let from = 0; from < rows; ) {
      const pane = panes[from]!;
      let to = from + 1;
      while (to < rows && panes[to] === pane) to++;
      this.#assignSlots(this.#openPane(pane), groups, slots, from, to);
      from = to;
    }
    this.#values.grow(this.#slotsUsed);
    this.#values.add(slots, batch);
  }

  /** The panes below `pane`, oldest first; they are no longer open. The partials hold the groups' references. */
  seal(pane: number): SealedPane[] {
    const closing: number[] = [];
    for (const open of this.#open.keys()) if (open < pane) closing.push(open);
    return closing.sort((a, b) => a - b).map((p) => this.#seal(p));
  }

  /** The store is given up: its references are no longer counted. */
  release(): void {
    for (const open of this.#open.values()) this.#table.releaseAll(this.#groupsOf(open), open.count);
    this.#open.clear();
  }

  /** Copies of all open panes, for a checkpoint. */
  snapshot(): PanePartial[] {
    const out: PanePartial[] = [];
    for (const [pane, open] of this.#open) {
      out.push({
        pane,
        count: open.count,
        groups: this.#groupsOf(open),
        values: this.#values.copy(open.slots, open.count),
      });
    }
    return out;
  }

  /** Adds a snapshot's pane, with the references it has, to what is there of the pane. */
  restore(partial: PanePartial): void {
    if (this.#table.limit > this.#groupCapacity) this.#growGroups(this.#table.limit);
    this.#reserveSlots(partial.count);
    const slots = new Uint32Array(partial.count);
    this.#assignSlots(this.#openPane(partial.pane), partial.groups, slots, 0, partial.count);
    this.#values.grow(this.#slotsUsed);
    this.#values.combine(slots, partial.count, partial.values);
    this.#table.releaseAll(partial.groups, partial.count);
  }

  memoryBytes(): number {
    return (
      this.#map.byteLength +
      this.#values.memoryBytes() +
      8 * this.#groupOfSlot.length +
      100 * (this.#sparse?.size ?? 0)
    );
  }

  #openPane(pane: number): OpenPane {
    const known = this.#open.get(pane);
    if (known !== undefined) return known;
    this.#greatest = Math.max(this.#greatest, pane);
    const row = this.#freeRows.pop() ?? this.#rowsUsed++;
    const open = { row, slots: new Uint32Array(256), count: 0 };
    this.#open.set(pane, open);
    if (this.#sparse === null && (row + 1) * this.#groupCapacity > this.#map.length) {
      this.#resizeMap(Math.max(row + 1, 2 * row), this.#groupCapacity);
    }
    return open;
  }

  #assignSlots(open: OpenPane, groups: Uint32Array, slots: Uint32Array, from: number, to: number): void {
    if (this.#sparse !== null) {
      for (let i = from; i < to; i++) {
        const known = this.#sparse.get(open.row * 4294967296 + groups[i]!);
        slots[i] = known === undefined ? this.#retained(open, groups[i]!) : known - 1;
      }
      return;
    }
    const map = this.#map;
    const base = open.row * this.#groupCapacity;
    const fresh = open.count;
    for (let i = from; i < to; i++) {
      const at = base + groups[i]!;
      let known = map[at]!;
      if (known === 0) {
        known = this.#newSlot(open, groups[i]!) + 1;
        map[at] = known;
      }
      slots[i] = known - 1;
    }
    this.#retainNew(open, fresh);
  }

  #retainNew(open: OpenPane, from: number): void {
    for (let i = from; i < open.count; i++) this.#table.retain(this.#groupOfSlot[open.slots[i]!]!);
  }

  #retained(open: OpenPane, group: number): number {
    this.#table.retain(group);
    return this.#newSlot(open, group);
  }

  #newSlot(open: OpenPane, group: number): number {
    const slot = this.#freeSlotCount > 0 ? this.#freeSlots[--this.#freeSlotCount]! : this.#slotsUsed++;
    this.#groupOfSlot[slot] = group;
    if (open.count === open.slots.length) open.slots = grown(open.slots, 2 * open.count);
    open.slots[open.count++] = slot;
    if (this.#sparse !== null) this.#sparse.set(open.row * 4294967296 + group, slot + 1);
    else this.#map[open.row * this.#groupCapacity + group] = slot + 1;
    return slot;
  }

  #seal(pane: number): SealedPane {
    const open = this.#open.get(pane)!;
    this.#open.delete(pane);
    const { slots, count } = open;
    const groups = this.#groupsOf(open);
    const values = this.#values.copy(slots, count);
    this.#values.clear(slots, count);
    for (let i = 0; i < count; i++) {
      if (this.#sparse !== null) this.#sparse.delete(open.row * 4294967296 + groups[i]!);
      else this.#map[open.row * this.#groupCapacity + groups[i]!] = 0;
    }
    if (this.#freeSlotCount + count > this.#freeSlots.length) {
      this.#freeSlots = grown(this.#freeSlots, 2 * (this.#freeSlotCount + count));
    }
    // last slot first, so that the next pane gets them in ascending order
    for (let i = count - 1; i >= 0; i--) this.#freeSlots[this.#freeSlotCount++] = slots[i]!;
    this.#freeRows.push(open.row);
    return new SealedPane(pane, groups, count, values);
  }

  #groupsOf(open: OpenPane): Uint32Array {
    const groups = new Uint32Array(open.count);
    for (let i = 0; i < open.count; i++) groups[i] = this.#groupOfSlot[open.slots[i]!]!;
    return groups;
  }

  #reserveSlots(rows: number): void {
    const needed = this.#slotsUsed + rows;
    if (needed > this.#groupOfSlot.length) this.#groupOfSlot = grown(this.#groupOfSlot, 2 * needed);
  }

  #growGroups(limit: number): void {
    let capacity = this.#groupCapacity;
    while (capacity < limit) capacity *= 2;
    if (this.#sparse !== null) this.#groupCapacity = capacity;
    else this.#resizeMap(Math.max(1, this.#rowsUsed), capacity);
  }

  /** Lays the map out anew, or gives it up for a hash map when it would be too large. */
  #resizeMap(rows: number, groupCapacity: number): void {
    if (rows * groupCapacity > DENSE_ENTRIES_MAX) {
      this.#sparse = new Map();
      for (const open of this.#open.values()) {
        for (let i = 0; i < open.count; i++) {
          const slot = open.slots[i]!;
          this.#sparse.set(open.row * 4294967296 + this.#groupOfSlot[slot]!, slot + 1);
        }
      }
      this.#map = new Int32Array(0);
    } else {
      const map = new Int32Array(rows * groupCapacity);
      for (const open of this.#open.values()) {
        for (let i = 0; i < open.count; i++) {
          const slot = open.slots[i]!;
          map[open.row * groupCapacity + this.#groupOfSlot[slot]!] = slot + 1;
        }
      }
      this.#map = map;
    }
    this.#groupCapacity = groupCapacity;
  }
}
