/**
 * A running query: its pipeline, what its scans read, how its output is sent. It is fed what its relations hold when
 * it begins (backfill: retained rows in their order, tick by tick, with the watermark as it was), then every tick.
 */
import { type PlainError, SqlError } from '../../common/sql-error.ts';
import type { Batch } from '../batch/column.ts';
import type { Delta, QueryContext, Tick } from '../dstream/dstream.ts';
import type { Scan } from '../dstream/scan.ts';
import type { QueryPlan } from '../plan/query-plan.ts';
import type { AdmittedBatch, RelationDelta } from '../source/admitted.ts';
import type { GroupSharing } from '../state/shared-groups.ts';
import type { StateReader, StateWriter } from '../state/state-codec.ts';
import { Emission } from './emission.ts';
import { Pipeline } from './pipeline.ts';

/** What a scan reads: a stream, table or view at run time. */
export interface Feed {
  /** Every reader of the relation gets this delta; false: the reader has a source of its own. */
  readonly shared: boolean;
  /** The current tick's; null: nothing new. */
  readonly delta: RelationDelta | null;
  /** What the relation holds, for the start; each part a step of its own. */
  backfill(): Iterable<RelationDelta>;
  /** Watermarks and end of the relation as of the last tick: after a start nothing announces them again. */
  standing(): Standing;
  close(): void;
  save(w: StateWriter): void;
  load(r: StateReader): void;
}

export type Standing = Pick<RelationDelta, 'watermarks' | 'ended' | 'idle'>;

/** Of one step; `more`: the tick has another. */
export type Output = Readonly<{
  batches: readonly Batch[];
  watermarks: ReadonlyMap<number, number>;
  ended: boolean;
  more: boolean;
}>;

export type ContinuousQueryOptions = Readonly<{
  plan: QueryPlan;
  feedOf: (scan: Scan) => Feed;
  context: QueryContext;
  sharing: GroupSharing;
  /** time of the current tick, µs */
  now: () => number;
}>;

export class ContinuousQuery {
  readonly plan: QueryPlan;
  readonly pipeline: Pipeline;
  readonly #feeds: readonly { scan: Scan; feed: Feed }[];
  readonly #emission: Emission;
  /** watermarks of the output's columns */
  #reached: ReadonlyMap<number, number> = new Map();
  #begun = false;
  #follows = false;
  rowsIn = 0;
  rowsOut = 0;
  failed: SqlError | null = null;
  ended = false;

  constructor(options: ContinuousQueryOptions) {
    const { plan, context, now, feedOf, sharing } = options;
    this.plan = plan;
    this.pipeline = new Pipeline(plan.root, {
      finite: false,
      compile: { now, timeZone: plan.timeZone },
      context,
      sharing,
    });
    this.#feeds = this.pipeline.scans.map((scan) => ({ scan, feed: feedOf(scan) }));
    this.#emission = new Emission(plan, this.pipeline.timeColumns);
  }

  /** Ordinals of the visible columns that carry a watermark. */
  get timeColumns(): number[] {
    return this.pipeline.timeColumns.flatMap((c) => {
      const at = this.plan.output.indexOf(c);
      return at < 0 ? [] : [at];
    });
  }

