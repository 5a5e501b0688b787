/** What carrying out a statement gives, whatever the protocol. */
import type { CopyOptions } from '../../planner/statement.ts';
import type { Ingest } from '../../runtime/engine-client.ts';
import type { Schema } from '../../common/types.ts';
import type { RowSource } from './row-source.ts';

/** How the rows of a continuous result are to be read: the envelope is columns on the wire and members in JSON. */
export type LiveShape = Readonly<{
  /** The columns of the rows themselves. */
  columns: Schema;
  envelope: /** each row once */
    | 'none'
    /** tick, diff */
    | 'diffs'
    /** tick, op: 'upsert' | 'delete' */
    | 'operations';
  /** The envelope's columns are part of the answer on the wire. */
  enveloped: boolean;
  /** Progress rows are wanted. */
  progress: boolean;
  /** Ordinals of `columns` that identify a row; null where nothing proves it. */
  key: readonly number[] | null;
  /** Rows are never retracted (ON WINDOW CLOSE): diffs say nothing. */
  appendOnly: boolean;
}>;

export type RowsOutcome = Readonly<{
  kind: 'rows';
  /** As the wire shows them, envelope included. */
  columns: Schema;
  /** Bare rows; `presentRows` adds the envelope's columns. */
  source: RowSource;
  /** null: finite. */
  live: LiveShape | null;
  /** `SELECT n`, `FETCH n`; uncounted ones (SHOW, EXPLAIN) stand alone. */
  tag: string;
  counted: boolean;
  /** FETCH of a BINARY cursor: the simple protocol sends it in binary too. */
  binary?: boolean;
}>;

export type Outcome =
  | Readonly<{ kind: 'empty' }>
  /** `tick`: of the write or change, null where there was none. */
  | Readonly<{ kind: 'command'; tag: string; tick: number | null }>
  | RowsOutcome
  | Readonly<{ kind: 'copy-out'; rows: RowsOutcome; options: CopyOptions }>
  | Readonly<{ kind: 'copy-in'; columns: number; binary: boolean; ingest: CopyIngest }>;

/** COPY FROM in progress: `finish` gives the number of rows that are in. */
export type CopyIngest = Readonly<{
  push: Ingest['push'];
  finish: () => Promise<number>;
  abort: () => void;
}>;
