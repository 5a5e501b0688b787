/**
 * The runtime's door: what the server may ask of the engine. The engine lives in a worker thread (tests may run it
 * in their own); every call crosses as a message, every result comes back as plain data with transferred buffers.
 * Errors are SqlError.
 */
import type { Batch } from './batch/column.ts';
import type { PlainError } from '../common/sql-error.ts';
import type { CatalogChange, CatalogObject, FormatOptions, Oid } from './plan/relation.ts';
import type { QueryPlan } from './plan/query-plan.ts';
import type { Expression } from './plan/expression.ts';

export type EngineOptions = Readonly<{
  /** null: nothing is kept on disk (tests). */
  dataDirectory: string | null;
  /** Connectors of type file reach only below it; null: refused. */
  filesDirectory: string | null;
  memoryLimitBytes: number;
  tickIntervalMs: number;
  walSync: 'commit' | 'interval' | 'off';
  /** Milliseconds since 1970; null: the system clock. Tests advance a virtual one. */
  clock: 'system' | 'manual';
}>;

export type CatalogSnapshot = Readonly<{ objects: readonly CatalogObject[]; nextOid: Oid; version: number }>;

/** One write inside a transaction; all of a commit land in one tick, or none. */
export type WriteOperation =
  /** Rows of a finite plan whose columns are the target's `columns`, in order; other columns get their default. */
  | Readonly<{
      kind: 'insert';
      relation: Oid;
      columns: readonly number[];
      plan: QueryPlan;
      onConflict: 'error' | 'nothing' | 'update';
    }>
  /** `assignments` and `predicate` are bound over the table's columns; `returning` likewise. */
  | Readonly<{
      kind: 'update';
      relation: Oid;
      assignments: readonly Readonly<{ column: number; value: Expression }>[];
      predicate: Expression | null;
      /** Text ↔ timestamptz conversions in it work under this TimeZone. */
      timeZone: string;
    }>
  | Readonly<{ kind: 'delete'; relation: Oid; predicate: Expression | null; timeZone: string }>
  | Readonly<{ kind: 'truncate'; relation: Oid }>;

/** `now`: now() of the transaction, µs. */
export type CommitWrite = Readonly<{ operations: readonly WriteOperation[]; now: number }>;

export type WriteResult = Readonly<{ tick: number; rowCounts: readonly number[] }>;

/** Rows rejected by a lenient ingest go to millrace.rejected_rows. */
export type IngestResult = Readonly<{ tick: number; accepted: number; rejected: number }>;

export type IngestOptions = Readonly<{
  relation: Oid;
  /** target ordinals of a positional format, in order. */
  columns: readonly number[];
  format:
    | FormatOptions
    /** COPY's text format; `\N`, backslash escapes. */
    | Readonly<{ format: 'copy-text'; header: boolean; delimiter: string; nullText: string }>
    | Readonly<{
        format: 'copy-csv';
        header: boolean;
        delimiter: string;
        nullText: string;
        quote: string;
        escape: string;
      }>
    | Readonly<{ format: 'copy-binary' }>
    /** a JSON array of objects or of arrays, whole. */
    | Readonly<{ format: 'json-array' }>
    /** an Arrow IPC stream, whole; numbers in timestamp columns count in this unit (default: ms). */
    | Readonly<{ format: 'arrow'; timestampUnit: FormatOptions['timestampUnit'] }>;
  /** 'fail': the first bad row ends it (SqlError with line in context and, in detail, how many rows are in). */
  onError: 'fail' | 'reject';
  /** true: all rows land in one tick at `end`, or none. */
  atomic: boolean;
  /** Names the input in a CONTEXT line: `COPY tweets`. */
  label: string;
}>;

/** Data in chunks; the promise of `push` resolves when more may come (back-pressure). */
export interface Ingest {
  push(chunk: Uint8Array): Promise<void>;
  end(): Promise<IngestResult>;
  /** The client went away: rows of finished ticks stay (nothing does when atomic). */
  abort(): void;
}

