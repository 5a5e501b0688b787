/**
 * The mirror's answer to one request, read from the messages of the protocol. The values stay where they are: columns
 * point into the reply's own bytes.
 */
import type { PlainError } from '../../common/sql-error.ts';
import type { SqlState } from '../../common/sql-state.ts';
import { type Batch, BATCH_ROWS_MAX, type BytesColumn } from '../../runtime/batch/column.ts';
import type { MirrorField, MirrorReply } from './mirror-messages.ts';

/** null: it does not end with ReadyForQuery, so whoever gave it is in no state to go on. */
export function readReply(reply: Uint8Array): MirrorReply | null {
  const bytes = Buffer.from(reply.buffer, reply.byteOffset, reply.byteLength);
  const rows: number[] = [];
  let parameterOids: readonly number[] = [];
  let fields: readonly MirrorField[] | null = null;
  let error: PlainError | null = null;
  let ready = false;
  for (let at = 0; at + 5 <= bytes.length; ) {
    const end = at + 1 + bytes.readInt32BE(at + 1);
    const body = bytes.subarray(at + 5, end);
    switch (String.fromCharCode(bytes[at]!)) {
      case 'D':
        rows.push(at + 5);
        break;
      case 't':
        parameterOids = Array.from({ length: body.readInt16BE(0) }, (_, i) => body.readUInt32BE(2 + 4 * i));
        break;
      case 'T':
        fields = readFields(body);
        break;
      case 'E':
        error ??= readError(body);
        break;
      case 'Z':
        ready = true;
        break;
    }
    at = end;
  }
  if (!ready) return null;
  const batches = error === null ? readBatches(bytes, rows, fields?.length ?? 0) : [];
  return { parameterOids, fields, batches, rows: rows.length, error, settingsFailed: false };
}

function readFields(body: Buffer): readonly MirrorField[] {
  const fields: MirrorField[] = [];
  let at = 2;
  for (let count = body.readInt16BE(0); count > 0; count--) {
    const end = body.indexOf(0, at);
    const name = body.toString('utf8', at, end);
    at = end + 1;
    fields.push({
      name,
      table: body.readUInt32BE(at),
      attribute: body.readInt16BE(at + 4),
      oid: body.readUInt32BE(at + 6),
      size: body.readInt16BE(at + 10),
      modifier: body.readInt32BE(at + 12),
    });
    at += 18;
  }
  return fields;
}

function readError(body: Buffer): PlainError {
  const fields = new Map<string, string>();
  for (let at = 0; at < body.length && body[at] !== 0; ) {
    const end = body.indexOf(0, at + 1);
    fields.set(String.fromCharCode(body[at]!), body.toString('utf8', at + 1, end));
    at = end + 1;
  }
  const position = fields.get('P');
  return {
    // PostgreSQL's own table is larger than ours, and the client is to see what it says
    code: (fields.get('C') ?? 'XX000') as SqlState,
    message: fields.get('M') ?? '',
    detail: fields.get('D'),
    hint: fields.get('H'),
    position: position === undefined ? undefined : Number(position),
  };
}

function readBatches(bytes: Buffer, rows: readonly number[], width: number): readonly Batch[] {
  const batches: Batch[] = [];
  for (let first = 0; first < rows.length; first += BATCH_ROWS_MAX) {
    batches.push(readBatch(bytes, rows.slice(first, first + BATCH_ROWS_MAX), width));
  }
  return batches;
}

function readBatch(bytes: Buffer, rows: readonly number[], width: number): Batch {
  const count = rows.length;
  const columns = Array.from({ length: width }, (): BytesColumn & { valid: Uint8Array } => ({
    kind: 'bytes',
    bytes,
    starts: new Uint32Array(count),
    ends: new Uint32Array(count),
    valid: new Uint8Array((count + 7) >> 3),
  }));
  for (const [row, start] of rows.entries()) {
    let at = start + 2;
    for (const { starts, ends, valid } of columns) {
      const length = bytes.readInt32BE(at);
      at += 4;
      starts[row] = at;
      if (length >= 0) {
        valid[row >> 3]! |= 1 << (row & 7);
        at += length;
      }
      ends[row] = at;
    }
  }
  return { rows: count, columns, weights: null };
}
