/** A stream at run time: its sources, what the current tick admitted, its watermark, its retained history. */
import { TICK_ROWS_MAX } from '../../common/limits.ts';
import type { SqlError } from '../../common/sql-error.ts';
import type { Schema } from '../../common/types.ts';
import type { Batch } from '../batch/column.ts';
import type { ExpressionProgram } from '../expression/compile.ts';
import type { StreamDefinition } from '../plan/relation.ts';
import type { AdmittedBatch, RelationDelta } from '../source/admitted.ts';
import type { Source, SourceOutput } from '../source/source.ts';
import type { StreamLog } from '../storage/stream-log.ts';
import { AppendStore } from '../view/append-store.ts';
import { admissible, type RejectAdmission, schemaOf } from './admission.ts';
import { RateLimit } from './admission-rate.ts';
import { StreamWatermark } from './stream-watermark.ts';

export type RejectRow = (
  stream: string,
  error: SqlError,
  sourceOffset: string | null,
  payload: string | null,
) => void;

export class StreamRuntime {
  readonly definition: StreamDefinition;
  readonly schema: Schema;
  readonly watermark: StreamWatermark;
  readonly #log: StreamLog | null;
  readonly #memory: AppendStore;
  readonly #generated: ReadonlyMap<number, ExpressionProgram>;
  readonly #reject: RejectRow;
  readonly #maxRate: number | null;
  readonly #limit: RateLimit | null;
  /** own connector (shared by all consumers), and running COPYs and posts */
  readonly sources = new Set<Source>();
  #insertions: Batch[] = [];
  #parts: AdmittedBatch[] = [];
  #shownWatermark = Number.NEGATIVE_INFINITY;
  #shownIdle = false;
  #nextArrival: number;
  delta: RelationDelta | null = null;
  lastChange = 0;
  rowsIn = 0;

  /** `maxRate`: rows a second that its sources may bring; null: no limit. */
  constructor(
    definition: StreamDefinition,
    log: StreamLog | null,
    generated: ReadonlyMap<number, ExpressionProgram>,
    reject: RejectRow,
    maxRate: number | null,
  ) {
    this.definition = definition;
    this.schema = schemaOf(definition.columns);
    this.watermark = new StreamWatermark(definition.watermark);
    this.#log = log;
    this.#memory = new AppendStore(this.schema, definition.retention);
    this.#generated = generated;
    this.#reject = reject;
    this.#maxRate = maxRate;
    this.#limit = this.newLimit();
    this.#nextArrival = log?.nextArrival ?? 0;
  }

  get name(): string {
    return this.definition.name;
  }

  /** The stream's own source, shared by all consumers. */
  get connector(): Source | undefined {
    return [...this.sources].find((source) => !('transient' in source));
  }

  get retains(): boolean {
    return !this.definition.retention.none;
  }

  get memoryBytes(): number {
    return this.#memory.bytes;
  }

  get retainedRows(): number {
    return this.#log?.rows ?? this.#memory.size;
  }

  get retainedBytes(): number {
    return this.#log?.bytes ?? this.#memory.bytes;
  }

  /** Rows of an INSERT: checked before, admitted in the coming tick. */
  insert(batch: Batch): void {
    this.#insertions.push(batch);
  }

