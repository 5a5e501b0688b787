/**
 * JSON, one object a line (NDJSON). Three readers, each for what the one before refuses:
 *
 *   shapes      the literal bytes between the values of a row, learnt from rows that were seen twice, become generated
 *               loops (at most 8, the last one that fitted first): 10 times JSON.parse
 *   JSON.parse  the rest; integers beyond 2^53 are read again from their source text
 *
 * Text without escapes stays a view into the chunk; escaped text is written over its own bytes (never longer).
 */
import { isUtf8 } from 'node:buffer';
import { SqlError } from '../../../common/sql-error.ts';
import { isArrayType, type SqlType } from '../../../common/types.ts';
import { BATCH_ROWS_MAX } from '../../batch/column.ts';
import { DecodedColumns, fieldStorage, type DecodedField } from './decoded-columns.ts';
import { scaleEpoch, isTimestamp, type TimestampUnit } from './epoch.ts';
import { generateJsonLoop, type JsonLoop } from './json-loop.ts';
import { learnShape } from './json-shape.ts';
import { invalidUtf8, payloadText, type DecodeOutput, type LineDecoder } from './line-decoder.ts';

const SHAPES_MAX = 8;
const CANDIDATES_MAX = 256;

/** JSON.parse gives the source text of numbers to its reviver; the type library does not know it yet. */
type Reviver = (key: string, value: unknown, context: { source?: string }) => unknown;

export class JsonDecoder implements LineDecoder {
  readonly #columns: DecodedColumns;
  readonly #unit: TimestampUnit | null;
  #shapes: JsonLoop[] = [];
  readonly #candidates = new Map<string, number>();
  #line = 0;

  constructor(fields: readonly DecodedField[], unit: TimestampUnit | null) {
    this.#columns = new DecodedColumns(fields);
    this.#unit = unit;
  }

  recycle(): void {
    this.#columns.recycle();
  }

  decode(chunk: Uint8Array, from: number, to: number, final: boolean, out: DecodeOutput): number {
    const linesEnd = chunk.subarray(0, to).lastIndexOf(10) + 1;
    const end = final ? to : linesEnd;
    const clean = isUtf8(chunk.subarray(from, Math.max(from, linesEnd)));
    let at = from;
    let rows = 0;
    while (at < end) {
      const state = clean && at < linesEnd ? this.#tryShapes(chunk, at, linesEnd, rows) : null;
      if (state !== null) {
        this.#line += state.rows - rows;
        rows = state.rows;
        at = state.at;
      } else {
        const newline = chunk.indexOf(10, at);
        const lineEnd = newline < 0 || newline > end ? end : newline;
        this.#line++;
        if (this.#row(chunk, at, lineEnd, rows, out)) rows++;
        at = lineEnd + 1;
      }
      if (rows === BATCH_ROWS_MAX) {
        out.batch(this.#columns.take(chunk, rows));
        rows = 0;
      }
    }
    if (rows > 0) out.batch(this.#columns.take(chunk, rows));
    return Math.min(at, end);
  }

  #tryShapes(chunk: Uint8Array, at: number, to: number, rows: number): { rows: number; at: number } | null {
    const shapes = this.#shapes;
    for (let s = 0; s < shapes.length; s++) {
      const state = shapes[s]!(this.#columns.arrays, chunk, at, to, rows);
      if (state.rows === rows) continue;
      if (s > 0 && state.rows - rows > 4) shapes.unshift(...shapes.splice(s, 1));
      return state;
    }
    return null;
  }

  /** A row through JSON.parse; false: rejected or an empty line. */
  #row(chunk: Uint8Array, from: number, end: number, row: number, out: DecodeOutput): boolean {
    const source = Buffer.from(chunk.buffer, chunk.byteOffset + from, end - from).toString('utf8');
    if (source.trim() === '') return false;
    try {
      if (!isUtf8(chunk.subarray(from, end))) throw invalidUtf8();
      const value = parseObject(source, this.#columns.fields);
      // before text is written over the row
      this.#learn(chunk, from, end);
      let spare = from;
      this.#columns.fields.forEach((field, f) => {
        if (!field.used) return;
        const member = Object.hasOwn(value, field.name) ? value[field.name] : null;
        if (member === null || member === undefined) this.#columns.setNull(f, row);
        else spare = this.#set(f, row, member, chunk, spare);
      });
      return true;
    } catch (caught) {
      const error = caught instanceof RangeError ? tooDeep() : caught;
      if (!(error instanceof SqlError)) throw error;
      this.#columns.undo(row);
      out.reject({
        error,
        line: this.#line,
        payload: payloadText(Buffer.from(source), 0, Buffer.byteLength(source)),
      });
      return false;
    }
  }

  /** Text is written over the row's own bytes from `spare` on; returns what is left. */
  #set(f: number, row: number, member: unknown, chunk: Uint8Array, spare: number): number {
    const field = this.#columns.fields[f]!;
    const { type } = field;
    if (fieldStorage(type) === 'view') {
      const text = textOf(member);
      if (text.includes('\0'))
        throw new SqlError('22P05', 'unsupported Unicode escape sequence', {
          detail: '\\u0000 cannot be converted to text.',
        });
      const bytes = Buffer.from(text);
      chunk.set(bytes, spare);
      this.#columns.setView(f, row, spare, spare + bytes.length);
      return spare + bytes.length;
    }
    const epoch = isTimestamp(type) ? numberOf(member) : null;
    if (epoch !== null) this.#columns.setDatum(f, row, scaleEpoch(epoch, this.#unit));
    else if (type.name === 'json' || type.name === 'jsonb')
      this.#columns.setText(f, row, JSON.stringify(member, bigText));
    else if (isArrayType(type.name) && Array.isArray(member))
      this.#columns.setText(f, row, arrayText(member));
    else this.#columns.setText(f, row, scalarText(member, type, field.name));
    return spare;
  }

