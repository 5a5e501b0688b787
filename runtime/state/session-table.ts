/**
 * Open sessions per group: intervals of rows less than `gap` apart, each with a slot of partial aggregates.
 *
 * A closed session takes no more rows, and no row may come less than gap from it, or the answer that was given would be
 * wrong. An open session lies behind every closed one of its group, and rows can only extend it by less than gap at a
 * time: so the newest closed session of a group is a wall that protects the older ones, and only it is remembered.
 * When a group has been quiet for long, that is forgotten too, and one number for all groups stands for it: rows
 * before `#floor` extend no session backwards.
 */
export type Session = {
  group: number;
  /** times of the first and the last row, µs */
  first: number;
  last: number;
  slot: number;
  /** last row sent for it (EMIT CHANGES), null: none */
  shown: readonly unknown[] | null;
};

/** What became of a row. `merged`: sessions that joined `session` and are gone. */
export type Placement =
  | Readonly<{ kind: 'late' }>
  | Readonly<{ kind: 'placed'; session: Session; created: boolean; merged: readonly Session[] }>;

type Closed = Readonly<{ first: number; last: number }>;

const LATE: Placement = { kind: 'late' };
/** A group without open sessions is forgotten when the watermark is so many gaps past its last row. */
const FORGET_AFTER_GAPS = 100;

export class SessionTable {
  readonly #gap: number;
  readonly #open = new Map<number, Session[]>();
  readonly #closed = new Map<number, Closed>();
  /** group numbers that lost a reference */
  #released: number[] = [];
  #floor = Number.NEGATIVE_INFINITY;
  #freeSlots: number[] = [];
  #slotsUsed = 0;
  /** No session ends, and none can be forgotten, before these. */
  #earliestEnd = Number.POSITIVE_INFINITY;
  #earliestForget = Number.POSITIVE_INFINITY;

  constructor(gapMicros: number) {
    this.#gap = gapMicros;
  }

  get slots(): number {
    return this.#slotsUsed;
  }

  place(group: number, time: number, watermark: number): Placement {
    const closed = this.#closed.get(group);
    if (closed !== undefined && time > closed.first - this.#gap && time < closed.last + this.#gap)
      return LATE;
    const sessions = this.#open.get(group) ?? [];
    const near = sessions.filter((s) => time > s.first - this.#gap && time < s.last + this.#gap);
    if (near.length === 0) {
      if (time + this.#gap <= watermark) return LATE;
      const session: Session = { group, first: time, last: time, slot: this.#allocateSlot(), shown: null };
      sessions.push(session);
      this.#open.set(group, sessions);
      this.#earliestEnd = Math.min(this.#earliestEnd, time + this.#gap);
      return { kind: 'placed', session, created: true, merged: [] };
    }
    const [session, ...merged] = near.sort((a, b) => a.first - b.first) as [Session, ...Session[]];
    if (closed === undefined && time < this.#floor && time < session.first) return LATE;
    session.first = Math.min(session.first, time);
    session.last = Math.max(session.last, time, ...merged.map((s) => s.last));
    if (merged.length > 0) {
      this.#open.set(
        group,
        sessions.filter((s) => !merged.includes(s)),
      );
    }
    return { kind: 'placed', session, created: false, merged };
  }

  /** Sessions whose end is at or before the watermark, by end; they take no more rows. */
  close(watermark: number): Session[] {
    const out: Session[] = [];
    if (watermark < this.#earliestEnd) return out;
    this.#earliestEnd = Number.POSITIVE_INFINITY;
    for (const [group, sessions] of this.#open) {
      for (const s of sessions) {
        if (s.last + this.#gap > watermark)
          this.#earliestEnd = Math.min(this.#earliestEnd, s.last + this.#gap);
      }
      const ended = sessions.filter((s) => s.last + this.#gap <= watermark);
      if (ended.length === 0) continue;
      out.push(...ended);
      const left = sessions.filter((s) => !ended.includes(s));
      if (left.length === 0) this.#open.delete(group);
      else this.#open.set(group, left);
      if (Number.isFinite(watermark)) this.#remember(group, ended);
    }
    return out.sort((a, b) => a.last - b.last || a.first - b.first);
  }

  /** Forgets the walls of groups that were quiet for long; gives a group for each reference that was given up. */
  forget(watermark: number): readonly number[] {
    if (watermark >= this.#earliestForget && Number.isFinite(watermark)) this.#forgetQuiet(watermark);
    const released = this.#released;
    this.#released = [];
    return released;
  }

  releaseSlot(slot: number): void {
    this.#freeSlots.push(slot);
  }

  all(): Session[] {
    return [...this.#open.values()].flat();
  }

  snapshot(): unknown {
    return {
      open: this.#open,
      closed: this.#closed,
      floor: this.#floor,
      freeSlots: this.#freeSlots,
      slotsUsed: this.#slotsUsed,
    };
  }

  restore(saved: unknown): void {
    const state = saved as {
      open: Map<number, Session[]>;
      closed: Map<number, Closed>;
      floor: number;
      freeSlots: number[];
      slotsUsed: number;
    };
    for (const [group, sessions] of state.open) this.#open.set(group, sessions);
    for (const [group, closed] of state.closed) this.#closed.set(group, closed);
    this.#floor = state.floor;
    this.#freeSlots = state.freeSlots;
    this.#slotsUsed = state.slotsUsed;
    // unknown: look at the first chance
    this.#earliestEnd = Number.NEGATIVE_INFINITY;
    this.#earliestForget = Number.NEGATIVE_INFINITY;
  }

  /** The newest closed session of a group holds a reference to it as an open one does. */
  #remember(group: number, ended: readonly Session[]): void {
    const known = this.#closed.get(group);
    const all = known === undefined ? ended : [known, ...ended];
    const { first, last } = all.reduce((a, b) => (b.last > a.last ? b : a));
    this.#closed.set(group, { first, last });
    for (let i = 1; i < all.length; i++) this.#released.push(group);
    this.#earliestForget = Math.min(this.#earliestForget, this.#forgetAt(last));
  }

  #forgetAt(last: number): number {
    return last + FORGET_AFTER_GAPS * this.#gap;
  }

  #forgetQuiet(watermark: number): void {
    this.#earliestForget = Number.POSITIVE_INFINITY;
    for (const [group, { last }] of this.#closed) {
      // a group with open sessions is looked at again when they close
      if (this.#open.has(group)) continue;
      if (this.#forgetAt(last) > watermark) {
        this.#earliestForget = Math.min(this.#earliestForget, this.#forgetAt(last));
        continue;
      }
      this.#closed.delete(group);
      this.#released.push(group);
      this.#floor = Math.max(this.#floor, last + this.#gap);
    }
  }

  #allocateSlot(): number {
    return this.#freeSlots.pop() ?? this.#slotsUsed++;
  }
}
