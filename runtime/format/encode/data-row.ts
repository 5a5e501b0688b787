/** Rows as DataRow messages: `D`, int32 length, int16 fields, then per field int32 length (−1 = NULL) and bytes. */
import type { ByteWriter } from './byte-writer.ts';
import { FIELD, type OutputField } from './output-field.ts';
import { copyBytes, writeBinaryValue, writeInt32At, writeScalarText } from './value-bytes.ts';

const LETTER_D = 68;

/** The rows `from` ≤ row < `to`; text and binary fields may be mixed. */
export function writeDataRows(
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
    for (let i = 0; i < count; i++) room += variableWidth(fields[i]!, row);
    if (at + room > out.length) {
      writer.length = at;
      out = writer.reserve(room);
    }
    const start = at;
    out[at] = LETTER_D;
    out[at + 5] = count >> 8;
    out[at + 6] = count;
    at += 7;
    for (let i = 0; i < count; i++) at = writeField(out, at, fields[i]!, row);
    writeInt32At(out, start + 1, at - start - 1);
  }
  writer.length = at;
}

function variableWidth(field: OutputField, row: number): number {
  return field.expansion === 0 ? 0 : (field.ends[row]! - field.starts[row]!) * field.expansion;
}

function writeField(out: Uint8Array, at: number, field: OutputField, row: number): number {
  const valid = field.valid;
  if (valid !== null && ((valid[row >> 3]! >> (row & 7)) & 1) === 0) return writeInt32At(out, at, -1);
  let end: number;
  if (field.binary) end = writeBinaryValue(out, at + 4, field, row);
  else if (field.code === FIELD.bytes) {
    end = copyBytes(out, at + 4, field.bytes, field.starts[row]!, field.ends[row]!);
  } else end = writeScalarText(out, at + 4, field, row);
  writeInt32At(out, at, end - at - 4);
  return end;
}
