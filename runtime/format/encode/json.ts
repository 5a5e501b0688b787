/** Rows as JSON arrays or objects, by sql.md's mapping: int8 and numeric as strings, instants as ISO 8601. */
import type { Schema } from '../../../common/types.ts';
import type { ByteWriter } from './byte-writer.ts';
import { FIELD, type OutputField } from './output-field.ts';
import { repeatedCode, type RowPieces, rowLoop, textCode } from './row-loop.ts';

const QUOTE = 34;
const BACKSLASH = 92;
const HEX = Buffer.from('0123456789abcdef', 'latin1');
const NULL = Buffer.from('null');
const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');
/** The beginning of a call that copies bytes. */
const COPY = 'at=copyBytes(out,at,';

/** What stands around the values of a row: `prefixes[i]` before field i, `suffix` after the last. */
export type JsonShape = Readonly<{
  prefixes: readonly Uint8Array[];
  suffix: Uint8Array;
  /** between rows */
  separator: Uint8Array;
  /** after the last row too */
  terminated: boolean;
}>;

/** `[1,"a"],[2,"b"]` */
export function arrayShape(columns: number): JsonShape {
  const prefixes = Array.from({ length: Math.max(columns, 1) }, (_, i) => Buffer.from(i === 0 ? '[' : ','));
  return { prefixes, suffix: Buffer.from(']'), separator: Buffer.from(','), terminated: false };
}

/** `{"a":1,"b":"x"}`, one a line. */
export function objectLineShape(schema: Schema): JsonShape {
  const prefixes = schema.map((field, i) =>
    Buffer.from(`${i === 0 ? '{' : ','}${JSON.stringify(field.name)}:`),
  );
  if (prefixes.length === 0) prefixes.push(Buffer.from('{'));
  return { prefixes, suffix: Buffer.from('}'), separator: Buffer.from('\n'), terminated: true };
}

/** `empty`: rows without columns, which are a prefix and a suffix. */
const rows = (terminated: boolean, empty: boolean): RowPieces => ({
  name: `json${terminated ? ' lines' : ''}${empty ? ' empty' : ''}`,
  begin:
    (terminated ? '' : `if(row>from)${COPY}given.separator,0,given.separator.length);`) +
    (empty ? `${COPY}given.prefixes[0],0,given.prefixes[0].length);` : ''),
  before: (i) => `${COPY}given.prefixes[${i}],0,given.prefixes[${i}].length);`,
  null: `${COPY}NULL,0,4);`,
  value: jsonCode,
  end:
    `${COPY}given.suffix,0,given.suffix.length);` +
    (terminated ? `${COPY}given.separator,0,given.separator.length);` : ''),
  library: { writeOnOneLine, writeJsonText, NULL, TRUE, FALSE },
});
const ROWS = [rows(false, false), rows(false, true)] as const;
const LINES = [rows(true, false), rows(true, true)] as const;

const quoted = (code: string): string => `out[at++]=${QUOTE};${code}out[at++]=${QUOTE};`;

function jsonCode(field: OutputField, i: number): string {
  const text = textCode(field, i);
  switch (field.code) {
    case FIELD.bool:
      return `if(g${i}[row]===0)${COPY}FALSE,0,5);else ${COPY}TRUE,0,4);`;
    case FIELD.int16:
    case FIELD.int32:
      return text;
    case FIELD.float4:
    case FIELD.float8:
      return `if(Number.isFinite(d${i}[row])){${text}}else{${quoted(text)}}`;
    case FIELD.json:
      return `at=writeOnOneLine(out,at,b${i},s${i}[row],e${i}[row]);`;
    case FIELD.bytes:
      return `at=writeJsonText(out,at,b${i},s${i}[row],e${i}[row]);`;
    case FIELD.timestamp:
    case FIELD.timestamptz: {
      const zone = field.code === FIELD.timestamptz;
      return quoted(repeatedCode(i, `writeIsoInstant(out,at,d${i}[row],${zone})`));
    }
    default:
      return quoted(text);
  }
}

/** Fields made by jsonField. */
export function writeJsonRows(
  writer: ByteWriter,
  fields: readonly OutputField[],
  from: number,
  to: number,
  shape: JsonShape,
): void {
  const { prefixes, suffix, separator } = shape;
  let fixed = suffix.length + 2 * separator.length + 2;
  for (const prefix of prefixes) fixed += prefix.length;
  for (const field of fields) fixed += field.width + 2;
  const pieces = (shape.terminated ? LINES : ROWS)[fields.length === 0 ? 1 : 0];
  rowLoop(fields, pieces)(writer, fields, from, to, fixed, shape);
}

/** Line breaks inside JSON text stand only between tokens, where a space means the same. */
function writeOnOneLine(out: Uint8Array, at: number, bytes: Uint8Array, start: number, end: number): number {
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    out[at++] = byte === 10 || byte === 13 ? 32 : byte;
  }
  return at;
}

function writeJsonText(out: Uint8Array, at: number, bytes: Uint8Array, start: number, end: number): number {
  out[at++] = QUOTE;
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    if (byte >= 32 && byte !== QUOTE && byte !== BACKSLASH) {
      out[at++] = byte;
    } else {
      out[at++] = BACKSLASH;
      if (byte === QUOTE || byte === BACKSLASH) out[at++] = byte;
      else if (byte === 10) out[at++] = 110;
      else if (byte === 9) out[at++] = 116;
      else if (byte === 13) out[at++] = 114;
      else {
        out[at] = 117;
        out[at + 1] = 48;
        out[at + 2] = 48;
        out[at + 3] = HEX[byte >> 4]!;
        out[at + 4] = HEX[byte & 15]!;
        at += 5;
      }
    }
  }
  out[at] = QUOTE;
  return at + 1;
}
