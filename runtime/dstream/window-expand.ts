/**
 * Each row once per window it is in, with window_start and window_end appended. Rows late for a window leave that
 * window out. Serves windowed relations that are not aggregated by window, and EMIT CHANGES over windows.
 */
import { physicalKind, type Schema } from '../../common/types.ts';
import type { Batch, Column } from '../batch/column.ts';
import { isValid } from '../batch/column.ts';
import { gatherBatch } from '../batch/gather.ts';
import { linkRows } from '../batch/origin.ts';
import type { LatePolicy, WindowSpecification } from '../plan/query-plan.ts';
import type { StateReader, StateWriter } from '../state/state-codec.ts';
import { windowShape, type WindowShape } from '../state/window-shape.ts';
import { noticePartialWindows } from './partial-windows.ts';
import type { Delta, DStream, QueryContext, StatefulDStream, Tick } from './dstream.ts';

const MICROS_PER_DAY = 86_400_000_000;
/** Of one step: a row may be in a million windows. The rest goes out with the next step of the tick. */
const ROWS_OUT_MAX = 65_536;

/** Rows whose windows are not out yet. `window`: the next one of the first of them; null: that row's first. */
type Waiting = { readonly batch: Batch; row: number; window: number | null };

export type WindowExpandOptions = Readonly<{
  window: WindowSpecification;
  /** ordinal of the time attribute */
  time: number;
  schema: Schema;
  timeColumns: readonly number[];
  /** null: every window counts, closed or not (no aggregation by window follows) */
  late: LatePolicy | null;
  /** false: windows that began before the first row are left out; null: nobody asks (not aggregated by window) */
  partial: boolean | null;
}>;

export class WindowExpand implements StatefulDStream {
  readonly schema: Schema;
  readonly timeColumns: readonly number[];
  readonly #options: WindowExpandOptions;
  readonly #inputSchema: Schema;
  readonly #context: QueryContext;
  readonly #shape: WindowShape;
  readonly #inputTimes: readonly number[];
  readonly #watermarkOf: number;
  readonly #sizeMicros: number;
  #watermark = Number.NEGATIVE_INFINITY;
  #firstTime: number | null = null;
  readonly #waiting: Waiting[] = [];
  #sent: readonly number[] | null = null;

  constructor(input: DStream, options: WindowExpandOptions, context: QueryContext) {
    this.schema = options.schema;
    this.#options = options;
    this.#inputSchema = input.schema;
    this.#context = context;
    this.#shape = windowShape(options.window);
    this.#inputTimes = input.timeColumns;
    this.#watermarkOf = input.timeColumns.indexOf(options.time);
    this.#sizeMicros = options.window.kind === 'session' ? 0 : options.window.sizeMicros;
    const start = input.schema.length;
    this.timeColumns = options.timeColumns.filter((c) =>
      c >= start ? this.#watermarkOf >= 0 : input.timeColumns.includes(c),
    );
  }

  step(_tick: Tick, [input]: readonly [Delta]): Delta {
    for (const batch of input.batches) this.#waiting.push({ batch, row: 0, window: null });
    const batches: Batch[] = [];
    for (let room = ROWS_OUT_MAX; room > 0 && this.#waiting.length > 0; ) {
      const expanded = this.#expand(this.#waiting[0]!, room);
      if (this.#waiting[0]!.row >= this.#waiting[0]!.batch.rows) this.#waiting.shift();
      if (expanded === null) continue;
      room -= expanded.rows;
      batches.push(expanded);
    }
    if (this.#waiting.length > 0) {
      // what was held back is not yet behind the watermark
      const watermarks = this.#sent ?? this.timeColumns.map(() => Number.NEGATIVE_INFINITY);
      return { batches, watermarks, ended: false, idle: input.idle, more: true };
    }
    if (this.#watermarkOf >= 0) {
      this.#watermark = Math.max(this.#watermark, input.watermarks[this.#watermarkOf]!);
    }
    this.#sent = this.#outputWatermarks(input);
    return { batches, watermarks: this.#sent, ended: input.ended, idle: input.idle };
  }

  memoryBytes(): number {
    return 0;
  }

  save(w: StateWriter): void {
    w.value([this.#watermark, this.#firstTime]);
  }

  load(r: StateReader): void {
    [this.#watermark, this.#firstTime] = r.value() as [number, number | null];
  }

  /** At most `room` rows; `from` goes on behind them. */
  #expand(from: Waiting, room: number): Batch | null {
    const { batch } = from;
    const watermark = this.#watermark;
    const { late, partial, time } = this.#options;
    const { widthMicros, offsetMicros, firstPane, endPane, firstWindow, lastWindow } = this.#shape;
    const column = batch.columns[time]!;
    if (column.kind !== 'float64' && column.kind !== 'int32')
      throw new TypeError('time attribute in another layout');
    const scale = column.kind === 'int32' ? MICROS_PER_DAY : 1;
    const lateness = late?.kind === 'correct' ? late.latenessMicros : 0;
    const closed = late === null ? Number.NEGATIVE_INFINITY : this.#shape.lastClosed(watermark - lateness);
    const rows: number[] = [];
    const starts: number[] = [];
    const ends: number[] = [];
    for (; from.row < batch.rows && rows.length < room; from.row++) {
      const i = from.row;
      if (!isValid(column.valid, i)) continue;
      const at = column.values[i]! * scale;
      const pane = Math.floor((at - offsetMicros) / widthMicros);
      if (!Number.isFinite(pane)) continue;
      if (this.#firstTime === null) this.#noteFirst(at);
      const last = lastWindow(pane);
      const first = firstWindow(pane);
      if (from.window === null && first <= closed && first <= last)
        this.#context.late(at, watermark, this.#inputSchema, batch, i);
      let window = from.window ?? Math.max(first, closed + 1);
      for (; window <= last && rows.length < room; window++) {
        if (partial === false && firstPane(window) * widthMicros + offsetMicros < this.#firstTime!) continue;
        rows.push(i);
        starts.push(firstPane(window) * widthMicros + offsetMicros);
        ends.push(endPane(window) * widthMicros + offsetMicros);
      }
      from.window = window <= last ? window : null;
      if (from.window !== null) break;
    }
    if (rows.length === 0) return null;
    const chosen = Uint32Array.from(rows);
    const expanded = gatherBatch(batch, chosen, chosen.length);
    const type = this.schema[this.#inputSchema.length]!.type;
    const bounds = [starts, ends].map(
      (values): Column =>
        physicalKind(type) === 'int32'
          ? { kind: 'int32', values: Int32Array.from(values, (v) => v / MICROS_PER_DAY), valid: null }
          : { kind: 'float64', values: Float64Array.from(values), valid: null },
    );
    return linkRows({ ...expanded, columns: [...expanded.columns, ...bounds] }, batch, chosen);
  }

  #noteFirst(time: number): void {
    this.#firstTime = time;
    if (this.#options.partial !== null) noticePartialWindows(this.#shape, time, this.#context);
  }

  #outputWatermarks(input: Delta): number[] {
    const start = this.#inputSchema.length;
    const watermark = input.ended ? Number.POSITIVE_INFINITY : this.#watermark;
    return this.timeColumns.map((c) => {
      if (c < start) return input.watermarks[this.#inputTimes.indexOf(c)]!;
      return c === start ? watermark - this.#sizeMicros : watermark;
    });
  }
}
