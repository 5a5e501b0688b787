/** Rows in COPY's text format: fields between delimiters, `\N` for NULL, backslash escapes; one CopyData a row. */
import type { ByteWriter } from './byte-writer.ts';
import { FIELD, type OutputField } from './output-field.ts';
import { int32Code, type RowPieces, rowLoop, textCode } from './row-loop.ts';

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

const lines = (framed: boolean): RowPieces => ({
  name: framed ? 'copy-text framed' : 'copy-text',
  begin: framed ? `out[at]=${LETTER_d};at+=5;` : '',
  before: (i) => (i === 0 ? '' : 'out[at++]=given.delimiter;'),
  null: 'at=copyBytes(out,at,given.nullText,0,given.nullText.length);',
  value: (field, i) => {
    if (field.code === FIELD.bytes) {
      return `at=writeEscaped(out,at,b${i},s${i}[row],e${i}[row],given.delimiter);`;
    }
    // The backslash of a bytea is escaped like any other.
    return `${field.code === FIELD.bytea ? `out[at++]=${BACKSLASH};` : ''}${textCode(field, i)}`;
  },
  end: `out[at++]=${NEWLINE};${framed ? int32Code('start+1', 'at-start-1') : ''}`,
  library: { writeEscaped },
});
const LINES = lines(false);
const FRAMED_LINES = lines(true);

/** Fields must have been made with growth = 2. */
export function writeCopyTextRows(
  writer: ByteWriter,
  fields: readonly OutputField[],
  from: number,
  to: number,
  framing: TextFraming,
): void {
  let fixed = 6;
  for (const field of fields) fixed += 2 + field.width + framing.nullText.length;
  rowLoop(fields, framing.framed ? FRAMED_LINES : LINES)(writer, fields, from, to, fixed, framing);
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
