/**
 * Rows that only come: of a view ON WINDOW CLOSE, of a stream's history without a disk, of a changelog. Oldest rows
 * leave when the retention says.
 */
import type { Schema } from '../../common/types.ts';
import type { Batch } from '../batch/column.ts';
import { batchBytes, compactBatch, concatBatches } from '../batch/concat.ts';
import { decodeBatch, encodeBatch } from '../format/batch-codec.ts';
import type { Retention } from '../plan/relation.ts';
import type { StateReader, StateWriter } from '../state/state-codec.ts';

export type StoredBatch = Readonly<{
  tick: number;
  /** what age runs from, µs: arrival, or window_end */
  time: number;
  firstArrival: number;
  batch: Batch;
  bytes: number;
}>;

/** Small neighbours are joined up to this size, so that many small ticks do not make reads slow. */
const JOIN_ROWS_MAX = 1024;

export class AppendStore {
  readonly schema: Schema;
  readonly #retention: Retention;
  #entries: StoredBatch[] = [];
  #bytes = 0;
  /** ticks at or below this one may be incomplete: something of them has left */
  #trimmedTick = 0;

  constructor(schema: Schema, retention: Retention) {
    this.schema = schema;
    this.#retention = retention;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#entries.reduce((sum, e) => sum + e.batch.rows, 0);
  }

  /** The youngest tick of which rows have left. */
  get trimmedTick(): number {
    return this.#trimmedTick;
  }

  /** Keeps a copy. Batches of different ticks stay apart when `keepTicks` (changelogs). */
  append(tick: number, time: number, firstArrival: number, batch: Batch, keepTicks: boolean): void {
    if (batch.rows === 0) return;
    if (this.#retention.none) {
      this.#trimmedTick = tick;
      return;
    }
    const compact = compactBatch(this.schema, batch);
    const last = this.#entries.at(-1);
    const joins =
      last !== undefined &&
      last.batch.rows + compact.rows <= JOIN_ROWS_MAX &&
      (!keepTicks || last.tick === tick) &&
      last.time === time;
    if (joins) {
      this.#entries.pop();
      this.#bytes -= last.bytes;
      const joined = concatBatches(this.schema, [last.batch, compact]);
      this.#push({ ...last, tick, batch: joined, bytes: batchBytes(joined) });
    } else this.#push({ tick, time, firstArrival, batch: compact, bytes: batchBytes(compact) });
    // a tick that brings many times what is kept does not hold all of it until its end
    const { bytes } = this.#retention;
    if (bytes !== null && this.#bytes > 2 * bytes) this.#drop(Number.NEGATIVE_INFINITY, bytes);
  }

  /** Oldest rows leave: those older than the age at `now`, then those above the bytes. True: some did. */
  trim(now: number): boolean {
    const { ageMicros, bytes } = this.#retention;
    const eldest = ageMicros === null ? Number.NEGATIVE_INFINITY : now - ageMicros;
    return this.#drop(eldest, bytes ?? Number.POSITIVE_INFINITY);
  }

  /** The entries as of now; later changes do not touch the answer. */
  read(): readonly StoredBatch[] {
    return this.#entries.slice();
  }

  /** Those of later ticks than this one. */
  since(tick: number): readonly StoredBatch[] {
    let from = this.#entries.length;
    while (from > 0 && this.#entries[from - 1]!.tick > tick) from--;
    return this.#entries.slice(from);
  }

  clear(): void {
    this.#entries = [];
    this.#bytes = 0;
  }

  save(w: StateWriter): void {
    w.number(this.#trimmedTick);
    w.number(this.#entries.length);
    for (const entry of this.#entries) {
      w.value([entry.tick, entry.time, entry.firstArrival]);
      w.array(encodeBatch(this.schema, entry.batch));
    }
  }

  load(r: StateReader): void {
    this.#trimmedTick = r.number();
    this.#entries = [];
    this.#bytes = 0;
    for (let left = r.number(); left > 0; left--) {
      const [tick, time, firstArrival] = r.value() as [number, number, number];
      const batch = decodeBatch(this.schema, r.array(Uint8Array));
      this.#push({ tick, time, firstArrival, batch, bytes: batchBytes(batch) });
    }
  }

  #drop(eldest: number, bytes: number): boolean {
    let drop = 0;
    while (drop < this.#entries.length) {
      const entry = this.#entries[drop]!;
      const over = this.#bytes > bytes && drop < this.#entries.length - 1;
      if (entry.time >= eldest && !over) break;
      this.#bytes -= entry.bytes;
      this.#trimmedTick = Math.max(this.#trimmedTick, entry.tick);
      drop++;
    }
    if (drop > 0) this.#entries = this.#entries.slice(drop);
    return drop > 0;
  }

  #push(entry: StoredBatch): void {
    this.#entries.push(entry);
    this.#bytes += entry.bytes;
  }
}
