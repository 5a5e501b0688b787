/** An Arrow IPC stream, whole (HTTP POST): columns by name; those that are absent are NULL, others are not looked at. */
import type { Data, RecordBatch } from 'apache-arrow';
import { SqlError } from '../../../common/sql-error.ts';
import { BATCH_ROWS_MAX, type Column, isValid } from '../../batch/column.ts';
import { buildColumn } from '../../batch/datum.ts';
import { gatherBatch } from '../../batch/gather.ts';
import { ARROW_VALUES_MAX, checkArrowStream } from '../arrow/arrow-guard.ts';
import { arrowLibrary } from '../arrow/arrow-library.ts';
import { malformedArrow } from '../arrow/flat-table.ts';
import { type ArrowCast, arrowCast, arrowText } from './arrow-cast.ts';
import { arrowColumn } from './arrow-column.ts';
import { type DecodedField, nullViolation } from './decoded-columns.ts';
import type { TimestampUnit } from './epoch.ts';
import { type DecodeOutput, type LineDecoder, payloadText } from './line-decoder.ts';

/** Rows of one stream: a column without values costs no bytes, so bytes alone don't bound them. */
const ROWS_MAX = 1 << 24;

/** Code of a stream that is not sound: no matter of one row. */
const MALFORMED = malformedArrow('').code;

export class ArrowDecoder implements LineDecoder {
  readonly #fields: readonly DecodedField[];
  readonly #unit: TimestampUnit | null;
  #row = 0;

  constructor(fields: readonly DecodedField[], unit: TimestampUnit | null) {
    this.#fields = fields;
    this.#unit = unit;
  }

  recycle(): void {
    // batches own their arrays, or share the stream's
  }

  decode(chunk: Uint8Array, from: number, to: number, final: boolean, out: DecodeOutput): number {
    if (!final) return from;
    const bytes = aligned(chunk.subarray(from, to));
    if (bytes.length === 0) throw malformedArrow('it is empty');
    checkArrowStream(bytes);
    for (const batch of readBatches(bytes)) this.#decodeBatch(batch, out);
    return to;
  }

  #decodeBatch(batch: RecordBatch, out: DecodeOutput): void {
    // the library stands in a batch without buffers for none at all
    if (batch.numRows === 0) return;
    if (this.#row + batch.numRows > ROWS_MAX) {
      throw new SqlError('54000', `an Arrow stream can have ${ROWS_MAX} rows at the most`);
    }
    const names = batch.schema.fields.map((field) => field.name);
    const columns = this.#fields.map((field) => {
      const data = batch.data.children[names.indexOf(field.name)];
      return data === undefined || !field.used ? null : new ColumnReader(data, field, this.#unit);
    });
    for (let from = 0; from < batch.numRows; from += BATCH_ROWS_MAX) {
      this.#decodeRows(batch, columns, from, Math.min(from + BATCH_ROWS_MAX, batch.numRows), out);
    }
    this.#row += batch.numRows;
  }

  #decodeRows(
    batch: RecordBatch,
    readers: readonly (ColumnReader | null)[],
    from: number,
    to: number,
    out: DecodeOutput,
  ): void {
    const rows = to - from;
    const errors = new Map<number, SqlError>();
    const columns = this.#fields.map((field, f) => {
      const nulls = (): Column => buildColumn(field.type, new Array<null>(rows).fill(null));
      const column = readers[f]?.read(from, to, errors) ?? nulls();
      if (field.notNull) refuseNulls(column, rows, field.name, errors);
      return column;
    });
    const whole = { rows, columns, weights: null };
    if (errors.size === 0) {
      out.batch(whole);
      return;
    }
    const texts = batch.data.children.map((data, i) => ({
      name: batch.schema.fields[i]!.name,
      text: arrowText(data),
    }));
    const kept: number[] = [];
    for (let row = 0; row < rows; row++) {
      const error = errors.get(row);
      if (error === undefined) kept.push(row);
      else {
        const members = texts.map(({ name, text }) => [name, text(from + row)]);
        const payload = Buffer.from(JSON.stringify(Object.fromEntries(members)));
        out.reject({
          error,
          line: this.#row + from + row + 1,
          payload: payloadText(payload, 0, payload.length),
        });
      }
    }
    if (kept.length > 0) out.batch(gatherBatch(whole, Uint32Array.from(kept), kept.length));
  }
}

class ColumnReader {
  readonly #data: Data;
  readonly #field: DecodedField;
  readonly #cast: ArrowCast;

  constructor(data: Data, field: DecodedField, unit: TimestampUnit | null) {
    this.#data = data;
    this.#field = field;
    this.#cast = arrowCast(data, { name: field.name, type: field.type, unit });
  }

  /** Rows that can't be cast are NULL, and noted, unless an earlier column has the row's error. */
  read(from: number, to: number, errors: Map<number, SqlError>): Column {
    const { type } = this.#field;
    const column = arrowColumn(this.#data, type, from, to);
    if (column !== null) return column;
    const datums = new Array<unknown>(to - from);
    for (let row = from; row < to; row++) {
      try {
        datums[row - from] = this.#cast(row);
      } catch (error) {
        if (!(error instanceof SqlError) || error.code === MALFORMED) throw error;
        datums[row - from] = null;
        if (!errors.has(row - from)) errors.set(row - from, error);
      }
    }
    return buildColumn(type, datums);
  }
}

function refuseNulls(column: Column, rows: number, name: string, errors: Map<number, SqlError>): void {
  if (column.valid === null) return;
  for (let row = 0; row < rows; row++) {
    if (!isValid(column.valid, row) && !errors.has(row)) errors.set(row, nullViolation(name));
  }
}

/** Typed arrays over the stream begin at multiples of 8. */
const aligned = (bytes: Uint8Array): Uint8Array => (bytes.byteOffset % 8 === 0 ? bytes : bytes.slice());

/** What the check let through and the library still stumbles over is the stream's fault as well. */
function* readBatches(bytes: Uint8Array): Generator<RecordBatch> {
  const { RecordBatchReader } = arrowLibrary();
  const batches = stumbling(() => RecordBatchReader.from(bytes)[Symbol.iterator]());
  for (;;) {
    const next = stumbling(() => batches.next());
    if (next.done === true) return;
    if (next.value.numRows > ARROW_VALUES_MAX) throw malformedArrow('a batch is too long');
    yield next.value;
  }
}

function stumbling<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof SqlError) throw error;
    throw malformedArrow((error as Error).message);
  }
}
