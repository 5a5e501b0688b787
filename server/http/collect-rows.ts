import { SqlError } from '../../common/sql-error.ts';
import type { Schema } from '../../common/types.ts';
import { formatType } from '../../common/types.ts';
import { DEFAULT_TEXT_SETTINGS } from '../../common/value-text.ts';
import type { Batch } from '../../runtime/batch/column.ts';
import { ByteWriter } from '../../runtime/format/encode/byte-writer.ts';
import { type CsvFraming, writeCsvHeader, writeCsvRows } from '../../runtime/format/encode/copy-csv.ts';
import { arrayShape, objectLineShape, writeJsonRows } from '../../runtime/format/encode/json.ts';
import { jsonField, textFields } from '../../runtime/format/encode/output-field.ts';
import { HTTP_RESULT_BYTES_MAX, HTTP_ROWS_MAX } from '../limits.ts';
import type { RowsOutcome } from '../session/outcome.ts';
import { nextEvent } from '../session/row-source.ts';
import type { Session } from '../session/session.ts';

export type BodyFormat = 'json' | 'ndjson' | 'csv';

export const CONTENT_TYPES: Readonly<Record<BodyFormat, string>> = {
  json: 'application/json',
  ndjson: 'application/x-ndjson',
  csv: 'text/csv; charset=utf-8; header=present',
};

const CSV: CsvFraming = { delimiter: 44, quote: 34, escape: 34, nullText: Buffer.alloc(0), framed: false };

export type Collected = Readonly<{ rows: number; tick: number; body: Buffer; batches: readonly Batch[] }>;

export type Members = Readonly<{ name: string; type: string }>;

/** Columns as JSON names them. */
export const columnMembers = (columns: Schema): readonly Members[] =>
  columns.map(({ name, type }) => ({ name, type: formatType(type) }));

export function encodeJsonRows(writer: ByteWriter, batch: Batch, columns: Schema): void {
  const fields = batch.columns.map((column, i) => jsonField(column, columns[i]!.type, batch.rows));
  writeJsonRows(writer, fields, 0, batch.rows, arrayShape(columns.length));
}

/** All rows of a finite result, encoded: JSON without what stands around the rows. 54000 beyond the bounds. */
export async function collectRows(
  session: Session,
  outcome: RowsOutcome,
  format: BodyFormat,
): Promise<Collected> {
  const { source, columns } = outcome;
  const writer = new ByteWriter();
  const batches: Batch[] = [];
  let rows = 0;
  if (format === 'csv')
    writeCsvHeader(
      writer,
      columns.map((column) => column.name),
      CSV,
    );
  try {
    for (;;) {
      const event = await session.interrupt.wait(nextEvent(source));
      session.interrupt.throwIfRaised();
      if (event.kind === 'end') return { rows, tick: event.tick, body: writer.take(), batches };
      if (event.kind === 'notice') session.notify(event.notice);
      if (event.kind !== 'rows' || event.batch.rows === 0) continue;
      const { batch } = event;
      if (format === 'json' && rows > 0) writer.writeByte(44);
      encodeBatch(writer, batch, columns, format);
      batches.push(batch);
      rows += batch.rows;
      if (rows > HTTP_ROWS_MAX || writer.length > HTTP_RESULT_BYTES_MAX) throw tooLarge();
    }
  } finally {
    session.release(source);
  }
}

function encodeBatch(writer: ByteWriter, batch: Batch, columns: Schema, format: BodyFormat): void {
  switch (format) {
    case 'json':
      encodeJsonRows(writer, batch, columns);
      return;
    case 'ndjson': {
      const fields = batch.columns.map((column, i) => jsonField(column, columns[i]!.type, batch.rows));
      writeJsonRows(writer, fields, 0, batch.rows, objectLineShape(columns));
      return;
    }
    case 'csv':
      writeCsvRows(
        writer,
        textFields(batch.columns, columns, batch.rows, DEFAULT_TEXT_SETTINGS, 2),
        0,
        batch.rows,
        CSV,
      );
  }
}

function tooLarge(): SqlError {
  return new SqlError('54000', 'the result is too large for one answer', {
    detail: `An answer has ${HTTP_ROWS_MAX} rows or ${HTTP_RESULT_BYTES_MAX} bytes at the most.`,
    hint: 'Use LIMIT (limit= and after=), or a PostgreSQL client.',
  });
}
