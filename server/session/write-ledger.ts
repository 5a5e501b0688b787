import type { Oid } from '../../runtime/plan/relation.ts';

/**
 * Which relations were written when, by a running number. All writes pass through the server's main thread, so that a
 * COMMIT can tell, and be sure until its own write is on its way, whether another session wrote a table since BEGIN.
 */
export class WriteLedger {
  #sequence = 0;
  readonly #lastStarted = new Map<Oid, number>();
  readonly #underWay = new Set<number>();

  /** A point before which every write was acknowledged. */
  mark(): number {
    let oldest = this.#sequence + 1;
    for (const sequence of this.#underWay) oldest = Math.min(oldest, sequence);
    return oldest - 1;
  }

  writtenSince(oid: Oid, mark: number): boolean {
    return (this.#lastStarted.get(oid) ?? 0) > mark;
  }

  /** Notes the write as started, runs it, notes it as acknowledged. */
  async record<T>(oids: Iterable<Oid>, write: () => Promise<T>): Promise<T> {
    const sequence = this.start(oids);
    try {
      return await write();
    } finally {
      this.finish(sequence);
    }
  }

  start(oids: Iterable<Oid>): number {
    const sequence = ++this.#sequence;
    for (const oid of oids) this.#lastStarted.set(oid, sequence);
    this.#underWay.add(sequence);
    return sequence;
  }

  finish(sequence: number): void {
    this.#underWay.delete(sequence);
  }

  forget(oid: Oid): void {
    this.#lastStarted.delete(oid);
  }
}
