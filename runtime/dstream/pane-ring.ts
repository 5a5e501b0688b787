/**
 * What a window holds: its sealed panes, and the running aggregates of all of them.
 *
 *     ring: panes inside the window          out
 *   → [p7][p6][p5][p4][p3] → totals, stacks ───→ results
 *     enters: totals ⊕ p7      leaves: totals ⊖ p3
 *
 * Aggregates with an inverse live in the totals, the others in two stacks over the same panes.
 */
import type { Schema } from '../../common/types.ts';
import { isInvertible } from '../aggregate/accumulator.ts';
import { AggregateSet } from '../aggregate/aggregate-set.ts';
import { createAccumulator } from '../aggregate/create-accumulator.ts';
import type { AggregateCall } from '../plan/query-plan.ts';
import type { GroupTable } from '../state/group-table.ts';
import { TwoStacks } from '../state/two-stacks.ts';
import type { HeldPane } from './pane-input.ts';

/** The window's groups: groups[i] stands at slots[i] of the set, in no order. Good until the next change. */
export type WindowContents = Readonly<{
  groups: Uint32Array;
  count: number;
  set: AggregateSet;
  slots: Uint32Array;
}>;

export class PaneRing {
  readonly #calls: readonly AggregateCall[];
  readonly #inputSchema: Schema;
  readonly #table: GroupTable;
  readonly #inverse: readonly number[];
  readonly #folded: readonly number[];
  readonly #totals: AggregateSet;
  readonly #stacks: TwoStacks | null;
  /** by pane; before `#head`: gone */
  #ring: HeldPane[] = [];
  #head = 0;
  #live = new Uint32Array(256);

  constructor(calls: readonly AggregateCall[], inputSchema: Schema, table: GroupTable) {
    this.#calls = calls;
    this.#inputSchema = inputSchema;
    this.#table = table;
    const inverse: number[] = [];
    const folded: number[] = [];
    calls.forEach((call, i) => {
      const types = call.args.map((a) => inputSchema[a]!.type);
      (isInvertible(createAccumulator(call, types, false, 0)) ? inverse : folded).push(i);
    });
    this.#inverse = inverse;
    this.#folded = folded;
    this.#totals = this.#makeSet(inverse, 0);
    this.#stacks = folded.length === 0 ? null : new TwoStacks((capacity) => this.#makeSet(folded, capacity));
  }

  get empty(): boolean {
    return this.#head === this.#ring.length;
  }

  /** The panes inside, oldest first. */
  panes(): readonly HeldPane[] {
    return this.#ring.slice(this.#head);
  }

  enter(held: HeldPane): void {
    this.#totals.grow(this.#table.limit);
    this.#totals.combine(held.groups, held.count, this.#subset(held, this.#inverse));
    if (this.#stacks !== null) {
      this.#stacks.grow(this.#table.limit);
      this.#stacks.enter({ ...held, values: this.#subset(held, this.#folded) });
    }
    let at = this.#ring.length;
    while (at > this.#head && this.#ring[at - 1]!.pane > held.pane) at--;
    if (at === this.#ring.length) this.#ring.push(held);
    else this.#ring.splice(at, 0, held);
  }

  /** Panes below `pane` leave. */
  leaveBelow(pane: number): void {
    if (pane === Number.NEGATIVE_INFINITY || this.empty) return;
    this.#stacks?.leaveBelow(pane);
    // windows that share no pane: nothing is left to subtract from
    const all = this.#ring.at(-1)!.pane < pane;
    while (this.#head < this.#ring.length && this.#ring[this.#head]!.pane < pane) {
      const held = this.#ring[this.#head]!;
      this.#ring[this.#head++] = GONE;
      if (all) this.#totals.clear(held.groups, held.count);
      else this.#totals.deduct(held.groups, held.count, this.#subset(held, this.#inverse));
      held.sealed.release(this.#table);
    }
    if (all || (this.#head > 64 && this.#head * 2 > this.#ring.length)) {
      this.#ring = this.#ring.slice(this.#head);
      this.#head = 0;
    }
  }

  contents(): WindowContents {
    const count = this.#liveGroups();
    const groups = this.#live;
    if (this.#stacks === null) return { groups, count, set: this.#totals, slots: groups };
    return { groups, count, set: this.#merged(count), slots: identity(count) };
  }

  close(): void {
    for (const held of this.panes()) held.sealed.release(this.#table);
    this.#ring = [];
    this.#head = 0;
  }

  memoryBytes(): number {
    const panes = this.panes().reduce((sum, held) => sum + held.sealed.memoryBytes(), 0);
    return this.#totals.memoryBytes() + (this.#stacks?.memoryBytes() ?? 0) + panes;
  }

  #makeSet(calls: readonly number[], capacity: number): AggregateSet {
    return AggregateSet.create(
      calls.map((i) => this.#calls[i]!),
      this.#inputSchema,
      false,
      capacity,
    );
  }

  #subset({ values }: HeldPane, calls: readonly number[]): AggregateSet {
    if (calls.length === values.calls.length) return values;
    return new AggregateSet(
      calls.map((i) => values.calls[i]!),
      calls.map((i) => values.accumulators[i]!),
      values.counts,
    );
  }

  /** Inverse and folded aggregates of the live groups, in the order of the calls. */
  #merged(count: number): AggregateSet {
    const totals = this.#totals.copy(this.#live, count);
    const folded = this.#stacks!.fold(this.#live, count);
    const accumulators = this.#calls.map((_, i) => {
      const at = this.#inverse.indexOf(i);
      return at >= 0 ? totals.accumulators[at]! : folded.accumulators[this.#folded.indexOf(i)]!;
    });
    return new AggregateSet(this.#calls, accumulators, totals.counts);
  }

  /** Groups with rows in the window, into `#live`. */
  #liveGroups(): number {
    const { limit } = this.#table;
    if (this.#live.length < limit) this.#live = new Uint32Array(2 * limit);
    let held = 0;
    for (let i = this.#head; i < this.#ring.length && held * 4 < limit; i++) held += this.#ring[i]!.count;
    if (held * 4 >= limit) {
      const { counts } = this.#totals;
      return liveOf(counts, Math.min(limit, counts.length), this.#live);
    }
    const seen = new Set<number>();
    for (let i = this.#head; i < this.#ring.length; i++) {
      const { groups, count } = this.#ring[i]!;
      for (let g = 0; g < count; g++) seen.add(groups[g]!);
    }
    let count = 0;
    for (const group of seen) this.#live[count++] = group;
    return count;
  }
}

const GONE = { pane: Number.NEGATIVE_INFINITY } as HeldPane;

function liveOf(counts: Float64Array, limit: number, out: Uint32Array): number {
  let n = 0;
  for (let group = 0; group < limit; group++) {
    out[n] = group;
    n += counts[group]! > 0 ? 1 : 0;
  }
  return n;
}

let sequence = new Uint32Array(1024).map((_, i) => i);

/** 0, 1, 2 … */
export function identity(count: number): Uint32Array {
  if (sequence.length < count) sequence = new Uint32Array(2 * count).map((_, i) => i);
  return sequence;
}