  /** Feeds what the relations hold. The outputs are the query's current result. */
  *backfill(tick: Tick): Generator<Output> {
    if (!this.plan.backfill) return;
    const tables: { scan: Scan; delta: RelationDelta }[] = [];
    const streams: { scan: Scan; parts: Iterator<RelationDelta> }[] = [];
    for (const { scan, feed } of this.#feeds) {
      const parts = feed.backfill()[Symbol.iterator]();
      const first = parts.next();
      if (first.done) continue;
      if (isTable(first.value)) tables.push({ scan, delta: first.value });
      else streams.push({ scan, parts: prepend(first.value, parts) });
    }
    for (const { scan, delta } of tables) scan.feed(delta);
    if (tables.length > 0) yield* this.#steps(tick);
    for (const { scan, parts } of streams) {
      for (let next = parts.next(); !next.done; next = parts.next()) {
        scan.feed(next.value);
        yield* this.#steps(tick);
      }
    }
    const held = this.#emission.flush();
    if (held.length > 0) yield { batches: held, watermarks: this.#reached, ended: this.ended, more: false };
  }

  /** The current result is state alone: nothing of it is sent, and LIMIT counts what comes later. */
  prepare(tick: Tick): void {
    for (const _ of this.backfill(tick)) void _;
    this.#emission.restart();
  }

  /** One tick, in one or more steps; none where there was nothing to do. */
  *step(tick: Tick): Generator<Output> {
    if (this.ended || this.failed !== null) return;
    if (!this.#follows) {
      this.#follows = true;
      if (this.#feeds.every(({ feed }) => feed.shared)) this.pipeline.follow();
    }
    let news = !this.#begun || this.plan.emit.kind === 'every';
    for (const { scan, feed } of this.#feeds) {
      scan.feed(feed.delta);
      news ||= feed.delta !== null;
    }
    if (news) yield* this.#steps(tick);
  }

  *#steps(tick: Tick): Generator<Output> {
    for (;;) {
      const output = this.#step(tick);
      yield output;
      if (!output.more) return;
    }
  }

  get finished(): boolean {
    return this.#emission.finished;
  }

  memoryBytes(): number {
    return this.pipeline.memoryBytes() + this.#emission.memoryBytes;
  }

  close(): void {
    for (const { feed } of this.#feeds) feed.close();
    this.pipeline.close();
  }

  save(w: StateWriter): void {
    const failed = this.failed?.toPlain() ?? null;
    w.value({ begun: this.#begun, rowsIn: this.rowsIn, rowsOut: this.rowsOut, ended: this.ended, failed });
    for (const { feed } of this.#feeds) feed.save(w);
    this.pipeline.save(w);
    this.#emission.save(w);
  }

  load(r: StateReader): void {
    const saved = r.value() as SavedQuery;
    this.#begun = saved.begun;
    this.rowsIn = saved.rowsIn;
    this.rowsOut = saved.rowsOut;
    this.ended = saved.ended;
    this.failed = saved.failed == null ? null : SqlError.fromPlain(saved.failed);
    for (const { scan, feed } of this.#feeds) {
      feed.load(r);
      scan.resume(feed.standing());
    }
    this.pipeline.load(r);
    this.#emission.load(r);
  }

  #step(tick: Tick): Output {
    this.#begun = true;
    const delta = this.pipeline.step(tick);
    const batches = this.#emission.emit(tick, delta);
    for (const batch of batches) this.rowsOut += batch.rows;
    this.ended = delta.ended;
    this.#reached = this.#watermarks(delta);
    return { batches, watermarks: this.#reached, ended: delta.ended, more: delta.more === true };
  }

  #watermarks(delta: Delta): ReadonlyMap<number, number> {
    const out = new Map<number, number>();
    this.pipeline.timeColumns.forEach((column, i) => {
      const at = this.plan.output.indexOf(column);
      if (at >= 0) out.set(at, delta.watermarks[i]!);
    });
    return out;
  }
}

type SavedQuery = Readonly<{
  begun: boolean;
  rowsIn: number;
  rowsOut: number;
  ended: boolean;
  /** absent where an older version saved it */
  failed?: PlainError | null;
}>;

/** Tables and views come as one part without arrival numbers. */
const isTable = (delta: RelationDelta): boolean =>
  delta.parts.every((p: AdmittedBatch) => p.firstArrival < 0);

function* prependAll(first: RelationDelta, rest: Iterator<RelationDelta>): Generator<RelationDelta> {
  yield first;
  for (let next = rest.next(); !next.done; next = rest.next()) yield next.value;
}

const prepend = (first: RelationDelta, rest: Iterator<RelationDelta>): Iterator<RelationDelta> =>
  prependAll(first, rest);
