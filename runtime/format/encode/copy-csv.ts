/** Rows as CSV, quoted where PostgreSQL's COPY quotes; optionally one CopyData message a row. */
import { ByteWriter } from './byte-writer.ts';
import { FIELD, type OutputField } from './output-field.ts';
import { int32Code, type RowPieces, rowLoop } from './row-loop.ts';
import { copyBytes } from './value-bytes.ts';

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
  /** by column: its values are always quoted */
  forced: readonly boolean[];
}>;

const QUOTED = 'at=writeValue(out,at,';

/** Scalars are quoted too where their text holds a delimiter (a timestamp under DELIMITER '-'): they pass a scratch. */
const lines = (framed: boolean, alone: boolean): RowPieces => ({
  name: `csv${framed ? ' framed' : ''}${alone ? ' alone' : ''}`,
  begin: framed ? `out[at]=${LETTER_d};at+=5;` : '',
  before: (i) => (i === 0 ? '' : 'out[at++]=given.framing.delimiter;'),
  null: 'at=copyBytes(out,at,given.framing.nullText,0,given.framing.nullText.length);',
  value: ({ code }, i) =>
    code === FIELD.bytes
      ? `${QUOTED}b${i},s${i}[row],e${i}[row],given.framing,${alone},given.framing.forced[${i}]);`
      : `{const z=writeScalarText(given.scratch,0,f${i},row);${QUOTED}given.scratch,0,z,given.framing,false,given.framing.forced[${i}])}`,
  end: `out[at++]=${NEWLINE};${framed ? int32Code('start+1', 'at-start-1') : ''}`,
  library: { writeValue },
});
const LINES = [
  [lines(false, false), lines(false, true)],
  [lines(true, false), lines(true, true)],
] as const;

/** Fields must have been made with growth = 2. */
export function writeCsvRows(
  writer: ByteWriter,
  fields: readonly OutputField[],
  from: number,
  to: number,
  framing: CsvFraming,
): void {
  let fixed = 6;
  for (const field of fields) fixed += 3 + 2 * field.width + framing.nullText.length;
  const scratch = new Uint8Array(64 + largestHex(fields, from, to));
  const pieces = LINES[framing.framed ? 1 : 0][fields.length === 1 ? 1 : 0];
  rowLoop(fields, pieces)(writer, fields, from, to, fixed, { framing, scratch });
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
  forced = false,
): number {
  if (!forced && !needsQuotes(bytes, start, end, framing, alone))
    return copyBytes(out, at, bytes, start, end);
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
