/** A materialized view at run time: the rows it holds and their changelog; fed by its query's output. */
import { physicalKind, type Schema } from '../../common/types.ts';
import type { Batch } from '../batch/column.ts';
import type { MaterializedViewDefinition, Retention } from '../plan/relation.ts';
import { relationDelta, type RelationDelta } from '../source/admitted.ts';
import type { StateReader, StateWriter } from '../state/state-codec.ts';
import { AppendStore, type StoredBatch } from '../view/append-store.ts';
import { RowStore } from '../view/row-store.ts';
import { RelationIndexes } from './relation-indexes.ts';
import { schemaOf } from './admission.ts';

const KEEPS_NOTHING: Retention = { ageMicros: null, bytes: null, none: true };

export class ViewRuntime {
  readonly definition: MaterializedViewDefinition;
  readonly schema: Schema;
  readonly changelog: AppendStore;
  readonly indexes: RelationIndexes;
  /** rows that never retract, in order of their window; else a multiset */
  readonly #appended: AppendStore | null;
  readonly #rows: RowStore | null;
  /** ordinal of the column whose watermark ages the rows (window_end); −1: none */
  readonly #ageColumn: number;
  watermarks: ReadonlyMap<number, number> = new Map();
  delta: RelationDelta | null = null;
  lastChange = 0;
  ended = false;

  constructor(definition: MaterializedViewDefinition, timeColumns: readonly number[]) {
    this.definition = definition;
    this.schema = schemaOf(definition.columns);
    const appendOnly =
      definition.plan.emit.kind === 'close' ||
      (definition.plan.root.appendOnly && definition.plan.emit.kind === 'changes');
    this.#appended = appendOnly ? new AppendStore(this.schema, definition.retention) : null;
    this.#rows = appendOnly ? null : new RowStore(this.schema);
    this.indexes = new RelationIndexes(this.schema, this.#appended ?? this.#rows!);
    this.#ageColumn = timeColumns.at(-1) ?? -1;
    // an append-only view with unbounded history is its own changelog, but ticks must stay apart
    this.changelog = new AppendStore(
      this.schema,
      definition.changelog.none ? KEEPS_NOTHING : definition.changelog,
    );
  }

  get name(): string {
    return this.definition.name;
  }

  get memoryBytes(): number {
    const appended = (this.#appended?.bytes ?? 0) + (this.#appended?.indexBytes ?? 0);
    return appended + (this.#rows?.memoryBytes() ?? 0) + this.changelog.bytes;
  }

  /** Rows are never taken back. */
  get isAppendOnly(): boolean {
    return this.#appended !== null;
  }

  /** No row has left by retention. */
  get isWhole(): boolean {
    return (this.#appended?.trimmedTick ?? 0) === 0;
  }

  get size(): number {
    return this.#appended?.size ?? this.#rows!.size;
  }

  /** The tick's output of the query. */
  apply(
    tick: number,
    time: number,
    batches: readonly Batch[],
    watermarks: ReadonlyMap<number, number>,
    ended: boolean,
  ): void {
    const moved = [...watermarks].some(([c, w]) => this.watermarks.get(c) !== w);
    if (batches.length === 0 && !moved && ended === this.ended) return;
    this.watermarks = watermarks;
    this.ended = ended;
    // a tick may come in several steps
    const earlier = this.delta?.parts.map((p) => p.batch) ?? [];
    this.delta = relationDelta([...earlier, ...batches], watermarks, ended);
    if (batches.length === 0) return;
    this.lastChange = tick;
    for (const batch of batches) {
      if (this.#appended !== null) this.#appended.append(tick, this.#ageOf(batch, time), 0, batch, false);
      else this.#rows!.apply(batch);
      this.changelog.append(tick, time, 0, batch, true);
    }
  }

  endTick(tick: number, now: number): void {
    this.delta = null;
    this.changelog.trim(now);
    const watermark = this.#ageColumn < 0 ? now : (this.watermarks.get(this.#ageColumn) ?? now);
    // rows that leave are no retraction, but who reads the view sees them gone
    if (this.#appended?.trim(watermark) === true) this.lastChange = tick;
  }

  /** All rows; later changes do not touch the answer. */
  read(): readonly Batch[] {
    return this.#appended?.read().map((e) => e.batch) ?? this.#rows!.read();
  }

  /**
   * The rows as batches with the greatest value that each holds of the column, if they are kept by it (window_end of a view
   * that only grows); else null. Later changes do not touch the answer.
   */
  readByTime(column: number): readonly StoredBatch[] | null {
    if (column !== this.#ageColumn || this.#appended === null) return null;
    const entries = this.#appended.read();
    const areTimes = entries.every(({ batch }) => {
      const times = batch.columns[column]!;
      return times.kind === 'float64' && times.valid === null;
    });
    return areTimes ? entries : null;
  }

  save(w: StateWriter): void {
    w.value({ watermarks: this.watermarks, lastChange: this.lastChange, ended: this.ended });
    this.#appended?.save(w);
    this.#rows?.save(w);
    this.changelog.save(w);
  }

  load(r: StateReader): void {
    const saved = r.value() as { watermarks: Map<number, number>; lastChange: number; ended: boolean };
    this.watermarks = saved.watermarks;
    this.lastChange = saved.lastChange;
    this.ended = saved.ended;
    this.#appended?.load(r);
    this.#rows?.load(r);
    this.changelog.load(r);
  }

  /** Greatest window_end of the batch, µs; without one the tick's time. */
  #ageOf(batch: Batch, time: number): number {
    const column = batch.columns[this.#ageColumn];
    if (
      column === undefined ||
      column.kind !== 'float64' ||
      physicalKind(this.schema[this.#ageColumn]!.type) !== 'float64'
    ) {
      return time;
    }
    let greatest = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < batch.rows; i++) greatest = Math.max(greatest, column.values[i]!);
    return greatest;
  }
}
