/** Rows in COPY's text format: fields between delimiters, `\N` for NULL, backslash escapes; one CopyData a row. */
import type { ByteWriter } from './byte-writer.ts';
import { FIELD, type OutputField } from './output-field.ts';
import { copyBytes, writeInt32At, writeScalarText } from './value-bytes.ts';

const LETTER_d = 100;
const NEWLINE = 10;
const BACKSLASH = 92;
/** The letter that stands after a backslash for a control character; 0 = the byte stands for itself. */
const ESCAPES = new Uint8Array(256);
ESCAPES[8] = 98;
ESCAPES[9] = 116;
ESCAPES[10] = 110;
ESCAPES[11] = 118;
ESCAPES[12] = 102;
ESCAPES[13] = 114;
ESCAPES[BACKSLASH] = BACKSLASH;

export type TextFraming = Readonly<{
  /** one byte */
  delimiter: number;
  nullText: Uint8Array;
  /** CopyData frames around each line, as the wire wants; off for files. */
  framed: boolean;
}>;

/** Fields must have been made with growth = 2. */
export function writeCopyTextRows(
  writer: ByteWriter,
  fields: readonly OutputField[],
  from: number,
  to: number,
  framing: TextFraming,
): void {
  const count = fields.length;
  const { delimiter, nullText, framed } = framing;
  let fixed = 6;
  for (const field of fields) fixed += 1 + field.width + nullText.length;
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
    if (framed) {
      out[at] = LETTER_d;
      at += 5;
    }
    for (let i = 0; i < count; i++) {
      const field = fields[i]!;
      if (i > 0) out[at++] = delimiter;
      const valid = field.valid;
      if (valid !== null && ((valid[row >> 3]! >> (row & 7)) & 1) === 0) {
        at = copyBytes(out, at, nullText, 0, nullText.length);
      } else if (field.code === FIELD.bytes) {
        at = writeEscaped(out, at, field.bytes, field.starts[row]!, field.ends[row]!, delimiter);
      } else if (field.code === FIELD.bytea) {
        // The backslash of `\x…` is escaped like any other.
        out[at] = BACKSLASH;
        at = writeScalarText(out, at + 1, field, row);
      } else {
        at = writeScalarText(out, at, field, row);
      }
    }
    out[at++] = NEWLINE;
    if (framed) writeInt32At(out, start + 1, at - start - 1);
  }
  writer.length = at;
}

function writeEscaped(
  out: Uint8Array,
  at: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  delimiter: number,
): number {
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    const letter = ESCAPES[byte]!;
    if (letter !== 0) {
      out[at++] = BACKSLASH;
      out[at++] = letter;
    } else if (byte === delimiter) {
      out[at++] = BACKSLASH;
      out[at++] = byte;
    } else {
      out[at++] = byte;
    }
  }
  return at;
}

/** A header line: the names escaped like values. */
export function writeCopyTextHeader(
  writer: ByteWriter,
  names: readonly string[],
  framing: TextFraming,
): void {
  const line = new Uint8Array(names.reduce((sum, name) => sum + name.length * 6 + 1, 0));
  let at = 0;
  names.forEach((name, i) => {
    if (i > 0) line[at++] = framing.delimiter;
    const bytes = Buffer.from(name);
    at = writeEscaped(line, at, bytes, 0, bytes.length, framing.delimiter);
  });
  line[at++] = NEWLINE;
  if (framing.framed) {
    writer.writeByte(LETTER_d);
    writer.writeInt32(at + 4);
  }
  writer.writeBytes(line.subarray(0, at));
}
