/**
 * Rows of the wire, a message each: a letter (`D` DataRow, `d` CopyData), int32 length, int16 fields, then per field
 * int32 length (−1 = NULL) and bytes.
 */
import type { ByteWriter } from './byte-writer.ts';
import type { OutputField } from './output-field.ts';
import { int32Code, type RowPieces, rowLoop, wireCode } from './row-loop.ts';

const LETTER_D = 68;
const LETTER_d = 100;

const rowMessage = (name: string, letter: number): RowPieces => ({
  name,
  begin: `out[at]=${letter};out[at+5]=given>>8;out[at+6]=given;at+=7;`,
  null: 'out[at]=255;out[at+1]=255;out[at+2]=255;out[at+3]=255;at+=4;',
  value: (field, i) => `{const m=at;at+=4;${wireCode(field, i)}${int32Code('m', 'at-m-4')}}`,
  end: int32Code('start+1', 'at-start-1'),
});

const DATA_ROW = rowMessage('data-row', LETTER_D);
const COPY_ROW = rowMessage('copy-row', LETTER_d);

/** The rows `from` ≤ row < `to`; text and binary fields may be mixed. */
export function writeDataRows(
  writer: ByteWriter,
  fields: readonly OutputField[],
  from: number,
  to: number,
): void {
  rowLoop(fields, DATA_ROW)(writer, fields, from, to, fixedBytes(fields), fields.length);
}

/** The same as rows of COPY's binary format. Fields made by binaryField. */
export function writeCopyBinaryRows(
  writer: ByteWriter,
  fields: readonly OutputField[],
  from: number,
  to: number,
): void {
  rowLoop(fields, COPY_ROW)(writer, fields, from, to, fixedBytes(fields), fields.length);
}

function fixedBytes(fields: readonly OutputField[]): number {
  let bytes = 7;
  for (const field of fields) bytes += 4 + field.width;
  return bytes;
}
