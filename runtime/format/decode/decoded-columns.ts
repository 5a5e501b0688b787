/**
 * Where decoders put values: one set of arrays per batch, taken from a pool that is turned over every tick. So a
 * decoded batch lives for its tick; whatever keeps rows longer copies them (batch/concat.ts).
 */
import { SqlError } from '../../../common/sql-error.ts';
import { physicalKind, type SqlType } from '../../../common/types.ts';
import { parseWith, type TextFormat, textFormat } from '../../../common/value-text.ts';
import { BATCH_ROWS_MAX, type Batch, type Column } from '../../batch/column.ts';
import { buildColumn } from '../../batch/datum.ts';

export type DecodedField = Readonly<{
  name: string;
  type: SqlType;
  notNull: boolean;
  /** false: nobody reads it; the batch holds NULLs */
  used: boolean;
  hasDefault?: boolean;
}>;

export type FieldArrays = {
  /** numbers: bool, int32, int64 (while safe), float64 */
  values: Uint8Array | Int32Array | Float64Array;
  /** text: where it lies in the chunk */
  starts: Uint32Array;
  ends: Uint32Array;
  /** validity bits, all ones until a NULL clears one */
  bits: Uint8Array;
  nulls: number;
  /** values that have no number or view: one datum a row; a hole: see `values` (an int8 column with wide ones) */
  datums: unknown[] | null;
};

const ISO_UTC = textFormat();
const NO_WORDS = new Uint32Array(0);
const BIT_BYTES = BATCH_ROWS_MAX >> 3;

/** Text taken from the chunk as it stands. */
const VIEWED: ReadonlySet<string> = new Set(['text', 'varchar']);

/** How a field is written by the fast path: as a number, a view into the chunk, or a datum. */
export function fieldStorage(type: SqlType): 'number' | 'view' | 'datum' {
  if (VIEWED.has(type.name) && type.length === undefined) return 'view';
  const kind = physicalKind(type);
  return kind === 'bytes' || kind === 'boxed' ? 'datum' : 'number';
}

export class DecodedColumns {
  readonly fields: readonly DecodedField[];
  readonly #format: TextFormat;
  #pool: FieldArrays[][] = [];
  #inUse = 0;
  arrays: FieldArrays[];

  constructor(fields: readonly DecodedField[], format: TextFormat = ISO_UTC) {
    this.fields = fields;
    this.#format = format;
    this.arrays = this.#fresh();
  }

  /** A new tick: the batches of the last one are gone. */
  recycle(): void {
    this.#inUse = 0;
    this.arrays = this.#fresh();
  }

  /** The decoded rows as a batch; the next rows go to other arrays. */
  take(chunk: Uint8Array, rows: number): Batch {
    const arrays = this.arrays;
    const columns = this.fields.map((field, f) => columnOf(field, arrays[f]!, chunk, rows));
    this.arrays = this.#fresh();
    return { rows, columns, weights: null };
  }

  setNull(field: number, row: number): void {
    const a = this.arrays[field]!;
    if (this.fields[field]!.notNull) throw nullViolation(this.fields[field]!.name);
    a.bits[row >> 3] = a.bits[row >> 3]! & ~(1 << (row & 7));
    a.nulls++;
    if (a.datums !== null) a.datums[row] = null;
    if (a.starts.length > 0) {
      a.starts[row] = 0;
      a.ends[row] = 0;
    }
  }

  /** Text of a viewed field: chunk[start, end). */
  setView(field: number, row: number, start: number, end: number): void {
    const a = this.arrays[field]!;
    a.starts[row] = start;
    a.ends[row] = end;
  }

