/** Rows as JSON arrays or objects, by sql.md's mapping: int8 and numeric as strings, instants as ISO 8601. */
import type { Schema } from '../../../common/types.ts';
import type { ByteWriter } from './byte-writer.ts';
import { FIELD, type OutputField } from './output-field.ts';
import { copyBytes, writeIsoInstant, writeScalarText } from './value-bytes.ts';

const QUOTE = 34;
const BACKSLASH = 92;
const HEX = Buffer.from('0123456789abcdef', 'latin1');
const NULL = Buffer.from('null');
const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');

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

/** Fields made by jsonField. */
export function writeJsonRows(
  writer: ByteWriter,
  fields: readonly OutputField[],
  from: number,
  to: number,
  shape: JsonShape,
): void {
  const { prefixes, suffix, separator, terminated } = shape;
  const count = fields.length;
  let fixed = suffix.length + separator.length + 2;
  for (const prefix of prefixes) fixed += prefix.length;
  for (const field of fields) fixed += field.width + 2;
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
    if (row > from && !terminated) at = copyBytes(out, at, separator, 0, separator.length);
    if (count === 0) at = copyBytes(out, at, prefixes[0]!, 0, prefixes[0]!.length);
    for (let i = 0; i < count; i++) {
      const prefix = prefixes[i]!;
      at = copyBytes(out, at, prefix, 0, prefix.length);
      at = writeJsonValue(out, at, fields[i]!, row);
    }
    at = copyBytes(out, at, suffix, 0, suffix.length);
    if (terminated) at = copyBytes(out, at, separator, 0, separator.length);
  }
  writer.length = at;
}

function writeJsonValue(out: Uint8Array, at: number, field: OutputField, row: number): number {
  const valid = field.valid;
  if (valid !== null && ((valid[row >> 3]! >> (row & 7)) & 1) === 0) return copyBytes(out, at, NULL, 0, 4);
  switch (field.code) {
    case FIELD.bool:
      return field.flags[row] === 0 ? copyBytes(out, at, FALSE, 0, 5) : copyBytes(out, at, TRUE, 0, 4);
    case FIELD.int16:
    case FIELD.int32:
      return writeScalarText(out, at, field, row);
    case FIELD.float4:
    case FIELD.float8: {
      if (Number.isFinite(field.doubles[row]!)) return writeScalarText(out, at, field, row);
      break;
    }
    case FIELD.json:
      return writeOnOneLine(out, at, field.bytes, field.starts[row]!, field.ends[row]!);
    case FIELD.bytes:
      return writeJsonText(out, at, field.bytes, field.starts[row]!, field.ends[row]!);
    case FIELD.timestamp:
    case FIELD.timestamptz:
      out[at] = QUOTE;
      at = writeIsoInstant(out, at + 1, field.doubles[row]!, field.code === FIELD.timestamptz);
      out[at] = QUOTE;
      return at + 1;
    default:
      break;
  }
  out[at] = QUOTE;
  at = writeScalarText(out, at + 1, field, row);
  out[at] = QUOTE;
  return at + 1;
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
