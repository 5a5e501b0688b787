/**
 * Open sessions per group: intervals of rows less than `gap` apart, each with a slot of partial aggregates. A closed
 * session is remembered until no row could be less than gap from it without being late by itself.
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

export class SessionTable {
  readonly #gap: number;
  readonly #open = new Map<number, Session[]>();
  readonly #closed = new Map<number, Closed[]>();
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
    if (this.#closed.get(group)?.some((s) => time > s.first - this.#gap && time < s.last + this.#gap)) {
      return { kind: 'late' };
    }
    const sessions = this.#open.get(group) ?? [];
    const near = sessions.filter((s) => time > s.first - this.#gap && time < s.last + this.#gap);
    if (near.length === 0) {
      if (time + this.#gap <= watermark) return { kind: 'late' };
      const session: Session = { group, first: time, last: time, slot: this.#allocateSlot(), shown: null };
      sessions.push(session);
      this.#open.set(group, sessions);
      this.#earliestEnd = Math.min(this.#earliestEnd, time + this.#gap);
      return { kind: 'placed', session, created: true, merged: [] };
    }
    const [session, ...merged] = near.sort((a, b) => a.first - b.first) as [Session, ...Session[]];
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

  /** Forgets closed sessions that can decide nothing any more; returns the groups that lost their last one. */
  forget(watermark: number): number[] {
    const released: number[] = [];
    if (watermark < this.#earliestForget) return released;
    this.#earliestForget = Number.POSITIVE_INFINITY;
    for (const [group, closed] of this.#closed) {
      const kept = closed.filter((s) => s.last + 2 * this.#gap > watermark);
      for (const s of kept) this.#earliestForget = Math.min(this.#earliestForget, s.last + 2 * this.#gap);
      for (let i = kept.length; i < closed.length; i++) released.push(group);
      if (kept.length === 0) this.#closed.delete(group);
      else this.#closed.set(group, kept);
    }
    return released;
  }

  releaseSlot(slot: number): void {
    this.#freeSlots.push(slot);
  }

  all(): Session[] {
    return [...this.#open.values()].flat();
  }

  snapshot(): unknown {
    return { open: this.#open, closed: this.#closed, freeSlots: this.#freeSlots, slotsUsed: this.#slotsUsed };
  }

  restore(saved: unknown): void {
    const state = saved as {
      open: Map<number, Session[]>;
      closed: Map<number, Closed[]>;
      freeSlots: number[];
      slotsUsed: number;
    };
    for (const [group, sessions] of state.open) this.#open.set(group, sessions);
    for (const [group, closed] of state.closed) this.#closed.set(group, closed);
    this.#freeSlots = state.freeSlots;
    this.#slotsUsed = state.slotsUsed;
    // unknown: look at the first chance
    this.#earliestEnd = Number.NEGATIVE_INFINITY;
    this.#earliestForget = Number.NEGATIVE_INFINITY;
  }

  /** A closed session holds a reference to its group as an open one does. */
  #remember(group: number, ended: readonly Session[]): void {
    const closed = this.#closed.get(group) ?? [];
    for (const { first, last } of ended) {
      closed.push({ first, last });
      this.#earliestForget = Math.min(this.#earliestForget, last + 2 * this.#gap);
    }
    this.#closed.set(group, closed);
  }

  #allocateSlot(): number {
    return this.#freeSlots.pop() ?? this.#slotsUsed++;
  }
}
