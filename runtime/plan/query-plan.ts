/**
 * The physical plan: what the planner asks of the engine. Plain data with a version.
 *
 * A node's output is a list of fields; `timeColumns` names the ordinals that carry a watermark. The
 * engine runs the same nodes once over what is there (finite) or tick by tick (continuous).
 */
import type { Schema, SqlType } from '../../common/types.ts';
import type { Expression } from './expression.ts';
import type { Oid } from './relation.ts';

export const PLAN_VERSION = 1;

/** Ordinals of a stream's hidden columns in `scan.columns`. */
export const ARRIVED_AT = -1;
/** Running number of the row in order of arrival (tick, source, position), int8. */
export const ARRIVAL = -2;

type NodeBase = Readonly<{
  /** Unique in the plan, in topological order; names the operator in EXPLAIN ANALYZE and millrace.operators. */
  id: number;
  schema: Schema;
  /** Ordinals of the output that are time attributes: their watermark is known. */
  timeColumns: readonly number[];
  /** No retractions leave this node. */
  appendOnly: boolean;
}>;

/** All durations in µs. Panes are gcd(size, slide) wide; windows are aligned to the epoch plus offset. */
export type WindowSpecification =
  | Readonly<{ kind: 'tumble'; sizeMicros: number; offsetMicros: number }>
  | Readonly<{ kind: 'hop'; sizeMicros: number; slideMicros: number; offsetMicros: number }>
  | Readonly<{ kind: 'cumulate'; sizeMicros: number; stepMicros: number; offsetMicros: number }>
  | Readonly<{ kind: 'session'; gapMicros: number }>;

/** A window bound that a windowed reduce puts out. */
export type WindowBound = 'window_start' | 'window_end';

export type SortKey = Readonly<{ column: number; descending: boolean; nullsFirst: boolean }>;

export type AggregateCall = Readonly<{
  /** A key of runtime/plan/aggregates.ts: `sum(float8)`, `count()` for count(*). */
  function: string;
  /** ordinals of the input. */
  args: readonly number[];
  distinct: boolean;
  /** ordinal of a bool column: only rows where it is true count. */
  filter: number | null;
  /** ordinal of the row's arrival number, for order-sensitive aggregates over streams; else null. */
  arrival: number | null;
  type: SqlType;
}>;

export type LatePolicy = Readonly<{ kind: 'drop' }> | Readonly<{ kind: 'correct'; latenessMicros: number }>;

export type PlanNode =
  /** A stream, table or materialized view. `columns`: ordinals, or ARRIVED_AT, ARRIVAL. */
  | (NodeBase & Readonly<{ kind: 'scan'; relation: Oid; columns: readonly number[] }>)
  /** A view of schema millrace (`ticks`, `operators` …): finite only. */
  | (NodeBase & Readonly<{ kind: 'system-scan'; view: string; columns: readonly number[] }>)
  | (NodeBase & Readonly<{ kind: 'values'; rows: readonly (readonly Expression[])[] }>)
  | (NodeBase & Readonly<{ kind: 'filter'; input: PlanNode; predicate: Expression }>)
  | (NodeBase & Readonly<{ kind: 'project'; input: PlanNode; expressions: readonly Expression[] }>)
  /** Each row once per window it is in, with window_start and window_end appended (no aggregation by window). */
  | (NodeBase & Readonly<{ kind: 'window'; input: PlanNode; window: WindowSpecification; time: number }>)
  /**
   * Aggregation by window. Output: the keys, `bounds` (those that someone reads, in this order; window_end always under
   * 'changes', both of a session), the aggregates. `emit`: 'close' sends each row once when the watermark reaches
   * window_end; 'changes' sends what changed at every tick.
   */
  | (NodeBase &
      Readonly<{
        kind: 'windowed-reduce';
        input: PlanNode;
        window: WindowSpecification;
        time: number;
        keys: readonly number[];
        bounds: readonly WindowBound[];
        aggregates: readonly AggregateCall[];
        emit: 'close' | 'changes';
        late: LatePolicy;
        /** false: windows that began before the first row are left out. */
        partial: boolean;
      }>)
  /** Aggregation without a window (DISTINCT: no aggregates). Output: keys, aggregates. No keys: one row, always. */
  | (NodeBase &
      Readonly<{
        kind: 'reduce';
        input: PlanNode;
        keys: readonly number[];
        aggregates: readonly AggregateCall[];
      }>)
  /**
   * The first `limit` rows after `offset` of each partition in this order (ties: whole row ascending, so that the
   * answer is one). `perWindow`: the partition is complete when the watermark of `window` (ordinal of window_end)
   * passes, rows leave then; null: maintained, or finite. `limit` null: a sort. `rank`: appends row_number, int8.
   */
  | (NodeBase &
      Readonly<{
        kind: 'top-n';
        input: PlanNode;
        partition: readonly number[];
        order: readonly SortKey[];
        limit: number | null;
        offset: number;
        perWindow: number | null;
        rank: boolean;
      }>)
  | (NodeBase & Readonly<{ kind: 'union-all'; inputs: readonly PlanNode[] }>)
  /**
   * Each stream row with the matching rows of a table or view as of the end of the row's tick
   * (FOR SYSTEM_TIME AS OF PROCTIME()). Output: stream's columns, then the table's. Equality on the keys, and
   * `condition` over the output where there is more.
   */
  | (NodeBase &
      Readonly<{
        kind: 'table-join';
        input: PlanNode;
        table: PlanNode;
        join: 'inner' | 'left';
        inputKeys: readonly number[];
        tableKeys: readonly number[];
        condition: Expression | null;
      }>);

export type EmitMode =
  | Readonly<{ kind: 'finite' }>
  | Readonly<{ kind: 'close' }>
  | Readonly<{ kind: 'changes' }>
  | Readonly<{ kind: 'every'; periodMicros: number }>;

export type QueryPlan = Readonly<{
  version: typeof PLAN_VERSION;
  root: PlanNode;
  /** Ordinals of `root` that are the answer, in order (the rest serve sorting). */
  output: readonly number[];
  columns: Schema;
  emit: EmitMode;
  /** Finite: order of the answer. Continuous: order within one window or tick. */
  order: readonly SortKey[];
  /** Whole result; continuous without ORDER BY: the query ends after so many rows. */
  limit: number | null;
  offset: number;
  /** Uncorrelated sub-queries of a finite query, evaluated first. */
  subqueries: readonly QueryPlan[];
  /** A sub-query of which all rows count (IN), not one at the most. */
  manyRows?: true;
  /** Ordinals of `columns` that identify a row; null where nothing proves it. */
  key: readonly number[] | null;
  /** Relations read, for dependencies and caches. */
  relations: readonly Oid[];
  backfill: boolean;
  /** 'fail': an error in a row stops the query. */
  onError: 'reject' | 'fail';
  /** TimeZone under which text ↔ timestamptz conversions and date_trunc work. */
  timeZone: string;
}>;
