/**
 * COPY's binary format:
 *
 *   PGCOPY\n ff \r\n 00 | int32 flags = 0 | int32 length of the header's extension = 0
 *   per row: int16 fields, then per field int32 length (−1 = NULL) and bytes
 *   int16 −1
 */
import type { ByteWriter } from './byte-writer.ts';
import type { OutputField } from './output-field.ts';
import { writeBinaryValue, writeInt32At } from './value-bytes.ts';

const LETTER_d = 100;
const HEADER = Buffer.from([80, 71, 67, 79, 80, 89, 10, 255, 13, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0]);

export function writeCopyBinaryHeader(writer: ByteWriter): void {
  writer.writeByte(LETTER_d);
  writer.writeInt32(HEADER.length + 4);
  writer.writeBytes(HEADER);
}

export function writeCopyBinaryTrailer(writer: ByteWriter): void {
  writer.writeByte(LETTER_d);
  writer.writeInt32(6);
  writer.writeInt16(-1);
}

/** Fields made by binaryField; each row is a CopyData message of its own. */
export function writeCopyBinaryRows(
  writer: ByteWriter,
  fields: readonly OutputField[],
  from: number,
  to: number,
): void {
  const count = fields.length;
  let fixed = 7;
  for (const field of fields) fixed += 4 + field.width;
  let out: Uint8Array = writer.bytes;
  let at = writer.length;
  for (let row = from; row < to; row++) {
    let room = fixed;
    for (let i = 0; i < count; i++) {
      const field = fields[i]!;
      if (field.expansion !== 0) room += (field.ends[row]! - field.starts[row]!) * field.expansion;
    }
    if (at + room > out.length) {
      writer.length = at;
      out = writer.reserve(room);
    }
    const start = at;
    out[at] = LETTER_d;
    out[at + 5] = count >> 8;
    out[at + 6] = count;
    at += 7;
    for (let i = 0; i < count; i++) {
      const field = fields[i]!;
      const valid = field.valid;
      if (valid !== null && ((valid[row >> 3]! >> (row & 7)) & 1) === 0) {
        at = writeInt32At(out, at, -1);
      } else {
        const end = writeBinaryValue(out, at + 4, field, row);
        writeInt32At(out, at, end - at - 4);
        at = end;
      }
    }
    writeInt32At(out, start + 1, at - start - 1);
  }
  writer.length = at;
}
