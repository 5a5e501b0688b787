/**
 * The runtime's door: what the server may ask of the engine. The engine lives in a worker thread (tests may run it
 * in their own); every call crosses as a message, every result comes back as plain data with transferred buffers.
 * Errors are SqlError.
 */
import type { Batch } from './batch/column.ts';
import type { PlainError } from '../common/sql-error.ts';
import type { Schema } from '../common/types.ts';
import type { CatalogChange, CatalogObject, FormatOptions, Oid } from './plan/relation.ts';
import type { QueryPlan } from './plan/query-plan.ts';
import type { Expression } from './plan/expression.ts';

export type EngineOptions = Readonly<{
  /** null: nothing is kept on disk (tests). */
  dataDirectory: string | null;
  /** Connectors of type file reach only below it; null: refused. */
  filesDirectory: string | null;
  /** Hosts that connectors may reach beside the loopback (source/allowed-host.ts). */
  connectorHosts: readonly string[];
  /** Of secrets that connectors use (common/secret-key.ts); null: none can be read. */
  secretKeyFile: string | null;
  memoryLimitBytes: number;
  /** Free bytes on the disk at which rows are refused; else DISK_RESERVE_BYTES. */
  diskReserveBytes?: number;
  tickIntervalMs: number;
  walSync: 'commit' | 'interval' | 'off';
  /** Rows a second that the sources of each stream may bring; null: no limit. */
  maxRate: number | null;
  /** A tick takes no more than it can do in a while; false: all that waits, up to fixed bounds. */
  backpressure: boolean;
  /** Milliseconds since 1970; null: the system clock. Tests advance a virtual one. */
  clock: 'system' | 'manual';
}>;

export type CatalogSnapshot = Readonly<{ objects: readonly CatalogObject[]; nextOid: Oid; version: number }>;

/** RETURNING: over the old row's columns, the new row's, then those that the operation's plan has behind them. */
export type Returning = Readonly<{ expressions: readonly Expression[]; columns: Schema }>;

export type Assignment = Readonly<{ column: number; value: Expression }>;

/** Row-level security: the row, by the relation's columns, must pass. `policy`: its name, where it stands alone. */
export type RowCheck = Readonly<{ predicate: Expression; policy: string | null }>;

/** What an INSERT does with a row whose key is taken. */
export type ConflictAction =
  | Readonly<{ kind: 'error' }>
  | Readonly<{ kind: 'nothing' }>
  /** Bound over the columns of the row that is there, then those of the row proposed (EXCLUDED). */
  | Readonly<{
      kind: 'update';
      assignments: readonly Assignment[];
      predicate: Expression | null;
      /** of the row that is there */
      existing: readonly RowCheck[];
      /** of the row as it becomes */
      checks: readonly RowCheck[];
    }>;

/**
 * One write; all of a statement happen, or none. Expressions beside a plan may refer to its sub-queries, and work under
 * its TimeZone.
 */
export type WriteOperation =
  /** Rows of a finite plan whose columns are the target's `columns`, in order; other columns get their default. */
  | Readonly<{
      kind: 'insert';
      relation: Oid;
      columns: readonly number[];
      plan: QueryPlan;
      onConflict: ConflictAction;
      /** of every row proposed */
      checks: readonly RowCheck[];
      returning: Returning | null;
    }>
  /** The same of rows that are there already. */
  | Readonly<{
      kind: 'append';
      relation: Oid;
      columns: readonly number[];
      batches: readonly Batch[];
      timeZone: string;
    }>
  /** The plan's columns: all of the row as it is, then a value for each of `assigned`, then what RETURNING reads. */
  | Readonly<{
      kind: 'update';
      relation: Oid;
      plan: QueryPlan;
      assigned: readonly number[];
      /** A row may come several times, for it meets several others: the first counts. */
      repeats: boolean;
      /** of the rows as they become */
      checks: readonly RowCheck[];
      returning: Returning | null;
    }>
  /** The plan's columns: all of the row, then what RETURNING reads. */
  | Readonly<{
      kind: 'delete';
      relation: Oid;
      plan: QueryPlan;
      repeats: boolean;
      returning: Returning | null;
    }>
  | Readonly<{ kind: 'truncate'; relation: Oid }>;

/** `returned`: the rows of RETURNING, by operation; empty where there is none. */
export type WriteResult = Readonly<{
  tick: number;
  rowCounts: readonly number[];
  returned: readonly (readonly Batch[])[];
}>;

/** A transaction block: `id` is the server's, and never used again. */
export type BlockScope = Readonly<{
  id: number;
  /** The tick that its reads see. */
  snapshot: number;
  /** What the block created and did not commit yet. */
  created: readonly CatalogObject[];
}>;

/** Rows rejected by a lenient ingest go to millrace.rejected_rows. */
export type IngestResult = Readonly<{
  tick: number;
  accepted: number;
  rejected: number;
  /** The first of the rejected rows, as many as `reportsMax` says. */
  reported: readonly RejectReport[];
}>;

/** Where a rejected row stands, and what of it is wrong; `column` null: more than one value. */
export type RejectReport = Readonly<{ line: number; column: string | null; value: string; message: string }>;

/** COPY's text and CSV: what of a line's fields has another meaning. Columns are target ordinals. */
export type CopyMarks = Readonly<{
  /** The header's names must be those of the columns. */
  headerMatches: boolean;
  /** stands for the column's default */
  defaultText: string | null;
  /** CSV: NULL also where quoted */
  forceNull: readonly number[];
  /** CSV: the null text is a value */
  forceNotNull: readonly number[];
}>;

