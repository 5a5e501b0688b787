/**
 * One group numbering for all windowed reduces over the same input and keys: a batch's keys are looked up once a tick,
 * however many views read it. References of all of them are counted in one table, so a group lives while any needs it.
 *
 *   view 1 ─┐                         batch's key columns → groups   (kept for the tick)
 *   view 2 ─┼─ SharedGroups.intern ─┤
 *   view 3 ─┘                         GroupTable                     (kept while one of them runs)
 */
import type { SqlType } from '../../common/types.ts';
import type { Batch, Column } from '../batch/column.ts';
import { RecycledArrays } from '../batch/column-arrays.ts';
import type { PlanNode } from '../plan/query-plan.ts';
import { sharingKey } from '../plan/sharing-key.ts';
import { GroupTable } from './group-table.ts';
import { type PaneOptions, type PaneShare, SharedPanes } from './shared-panes.ts';

/** Batches of a tick that are remembered; a long history read at a start is not. */
const INTERNED_MAX = 64;

type Interned = { columns: readonly Column[]; rows: number; groups: Uint32Array };

export class SharedGroups {
  readonly table: GroupTable;
  sharers = 0;
  #tick = -1;
  #interned = new Map<Column, Interned>();
  #spare: Uint32Array[] = [];
  #own = new Uint32Array(4096);
  #panes: SharedPanes[] = [];

  constructor(types: readonly SqlType[]) {
    this.table = new GroupTable(types);
  }

  /** Groups of the batch's rows, good until the next call of this reduce. */
  intern(tick: number, batch: Batch, keys: readonly number[]): Uint32Array {
    if (tick !== this.#tick) this.#forget(tick);
    const first = keys.length === 0 ? undefined : batch.columns[keys[0]!];
    if (this.sharers < 2 || first === undefined) {
      if (this.#own.length < batch.rows) this.#own = new Uint32Array(batch.rows);
      this.table.intern(batch, keys, this.#own);
      return this.#own;
    }
    const columns = keys.map((k) => batch.columns[k]!);
    const known = this.#interned.get(first);
    if (known !== undefined && known.rows === batch.rows && columns.every((c, i) => c === known.columns[i])) {
      return known.groups;
    }
    let groups = this.#spare.pop();
    if (groups === undefined || groups.length < batch.rows)
      groups = new Uint32Array(Math.max(4096, batch.rows));
    this.table.intern(batch, keys, groups);
    if (known !== undefined || this.#interned.size >= INTERNED_MAX) return groups;
    // held for the tick: a window that closes in between must not give the number away
    this.table.retainAll(groups, batch.rows);
    this.#interned.set(first, { columns, rows: batch.rows, groups });
    return groups;
  }

  /** A share of the widest panes that the window's own are made of; `places[i]`: where its i-th aggregate stands in them. */
  joinPanes(options: PaneOptions): { share: PaneShare; places: readonly number[] } {
    this.#panes = this.#panes.filter((panes) => panes.sharers > 0);
    const fitting = this.#panes
      .filter((panes) => panes.placesOf(options) !== null)
      .toSorted((a, b) => b.grid.widthMicros - a.grid.widthMicros);
    let panes = fitting[0];
    if (panes === undefined) {
      panes = new SharedPanes(this.table, options);
      this.#panes.push(panes);
    }
    return { share: panes.join(), places: panes.placesOf(options)! };
  }

  /** The numbers here of groups of another table, each with one more reference. */
  adopt(from: GroupTable, groups: Uint32Array, count: number): Uint32Array {
    const columns = from.keyColumns(groups, count);
    const out = new Uint32Array(count);
    const ordinals = columns.map((_, i) => i);
    this.table.intern({ rows: count, columns, weights: null }, ordinals, out);
    this.table.retainAll(out, count);
    return out;
  }

  #forget(tick: number): void {
    this.#tick = tick;
    for (const { groups, rows } of this.#interned.values()) {
      this.table.releaseAll(groups, rows);
      this.#spare.push(groups);
    }
    this.#interned.clear();
  }
}

/** The numberings of an engine's continuous queries, by what stands below the reduce in the plan. */
export class GroupSharing {
  /** for results that live for a tick */
  readonly arrays = new RecycledArrays();
  readonly #shared = new Map<string, SharedGroups>();

  join(input: PlanNode, keys: readonly number[]): { groups: SharedGroups; leave: () => void } {
    const key = sharingKey(input, keys);
    const known = this.#shared.get(key);
    const groups = known ?? new SharedGroups(keys.map((k) => input.schema[k]!.type));
    if (known === undefined) this.#shared.set(key, groups);
    groups.sharers++;
    let left = false;
    const leave = (): void => {
      if (left) return;
      left = true;
      groups.sharers--;
      if (groups.sharers === 0 && this.#shared.get(key) === groups) this.#shared.delete(key);
    };
    return { groups, leave };
  }
}
