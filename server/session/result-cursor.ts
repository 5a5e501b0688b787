import type { Batch } from '../../runtime/batch/column.ts';
import type { Notice } from './notice.ts';
import type { RowSource } from './row-source.ts';

export type Slice =
  | Readonly<{ kind: 'rows'; batch: Batch; from: number; to: number; tick: number; snapshot: boolean }>
  | Readonly<{ kind: 'notice'; notice: Notice }>
  | Readonly<{ kind: 'end' }>;

/** Where a reader of a result is. */
export interface RowCursor {
  /** At most `rowsMax` rows that are there, or null. Throws SqlError where the query failed. */
  poll(rowsMax: number): Slice | null;
  /** Resolves when `poll` has something to give (or throw). */
  ready(): Promise<void>;
  /** Ends the query with 53400 if more than its bound waits to be taken; true once it has failed. */
  checkBound(): boolean;
  cancel(): void;
}

/** Takes rows in the portions that a client asks for: what is left of a batch stays for the next call. */
export class ResultCursor implements RowCursor {
  readonly #source: RowSource;
  #rest: (Slice & { readonly kind: 'rows' }) | null = null;

  constructor(source: RowSource) {
    this.#source = source;
  }

  checkBound(): boolean {
    return this.#source.checkBound();
  }

  poll(rowsMax: number): Slice | null {
    const slice = this.#rest ?? this.#next();
    this.#rest = null;
    if (slice === null || slice.kind !== 'rows' || slice.to - slice.from <= rowsMax) return slice;
    this.#rest = { ...slice, from: slice.from + rowsMax };
    return { ...slice, to: slice.from + rowsMax };
  }

  #next(): Slice | null {
    for (;;) {
      const event = this.#source.poll();
      if (event === null) return null;
      switch (event.kind) {
        case 'rows': {
          const { batch, tick, snapshot } = event;
          if (batch.rows === 0) continue;
          return { kind: 'rows', batch, from: 0, to: batch.rows, tick, snapshot };
        }
        case 'notice':
          return event;
        case 'end':
          return { kind: 'end' };
        case 'progress':
          continue;
      }
    }
  }

  ready(): Promise<void> {
    return this.#rest !== null ? Promise.resolve() : this.#source.ready();
  }

  cancel(): void {
    this.#source.cancel();
  }
}
