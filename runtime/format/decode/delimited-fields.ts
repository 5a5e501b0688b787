/** The careful reader's bytes: where lines and fields of CSV and COPY's text format end, and what their escapes stand for. */
import { SqlError } from '../../../common/sql-error.ts';
import type { DelimitedFormat } from './delimited-format.ts';

export type RawField = { start: number; end: number; quoted: boolean };

/** Fields of a line, still escaped, with their quotes. 22P04 for a line that is none; `context` says which it is. */
export function splitFields(
  chunk: Uint8Array,
  from: number,
  to: number,
  format: DelimitedFormat,
  context: string,
): RawField[] {
  let end = to;
  if (end > from && chunk[end - 1] === 13) end--;
  const delimiter = format.delimiter.charCodeAt(0);
  const out: RawField[] = [];
  let at = from;
  for (;;) {
    const field =
      format.quote === null
        ? splitEscaped(chunk, at, end, delimiter, context)
        : splitQuoted(chunk, at, end, format, context);
    out.push(field.field);
    if (field.next > end) return out;
    at = field.next;
  }
}

/** Quotes may begin and end anywhere in a field, as in COPY: `a"b,c"d` is one. */
function splitQuoted(
  chunk: Uint8Array,
  from: number,
  end: number,
  format: DelimitedFormat,
  context: string,
): { field: RawField; next: number } {
  const delimiter = format.delimiter.charCodeAt(0);
  const quote = format.quote!.charCodeAt(0);
  const escapeByte = format.escape.charCodeAt(0);
  let quoted = false;
  let inside = false;
  let at = from;
  for (; at < end; at++) {
    const c = chunk[at];
    if (!inside) {
      if (c === delimiter) break;
      if (c === 13) {
        throw new SqlError('22P04', 'unquoted carriage return found in data', {
          hint: 'Use quoted CSV field to represent carriage return.',
          context,
        });
      }
      if (c === quote) quoted = inside = true;
    } else if (escapes(chunk, at, end, escapeByte, quote)) at++;
    else if (c === quote) inside = false;
  }
  if (inside) throw new SqlError('22P04', 'unterminated CSV quoted field', { context });
  return { field: { start: from, end: at, quoted }, next: at + 1 };
}

/** Unescapes in place; returns the new end. */
export function unescapeField(chunk: Uint8Array, raw: RawField, format: DelimitedFormat): number {
  if (format.quote === null) return unescapeBackslashes(chunk, raw.start, raw.end);
  if (!raw.quoted) return raw.end;
  const escapeByte = format.escape.charCodeAt(0);
  const quote = format.quote.charCodeAt(0);
  let inside = false;
  let to = raw.start;
  for (let at = raw.start; at < raw.end; at++) {
    if (inside && escapes(chunk, at, raw.end, escapeByte, quote)) at++;
    else if (chunk[at] === quote) {
      inside = !inside;
      continue;
    }
    chunk[to++] = chunk[at]!;
  }
  return to;
}

/** Within quotes: the byte stands for the one behind it. */
function escapes(chunk: Uint8Array, at: number, end: number, escapeByte: number, quote: number): boolean {
  if (chunk[at] !== escapeByte || at + 1 >= end) return false;
  return chunk[at + 1] === quote || chunk[at + 1] === escapeByte;
}

/** End of the line that begins at `from`: a newline outside of quotes, or `to`. */
export function lineEnd(chunk: Uint8Array, from: number, to: number, format: DelimitedFormat): number {
  const quote = format.quote === null ? -1 : format.quote.charCodeAt(0);
  // a doubled quote opens again what it closed; another escape hides the quote behind it
  const escapeByte = format.escape === format.quote ? -1 : format.escape.charCodeAt(0);
  let inside = false;
  for (let at = from; at < to; at++) {
    const c = chunk[at];
    if (c === quote) inside = !inside;
    else if (c === 10 && !inside) return at;
    else if (c === escapeByte && (inside || quote < 0)) at++;
  }
  return to;
}

function splitEscaped(
  chunk: Uint8Array,
  from: number,
  end: number,
  delimiter: number,
  context: string,
): { field: RawField; next: number } {
  let at = from;
  while (at < end && chunk[at] !== delimiter) {
    if (chunk[at] === 13) {
      throw new SqlError('22P04', 'literal carriage return found in data', {
        hint: 'Use "\\r" to represent carriage return.',
        context,
      });
    }
    at += chunk[at] === 92 ? 2 : 1;
  }
  at = Math.min(at, end);
  return { field: { start: from, end: at, quoted: false }, next: at + 1 };
}

const ESCAPES: Readonly<Record<number, number>> = { 98: 8, 102: 12, 110: 10, 114: 13, 116: 9, 118: 11 };

/** COPY text's \b \f \n \r \t \v, octal and \x escapes. */
function unescapeBackslashes(chunk: Uint8Array, start: number, end: number): number {
  let to = start;
  for (let at = start; at < end; at++) {
    let c = chunk[at]!;
    if (c === 92) {
      if (at + 1 === end) break;
      c = chunk[++at]!;
      const rest = Buffer.from(chunk.buffer, chunk.byteOffset + at, Math.min(3, end - at)).toString('latin1');
      const octal = /^[0-7]{1,3}/.exec(rest)?.[0];
      const hex = /^x([0-9a-fA-F]{1,2})/.exec(rest);
      if (octal !== undefined) {
        c = Number.parseInt(octal, 8) & 255;
        at += octal.length - 1;
      } else if (hex !== null) {
        c = Number.parseInt(hex[1]!, 16);
        at += hex[0].length - 1;
      } else c = ESCAPES[c] ?? c;
    }
    chunk[to++] = c;
  }
  return to;
}
