/** Rows to Arrow by our encoder or by the library, and back by our decoder. */
import { type DataType, Table, tableToIPC, vectorFromArray } from 'apache-arrow';
import type { Field as SqlField, SqlType } from '../../common/types.ts';
import { formatDatum } from '../../common/value-text.ts';
import type { Batch } from '../../runtime/batch/column.ts';
import { buildColumn, readDatum } from '../../runtime/batch/datum.ts';
import { ArrowDecoder } from '../../runtime/format/decode/arrow-decoder.ts';
import { ArrowStream } from '../../runtime/format/encode/arrow-stream.ts';

type Datums = readonly (readonly unknown[])[];
type Decoded = Readonly<{
  rows: (string | null)[][];
  rejected: readonly string[];
  payloads: readonly string[];
}>;

export function encode(columns: readonly SqlField[], batches: readonly Datums[]): Uint8Array {
  const stream = new ArrowStream(columns);
  for (const datums of batches) {
    stream.write({
      rows: datums[0]?.length ?? 0,
      columns: columns.map(({ type }, i) => buildColumn(type, datums[i]!)),
      weights: null,
    });
  }
  return stream.finish();
}

export function decodeBatches(
  columns: readonly SqlField[],
  bytes: Uint8Array,
  notNull: readonly string[] = [],
): Readonly<{ batches: readonly Batch[]; rejected: string[]; payloads: string[] }> {
  const fields = columns.map((field) => ({ ...field, notNull: notNull.includes(field.name), used: true }));
  const batches: Batch[] = [];
  const rejected: string[] = [];
  const payloads: string[] = [];
  new ArrowDecoder(fields, null).decode(bytes, 0, bytes.length, true, {
    batch: (batch) => batches.push(batch),
    reject: ({ line, error, payload }) => {
      rejected.push(`${line} ${error.code}`);
      payloads.push(payload ?? '');
    },
  });
  return { batches, rejected, payloads };
}

export function decode(
  columns: readonly SqlField[],
  bytes: Uint8Array,
  notNull: readonly string[] = [],
): Decoded {
  const { batches, rejected, payloads } = decodeBatches(columns, bytes, notNull);
  const rows = batches.flatMap((batch) =>
    Array.from({ length: batch.rows }, (_, row) =>
      columns.map(({ type }, i) => {
        const datum = readDatum(batch.columns[i]!, row, type);
        return datum === null ? null : formatDatum(datum, type);
      }),
    ),
  );
  return { rows, rejected, payloads };
}

export const one = (type: SqlType): readonly SqlField[] => [{ name: 'x', type }];
export const table = (type: DataType, values: readonly unknown[]): Uint8Array =>
  tableToIPC(new Table({ x: vectorFromArray(values as never, type) }), 'stream');
export const column = (bytes: Uint8Array, type: SqlType): (string | null)[] =>
  decode(one(type), bytes).rows.map(([value]) => value!);
