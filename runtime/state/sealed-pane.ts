/** A pane that takes no more rows: its groups and their partial aggregates, read by one window store or by many. */
import type { AggregateSet } from '../aggregate/aggregate-set.ts';
import type { GroupTable } from './group-table.ts';

export class SealedPane {
  /** number of the pane: (its start − offset) ÷ width, as its store counts */
  readonly pane: number;
  readonly groups: Uint32Array;
  readonly count: number;
  readonly values: AggregateSet;
  #holders = 1;

  /** It takes over one reference to each of its groups. */
  constructor(pane: number, groups: Uint32Array, count: number, values: AggregateSet) {
    this.pane = pane;
    this.groups = groups;
    this.count = count;
    this.values = values;
  }

  /** As many will release it. */
  hold(holders: number): void {
    this.#holders = holders;
  }

  /** The last holder gives the groups back. */
  release(table: GroupTable): void {
    if (--this.#holders === 0) table.releaseAll(this.groups, this.count);
  }

  /** A holder's share. */
  memoryBytes(): number {
    return (this.groups.byteLength + this.values.memoryBytes()) / Math.max(1, this.#holders);
  }
}
