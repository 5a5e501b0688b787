/**
 * Aggregation by SESSION windows: rows of a group less than `gap` apart share a session, window_end = last row + gap.
 * A row between two open sessions merges them. ON WINDOW CLOSE sends a session when the watermark reaches its end;
 * CHANGES sends it at every tick in which it grew, retracting what was shown of it and of those that merged into it.
 */
import { FRESH_ARRAYS } from '../batch/column-arrays.ts';
import type { Schema } from '../../common/types.ts';
import { AggregateSet } from '../aggregate/aggregate-set.ts';
import type { Batch, Column } from '../batch/column.ts';
import { isValid } from '../batch/column.ts';
import { concatBatches } from '../batch/concat.ts';
import { consolidatePair } from '../batch/consolidate.ts';
import { buildColumn, readDatum } from '../batch/datum.ts';
import { gatherBatch } from '../batch/gather.ts';
import type { PlanNode } from '../plan/query-plan.ts';
import { GroupTable } from '../state/group-table.ts';
import { SessionTable, type Session } from '../state/session-table.ts';
import type { StateReader, StateWriter } from '../state/state-codec.ts';
import type { Delta, DStream, QueryContext, StatefulDStream, Tick } from './dstream.ts';
import { emitGroups } from './emit-groups.ts';

type SessionNode = PlanNode & { kind: 'windowed-reduce' };
const MICROS_PER_DAY = 86_400_000_000;

export class SessionReduce implements StatefulDStream {
  readonly schema: Schema;
  readonly timeColumns: readonly number[];
  readonly #node: SessionNode;
  readonly #gap: number;
  readonly #inputSchema: Schema;
  readonly #context: QueryContext;
  readonly #watermarkOf: number;
  readonly #table: GroupTable;
  readonly #sessions: SessionTable;
  readonly #set: AggregateSet;
  readonly #emitChanges: boolean;
  #watermark = Number.NEGATIVE_INFINITY;

  constructor(input: DStream, node: SessionNode, finite: boolean, context: QueryContext) {
    if (node.window.kind !== 'session') throw new TypeError('not a session window');
    this.schema = node.schema;
    this.#node = node;
    this.#gap = node.window.gapMicros;
    this.#inputSchema = input.schema;
    this.#context = context;
    this.#watermarkOf = input.timeColumns.indexOf(node.time);
    this.timeColumns =
      this.#watermarkOf < 0 ? [] : node.timeColumns.filter((c) => c === node.keys.length + 1);
    this.#table = new GroupTable(node.keys.map((k) => input.schema[k]!.type));
    this.#sessions = new SessionTable(this.#gap);
    this.#set = AggregateSet.create(node.aggregates, input.schema, false, 0);
    this.#emitChanges = node.emit === 'changes' && !finite;
  }