  #learn(chunk: Uint8Array, from: number, end: number): void {
    if (this.#shapes.length >= SHAPES_MAX || chunk[end] !== 10) return;
    const shape = learnShape(chunk, from, end, this.#columns.fields);
    if (shape === null) return;
    const seen = (this.#candidates.get(shape.key) ?? 0) + 1;
    if (seen > 1 || this.#candidates.size < CANDIDATES_MAX) this.#candidates.set(shape.key, seen);
    if (seen === 2) this.#shapes.push(generateJsonLoop(this.#columns.fields, shape, this.#unit));
  }
}

/** The row's members. Numbers that a double can't hold are kept as their text. */
function parseObject(source: string, fields: readonly DecodedField[]): Record<string, unknown> {
  let value: unknown;
  try {
    const exact = fields.some((f) => f.used && EXACT.has(f.type.name)) && /\d{16}|\d\.\d|[eE]/.test(source);
    const reviver: Reviver = (_key, v, context) =>
      typeof v === 'number' && context.source !== undefined ? new NumberText(context.source) : v;
    value = exact
      ? JSON.parse(source, reviver as (key: string, value: unknown) => unknown)
      : JSON.parse(source);
  } catch (error) {
    throw new SqlError('22P02', 'invalid input syntax for type json', { detail: (error as Error).message });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new SqlError('22P02', 'a row must be a JSON object');
  }
  return value as Record<string, unknown>;
}

/** JSON.parse and the writers recurse: a stack that ends is the row's fault. */
const tooDeep = (): SqlError => new SqlError('54001', 'a JSON value is nested too deep');

const EXACT: ReadonlySet<string> = new Set(['int8', 'numeric', 'json', 'jsonb']);

/** A number by the text it was written with. */
class NumberText {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** null: no number. */
function numberOf(member: unknown): number | null {
  if (member instanceof NumberText) return Number(member.text);
  return typeof member === 'number' ? member : null;
}

const bigText = (_key: string, value: unknown): unknown =>
  value instanceof NumberText ? rawNumber(value.text) : value;
/** JSON.rawJSON keeps a number's digits; the type library does not know it yet. */
const rawNumber = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON;

function textOf(member: unknown): string {
  if (typeof member === 'string') return member;
  if (member instanceof NumberText) return member.text;
  return JSON.stringify(member, bigText);
}

function scalarText(member: unknown, type: SqlType, column: string): string {
  if (typeof member === 'string') return member;
  if (Object.is(member, -0)) return '-0';
  if (typeof member === 'number' || typeof member === 'boolean') return String(member);
  if (member instanceof NumberText) return member.text;
  throw new SqlError('22P02', `column "${column}" of type ${type.name} takes no JSON object or array`);
}

function arrayText(members: readonly unknown[]): string {
  const items = members.map((m) => {
    if (m === null) return 'NULL';
    if (Array.isArray(m)) return arrayText(m);
    return `"${textOf(m).replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
  });
  return `{${items.join(',')}}`;
}
