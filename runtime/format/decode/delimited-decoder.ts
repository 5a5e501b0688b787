/**
 * Lines of delimited fields: CSV (RFC 4180 quoting) and COPY's text format (backslash escapes).
 *
 * A loop is generated per schema and format. It takes plain fields only: digits, views of text, ISO timestamps. A row
 * with anything else (a quote, an escape, a 16-digit number, an odd date, a wrong number of fields) goes to the careful
 * reader below, which follows PostgreSQL's COPY to the letter; then the loop goes on. Text is unescaped in place.
 */
import { isUtf8 } from 'node:buffer';
import { SqlError } from '../../../common/sql-error.ts';
import { type TextFormat, textFormat } from '../../../common/value-text.ts';
import { BATCH_ROWS_MAX } from '../../batch/column.ts';
import { DecodedColumns, fieldStorage, nullViolation, type DecodedField } from './decoded-columns.ts';
import type { DelimitedFormat } from './delimited-format.ts';
import { generateDelimitedLoop, type DelimitedLoop } from './delimited-loop.ts';
import {
  type DecodeOutput,
  type DefaultedCell,
  invalidUtf8,
  type LineDecoder,
  payloadText,
  type RejectedRow,
} from './line-decoder.ts';
import { lineEnd, type RawField, splitFields, unescapeField } from './delimited-fields.ts';
import { epochMicros } from './epoch.ts';

export class DelimitedDecoder implements LineDecoder {
  readonly #columns: DecodedColumns;
  readonly #format: DelimitedFormat;
  readonly #nullBytes: Uint8Array;
  readonly #defaultBytes: Uint8Array | null;
  readonly #forceNull: ReadonlySet<number>;
  readonly #forceNotNull: ReadonlySet<number>;
  /** Times without a zone are in that of a session, not in UTC. */
  readonly #inUtc: boolean;
  /** Of the batch under way. */
  #defaulted: DefaultedCell[] = [];
  #wrong: RejectedRow['field'];
  readonly #byHeader: boolean;
  /** order[i]: the schema's field that the i-th field of a line fills; −1: none */
  #order: readonly number[];
  #loop: DelimitedLoop | null = null;
  #headerSeen: boolean;
  #line = 0;

  /** `positions`: schema ordinals of a line's fields; `byHeader`: the header line decides instead. */
  constructor(
    fields: readonly DecodedField[],
    positions: readonly number[],
    format: DelimitedFormat,
    byHeader: boolean,
    text: TextFormat = textFormat(),
  ) {
    this.#columns = new DecodedColumns(fields, text);
    this.#inUtc = text.settings.timeZone === 'UTC';
    this.#format = format;
    this.#nullBytes = Buffer.from(format.nullText);
    const { defaultText = null, forceNull, forceNotNull } = format.marks ?? {};
    this.#defaultBytes = defaultText === null ? null : Buffer.from(defaultText);
    this.#forceNull = new Set(forceNull);
    this.#forceNotNull = new Set(forceNotNull);
    this.#order = positions;
    this.#byHeader = byHeader;
    this.#headerSeen = !format.header;
  }

  recycle(): void {
    this.#columns.recycle();
  }

