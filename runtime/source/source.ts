/** A source: rows of the outside, decoded, a bounded amount per tick. */
import type { Batch } from '../batch/column.ts';
import type { RejectedRow } from '../format/decode/line-decoder.ts';
import type { StateReader, StateWriter } from '../state/state-codec.ts';

export type SourceOutput = Readonly<{
  /** `admitted`: whole rows, found fit to enter. */
  batch(batch: Batch, admitted?: boolean): void;
  reject(row: RejectedRow, offset: string | null): void;
}>;

export interface Source {
  /**
   * Rows that are there now: of the most it gives in a tick this share, above 0 and at most 1. Batches live until the
   * next call.
   */
  poll(nowMicros: number, out: SourceOutput, share: number): void;
  /** More is there at once: the next tick need not wait. */
  readonly ready: boolean;
  /** A bounded source that was read to its end. */
  readonly ended: boolean;
  /** Called when `ready` becomes true by itself. */
  onReady(listener: () => void): void;
  close(): void;
  /** Position, to go on after a restart. */
  save(w: StateWriter): void;
  load(r: StateReader): void;
}
