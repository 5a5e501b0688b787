/** Where a sink's rows go. */
import type { Schema } from '../../common/types.ts';
import type { Batch } from '../batch/column.ts';

export interface Sink {
  readonly guarantee: string;
  /** Rows of one tick; with `changes` each goes out with its tick and diff. */
  write(tick: number, batches: readonly Batch[]): void;
  /** The tick is complete. */
  commit(tick: number): void;
  close(): void;
  /** Sums of what was written, by column: only of the blackhole. */
  readonly sums: ReadonlyMap<string, number>;
}

export type SinkInput = Readonly<{ schema: Schema; changes: boolean }>;
