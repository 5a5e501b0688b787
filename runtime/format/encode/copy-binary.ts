/**
 * COPY's binary format:
 *
 *   PGCOPY\n ff \r\n 00 | int32 flags = 0 | int32 length of the header's extension = 0
 *   per row: int16 fields, then per field int32 length (−1 = NULL) and bytes (data-row.ts)
 *   int16 −1
 */
import type { ByteWriter } from './byte-writer.ts';

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
