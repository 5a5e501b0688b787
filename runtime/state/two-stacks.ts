/**
 * A sliding fold for aggregates that have no inverse, all groups at once: panes enter at the back and leave at the
 * front in the order of their time.
 *
 *     front (leaving first)                 back
 *     [p1][p2][p3]                          [p4][p5]
 *     `front` holds fold(p1..p3)            `back` holds fold(p4..p5)
 *     log[p] = what front held of p's groups before p was folded in
 *
 * When the front is empty and a pane must leave, the back is turned over: its panes are folded from the newest to the
 * oldest, each leaving a log of what it changed; then a pane leaves by undoing its log. O(1) folds a pane and group.
 * A pane that comes late for a slot already in front goes to `late`, folded apart, until the next turn.
 */
import type { AggregateSet } from '../aggregate/aggregate-set.ts';

export type PanePartial = Readonly<{
  /** number of the pane: its start ÷ width */
  pane: number;
  groups: Uint32Array;
  count: number;
  values: AggregateSet;
}>;

type Logged = Readonly<{ partial: PanePartial; before: AggregateSet }>;

export class TwoStacks {
  readonly #makeSet: (capacity: number) => AggregateSet;
  #front: AggregateSet;
  #back: AggregateSet;
  #log: Logged[] = [];
  #backPanes: PanePartial[] = [];
  #late: PanePartial[] = [];
  #capacity = 0;

  constructor(makeSet: (capacity: number) => AggregateSet) {
    this.#makeSet = makeSet;
    this.#front = makeSet(0);
    this.#back = makeSet(0);
  }

  grow(capacity: number): void {
    this.#capacity = Math.max(capacity, this.#capacity);
    this.#front.grow(capacity);
    this.#back.grow(capacity);
  }

  enter(partial: PanePartial): void {
    const newestInFront = this.#log.length > 0 ? this.#log[0]!.partial.pane : Number.NEGATIVE_INFINITY;
    if (partial.pane <= newestInFront) this.#late.push(partial);
    else {
      this.#back.combine(partial.groups, partial.count, partial.values);
      this.#backPanes.push(partial);
    }
  }

  /** Panes below `pane` leave. */
  leaveBelow(pane: number): void {
    this.#late = this.#late.filter((p) => p.pane >= pane);
    for (;;) {
      if (this.#log.length === 0) {
        if (!this.#backPanes.some((p) => p.pane < pane)) return;
        this.#turn();
      }
      const last = this.#log.at(-1)!;
      if (last.partial.pane >= pane) return;
      this.#log.pop();
      this.#front.assignFrom(last.partial.groups, last.partial.count, last.before);
    }
  }

  /** The fold of everything inside for these groups, as a set numbered 0 … count − 1. */
  fold(groups: Uint32Array, count: number): AggregateSet {
    const out = this.#front.copy(groups, count);
    const all = sequence(count);
    out.combine(all, count, this.#back.copy(groups, count));
    for (const partial of this.#late) {
      const where = new Map<number, number>();
      for (let i = 0; i < count; i++) where.set(groups[i]!, i);
      const picked: number[] = [];
      const targets: number[] = [];
      for (let i = 0; i < partial.count; i++) {
        const target = where.get(partial.groups[i]!);
        if (target === undefined) continue;
        picked.push(i);
        targets.push(target);
      }
      out.combine(
        Uint32Array.from(targets),
        targets.length,
        partial.values.copy(Uint32Array.from(picked), picked.length),
      );
    }
    return out;
  }

  /** All panes inside, oldest first: enough to build it again. */
  panes(): PanePartial[] {
    return [...this.#log.map((l) => l.partial), ...this.#backPanes, ...this.#late].sort(
      (a, b) => a.pane - b.pane,
    );
  }

  memoryBytes(): number {
    return (
      this.#front.memoryBytes() +
      this.#back.memoryBytes() +
      this.#log.reduce((sum, l) => sum + l.before.memoryBytes(), 0)
    );
  }

  #turn(): void {
    const panes = [...this.#backPanes, ...this.#late].sort((a, b) => b.pane - a.pane);
    this.#front = this.#makeSet(this.#capacity);
    this.#back = this.#makeSet(this.#capacity);
    this.#backPanes = [];
    this.#late = [];
    for (const partial of panes) {
      this.#log.push({ partial, before: this.#front.copy(partial.groups, partial.count) });
      this.#front.combine(partial.groups, partial.count, partial.values);
    }
  }
}

function sequence(count: number): Uint32Array {
  const out = new Uint32Array(count);
  for (let i = 0; i < count; i++) out[i] = i;
  return out;
}
