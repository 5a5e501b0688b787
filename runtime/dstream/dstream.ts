/**
 * A DStream: an operator of the running pipeline. Each tick it gets one delta from every input and gives one. A step
 * is a function of state and input (I1); between ticks the edges are empty (I5).
 */
import type { SqlError } from '../../common/sql-error.ts';
import type { Schema } from '../../common/types.ts';
import type { Batch } from '../batch/column.ts';
import type { StateReader, StateWriter } from '../state/state-codec.ts';

/** `time`: µs since 1970, the time of the tick. */
export type Tick = Readonly<{ number: number; time: number }>;

/** What one edge carries in one tick. */
export type Delta = Readonly<{
  batches: readonly Batch[];
  /** One per time column of the edge, monotone: no later row has a time at or below it unless it is late. */
  watermarks: readonly number[];
  /** Nothing will ever come after this delta. */
  ended: boolean;
  /** Silent for so long that its watermark goes with the clock (IDLE AFTER): it does not hold other inputs back. */
  idle?: boolean | undefined;
  /** The operator holds more of this tick's output back: step again, with empty inputs, in the same tick. */
  more?: boolean;
}>;

export interface DStream {
  /** Fields of the rows that leave. */
  readonly schema: Schema;
  /** Ordinals of the output that carry a watermark. */
  readonly timeColumns: readonly number[];
  step(tick: Tick, inputs: readonly Delta[]): Delta;
  /** What was there before has been read: from now on it steps in every tick with news, as all others that read the same. */
  follow?(): void;
  /** The query is over: what is shared with others is given back. */
  close?(): void;
}

export interface StatefulDStream extends DStream {
  save(w: StateWriter): void;
  load(r: StateReader): void;
  memoryBytes(): number;
}

export const isStateful = (d: DStream): d is StatefulDStream => 'save' in d;

/** What an operator tells its query besides its output. */
export interface QueryContext {
  /** The row can't be computed: it is left out and kept in millrace.rejected_rows (continuous), or the query fails (finite). */
  reject(error: SqlError, schema: Schema, batch: Batch, row: number): void;
  /** The row was late for at least one window. */
  late(time: number, watermark: number, schema: Schema, batch: Batch, row: number): void;
  notice(code: string, message: string, hint?: string): void;
}