  step(_tick: Tick, [input]: readonly [Delta]): Delta {
    const touched = new Set<Session>();
    const retracted: (readonly unknown[])[] = [];
    for (const batch of input.batches) this.#admit(batch, touched, retracted);
    const next = this.#watermarkOf < 0 ? this.#watermark : input.watermarks[this.#watermarkOf]!;
    this.#watermark = input.ended ? Number.POSITIVE_INFINITY : Math.max(this.#watermark, next);
    const out: Batch[] = [];
    if (this.#emitChanges) this.#sendChanges(touched, retracted, out);
    const closed = this.#sessions.close(this.#watermark);
    if (!this.#emitChanges) for (const session of closed) this.#emit(session, out);
    this.#release(closed);
    return {
      batches: out.length > 1 ? [concatBatches(this.schema, out)] : out,
      watermarks: this.timeColumns.map(() => this.#watermark),
      ended: input.ended,
    };
  }

  memoryBytes(): number {
    return this.#table.memoryBytes() + this.#set.memoryBytes() + 160 * this.#sessions.slots;
  }

  save(w: StateWriter): void {
    this.#table.save(w);
    this.#set.save(w);
    w.value({ sessions: this.#sessions.snapshot(), watermark: this.#watermark });
  }

  load(r: StateReader): void {
    this.#table.load(r);
    this.#set.load(r);
    const saved = r.value() as { sessions: unknown; watermark: number };
    this.#sessions.restore(saved.sessions);
    this.#watermark = saved.watermark;
  }

  #admit(all: Batch, touched: Set<Session>, retracted: (readonly unknown[])[]): void {
    const column = all.columns[this.#node.time]!;
    if (column.kind !== 'float64' && column.kind !== 'int32')
      throw new TypeError('time attribute in another layout');
    const scale = column.kind === 'int32' ? MICROS_PER_DAY : 1;
    const groups = new Uint32Array(all.rows);
    this.#table.intern(all, this.#node.keys, groups);
    const placed: Session[] = [];
    const rows: number[] = [];
    const absorbedBy = new Map<Session, Session>();
    const absorbed: [Session, Session][] = [];
    // held while the batch is placed: a group that only late rows name is free again after it
    for (let i = 0; i < all.rows; i++) this.#table.retain(groups[i]!);
    for (let i = 0; i < all.rows; i++) {
      const time = column.values[i]! * scale;
      if (!isValid(column.valid, i) || !Number.isFinite(time)) continue;
      const group = groups[i]!;
      const placement = this.#sessions.place(group, time, this.#watermark);
      if (placement.kind === 'late') {
        this.#context.late(time, this.#watermark, this.#inputSchema, all, i);
        continue;
      }
      if (placement.created) this.#table.retain(group);
      for (const other of placement.merged) {
        absorbedBy.set(other, placement.session);
        absorbed.push([other, placement.session]);
      }
      placed.push(placement.session);
      rows.push(i);
      touched.add(placement.session);
    }
    this.#set.grow(this.#sessions.slots);
    this.#merge(absorbed, touched, retracted);
    const final = (s: Session): Session => {
      let session = s;
      for (let next = absorbedBy.get(session); next !== undefined; next = absorbedBy.get(session))
        session = next;
      return session;
    };
    const slots = Uint32Array.from(placed, (s) => final(s).slot);
    const batch = rows.length === all.rows ? all : gatherBatch(all, Uint32Array.from(rows), rows.length);
    if (batch.rows > 0) this.#set.add(slots, batch);
    for (const session of [...touched]) if (absorbedBy.has(session)) touched.delete(session);
    this.#table.releaseAll(groups, all.rows);
  }

  #merge(
    absorbed: readonly [Session, Session][],
    touched: Set<Session>,
    retracted: (readonly unknown[])[],
  ): void {
    for (const [other, session] of absorbed) {
      const from = Uint32Array.of(other.slot);
      this.#set.combine(Uint32Array.of(session.slot), 1, this.#set.copy(from, 1));
      this.#set.clear(from, 1);
      this.#sessions.releaseSlot(other.slot);
      this.#table.release(other.group);
      touched.delete(other);
      if (other.shown !== null) retracted.push(other.shown);
    }
  }

  #sendChanges(touched: Set<Session>, retracted: (readonly unknown[])[], out: Batch[]): void {
    if (touched.size === 0 && retracted.length === 0) return;
    const fresh: Batch[] = [];
    const gone = [...retracted];
    for (const session of touched) {
      if (session.shown !== null) gone.push(session.shown);
      const row: Batch[] = [];
      this.#emit(session, row);
      session.shown =
        row.length === 0 ? null : this.schema.map((f, c) => readDatum(row[0]!.columns[c]!, 0, f.type));
      fresh.push(...row);
    }
    const old = gone.length === 0 ? [] : [this.#batchOf(gone)];
    consolidatePair(this.schema, old, fresh, out);
  }

  #batchOf(rows: readonly (readonly unknown[])[]): Batch {
    const columns = this.schema.map(
      (field, c): Column =>
        buildColumn(
          field.type,
          rows.map((row) => row[c]),
        ),
    );
    return { rows: rows.length, columns, weights: null };
  }

  #emit(session: Session, out: Batch[]): void {
    emitGroups(
      {
        table: this.#table,
        groups: Uint32Array.of(session.group),
        count: 1,
        set: this.#set,
        slots: Uint32Array.of(session.slot),
        windows: [session.first, session.last + this.#gap],
        schema: this.schema,
        context: this.#context,
        arrays: FRESH_ARRAYS,
      },
      out,
    );
  }

  #release(closed: readonly Session[]): void {
    const ended = this.#watermark === Number.POSITIVE_INFINITY;
    for (const session of closed) {
      this.#set.clear(Uint32Array.of(session.slot), 1);
      this.#sessions.releaseSlot(session.slot);
      // a remembered session keeps the reference
      if (ended) this.#table.release(session.group);
    }
    for (const group of this.#sessions.forget(this.#watermark)) this.#table.release(group);
  }
}
