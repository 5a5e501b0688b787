/** What decoders of line-oriented formats share. */
import { SqlError } from '../../../common/sql-error.ts';
import type { Batch } from '../../batch/column.ts';

export type RejectedRow = Readonly<{
  error: SqlError;
  line: number;
  /** null: what failed is no row. */
  payload: string | null;
  /** The value that is wrong, where it is one. */
  field?: Readonly<{ column: string; value: string }>;
}>;

/** A value for which the column's default stands: NULL in the batch. */
export type DefaultedCell = Readonly<{ column: number; row: number }>;

export type DecodeOutput = Readonly<{
  batch(batch: Batch, defaulted?: readonly DefaultedCell[]): void;
  /** A row that can't be decoded; throwing ends the decoding. */
  reject(row: RejectedRow): void;
}>;

export interface LineDecoder {
  /** A new tick: batches given before are gone. */
  recycle(): void;
  /**
   * Decodes the whole rows in chunk[from, to) and returns where the first row begins that is not whole (`to` if none).
   * `final`: nothing follows, the last row needs no newline. Text may be unescaped in place.
   */
  decode(chunk: Uint8Array, from: number, to: number, final: boolean, out: DecodeOutput): number;
}

/** A payload kept for millrace.rejected_rows: at most this many characters. */
const PAYLOAD_MAX = 1024;

export function payloadText(chunk: Uint8Array, from: number, to: number): string {
  const bytes = Buffer.from(chunk.buffer, chunk.byteOffset + from, Math.min(to - from, 4 * PAYLOAD_MAX));
  const text = bytes.toString('utf8').replaceAll('\0', '\\0');
  return text.length > PAYLOAD_MAX ? `${text.slice(0, PAYLOAD_MAX)}…` : text;
}

export const invalidUtf8 = (): SqlError => new SqlError('22021', 'invalid byte sequence for encoding "UTF8"');