  /** A value by its text, through the type's input function: 22P02 and its kin. */
  setText(field: number, row: number, text: string): void {
    this.setDatum(field, row, parseWith(this.#format, text, this.fields[field]!.type));
  }

  setDatum(field: number, row: number, datum: unknown): void {
    if (datum === null) {
      this.setNull(field, row);
      return;
    }
    const a = this.arrays[field]!;
    const { type } = this.fields[field]!;
    if (a.datums === null) {
      const number = asNumber(datum, type);
      if (number !== null) {
        a.values[row] = number;
        return;
      }
      a.datums = [];
    }
    a.datums[row] = datum;
  }

  /** A rejected row leaves nothing behind. */
  undo(row: number): void {
    const bit = 1 << (row & 7);
    for (const a of this.arrays) {
      if (a.datums !== null && a.datums.length > row) a.datums.length = row;
      if ((a.bits[row >> 3]! & bit) !== 0) continue;
      a.bits[row >> 3] = a.bits[row >> 3]! | bit;
      a.nulls--;
    }
  }

  #fresh(): FieldArrays[] {
    const set = this.#pool[this.#inUse] ?? this.fields.map((field) => newArrays(field));
    this.#pool[this.#inUse++] = set;
    for (let f = 0; f < set.length; f++) {
      const a = set[f]!;
      if (a.nulls > 0) a.bits = new Uint8Array(BIT_BYTES).fill(255);
      a.nulls = 0;
      a.datums = this.fields[f]!.used && fieldStorage(this.fields[f]!.type) === 'datum' ? [] : null;
    }
    return set;
  }
}

export function nullViolation(column: string, relation?: string): SqlError {
  const where = relation === undefined ? '' : ` of relation "${relation}"`;
  return new SqlError('23502', `null value in column "${column}"${where} violates not-null constraint`);
}

function newArrays(field: DecodedField): FieldArrays {
  const storage = fieldStorage(field.type);
  const kind = physicalKind(field.type);
  const rows = field.used ? BATCH_ROWS_MAX : 0;
  const numbers = storage === 'number' ? rows : 0;
  const views = storage === 'view' ? rows : 0;
  return {
    values:
      kind === 'bool'
        ? new Uint8Array(numbers)
        : kind === 'int32'
          ? new Int32Array(numbers)
          : new Float64Array(numbers),
    starts: views === 0 ? NO_WORDS : new Uint32Array(views),
    ends: views === 0 ? NO_WORDS : new Uint32Array(views),
    bits: new Uint8Array(BIT_BYTES).fill(255),
    nulls: 0,
    datums: null,
  };
}

/** The number that stands for the datum in the column's array; null: it does not fit one (a wide int8). */
function asNumber(datum: unknown, type: SqlType): number | null {
  if (typeof datum === 'boolean') return datum ? 1 : 0;
  if (typeof datum === 'bigint') return datum >= -MAX_SAFE && datum <= MAX_SAFE ? Number(datum) : null;
  if (typeof datum !== 'number') return null;
  if (type.name === 'date' && !Number.isFinite(datum)) return datum > 0 ? 2147483647 : -2147483648;
  return datum;
}

const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);

/** The rows of an int8 column some of which are wide. */
function wideInts(a: FieldArrays, rows: number): unknown[] {
  const datums = a.datums!;
  const out: unknown[] = [];
  for (let i = 0; i < rows; i++) {
    const valid = ((a.bits[i >> 3]! >> (i & 7)) & 1) === 1;
    out.push(valid ? (datums[i] ?? BigInt(a.values[i]!)) : null);
  }
  return out;
}

function columnOf(field: DecodedField, a: FieldArrays, chunk: Uint8Array, rows: number): Column {
  const kind = physicalKind(field.type);
  if (!field.used) return unreadColumn(kind);
  if (a.datums !== null) {
    const datums = kind === 'int64' ? wideInts(a, rows) : a.datums.slice(0, rows);
    return buildColumn(field.type, datums);
  }
  const valid = a.nulls === 0 ? null : a.bits;
  switch (kind) {
    case 'bool':
      return { kind, values: a.values as Uint8Array, valid };
    case 'int32':
      return { kind, values: a.values as Int32Array, valid };
    case 'int64':
      return { kind, values: a.values as Float64Array, wide: null, valid };
    case 'float64':
      return { kind, values: a.values as Float64Array, valid };
    case 'bytes':
      return { kind, bytes: chunk, starts: a.starts, ends: a.ends, valid };
    case 'boxed':
      return buildColumn(field.type, (a.datums ?? []) as unknown[]);
  }
}

const NONE = new Uint8Array(BIT_BYTES);

/** A column nobody reads: all NULL. */
function unreadColumn(kind: Column['kind']): Column {
  switch (kind) {
    case 'bool':
      return { kind, values: new Uint8Array(0), valid: NONE };
    case 'int32':
      return { kind, values: new Int32Array(0), valid: NONE };
    case 'int64':
      return { kind, values: new Float64Array(0), wide: null, valid: NONE };
    case 'float64':
      return { kind, values: new Float64Array(0), valid: NONE };
    case 'bytes':
      return { kind, bytes: NONE, starts: NO_WORDS, ends: NO_WORDS, valid: NONE };
    case 'boxed':
      return { kind, values: [], valid: NONE };
  }
}
