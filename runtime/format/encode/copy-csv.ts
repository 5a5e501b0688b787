/** Rows as CSV, quoted where PostgreSQL's COPY quotes; optionally one CopyData message a row. */
import { ByteWriter } from './byte-writer.ts';
import { FIELD, type OutputField } from './output-field.ts';
import { copyBytes, writeInt32At, writeScalarText } from './value-bytes.ts';

const LETTER_d = 100;
const NEWLINE = 10;
const CARRIAGE_RETURN = 13;
const BACKSLASH = 92;
const POINT = 46;

export type CsvFraming = Readonly<{
  delimiter: number;
  quote: number;
  escape: number;
  nullText: Uint8Array;
  framed: boolean;
}>;

/** Fields must have been made with growth = 2. */
export function writeCsvRows(
  writer: ByteWriter,
  fields: readonly OutputField[],
  from: number,
  to: number,
  framing: CsvFraming,
): void {
  const count = fields.length;
  const { delimiter, nullText, framed } = framing;
  let fixed = 6;
  for (const field of fields) fixed += 3 + 2 * field.width + nullText.length;
  let out: Uint8Array = writer.bytes;
  let at = writer.length;
  // Scalars are quoted too where their text holds a delimiter (a timestamp under DELIMITER '-').
  const scratch = new Uint8Array(64 + largestHex(fields, from, to));
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
        at = writeValue(out, at, field.bytes, field.starts[row]!, field.ends[row]!, framing, count === 1);
      } else {
        const length = writeScalarText(scratch, 0, field, row);
        at = writeValue(out, at, scratch, 0, length, framing, false);
      }
    }
    out[at++] = NEWLINE;
    if (framed) writeInt32At(out, start + 1, at - start - 1);
  }
  writer.length = at;
}

/** Room that the longest bytea of these rows takes as hex. */
function largestHex(fields: readonly OutputField[], from: number, to: number): number {
  let largest = 0;
  for (const field of fields) {
    if (field.code !== FIELD.bytea) continue;
    for (let row = from; row < to; row++) largest = Math.max(largest, field.ends[row]! - field.starts[row]!);
  }
  return largest * 2;
}

function writeValue(
  out: Uint8Array,
  at: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  framing: CsvFraming,
  alone: boolean,
): number {
  if (!needsQuotes(bytes, start, end, framing, alone)) return copyBytes(out, at, bytes, start, end);
  const { quote, escape: escaping } = framing;
  out[at++] = quote;
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    if (byte === quote || byte === escaping) out[at++] = escaping;
    out[at++] = byte;
  }
  out[at++] = quote;
  return at;
}

/** A value that would read as NULL, as the end of data or as several fields. */
function needsQuotes(
  bytes: Uint8Array,
  start: number,
  end: number,
  framing: CsvFraming,
  alone: boolean,
): boolean {
  const { delimiter, quote, nullText } = framing;
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    if (byte === delimiter || byte === quote || byte === NEWLINE || byte === CARRIAGE_RETURN) return true;
  }
  if (alone && end - start === 2 && bytes[start] === BACKSLASH && bytes[start + 1] === POINT) return true;
  if (end - start !== nullText.length) return false;
  for (let i = 0; i < nullText.length; i++) if (bytes[start + i] !== nullText[i]) return false;
  return true;
}

export function writeCsvHeader(writer: ByteWriter, names: readonly string[], framing: CsvFraming): void {
  const line = new ByteWriter(256);
  names.forEach((name, i) => {
    if (i > 0) line.writeByte(framing.delimiter);
    const bytes = Buffer.from(name);
    const out = line.reserve(bytes.length * 2 + 2);
    line.length = writeValue(out, line.length, bytes, 0, bytes.length, framing, names.length === 1);
  });
  line.writeByte(NEWLINE);
  if (framing.framed) {
    writer.writeByte(LETTER_d);
    writer.writeInt32(line.length + 4);
  }
  writer.writeBytes(line.take());
}
