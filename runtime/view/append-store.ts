/**
 * Rows that only come: of a view ON WINDOW CLOSE, of a stream's history without a disk, of a changelog. Oldest rows
 * leave when the retention says.
 */
import type { Schema } from '../../common/types.ts';
import type { Batch } from '../batch/column.ts';
import { gatherBatch } from '../batch/gather.ts';
import { batchBytes, compactBatch, concatBatches } from '../batch/concat.ts';
import { decodeBatch, encodeBatch } from '../format/batch-codec.ts';
import type { Retention } from '../plan/relation.ts';
import type { RowIndex } from '../state/row-index.ts';
import type { StateReader, StateWriter } from '../state/state-codec.ts';
import { AppendIndex } from './append-index.ts';

export type StoredBatch = Readonly<{
  tick: number;
  /** what age runs from, µs: arrival, or window_end */
  time: number;
  firstArrival: number;
  batch: Batch;
  bytes: number;
  /** rows that came before its first, ever */
  firstRow: number;
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
  /** rows that ever came */
  #rowsEver = 0;
  #indexes: readonly AppendIndex[] = [];

  constructor(schema: Schema, retention: Retention) {
    this.schema = schema;
    this.#retention = retention;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#rowsEver - this.#firstRow;
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
    for (const index of this.#indexes) index.append(compact);
    const last = this.#entries.at(-1);
    const joins =
      last !== undefined &&
      last.batch.rows + compact.rows <= JOIN_ROWS_MAX &&
      (!keepTicks || last.tick === tick) &&
      last.time === time;
    if (joins) {
      this.#entries.pop();
      this.#bytes -= last.bytes;
      this.#rowsEver = last.firstRow;
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

  /** It is kept from now on. */
  addIndex(index: RowIndex): void {
    const added = new AppendIndex(index, this.#firstRow);
    for (const { batch } of this.#entries) added.append(batch);
    this.#indexes = [...this.#indexes, added];
  }

  dropIndex(index: RowIndex): void {
    this.#indexes = this.#indexes.filter((kept) => kept.index !== index);
  }

  get indexBytes(): number {
    return this.#indexes.reduce((sum, { index }) => sum + index.memoryBytes(), 0);
  }

  /** The rows of these keys, in the order in which they came; null: there are more than `rowsMax`. */
  rowsOf(index: RowIndex, keys: Batch, rowsMax: number): readonly Batch[] | null {
    const kept = this.#indexes.find((candidate) => candidate.index === index);
    const rows = kept?.find(keys, rowsMax) ?? null;
    return rows === null ? null : chosenRows(this.#entries, rows);
  }

  clear(): void {
    for (const index of this.#indexes) index.drop(this.size);
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
    this.clear();
    for (let left = r.number(); left > 0; left--) {
      const [tick, time, firstArrival] = r.value() as [number, number, number];
      const batch = decodeBatch(this.schema, r.array(Uint8Array));
      this.#push({ tick, time, firstArrival, batch, bytes: batchBytes(batch) });
      for (const index of this.#indexes) index.append(batch);
    }
  }

  get #firstRow(): number {
    return this.#entries[0]?.firstRow ?? this.#rowsEver;
  }

  #drop(eldest: number, bytes: number): boolean {
    let drop = 0;
    while (drop < this.#entries.length) {
      const entry = this.#entries[drop]!;
      const over = this.#bytes > bytes && drop < this.#entries.length - 1;
      if (entry.time >= eldest && !over) break;
      this.#bytes -= entry.bytes;
      this.#trimmedTick = Math.max(this.#trimmedTick, entry.tick);
      for (const index of this.#indexes) index.drop(entry.batch.rows);
      drop++;
    }
    if (drop > 0) this.#entries = this.#entries.slice(drop);
    return drop > 0;
  }

  #push(entry: Omit<StoredBatch, 'firstRow'>): void {
    this.#entries.push({ ...entry, firstRow: this.#rowsEver });
    this.#rowsEver += entry.batch.rows;
    this.#bytes += entry.bytes;
  }
}

/** `rows`: ascending. */
function chosenRows(entries: readonly StoredBatch[], rows: readonly number[]): readonly Batch[] {
  const out: Batch[] = [];
  for (let from = 0; from < rows.length; ) {
    const { batch, firstRow } = entries[entryOf(entries, rows[from]!)]!;
    let to = from + 1;
    while (to < rows.length && rows[to]! < firstRow + batch.rows) to++;
    const chosen = Uint32Array.from(rows.slice(from, to), (row) => row - firstRow);
    out.push(gatherBatch(batch, chosen, chosen.length));
    from = to;
  }
  return out;
}

/** The last one that begins at the row or before. */
function entryOf(entries: readonly StoredBatch[], row: number): number {
  let low = 0;
  let high = entries.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (entries[middle]!.firstRow <= row) low = middle;
    else high = middle - 1;
  }
  return low;
}
