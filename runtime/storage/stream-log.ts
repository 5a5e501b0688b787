/**
 * A stream's rows on disk: its retained history, and what the engine replays after a crash.
 *
 *   streams/<oid>/<number>.log    segments; a new one every 64 MB
 *
 * Their bytes are drawn in log-segment.ts. Frames are
 * collected during a tick and written, then synced, before the tick is acknowledged (I2). An index of all frames is in
 * memory; rows are read back from the file (the page cache) when somebody asks for history.
 */
import {
  closeSync,
  fdatasyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  writevSync,
} from 'node:fs';
import type { Schema } from '../../common/types.ts';
import type { Batch } from '../batch/column.ts';
import { decodeBatch, encodeBatch } from '../format/batch-codec.ts';
import type { Retention } from '../plan/relation.ts';
import type { AdmittedBatch } from '../source/admitted.ts';
import {
  type Frame,
  frameHead,
  readSegment,
  SEGMENT_HEAD,
  segmentNumbers,
  segmentPath,
} from './log-segment.ts';

const SEGMENT_BYTES = 64 << 20;
/** in place of a descriptor: the segment has left */
const GONE = -1;

type Segment = {
  readonly path: string;
  readonly number: number;
  readonly isFormer: boolean;
  fd: number;
  bytes: number;
  frames: Frame[];
};
/** A frame that its tick's end writes. */
type PendingFrame = Readonly<{
  tick: number;
  arrivedAt: number;
  firstArrival: number;
  rows: number;
  batch: Uint8Array;
}>;

export class StreamLog {
  readonly #schema: Schema;
  readonly #retention: Retention;
  readonly #directory: string;
  #segments: Segment[] = [];
  #pending: PendingFrame[] = [];
  /** written since the last sync */
  #unsynced = false;

  constructor(directory: string, schema: Schema, retention: Retention) {
    this.#schema = schema;
    this.#retention = retention;
    this.#directory = directory;
    mkdirSync(directory, { recursive: true });
    this.#segments = segmentNumbers(directory).map((number) => openSegment(directory, number));
  }

  get bytes(): number {
    return this.#segments.reduce((sum, s) => sum + s.bytes, 0);
  }

  get rows(): number {
    return this.#segments.reduce((sum, s) => sum + s.frames.reduce((n, f) => n + f.rows, 0), 0);
  }

  /** The arrival number that the next row gets. */
  get nextArrival(): number {
    const last = this.#segments.findLast((s) => s.frames.length > 0)?.frames.at(-1);
    return last === undefined ? 0 : last.firstArrival + last.rows;
  }

  /** Of the current tick. */
  get pendingFrames(): number {
    return this.#pending.length;
  }

  append(tick: number, { batch, arrivedAt, firstArrival }: AdmittedBatch): void {
    const bytes = encodeBatch(this.#schema, batch);
    this.#pending.push({ tick, arrivedAt, firstArrival, rows: batch.rows, batch: bytes });
  }

  /** Writes what was appended; with `sync` it is on the disk when this returns. `tickFrames`: those of all logs. */
  flush(sync: boolean, tickFrames: number): void {
    if (this.#pending.length > 0) this.#write(tickFrames);
    if (!sync || !this.#unsynced) return;
    fdatasyncSync(this.#segments.at(-1)!.fd);
    this.#unsynced = false;
  }

  #write(tickFrames: number): void {
    let segment = this.#segments.at(-1);
    if (segment === undefined || segment.isFormer || segment.bytes > SEGMENT_BYTES) {
      this.#syncLast();
      segment = this.#newSegment();
    }
    const parts: Uint8Array[] = [];
    const frames: Frame[] = [];
    let at = segment.bytes;
    for (const { batch, ...pending } of this.#pending) {
      const head = frameHead({ ...pending, tickFrames }, batch);
      const from = at + head.length;
      const to = from + batch.length;
      parts.push(head, batch);
      frames.push({ ...pending, tickFrames, at, from, to });
      at = to;
    }
    this.#pending = [];
    for (let part = 0; part < parts.length; part += 512) writeAll(segment.fd, parts.slice(part, part + 512));
    for (const frame of frames) segment.frames.push(frame);
    segment.bytes = at;
    this.#unsynced = true;
  }

  #syncLast(): void {
    const last = this.#segments.at(-1);
    if (this.#unsynced && last !== undefined) fdatasyncSync(last.fd);
    this.#unsynced = false;
  }

  /** Whole segments leave once nothing in them is retained. */
  trim(now: number): void {
    const { ageMicros, bytes } = this.#retention;
    while (this.#segments.length > 1) {
      const oldest = this.#segments[0]!;
      const newest = oldest.frames.at(-1)?.arrivedAt ?? Number.NEGATIVE_INFINITY;
      const old = ageMicros !== null && newest < now - ageMicros;
      const over = bytes !== null && this.bytes - oldest.bytes > bytes;
      if (!old && !over) return;
      closeSync(oldest.fd);
      oldest.fd = GONE;
      rmSync(oldest.path);
      this.#segments.shift();
    }
  }

  /** Frames that a read at `now` sees, oldest first, and those after `afterTick` only. */
  *read(now: number, afterTick: number): Generator<AdmittedBatch & Readonly<{ tick: number }>> {
    const { ageMicros } = this.#retention;
    const oldest = ageMicros === null ? Number.NEGATIVE_INFINITY : now - ageMicros;
    for (const segment of [...this.#segments]) {
      for (const frame of segment.frames.slice()) {
        // a reader may be slower than the retention
        if (segment.fd === GONE) break;
        if (frame.tick <= afterTick || frame.arrivedAt < oldest) continue;
        yield {
          tick: frame.tick,
          arrivedAt: frame.arrivedAt,
          firstArrival: frame.firstArrival,
          batch: this.#load(segment, frame),
        };
      }
    }
  }

  close(): void {
    this.#syncLast();
    for (const segment of this.#segments) closeSync(segment.fd);
    this.#segments = [];
  }

  remove(): void {
    this.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #load(segment: Segment, { from, to }: Frame): Batch {
    const bytes = Buffer.allocUnsafe(to - from);
    readSync(segment.fd, bytes, 0, bytes.length, from);
    return decodeBatch(this.#schema, bytes);
  }

  #newSegment(): Segment {
    const number = (this.#segments.at(-1)?.number ?? 0) + 1;
    const segment = openSegment(this.#directory, number);
    this.#segments.push(segment);
    return segment;
  }
}

function writeAll(fd: number, parts: readonly Uint8Array[]): void {
  const total = parts.reduce((sum, p) => sum + p.length, 0);
  let written = writevSync(fd, parts);
  if (written === total) return;
  const rest = Buffer.concat(parts);
  while (written < total) written += writevSync(fd, [rest.subarray(written)]);
}

/** Opens a segment for appending; a torn tail is cut off. */
function openSegment(directory: string, number: number): Segment {
  const path = segmentPath(directory, number);
  const { frames, end, bytes, isNew, isFormer } = readSegment(path);
  const fd = openSync(path, 'a+', 0o600);
  if (isNew) {
    ftruncateSync(fd, 0);
    writeAll(fd, [SEGMENT_HEAD]);
  } else if (end < bytes) ftruncateSync(fd, end);
  return { path, number, isFormer, fd, bytes: end, frames };
}