  decode(chunk: Uint8Array, from: number, to: number, final: boolean, out: DecodeOutput): number {
    let at = from;
    if (!this.#headerSeen && at < to) {
      const end = lineEnd(chunk, at, to, this.#format);
      if (end === to && !final) return at;
      at = this.#header(chunk, at, end);
    }
    const loop = (this.#loop ??= this.#newLoop());
    // the loop reads up to a newline without looking at `to`
    const linesEnd = chunk.subarray(0, to).lastIndexOf(10) + 1;
    const clean = !this.#hasMarks && isUtf8(chunk.subarray(from, Math.max(from, linesEnd)));
    let rows = 0;
    while (at < to) {
      const state =
        clean && at < linesEnd ? loop(this.#columns.arrays, chunk, at, linesEnd, rows) : { rows, at };
      this.#line += state.rows - rows;
      rows = state.rows;
      at = state.at;
      if (rows < BATCH_ROWS_MAX && at < to) {
        const end = lineEnd(chunk, at, to, this.#format);
        if (end === to && !final) break;
        this.#line++;
        if (this.#carefulRow(chunk, at, end, rows, out)) rows++;
        at = end + 1;
      }
      if (rows === BATCH_ROWS_MAX) {
        this.#send(chunk, rows, out);
        rows = 0;
      }
    }
    if (rows > 0) this.#send(chunk, rows, out);
    return Math.min(at, to);
  }

  #newLoop(): DelimitedLoop {
    return generateDelimitedLoop(this.#columns.fields, this.#order, this.#format, this.#inUtc);
  }

  /** The loop knows of none: every row is read the careful way. */
  get #hasMarks(): boolean {
    return this.#defaultBytes !== null || this.#forceNull.size > 0 || this.#forceNotNull.size > 0;
  }

  #send(chunk: Uint8Array, rows: number, out: DecodeOutput): void {
    const defaulted = this.#defaulted;
    this.#defaulted = [];
    out.batch(this.#columns.take(chunk, rows), defaulted);
  }

  /** For errors. */
  get #place(): string {
    return `${this.#format.label}, line ${this.#line}`;
  }

  #header(chunk: Uint8Array, from: number, end: number): number {
    this.#line++;
    this.#headerSeen = true;
    if (this.#byHeader) {
      const fields = splitFields(chunk, from, end, this.#format, this.#place);
      const names = fields.map((field) => this.#value(chunk, field).trim());
      this.#order = names.map((name) => this.#columns.fields.findIndex((f) => f.name === name));
    } else if (this.#format.marks?.headerMatches === true) this.#requireHeader(chunk, from, end);
    return end + 1;
  }

  /** HEADER match: 22P04 unless the names are those of the columns, in their order. */
  #requireHeader(chunk: Uint8Array, from: number, end: number): void {
    const context = `${this.#place}: "${payloadText(chunk, from, end)}"`;
    const fields = splitFields(chunk, from, end, this.#format, this.#place);
    const wanted = this.#order.map((ordinal) => this.#columns.fields[ordinal]!.name);
    if (fields.length !== wanted.length) {
      const message = `wrong number of fields in header line: got ${fields.length}, expected ${wanted.length}`;
      throw new SqlError('22P04', message, { context });
    }
    fields.forEach((field, i) => {
      const isNull = !field.quoted && matches(chunk, field, this.#nullBytes);
      const name = isNull ? null : this.#value(chunk, field);
      if (name === wanted[i]) return;
      const got = name === null ? `null value ("${this.#format.nullText}")` : `"${name}"`;
      const message = `column name mismatch in header line field ${i + 1}: got ${got}, expected "${wanted[i]}"`;
      throw new SqlError('22P04', message, { context });
    });
  }

  /** Unescaped, in place. */
  #value(chunk: Uint8Array, field: RawField): string {
    return text(chunk, { ...field, end: unescapeField(chunk, field, this.#format) });
  }

  /** Reads a line the careful way; false: rejected. */
  #carefulRow(chunk: Uint8Array, from: number, end: number, row: number, out: DecodeOutput): boolean {
    let payload: string | null = null;
    const { length } = this.#defaulted;
    this.#wrong = undefined;
    try {
      // before unescaping changes the bytes
      payload = payloadText(chunk, from, end);
      if (!isUtf8(chunk.subarray(from, end))) throw invalidUtf8();
      const fields = splitFields(chunk, from, end, this.#format, this.#place);
      this.#checkCount(fields, chunk);
      const seen = new Set<number>();
      fields.forEach((field, i) => {
        const target = this.#order[i]!;
        if (target < 0) return;
        seen.add(target);
        this.#setField(target, row, chunk, field);
      });
      this.#columns.fields.forEach((field, f) => {
        if (field.used && !seen.has(f)) this.#columns.setNull(f, row);
      });
      return true;
    } catch (error) {
      if (!(error instanceof SqlError)) throw error;
      this.#columns.undo(row);
      this.#defaulted.length = length;
      const field = this.#wrong === undefined ? {} : { field: this.#wrong };
      out.reject({ error, line: this.#line, payload: payload ?? '', ...field });
      return false;
    }
  }

  #checkCount(fields: readonly RawField[], chunk: Uint8Array): void {
    if (fields.length > this.#order.length) {
      const extra = fields[this.#order.length]!;
      throw new SqlError('22P04', 'extra data after last expected column', {
        context: `${this.#place}: "${text(chunk, extra).slice(0, 100)}"`,
      });
    }
    if (fields.length === this.#order.length) return;
    const missing = this.#columns.fields[this.#order[fields.length]!]?.name ?? '';
    throw new SqlError('22P04', `missing data for column "${missing}"`, { context: this.#place });
  }

  #setField(target: number, row: number, chunk: Uint8Array, raw: RawField): void {
    const field = this.#columns.fields[target]!;
    if (!field.used) {
      if (field.notNull && this.#isNull(chunk, raw, target)) throw nullViolation(field.name);
      return;
    }
    if (this.#isDefault(chunk, raw)) {
      if (field.hasDefault !== true) throw this.#noDefault(field.name);
      this.#columns.setNull(target, row);
      this.#defaulted.push({ column: target, row });
      return;
    }
    if (this.#isNull(chunk, raw, target)) {
      this.#columns.setNull(target, row);
      return;
    }
    const end = unescapeField(chunk, raw, this.#format);
    // escapes may have made any bytes
    checkText(chunk, raw.start, end);
    // unescaping may have removed the quotes around what stands for NULL
    if (raw.quoted && this.#forceNull.has(target) && matches(chunk, { ...raw, end }, this.#nullBytes)) {
      this.#columns.setNull(target, row);
      return;
    }
    if (fieldStorage(field.type) === 'view') {
      this.#columns.setView(target, row, raw.start, end);
      return;
    }
    const value = text(chunk, { ...raw, end });
    try {
      const { epochNumbers, timestampUnit } = this.#format;
      const micros = epochNumbers ? epochMicros(value, field.type, timestampUnit) : null;
      if (micros !== null) this.#columns.setDatum(target, row, micros);
      else this.#columns.setText(target, row, value);
    } catch (error) {
      if (!(error instanceof SqlError)) throw error;
      this.#wrong = { column: field.name, value: value.slice(0, 100) };
      const context = `${this.#format.label}, line ${this.#line}, column ${field.name}: "${value.slice(0, 100)}"`;
      throw new SqlError(error.code, error.message, { detail: error.detail, hint: error.hint, context });
    }
  }

  #isNull(chunk: Uint8Array, raw: RawField, target: number): boolean {
    return !raw.quoted && !this.#forceNotNull.has(target) && matches(chunk, raw, this.#nullBytes);
  }

  #isDefault(chunk: Uint8Array, raw: RawField): boolean {
    return !raw.quoted && this.#defaultBytes !== null && matches(chunk, raw, this.#defaultBytes);
  }

  #noDefault(column: string): SqlError {
    return new SqlError('22P04', 'unexpected default marker in COPY data', {
      detail: `Column "${column}" has no default value.`,
      context: this.#place,
    });
  }
}

function matches(chunk: Uint8Array, field: { start: number; end: number }, bytes: Uint8Array): boolean {
  if (field.end - field.start !== bytes.length) return false;
  return bytes.every((byte, i) => chunk[field.start + i] === byte);
}

const text = (chunk: Uint8Array, field: { start: number; end: number }): string =>
  Buffer.from(chunk.buffer, chunk.byteOffset + field.start, field.end - field.start).toString('utf8');

function checkText(chunk: Uint8Array, start: number, end: number): void {
  if (!isUtf8(chunk.subarray(start, end))) throw invalidUtf8();
  for (let at = start; at < end; at++) {
    if (chunk[at] === 0) throw new SqlError('22021', 'invalid byte sequence for encoding "UTF8": 0x00');
  }
}
