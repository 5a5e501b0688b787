/**
 * A stream's rows on disk: its retained history, and what the engine replays after a crash.
 *
 *   streams/<oid>/<number>.log    segments; a new one every 64 MB
 *
 *   segment: 16 bytes "millrace log 1\n\0" (the digit is the format), then frames
 *   frame:  u32 length of body · u32 crc32 of body
 *   body:   f64 tick · f64 arrived_at µs · f64 first arrival number · u32 rows · batch (format/batch-codec.ts)
 *
 * A frame whose length or checksum is off ends the log: it was being written when the machine stopped. Frames are
 * collected during a tick and written, then synced, before the tick is acknowledged (I2). An index of all frames is in
 * memory; rows are read back from the file (the page cache) when somebody asks for history.
 */
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  writevSync,
} from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { assert } from '../../common/assert.ts';
import type { Schema } from '../../common/types.ts';
import type { Batch } from '../batch/column.ts';
import { decodeBatch, encodeBatch } from '../format/batch-codec.ts';
import type { Retention } from '../plan/relation.ts';
import type { AdmittedBatch } from '../source/admitted.ts';

const SEGMENT_BYTES = 64 << 20;
const FORMAT = Buffer.from('millrace log 1\n\0');
const HEAD_BYTES = 8;
const BODY_HEAD_BYTES = 28;
/** in place of a descriptor: the segment has left */
const GONE = -1;

export type Frame = Readonly<{
  tick: number;
  arrivedAt: number;
  firstArrival: number;
  rows: number;
  offset: number;
  bytes: number;
}>;
type Segment = { readonly path: string; readonly number: number; fd: number; bytes: number; frames: Frame[] };

export class StreamLog {
  readonly #schema: Schema;
  readonly #retention: Retention;
  readonly #directory: string;
  #segments: Segment[] = [];
  #pending: Uint8Array[] = [];
  /** written since the last sync */
  #unsynced = false;
  #pendingFrames: Frame[] = [];

  constructor(directory: string, schema: Schema, retention: Retention) {
    this.#schema = schema;
    this.#retention = retention;
    this.#directory = directory;
    mkdirSync(directory, { recursive: true });
    const names = readdirSync(directory).filter((name) => /^\d+\.log$/.test(name));
    const numbers = names.map((name) => Number.parseInt(name, 10)).sort((a, b) => a - b);
    this.#segments = numbers.map((number) => openSegment(join(directory, `${number}.log`), number));
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

  append(tick: number, { batch, arrivedAt, firstArrival }: AdmittedBatch): void {
    const rows = encodeBatch(this.#schema, batch);
    const head = new DataView(new ArrayBuffer(HEAD_BYTES + BODY_HEAD_BYTES));
    head.setUint32(0, BODY_HEAD_BYTES + rows.length, true);
    head.setFloat64(8, tick, true);
    head.setFloat64(16, arrivedAt, true);
    head.setFloat64(24, firstArrival, true);
    head.setUint32(32, batch.rows, true);
    const bodyHead = new Uint8Array(head.buffer, HEAD_BYTES);
    head.setUint32(4, crc32(rows, crc32(bodyHead)), true);
    this.#pending.push(new Uint8Array(head.buffer), rows);
    const bytes = HEAD_BYTES + BODY_HEAD_BYTES + rows.length;
    this.#pendingFrames.push({ tick, arrivedAt, firstArrival, rows: batch.rows, offset: 0, bytes });
  }

  /** Writes what was appended; with `sync` it is on the disk when this returns. */
  flush(sync: boolean): void {
    if (this.#pending.length > 0) this.#write();
    if (!sync || !this.#unsynced) return;
    fdatasyncSync(this.#segments.at(-1)!.fd);
    this.#unsynced = false;
  }

  #write(): void {
    let segment = this.#segments.at(-1);
    if (segment === undefined || segment.bytes > SEGMENT_BYTES) {
      this.#syncLast();
      segment = this.#newSegment();
    }
    const parts = this.#pending;
    this.#pending = [];
    for (let at = 0; at < parts.length; at += 512) writeAll(segment.fd, parts.slice(at, at + 512));
    for (const frame of this.#pendingFrames) {
      segment.frames.push({ ...frame, offset: segment.bytes });
      segment.bytes += frame.bytes;
    }
    this.#pendingFrames = [];
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

  #load(segment: Segment, frame: Frame): Batch {
    const skip = HEAD_BYTES + BODY_HEAD_BYTES;
    const bytes = Buffer.allocUnsafe(frame.bytes - skip);
    readSync(segment.fd, bytes, 0, bytes.length, frame.offset + skip);
    return decodeBatch(this.#schema, bytes);
  }

  #newSegment(): Segment {
    const number = (this.#segments.at(-1)?.number ?? 0) + 1;
    const segment = openSegment(join(this.#directory, `${number}.log`), number);
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

/** Opens a segment for appending and reads its index; a torn tail is cut off. */
function openSegment(path: string, number: number): Segment {
  const content = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
  const frames: Frame[] = [];
  let at = FORMAT.length;
  const isNew = content.length < at;
  assert(
    isNew || content.subarray(0, at).equals(FORMAT),
    `"${path}" has a format that this server does not read`,
  );
  while (at + HEAD_BYTES + BODY_HEAD_BYTES <= content.length) {
    const length = content.readUInt32LE(at);
    const end = at + HEAD_BYTES + length;
    if (length < BODY_HEAD_BYTES || end > content.length) break;
    const body = content.subarray(at + HEAD_BYTES, end);
    if (crc32(body) !== content.readUInt32LE(at + 4)) break;
    frames.push({
      tick: body.readDoubleLE(0),
      arrivedAt: body.readDoubleLE(8),
      firstArrival: body.readDoubleLE(16),
      rows: body.readUInt32LE(24),
      offset: at,
      bytes: HEAD_BYTES + length,
    });
    at = end;
  }
  const fd = openSync(path, 'a+', 0o600);
  if (isNew) {
    ftruncateSync(fd, 0);
    writeAll(fd, [FORMAT]);
  } else if (at < content.length) ftruncateSync(fd, at);
  return { path, number, fd, bytes: at, frames };
}
