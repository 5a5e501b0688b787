/**
 * The rows of a cursor, and where its reader is:
 *
 *   position  0 = before the first row, k = on row k, stored + 1 = after the last (once the end was read)
 *
 *   taken from the query, in batches      not read yet
 *   1 . . . . position . . . . stored  |  . . . . . .
 *
 * A SCROLL or WITH HOLD cursor keeps what it has read (53400 when that is too much); one that says neither keeps it while
 * it is little, and can only go forward after that; NO SCROLL and continuous ones keep nothing.
 */
import { SqlError } from '../../common/sql-error.ts';
import type { Batch } from '../../runtime/batch/column.ts';
import { batchBytes } from '../../runtime/batch/concat.ts';
import { gatherBatch } from '../../runtime/batch/gather.ts';
import { CURSOR_BYTES_MAX, CURSOR_TRIED_BYTES_MAX } from '../limits.ts';
import type { HeldShare } from './held-memory.ts';
import type { ResultCursor, RowCursor, Slice } from './result-cursor.ts';

export type Scrolling = 'kept' | 'tried' | 'none';

export class ScrollCursor implements RowCursor {
  readonly #cursor: ResultCursor;
  #scrolling: Scrolling;
  readonly #batches: Batch[] = [];
  /** rows up to and with the batch of that place */
  readonly #ends: number[] = [];
  readonly #held: HeldShare;
  #bytes = 0;
  #stored = 0;
  #ended = false;
  #position = 0;
  /** Once rows are lost. */
  #failure: unknown = null;

  constructor(cursor: ResultCursor, scrolling: Scrolling, held: HeldShare) {
    this.#held = held;
    this.#cursor = cursor;
    this.#scrolling = scrolling;
  }

  get position(): number {
    return this.#position;
  }

  get isOnRow(): boolean {
    return this.#position >= 1 && this.#position <= this.#stored;
  }

  checkBound(): boolean {
    return this.#cursor.checkBound();
  }

  ready(): Promise<void> {
    return this.#position < this.#stored || this.#ended ? Promise.resolve() : this.#cursor.ready();
  }

  cancel(): void {
    this.#cursor.cancel();
  }

  /** The next rows. */
  poll(rowsMax: number): Slice | null {
    if (this.#failure !== null) throw this.#failure;
    if (this.#position < this.#stored) return this.#keptSlice(rowsMax);
    const slice = this.#ended ? ({ kind: 'end' } as const) : this.#cursor.poll(rowsMax);
    if (slice?.kind === 'rows') {
      this.#record(slice);
      this.#position = this.#stored;
    }
    if (slice?.kind === 'end') {
      this.#ended = true;
      this.#position = this.#stored + 1;
    }
    return slice;
  }

  /** So that the row after `position` is the next: backwards at once; forwards only to where it has read. */
  moveTo(position: number): void {
    const target = Math.max(position, 0);
    if (target < this.#position) this.requireScroll();
    this.#position = Math.min(target, this.#stored + (this.#ended ? 1 : 0));
  }

  /** The rows before the position, nearest first; the position is then on the last of them, or before the first row. */
  takeBackward(rows: number): readonly Batch[] {
    this.requireScroll();
    const last = Math.min(this.#position - 1, this.#stored);
    const first = Math.max(last - rows + 1, 1);
    const taken: Batch[] = [];
    for (let row = last; row >= first; ) {
      const place = this.#placeOf(row);
      const start = place === 0 ? 0 : this.#ends[place - 1]!;
      const from = Math.max(first, start + 1);
      const chosen = Uint32Array.from({ length: row - from + 1 }, (_, i) => row - i - start - 1);
      taken.push(gatherBatch(this.#batches[place]!, chosen, chosen.length));
      row = from - 1;
    }
    this.#position = rows > last ? 0 : first;
    return taken;
  }

  /** Reads to the end, so that nothing of the query is needed any more; what it says meanwhile goes to `onNotice`. */
  async keepAll(
    wait: (ready: Promise<void>) => Promise<void>,
    onNotice: (slice: Slice) => void,
  ): Promise<void> {
    this.#scrolling = 'kept';
    while (!this.#ended) {
      const slice = this.#cursor.poll(Number.POSITIVE_INFINITY);
      if (slice === null) await wait(this.#cursor.ready());
      else if (slice.kind === 'rows') this.#record(slice);
      else if (slice.kind === 'end') this.#ended = true;
      else onNotice(slice);
    }
  }

  #record({ batch, from, to }: Slice & { kind: 'rows' }): void {
    const rows = to - from;
    if (this.#scrolling !== 'none') this.#keep(batch, from, rows);
    this.#stored += rows;
  }

  #keep(batch: Batch, from: number, rows: number): void {
    // parts of one batch share its texts
    const bytes = Math.ceil((batchBytes(batch) * rows) / batch.rows);
    if (this.#scrolling === 'tried' && this.#bytes + bytes > CURSOR_TRIED_BYTES_MAX) {
      this.#forget();
      return;
    }
    try {
      if (this.#bytes + bytes > CURSOR_BYTES_MAX) throw tooMuch();
      this.#held.take(bytes);
    } catch (error) {
      // these rows were taken from the query and not given to anybody
      this.#failure = error;
      this.#forget();
      throw error;
    }
    this.#bytes += bytes;
    const chosen = rows === batch.rows ? null : Uint32Array.from({ length: rows }, (_, i) => from + i);
    this.#batches.push(chosen === null ? batch : gatherBatch(batch, chosen, rows));
    this.#ends.push(this.#stored + rows);
  }

  close(): void {
    this.#forget();
  }

  #forget(): void {
    this.#scrolling = 'none';
    this.#held.give(this.#bytes);
    this.#batches.length = 0;
    this.#ends.length = 0;
    this.#bytes = 0;
  }

  /** 55000 where rows that were read are not kept. */
  requireScroll(): void {
    if (this.#failure !== null) throw this.#failure;
    if (this.#scrolling !== 'none') return;
    throw new SqlError('55000', 'cursor can only scan forward', {
      hint: 'Declare it with SCROLL option to enable backward scan.',
    });
  }

  #keptSlice(rowsMax: number): Slice {
    const place = this.#placeOf(this.#position + 1);
    const start = place === 0 ? 0 : this.#ends[place - 1]!;
    const from = this.#position - start;
    const to = Math.min(from + rowsMax, this.#ends[place]! - start);
    this.#position = start + to;
    return { kind: 'rows', batch: this.#batches[place]!, from, to, tick: 0, snapshot: true };
  }

  /** The batch that holds a row, by bisection. */
  #placeOf(row: number): number {
    let low = 0;
    let high = this.#ends.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#ends[middle]! < row) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

const tooMuch = (): SqlError =>
  new SqlError('53400', 'the cursor holds too many rows', {
    detail: `A SCROLL or WITH HOLD cursor may keep ${CURSOR_BYTES_MAX} bytes.`,
    hint: 'Declare it with NO SCROLL and WITHOUT HOLD, or add a LIMIT.',
  });
