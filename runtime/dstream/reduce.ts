/**
 * Aggregation with running state per key (DISTINCT: without aggregates). Each tick sends, for every group that
 * changed, its old row with weight −1 and its new one with +1, and nothing where the row stayed the same bit for bit.
 * The old row is computed from a copy of the group made before the tick touched it. Without keys there is one row,
 * always. In a finite query the groups leave once, at the end of the input.
 *
 * Over windows (EMIT CHANGES), window_end is among the keys: groups whose window has closed are forgotten, which is
 * no retraction.
 */
import { FRESH_ARRAYS } from '../batch/column-arrays.ts';
import type { Schema } from '../../common/types.ts';
import { AggregateSet } from '../aggregate/aggregate-set.ts';
import type { Batch } from '../batch/column.ts';
import { consolidatePair } from '../batch/consolidate.ts';
import type { AggregateCall } from '../plan/query-plan.ts';
import { GroupTable } from '../state/group-table.ts';
import { grown } from '../state/grow.ts';
import type { StateReader, StateWriter } from '../state/state-codec.ts';
import type { Delta, DStream, QueryContext, StatefulDStream, Tick } from './dstream.ts';
import { emitGroups } from './emit-groups.ts';

export type ReduceOptions = Readonly<{
  schema: Schema;
  keys: readonly number[];
  aggregates: readonly AggregateCall[];
  /** rows come with negative weights */
  retracts: boolean;
  /** 'end': one answer at the end of the input */
  emit: 'changes' | 'end';
  /** Groups leave when the watermark minus lateness reaches the key at this ordinal of the input; null: never. */
  expiry: Readonly<{ column: number; latenessMicros: number }> | null;
  timeColumns: readonly number[];
}>;

export class Reduce implements StatefulDStream {
  readonly schema: Schema;
  readonly timeColumns: readonly number[];
  readonly #options: ReduceOptions;
  readonly #input: DStream;
  readonly #context: QueryContext;
  readonly #table: GroupTable;
  readonly #set: AggregateSet;
  /** tick in which the group was last touched */
  #touchedIn = new Float64Array(256);
  #touched: Uint32Array = new Uint32Array(256);
  #before: { groups: Uint32Array; set: AggregateSet }[] = [];
  #groups = new Uint32Array(4096);
  #started = false;
  #turn = 0;
  /** window_end → groups that were born with it; `#endOf` says which of them still are that group */
  #expiring = new Map<number, number[]>();
  #endOf = new Float64Array(0);

  constructor(input: DStream, options: ReduceOptions, context: QueryContext) {
    this.schema = options.schema;
    this.#options = options;
    this.#input = input;
    this.#context = context;
    this.#table = new GroupTable(options.keys.map((k) => input.schema[k]!.type));
    this.#set = AggregateSet.create(options.aggregates, input.schema, options.retracts, 0);
    this.timeColumns = options.timeColumns.filter((c) => input.timeColumns.includes(options.keys[c] ?? -1));
  }