export type ResultEvent =
  /** Rows of one tick (finite: of one slice). Weights only for CHANGES and EVERY. `last` of the tick or not. */
  | Readonly<{ kind: 'rows'; tick: number; batch: Batch; snapshot: boolean }>
  /** Everything up to this tick was sent. */
  | Readonly<{ kind: 'progress'; tick: number }>
  | Readonly<{
      kind: 'notice';
      severity: 'NOTICE' | 'WARNING';
      code: string;
      message: string;
      detail?: string;
      hint?: string;
    }>
  | Readonly<{ kind: 'end'; tick: number }>
  | Readonly<{ kind: 'error'; error: PlainError }>;

/** A running query's results. `next` resolves to null only after `end` or `error` was given. */
export interface ResultStream {
  /** What is ready now, or null. */
  poll(): ResultEvent | null;
  /** Waits for the next event. One caller at a time. */
  next(): Promise<ResultEvent | null>;
  /** Ends it within 100 ms; pending events are dropped. */
  cancel(): void;
  /** Bytes received and not yet taken. */
  readonly pendingBytes: number;
}

export type RunOptions = Readonly<{
  /** for millrace.subscriptions and silence notices. */
  label: string;
  pid: number;
  /** now() of a finite query, µs. */
  now: number;
  /** 0 = off. Continuous queries: one NOTICE naming the cause when silent this long. */
  silenceNoticeMs: number;
  /** read at this tick (a transaction's snapshot); null = the last committed. */
  snapshot: number | null;
}>;

export type SubscribeOptions = RunOptions &
  Readonly<{
    source: Readonly<{ kind: 'relation'; relation: Oid }> | Readonly<{ kind: 'plan'; plan: QueryPlan }>;
    withSnapshot: boolean;
    progress: boolean;
    asOf: number | null;
    upTo: number | null;
  }>;

export type OperatorStatistics = Readonly<{
  id: number;
  operator: string;
  rowsIn: number;
  rowsOut: number;
  busyMicros: number;
  memoryBytes: number;
}>;

export type SilenceCause = Readonly<{ cause: string; detail: string; since: number | null; hint: string }>;

export type EngineMetrics = Readonly<Record<string, number>>;

export interface Engine {
  readonly catalog: CatalogSnapshot;
  /**
   * Applies all, or none, in one tick; resolves with it. `write`: a commit's writes, made after what the changes create
   * and before what they drop; if they fail nothing has happened.
   */
  define(
    changes: readonly CatalogChange[],
    write?: CommitWrite,
  ): Promise<Readonly<{ tick: number; version: number }>>;
  write(operations: readonly WriteOperation[], options: Readonly<{ now: number }>): Promise<WriteResult>;
  ingest(options: IngestOptions): Ingest;
  /** A finite query or SELECT … EMIT. */
  run(plan: QueryPlan, options: RunOptions): ResultStream;
  subscribe(options: SubscribeOptions): ResultStream;
  /** Counters of a materialized view or running query's operators. */
  statistics(relation: Oid): Promise<readonly OperatorStatistics[]>;
  /** Runs a continuous query for a while and gives its counters. */
  measure(plan: QueryPlan, durationMs: number): Promise<readonly OperatorStatistics[]>;
  silence(
    target: Readonly<{ kind: 'relation'; relation: Oid }> | Readonly<{ kind: 'plan'; plan: QueryPlan }>,
  ): Promise<readonly SilenceCause[]>;
  /** Counters and gauges for /metrics, by Prometheus name. */
  metrics(): Promise<EngineMetrics>;
  /** The tick at which the relation last changed (ETag); and the last committed tick. */
  lastChange(relation: Oid): Promise<Readonly<{ changed: number; committed: number }>>;
  /** Tests with clock 'manual': sets it (ms) and runs ticks until nothing waits. */
  advanceClock(toMs: number): Promise<void>;
  /** Drains, saves every operator's state, closes. */
  stop(): Promise<void>;
}
