/** Where a sink's rows go. */
import type { Schema } from '../../common/types.ts';
import type { Batch } from '../batch/column.ts';

/** What holds of a sink's rows outside: its progress is in the checkpoint of a clean stop only. */
export const UNTIL_A_CRASH = 'exactly once until a crash, after which it begins anew';

export interface Sink {
  readonly guarantee: string;
  /** Rows of one tick; with `changes` each goes out with its tick and diff. */
  write(tick: number, batches: readonly Batch[]): void;
  /** The tick is complete, and can be recovered. ExternalError: its rows are kept for the next one. */
  commit(tick: number): void;
  close(): void;
  /** Sums of what was written, by column: only of the blackhole. */
  readonly sums: ReadonlyMap<string, number>;
}

export type SinkInput = Readonly<{ schema: Schema; changes: boolean }>;
