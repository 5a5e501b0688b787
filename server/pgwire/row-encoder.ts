/** How the rows of a result leave: as DataRow messages, or as lines of COPY. */
import type { Schema } from '../../common/types.ts';
import type { TextSettings } from '../../common/value-text.ts';
import type { CopyOptions } from '../../planner/statement.ts';
import type { Batch } from '../../runtime/batch/column.ts';
import { ByteWriter } from '../../runtime/format/encode/byte-writer.ts';
import { writeCopyBinaryHeader, writeCopyBinaryTrailer } from '../../runtime/format/encode/copy-binary.ts';
import { writeCsvHeader, writeCsvRows } from '../../runtime/format/encode/copy-csv.ts';
import { writeCopyTextHeader, writeCopyTextRows } from '../../runtime/format/encode/copy-text.ts';
import { writeCopyBinaryRows, writeDataRows } from '../../runtime/format/encode/data-row.ts';
import {
  binaryField,
  type OutputField,
  textField,
  textFields,
} from '../../runtime/format/encode/output-field.ts';
import { encodeOnce } from '../live/shared-encoding.ts';

export type RowEncoder = Readonly<{
  start: (out: ByteWriter) => void;
  rows: (out: ByteWriter, batch: Batch, from: number, to: number) => void;
  finish: (out: ByteWriter) => void;
}>;

const nothing = (): void => {};

/**
 * For continuous results, which may have many readers: a batch that goes out whole is encoded once for all who want it
 * in the same way.
 */
export function sharedEncoder(encoder: RowEncoder, name: string, settings: TextSettings): RowEncoder {
  const { timeZone, dateStyle, intervalStyle, byteaOutput, extraFloatDigits } = settings;
  const format = JSON.stringify([name, timeZone, dateStyle, intervalStyle, byteaOutput, extraFloatDigits]);
  return {
    ...encoder,
    rows: (out, batch, from, to) => {
      if (from !== 0 || to !== batch.rows) {
        encoder.rows(out, batch, from, to);
        return;
      }
      const bytes = encodeOnce(batch, format, () => {
        const writer = new ByteWriter();
        encoder.rows(writer, batch, from, to);
        return writer.take();
      });
      out.writeBytes(bytes);
    },
  };
}

/** Fields are made once for a batch, also where its rows leave in portions. */
function rememberFields(
  make: (batch: Batch) => readonly OutputField[],
): (batch: Batch) => readonly OutputField[] {
  let last: Batch | null = null;
  let fields: readonly OutputField[] = [];
  return (batch) => {
    if (batch !== last) {
      fields = make(batch);
      last = batch;
    }
    return fields;
  };
}

/** `formats`: none = all text, one = that for all, else one a column. */
export const formatOf = (formats: readonly number[], column: number): number =>
  formats.length === 0 ? 0 : formats.length === 1 ? formats[0]! : (formats[column] ?? 0);

export function dataRowEncoder(
  columns: Schema,
  formats: readonly number[],
  settings: TextSettings,
): RowEncoder {
  const fieldsOf = rememberFields((batch) =>
    batch.columns.map((column, i) =>
      formatOf(formats, i) === 1
        ? binaryField(column, columns[i]!.type, batch.rows)
        : textField(column, columns[i]!.type, batch.rows, settings, 1),
    ),
  );
  return {
    start: nothing,
    rows: (out, batch, from, to) => writeDataRows(out, fieldsOf(batch), from, to),
    finish: nothing,
  };
}

export function copyEncoder(columns: Schema, options: CopyOptions, settings: TextSettings): RowEncoder {
  const names = columns.map((column) => column.name);
  if (options.format === 'binary') {
    const fieldsOf = rememberFields((batch) =>
      batch.columns.map((column, i) => binaryField(column, columns[i]!.type, batch.rows)),
    );
    return {
      start: writeCopyBinaryHeader,
      rows: (out, batch, from, to) => writeCopyBinaryRows(out, fieldsOf(batch), from, to),
      finish: writeCopyBinaryTrailer,
    };
  }
  const fieldsOf = rememberFields((batch) => textFields(batch.columns, columns, batch.rows, settings, 2));
  const byte = (text: string): number => text.charCodeAt(0);
  if (options.format === 'csv') {
    const framing = {
      delimiter: byte(options.delimiter),
      quote: byte(options.quote),
      escape: byte(options.escape),
      nullText: Buffer.from(options.nullText),
      framed: true,
      forced: names.map((name) => options.forceQuote === 'all' || options.forceQuote.includes(name)),
    };
    return {
      start: options.header ? (out) => writeCsvHeader(out, names, framing) : nothing,
      rows: (out, batch, from, to) => writeCsvRows(out, fieldsOf(batch), from, to, framing),
      finish: nothing,
    };
  }
  const framing = {
    delimiter: byte(options.delimiter),
    nullText: Buffer.from(options.nullText),
    framed: true,
  };
  return {
    start: options.header ? (out) => writeCopyTextHeader(out, names, framing) : nothing,
    rows: (out, batch, from, to) => writeCopyTextRows(out, fieldsOf(batch), from, to, framing),
    finish: nothing,
  };
}

/** What psql prints as it comes: a header line, then tab-separated text. */
export const LIVE_COPY: CopyOptions = {
  format: 'text',
  header: true,
  delimiter: '\t',
  nullText: '\\N',
  quote: '"',
  escape: '"',
  forceQuote: [],
};