/** Of the session that sends the text. */
export type InputText = Readonly<{ timeZone: string; dateStyle: string }>;

export type IngestOptions = Readonly<{
  relation: Oid;
  /** target ordinals of a positional format, in order. */
  columns: readonly number[];
  format:
    | FormatOptions
    /** COPY's text format; `\N`, backslash escapes. */
    | Readonly<{
        format: 'copy-text';
        header: boolean;
        delimiter: string;
        nullText: string;
        marks?: CopyMarks;
      }>
    | Readonly<{
        format: 'copy-csv';
        header: boolean;
        delimiter: string;
        nullText: string;
        quote: string;
        escape: string;
        marks?: CopyMarks;
      }>
    | Readonly<{ format: 'copy-binary' }>
    /**
     * A JSON array of objects or of arrays, or an Arrow IPC stream, whole; numbers in timestamp columns count in this unit
     * (default: ms).
     */
    | Readonly<{ format: 'json-array' | 'arrow'; timestampUnit: FormatOptions['timestampUnit'] }>;
  /** 'fail': the first bad row ends it (SqlError with line in context and, in detail, how many rows are in). */
  onError: 'fail' | 'reject';
  /** More rejected rows than this end it (22P02). */
  rejectsMax?: number;
  reportsMax?: number;
  /** How times without a zone and ambiguous dates are read; absent: UTC, ISO. */
  text?: InputText;
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
  /** 54000 where a finite result has more rows; absent: any number. */
  rowsMax?: number;
  /** 53200 where the query holds more, its results on their way out not counted; absent: as much as all may hold together. */
  memoryBytesMax?: number;
  /** read with what this block wrote. */
  block?: BlockScope;
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

/** `bytes`: of a stream's log, or of the rows that a table or view holds; its indexes are not in it. */
export type RelationSize = Readonly<{
  relation: Oid;
  rows: number;
  bytes: number;
  indexes: readonly Readonly<{ index: Oid; bytes: number }>[];
}>;

export type SilenceCause = Readonly<{ cause: string; detail: string; since: number | null; hint: string }>;

export type EngineMetrics = Readonly<Record<string, number>>;

export interface RelationChanges {
  /** The last tick that changed anything. */
  readonly committed: number;
  /** The tick at which the relation last changed (ETag); negative once it stopped with an error. */
  of(relation: Oid): number;
}

/** As of the end of a tick. */
export type PolledAnswer = Readonly<{ tick: number; batches: readonly Batch[] }>;

/** A finite query that is evaluated with every tick that changes what it reads. */
export interface PolledQuery {
  /** Known together with the change; null: none yet, or it took too long. */
  readonly answer: PolledAnswer | null;
  close(): void;
}

export interface Engine {
  readonly catalog: CatalogSnapshot;
  /**
   * Applies all, or none, in one tick; resolves with it. `block`: what it wrote lands too, after what the changes create
   * and before what they drop; if that fails (see `commitBlock`) nothing has happened.
   */
  define(
    changes: readonly CatalogChange[],
    block?: number,
  ): Promise<Readonly<{ tick: number; version: number }>>;
  /** One statement outside of a block; `now`: its now(), µs. */
  write(operations: readonly WriteOperation[], options: Readonly<{ now: number }>): Promise<WriteResult>;
  /**
   * One statement inside of a block: evaluated over the snapshot and what the block wrote, checked, and kept until COMMIT.
   * 54000 where the block holds too much. The result's tick is the snapshot. On an error nothing of it has happened.
   */
  writeInBlock(
    block: BlockScope,
    operations: readonly WriteOperation[],
    options: Readonly<{ now: number }>,
  ): Promise<WriteResult>;
  /** Takes back all but the block's first so many statements, also one that is under way. */
  rollbackBlock(block: number, statements: number): Promise<void>;
  /**
   * All that the block wrote lands in one tick, or nothing: 23505 where a key was taken meanwhile, 40001 where a row that
   * it changed was changed by others. Either way the block is over.
   */
  commitBlock(block: number): Promise<Readonly<{ tick: number }>>;
  /** Forgets the block. */
  endBlock(block: number): Promise<void>;
  ingest(options: IngestOptions): Ingest;
  /** A finite query or SELECT … EMIT. */
  run(plan: QueryPlan, options: RunOptions): ResultStream;
  subscribe(options: SubscribeOptions): ResultStream;
  /** A plan that depends on nothing but these relations. */
  poll(plan: QueryPlan, relations: readonly Oid[]): PolledQuery;
  /** Counters of a materialized view or running query's operators. */
  statistics(relation: Oid): Promise<readonly OperatorStatistics[]>;
  /** Runs a continuous query for a while and gives its counters. */
  measure(plan: QueryPlan, durationMs: number): Promise<readonly OperatorStatistics[]>;
  silence(
    target: Readonly<{ kind: 'relation'; relation: Oid }> | Readonly<{ kind: 'plan'; plan: QueryPlan }>,
  ): Promise<readonly SilenceCause[]>;
  /** Of every stream, table and materialized view. */
  sizes(): Promise<readonly RelationSize[]>;
  /** Counters and gauges for /metrics, by Prometheus name. */
  metrics(): Promise<EngineMetrics>;
  /** Known here at once, and before any answer that depends on it: what was acknowledged is counted. */
  readonly changes: RelationChanges;
  /** Tests with clock 'manual': sets it (ms) and runs ticks until nothing waits. */
  advanceClock(toMs: number): Promise<void>;
  /** Drains, saves every operator's state, closes. */
  stop(): Promise<void>;
}