  step(_tick: Tick, [input]: readonly [Delta]): Delta {
    this.#turn++;
    let touched = this.#startGlobal();
    for (const batch of input.batches) touched = this.#add(batch, touched);
    const out: Batch[] = [];
    if (this.#options.emit === 'changes') this.#emitChanges(touched, out);
    else if (input.ended && !this.#started) this.#emitAll(out);
    const watermarks = this.timeColumns.map((c) => {
      const position = this.#input.timeColumns.indexOf(this.#options.keys[c]!);
      return input.watermarks[position]!;
    });
    this.#expire(input);
    return { batches: out, watermarks, ended: input.ended };
  }

  memoryBytes(): number {
    return this.#table.memoryBytes() + this.#set.memoryBytes() + this.#touchedIn.byteLength;
  }

  save(w: StateWriter): void {
    this.#table.save(w);
    this.#set.save(w);
    w.value({ started: this.#started, expiring: this.#expiring, endOf: this.#endOf });
  }

  load(r: StateReader): void {
    this.#table.load(r);
    this.#set.load(r);
    const saved = r.value() as {
      started: boolean;
      expiring: Map<number, number[]>;
      endOf: Float64Array;
    };
    this.#started = saved.started;
    this.#expiring = saved.expiring;
    this.#endOf = saved.endOf.slice();
    this.#touchedIn = new Float64Array(this.#set.counts.length);
  }

  /** The one row of a query without keys is there from the first tick. */
  #startGlobal(): number {
    if (this.#options.keys.length > 0 || this.#started) return 0;
    this.#table.intern({ rows: 1, columns: [], weights: null }, [], this.#groups);
    const group = this.#groups[0]!;
    this.#table.retain(group);
    this.#set.grow(group + 1);
    this.#touchedIn = grown(this.#touchedIn, Math.max(256, this.#set.counts.length));
    this.#touchedIn[group] = this.#turn;
    this.#touched[0] = group;
    return 1;
  }

  /** Returns how many groups the tick has touched so far. */
  #add(batch: Batch, touched: number): number {
    if (this.#groups.length < batch.rows) this.#groups = new Uint32Array(batch.rows);
    const groups = this.#groups;
    this.#table.intern(batch, this.#options.keys, groups);
    this.#set.grow(this.#table.limit);
    if (this.#touchedIn.length < this.#set.counts.length) {
      this.#touchedIn = grown(this.#touchedIn, this.#set.counts.length);
    }
    if (this.#touched.length < touched + batch.rows)
      this.#touched = grown(this.#touched, 2 * (touched + batch.rows));
    const from = touched;
    for (let i = 0; i < batch.rows; i++) {
      const group = groups[i]!;
      if (this.#touchedIn[group] === this.#turn) continue;
      this.#touchedIn[group] = this.#turn;
      this.#touched[touched++] = group;
      if (this.#set.counts[group] === 0 && !this.#isGlobal) this.#welcome(group, batch, i);
    }
    if (touched > from && this.#options.emit === 'changes') {
      const fresh = this.#touched.slice(from, touched);
      this.#before.push({ groups: fresh, set: this.#set.copy(fresh, fresh.length) });
    }
    this.#set.add(groups, batch);
    return touched;
  }

  get #isGlobal(): boolean {
    return this.#options.keys.length === 0;
  }

  #welcome(group: number, batch: Batch, row: number): void {
    this.#table.retain(group);
    const { expiry } = this.#options;
    if (expiry === null) return;
    const column = batch.columns[expiry.column]!;
    if (column.kind !== 'float64' && column.kind !== 'int32')
      throw new TypeError('window_end in another layout');
    const end = column.values[row]!;
    if (this.#endOf.length <= group) this.#endOf = grown(this.#endOf, Math.max(256, 2 * group + 2));
    this.#endOf[group] = end;
    const groups = this.#expiring.get(end);
    if (groups === undefined) this.#expiring.set(end, [group]);
    else groups.push(group);
  }

  #emitChanges(touched: number, out: Batch[]): void {
    const old: Batch[] = [];
    if (this.#isGlobal && touched > 0 && this.#started && this.#before.length === 0) return;
    for (const { groups, set } of this.#before) {
      const present = this.#isGlobal ? (this.#started ? [0] : []) : presentIn(set.counts, groups.length);
      const slots = Uint32Array.from(present);
      this.#emit(
        Uint32Array.from(present, (i) => groups[i]!),
        slots,
        set,
        old,
      );
    }
    this.#before = [];
    const fresh: Batch[] = [];
    const touchedGroups = this.#touched.subarray(0, touched);
    const alive = this.#isGlobal
      ? touchedGroups.slice()
      : touchedGroups.filter((g) => this.#set.counts[g]! > 0);
    this.#emit(alive, alive, this.#set, fresh);
    this.#started = true;
    consolidatePair(this.schema, old, fresh, out);
    this.#releaseDead(touchedGroups);
  }

  #emitAll(out: Batch[]): void {
    this.#started = true;
    const alive: number[] = [];
    const limit = Math.min(this.#table.limit, this.#set.counts.length);
    for (let g = 0; g < limit; g++) if (this.#set.counts[g]! > 0 || this.#isGlobal) alive.push(g);
    const groups = Uint32Array.from(alive);
    this.#emit(groups, groups, this.#set, out);
  }

  #emit(groups: Uint32Array, slots: Uint32Array, set: AggregateSet, out: Batch[]): void {
    const { schema } = this;
    const context = this.#context;
    emitGroups(
      {
        table: this.#table,
        groups,
        count: groups.length,
        set,
        slots,
        windows: [],
        schema,
        context,
        arrays: FRESH_ARRAYS,
      },
      out,
    );
  }

  #releaseDead(touched: Uint32Array): void {
    if (this.#isGlobal) return;
    const dead = touched.filter((g) => this.#set.counts[g]! <= 0);
    if (dead.length === 0) return;
    this.#set.clear(dead, dead.length);
    this.#table.releaseAll(dead, dead.length);
  }

  #expire(input: Delta): void {
    const { expiry } = this.#options;
    if (expiry === null) return;
    const position = this.#input.timeColumns.indexOf(expiry.column);
    if (position < 0) return;
    const type = this.#input.schema[expiry.column]!.type;
    const scale = type.name === 'date' ? 86_400_000_000 : 1;
    const closed = input.watermarks[position]! - expiry.latenessMicros;
    for (const [end, groups] of this.#expiring) {
      if (end * scale > closed) continue;
      const held = Uint32Array.from(
        new Set(groups.filter((g) => this.#endOf[g] === end && this.#set.counts[g]! > 0)),
      );
      this.#set.clear(held, held.length);
      this.#table.releaseAll(held, held.length);
      this.#expiring.delete(end);
    }
  }
}

function presentIn(counts: Float64Array, count: number): number[] {
  const out: number[] = [];
  for (let i = 0; i < count; i++) if (counts[i]! > 0) out.push(i);
  return out;
}
