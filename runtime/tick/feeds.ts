/** The feeds of scans: a stream shared by all its readers, a file read for one query alone, a table, a view. */
import type { RelationDelta } from '../source/admitted.ts';
import { relationDelta } from '../source/admitted.ts';
import type { Source, SourceOutput } from '../source/source.ts';
import type { StateReader, StateWriter } from '../state/state-codec.ts';
import type { RateLimit } from './admission-rate.ts';
import type { Feed, Standing } from './continuous-query.ts';
import type { RejectRow, StreamRuntime } from './stream-runtime.ts';
import { StreamWatermark } from './stream-watermark.ts';
import type { TableRuntime } from './table-runtime.ts';
import type { ViewRuntime } from './view-runtime.ts';

const nothing = (): void => undefined;

/** A watermark of +∞ is a source's end. */
const standingOf = ({ column, value, idle }: StreamWatermark): Standing => ({
  watermarks: new Map([[column, value]]),
  ended: value === Number.POSITIVE_INFINITY,
  idle,
});

/** Rows of the stream. */
export function streamFeed(stream: StreamRuntime, now: number, onClose: () => void): Feed {
  return {
    shared: true,
    get delta() {
      return stream.delta;
    },
    backfill: () => historyOf(stream, now),
    standing: () => standingOf(stream.watermark),
    close: onClose,
    save: nothing,
    load: nothing,
  };
}

/** Rows from which on a step of a history is large enough. */
const STEP_ROWS = 8192;

/**
 * The stream's history, with the watermark as it was. Ticks whose rows are late for nothing are put together: how rows
 * were cut into ticks shows in late ones alone, and many small steps cost more than their rows.
 */
function* historyOf(stream: StreamRuntime, now: number): Generator<RelationDelta> {
  const watermark = new StreamWatermark(stream.definition.watermark);
  let parts: RelationDelta['parts'][number][] = [];
  let rows = 0;
  let tick = -1;
  // those before it are of ticks that are over
  let begun = 0;
  const take = (): RelationDelta => {
    const over = parts.slice(0, begun);
    parts = parts.slice(begun);
    rows = parts.reduce((sum, part) => sum + part.batch.rows, 0);
    begun = 0;
    return { parts: over, watermarks: new Map([[watermark.column, watermark.value]]), ended: false };
  };
  for (const part of stream.history(now)) {
    if (part.tick !== tick && parts.length > 0) {
      watermark.advance(parts.at(-1)!.arrivedAt);
      begun = parts.length;
      if (rows >= STEP_ROWS) yield take();
    }
    tick = part.tick;
    if (begun > 0 && watermark.isAheadOf(part.batch, part.arrivedAt)) yield take();
    parts.push(part);
    rows += part.batch.rows;
    watermark.observe(part.batch, part.arrivedAt);
  }
  if (parts.length > 0) {
    watermark.advance(parts.at(-1)!.arrivedAt);
    begun = parts.length;
    yield take();
  }
  const { value, idle } = stream.watermark;
  if (value > Number.NEGATIVE_INFINITY || idle) yield { parts: [], ...standingOf(stream.watermark) };
}

/** A connector without retention that each new reader reads from its start (file). Rows inserted into the stream come too. */
export class PrivateFeed implements Feed {
  readonly shared = false;
  readonly #stream: StreamRuntime;
  readonly #source: Source;
  readonly #reject: RejectRow;
  readonly #watermark: StreamWatermark;
  readonly #limit: RateLimit | null;
  #delta: RelationDelta | null = null;
  #arrival = 0;

  constructor(stream: StreamRuntime, source: Source, reject: RejectRow) {
    this.#stream = stream;
    this.#source = source;
    this.#reject = reject;
    this.#watermark = new StreamWatermark(stream.definition.watermark);
    this.#limit = stream.newLimit();
  }

  get delta(): RelationDelta | null {
    return this.#delta;
  }

  get ready(): boolean {
    return this.#source.ready && this.#limit?.exhausted !== true;
  }

  /** Reads a tick's share; the stream has admitted its own rows before. Returns how many rows came. */
  poll(now: number, tickShare: number): number {
    const share = this.#limit?.allowed(now, tickShare) ?? tickShare;
    const parts = [...(this.#stream.delta?.parts ?? [])];
    for (const part of parts) this.#watermark.observe(part.batch, now);
    let rows = 0;
    const output: SourceOutput = {
      batch: (raw) => {
        const batch = this.#stream.admissible(raw, now, (_row, error, payload) =>
          this.#reject(this.#stream.name, error, null, payload),
        );
        if (batch.rows === 0) return;
        this.#watermark.observe(batch, now);
        parts.push({ batch, arrivedAt: now, firstArrival: this.#arrival });
        this.#arrival += batch.rows;
        rows += batch.rows;
      },
      reject: (row, offset) => this.#reject(this.#stream.name, row.error, offset, row.payload),
    };
    if (share > 0) this.#source.poll(now, output, share);
    this.#limit?.took(rows, share);
    if (this.#source.ended) {
      this.#watermark.ended = true;
      this.#stream.watermark.ended = true;
    }
    const before = this.#watermark.value;
    const value = this.#watermark.advance(now);
    const moved = value !== before || this.#source.ended;
    this.#delta =
      parts.length > 0 || moved ? { parts, ...standingOf(this.#watermark), ended: this.#source.ended } : null;
    this.#stream.watermark.maxTime = Math.max(this.#stream.watermark.maxTime, this.#watermark.maxTime);
    this.#stream.rowsIn += rows;
    return rows;
  }

  *backfill(): Generator<RelationDelta> {
    // the source itself begins at the start
  }

  standing(): Standing {
    return standingOf(this.#watermark);
  }

  close(): void {
    this.#source.close();
  }

  save(w: StateWriter): void {
    w.value({ watermark: this.#watermark.state(), arrival: this.#arrival });
    this.#source.save(w);
  }

  load(r: StateReader): void {
    const saved = r.value() as { watermark: unknown; arrival: number };
    this.#watermark.restore(saved.watermark);
    this.#arrival = saved.arrival;
    this.#source.load(r);
  }
}

export function tableFeed(table: TableRuntime): Feed {
  return {
    shared: true,
    get delta() {
      return table.delta;
    },
    backfill: () => [relationDelta(table.store.read(), new Map(), false)],
    standing: () => ({ watermarks: new Map(), ended: false }),
    close: nothing,
    save: nothing,
    load: nothing,
  };
}

export function viewFeed(view: ViewRuntime): Feed {
  return {
    shared: true,
    get delta() {
      return view.delta;
    },
    backfill: () => [relationDelta(view.read(), view.watermarks, view.ended)],
    standing: () => ({ watermarks: view.watermarks, ended: view.ended }),
    close: nothing,
    save: nothing,
    load: nothing,
  };
}
