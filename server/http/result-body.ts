/** The body of an answer, encoded batch by batch as the rows come. */
import { unreachable } from '../../common/assert.ts';
import type { Schema } from '../../common/types.ts';
import { DEFAULT_TEXT_SETTINGS } from '../../common/value-text.ts';
import type { Batch } from '../../runtime/batch/column.ts';
import { ArrowStream } from '../../runtime/format/encode/arrow-stream.ts';
import { ByteWriter } from '../../runtime/format/encode/byte-writer.ts';
import { type CsvFraming, writeCsvHeader, writeCsvRows } from '../../runtime/format/encode/copy-csv.ts';
import {
  arrayShape,
  objectLineShape,
  type JsonShape,
  writeJsonRows,
} from '../../runtime/format/encode/json.ts';
import { jsonField, textFields } from '../../runtime/format/encode/output-field.ts';

export type BodyFormat = 'json' | 'ndjson' | 'csv' | 'arrow';

export const CONTENT_TYPES: Readonly<Record<BodyFormat, string>> = {
  json: 'application/json',
  ndjson: 'application/x-ndjson',
  csv: 'text/csv; charset=utf-8; header=present',
  arrow: 'application/vnd.apache.arrow.stream',
};

export interface ResultBody {
  write(batch: Batch): void;
  /** Written so far, about. */
  readonly bytes: number;
  finish(): Buffer;
}

/** JSON without what stands around the rows. */
export function resultBody(columns: Schema, format: BodyFormat): ResultBody {
  switch (format) {
    case 'json':
      return new JsonBody(columns, arrayShape(columns.length), true);
    case 'ndjson':
      return new JsonBody(columns, objectLineShape(columns), false);
    case 'csv':
      return new CsvBody(columns);
    case 'arrow':
      return new ArrowStream(columns);
    default:
      return unreachable(format);
  }
}

export function encodeJsonRows(writer: ByteWriter, batch: Batch, columns: Schema): void {
  writeRows(writer, batch, columns, arrayShape(columns.length));
}

function writeRows(writer: ByteWriter, batch: Batch, columns: Schema, shape: JsonShape): void {
  const fields = batch.columns.map((column, i) => jsonField(column, columns[i]!.type, batch.rows));
  writeJsonRows(writer, fields, 0, batch.rows, shape);
}

/** Rows as arrays with commas between them, or a line for each. */
class JsonBody implements ResultBody {
  readonly #columns: Schema;
  readonly #shape: JsonShape;
  readonly #separated: boolean;
  readonly #writer = new ByteWriter();

  constructor(columns: Schema, shape: JsonShape, separated: boolean) {
    this.#columns = columns;
    this.#shape = shape;
    this.#separated = separated;
  }

  get bytes(): number {
    return this.#writer.length;
  }

  write(batch: Batch): void {
    if (this.#separated && this.#writer.length > 0) this.#writer.writeByte(44);
    writeRows(this.#writer, batch, this.#columns, this.#shape);
  }

  finish(): Buffer {
    return this.#writer.take();
  }
}

const CSV: CsvFraming = {
  delimiter: 44,
  quote: 34,
  escape: 34,
  nullText: Buffer.alloc(0),
  framed: false,
  forced: [],
};

class CsvBody implements ResultBody {
  readonly #columns: Schema;
  readonly #writer = new ByteWriter();

  constructor(columns: Schema) {
    this.#columns = columns;
    writeCsvHeader(
      this.#writer,
      columns.map((column) => column.name),
      CSV,
    );
  }

  get bytes(): number {
    return this.#writer.length;
  }

  write({ columns, rows }: Batch): void {
    writeCsvRows(
      this.#writer,
      textFields(columns, this.#columns, rows, DEFAULT_TEXT_SETTINGS, 2),
      0,
      rows,
      CSV,
    );
  }

  finish(): Buffer {
    return this.#writer.take();
  }
}