  /** Rows waiting: something to do at once. */
  get waits(): boolean {
    if (this.#insertions.length > 0) return true;
    if (this.#limit?.exhausted === true) return false;
    for (const source of this.sources) if (source.ready) return true;
    return false;
  }

  /** For each reader of the stream's connector that reads it alone. */
  newLimit(): RateLimit | null {
    return this.#maxRate === null ? null : new RateLimit(this.#maxRate);
  }

  /**
   * Admits what is there; `delta` holds it until the tick ends. `share`: of what sources give at most, 0: nothing.
   * Returns how many rows came.
   */
  admit(tick: number, now: number, share: number): number {
    let rows = 0;
    const take = (batch: Batch, admitted = false): void => {
      rows += this.#take(admitted ? batch : this.admissible(batch, now, this.#rejected), now);
    };
    for (const batch of this.#insertions) take(batch);
    this.#insertions = [];
    if (share > 0) this.#poll(now, share, take, () => rows >= share * TICK_ROWS_MAX);
    if (this.definition.source.connector !== 'log' && this.connector?.ended === true)
      this.watermark.ended = true;
    const watermark = this.watermark.advance(now);
    const processingTime = this.definition.watermark === null;
    if (
      rows > 0 ||
      (watermark !== this.#shownWatermark && !processingTime) ||
      this.watermark.idle !== this.#shownIdle ||
      (processingTime && rows === 0)
    ) {
      this.delta = {
        parts: this.#parts,
        watermarks: new Map([[this.watermark.column, watermark]]),
        ended: watermark === Number.POSITIVE_INFINITY,
        idle: this.watermark.idle,
      };
    }
    this.#shownWatermark = watermark;
    this.#shownIdle = this.watermark.idle;
    if (rows > 0) {
      this.lastChange = tick;
      this.rowsIn += rows;
      if (this.retains) this.#retain(tick);
    }
    return rows;
  }

  /** What its log gets at the end of the tick. */
  get pendingFrames(): number {
    return this.#log?.pendingFrames ?? 0;
  }

  /** The tick's rows are on the disk when this returns (with `sync`). */
  commit(sync: boolean, tickFrames: number): void {
    this.#log?.flush(sync, tickFrames);
  }

  endTick(now: number): void {
    this.delta = null;
    this.#parts = [];
    for (const source of this.sources) if ('transient' in source && source.ended) this.sources.delete(source);
    if (!this.retains) return;
    this.#log?.trim(now);
    this.#memory.trim(now);
  }

  /** Retained rows as of now, oldest first. */
  *history(now: number, afterTick = -1): Generator<AdmittedBatch & Readonly<{ tick: number }>> {
    if (this.#log !== null) {
      yield* this.#log.read(now, afterTick);
      return;
    }
    const { ageMicros } = this.definition.retention;
    for (const entry of this.#memory.read()) {
      if (entry.tick <= afterTick || (ageMicros !== null && entry.time < now - ageMicros)) continue;
      yield { tick: entry.tick, arrivedAt: entry.time, firstArrival: entry.firstArrival, batch: entry.batch };
    }
  }

  /** Every row that was ever admitted is retained. */
  get isWhole(): boolean {
    for (const { firstArrival } of this.history(Number.NEGATIVE_INFINITY)) return firstArrival === 0;
    return this.#nextArrival === 0;
  }

  /** A row of the log, at a start without a checkpoint: watermark and counters follow it. */
  follow(part: AdmittedBatch & Readonly<{ tick: number }>): void {
    this.watermark.observe(part.batch, part.arrivedAt);
    this.watermark.advance(part.arrivedAt);
    this.lastChange = part.tick;
  }

  close(): void {
    for (const source of this.sources) source.close();
    this.sources.clear();
    this.#log?.close();
  }

  remove(): void {
    for (const source of this.sources) source.close();
    this.sources.clear();
    this.#log?.remove();
  }

  state(): unknown {
    return {
      watermark: this.watermark.state(),
      nextArrival: this.#nextArrival,
      lastChange: this.lastChange,
      rowsIn: this.rowsIn,
    };
  }

  restore(state: unknown): void {
    const saved = state as { watermark: unknown; nextArrival: number; lastChange: number; rowsIn: number };
    this.watermark.restore(saved.watermark);
    this.#nextArrival = Math.max(this.#nextArrival, saved.nextArrival);
    this.lastChange = saved.lastChange;
    this.rowsIn = saved.rowsIn;
    this.#shownWatermark = this.watermark.value;
    this.#shownIdle = this.watermark.idle;
  }

  /** The rows that may enter, with generated columns filled in; the others go to `reject`. */
  admissible(batch: Batch, now: number, reject: RejectAdmission): Batch {
    const failed = new Map<number, SqlError>();
    const complete = this.#complete(batch, failed);
    return admissible(this.definition, complete, now, reject, failed);
  }

  readonly #rejected: RejectAdmission = (_row, error, payload) => {
    this.#reject(this.name, error, null, payload);
  };

  #complete(batch: Batch, failed: Map<number, SqlError>): Batch {
    if (this.#generated.size === 0) return batch;
    const columns = batch.columns.map(
      (column, c) => this.#generated.get(c)?.evaluateNoting(batch, failed)[0] ?? column,
    );
    return { ...batch, columns };
  }

  #poll(
    now: number,
    tickShare: number,
    take: (batch: Batch, admitted: boolean) => void,
    full: () => boolean,
  ): void {
    const share = this.#limit?.allowed(now, tickShare) ?? tickShare;
    if (share === 0) return;
    let rows = 0;
    const output: SourceOutput = {
      batch: (batch, admitted = false) => {
        rows += batch.rows;
        take(batch, admitted);
      },
      reject: (row, offset) => this.#reject(this.name, row.error, offset, row.payload),
    };
    for (const source of [...this.sources]) {
      source.poll(now, output, share);
      // the others are before it when the tick is full
      this.sources.delete(source);
      this.sources.add(source);
      if (full()) break;
    }
    this.#limit?.took(rows, share);
  }

  #take(batch: Batch, now: number): number {
    if (batch.rows === 0) return 0;
    this.watermark.observe(batch, now);
    this.#parts.push({ batch, arrivedAt: now, firstArrival: this.#nextArrival });
    this.#nextArrival += batch.rows;
    return batch.rows;
  }

  #retain(tick: number): void {
    for (const part of this.#parts) {
      if (this.#log !== null) this.#log.append(tick, part);
      else this.#memory.append(tick, part.arrivedAt, part.firstArrival, part.batch, true);
    }
  }
}
