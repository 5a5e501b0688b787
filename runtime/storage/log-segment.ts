/**
 * A segment of a log:
 *
 *   segment: 16 bytes "millrace log 2\n\0" (the digit is the format), then frames
 *   frame:  u32 length of body · u32 crc32 of body
 *   body:   f64 tick · f64 arrived_at µs · f64 first arrival number · u32 rows · u32 frames of the tick
 *           · batch (format/batch-codec.ts)
 *
 * Frames of the tick: those in all logs together. Where a crash left fewer, the tick is in none (torn-tick.ts). Format 1
 * has no such number; its segments are read, and nothing is added to them.
 *
 * A frame whose length or checksum is off ends the log: it was being written when the machine stopped.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { assert } from '../../common/assert.ts';

const mark = (format: number): Buffer => Buffer.from(`millrace log ${format}\n\0`);
export const SEGMENT_HEAD = mark(2);
const FORMER_HEAD = mark(1);

const FRAME_HEAD_BYTES = 8;
const BODY_HEAD_BYTES = 32;
const FORMER_BODY_HEAD_BYTES = 28;

export type Frame = Readonly<{
  tick: number;
  arrivedAt: number;
  firstArrival: number;
  rows: number;
  /** of its tick, in all logs; 0: not known */
  tickFrames: number;
  /** where it, and its batch, begin and end in the file */
  at: number;
  from: number;
  to: number;
}>;

export type SegmentContent = Readonly<{
  frames: Frame[];
  /** where the last whole frame ends */
  end: number;
  /** of the file */
  bytes: number;
  isNew: boolean;
  /** an older server's: nothing more goes into it */
  isFormer: boolean;
}>;

/** Of a log's segments, oldest first. */
export function segmentNumbers(directory: string): number[] {
  const names = existsSync(directory) ? readdirSync(directory) : [];
  const numbers = names.filter((name) => /^\d+\.log$/.test(name)).map((name) => Number.parseInt(name, 10));
  return numbers.sort((a, b) => a - b);
}

export const segmentPath = (directory: string, number: number): string => join(directory, `${number}.log`);

export function readSegment(path: string): SegmentContent {
  const content = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
  const frames: Frame[] = [];
  let end = SEGMENT_HEAD.length;
  const isNew = content.length < end;
  const head = content.subarray(0, end);
  const isFormer = head.equals(FORMER_HEAD);
  assert(
    isNew || isFormer || head.equals(SEGMENT_HEAD),
    `"${path}" has a format that this server does not read`,
  );
  const bodyHeadBytes = isFormer ? FORMER_BODY_HEAD_BYTES : BODY_HEAD_BYTES;
  while (end + FRAME_HEAD_BYTES + bodyHeadBytes <= content.length) {
    const length = content.readUInt32LE(end);
    const to = end + FRAME_HEAD_BYTES + length;
    if (length < bodyHeadBytes || to > content.length) break;
    const body = content.subarray(end + FRAME_HEAD_BYTES, to);
    if (crc32(body) !== content.readUInt32LE(end + 4)) break;
    frames.push({
      tick: body.readDoubleLE(0),
      arrivedAt: body.readDoubleLE(8),
      firstArrival: body.readDoubleLE(16),
      rows: body.readUInt32LE(24),
      tickFrames: isFormer ? 0 : body.readUInt32LE(28),
      at: end,
      from: end + FRAME_HEAD_BYTES + bodyHeadBytes,
      to,
    });
    end = to;
  }
  return { frames, end, bytes: content.length, isNew, isFormer };
}

/** What stands before a frame's batch. */
export function frameHead(frame: Omit<Frame, 'at' | 'from' | 'to'>, batch: Uint8Array): Uint8Array {
  const head = new DataView(new ArrayBuffer(FRAME_HEAD_BYTES + BODY_HEAD_BYTES));
  head.setUint32(0, BODY_HEAD_BYTES + batch.length, true);
  head.setFloat64(8, frame.tick, true);
  head.setFloat64(16, frame.arrivedAt, true);
  head.setFloat64(24, frame.firstArrival, true);
  head.setUint32(32, frame.rows, true);
  head.setUint32(36, frame.tickFrames, true);
  head.setUint32(4, crc32(batch, crc32(new Uint8Array(head.buffer, FRAME_HEAD_BYTES))), true);
  return new Uint8Array(head.buffer);
}
