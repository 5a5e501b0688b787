/**
 * COPY's binary format (PostgreSQL manual, COPY, "Binary Format"): a signature of 11 bytes, flags, an extension; then
 * per row i16 fields, per field i32 length (−1 = NULL) and the value; i16 −1 ends it.
 */
import { SqlError } from '../../../common/sql-error.ts';
import { decodeBinary } from '../../../common/value-binary.ts';
import { BATCH_ROWS_MAX } from '../../batch/column.ts';
import { buildColumn } from '../../batch/datum.ts';
import { nullViolation, type DecodedField } from './decoded-columns.ts';
import type { DecodeOutput, LineDecoder } from './line-decoder.ts';

const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1');

export class CopyBinaryDecoder implements LineDecoder {
  readonly #fields: readonly DecodedField[];
  readonly #positions: readonly number[];
  readonly #label: string;
  #started = false;
  #ended = false;
  #row = 0;

  constructor(fields: readonly DecodedField[], positions: readonly number[], label: string) {
    this.#fields = fields;
    this.#positions = positions;
    this.#label = label;
  }

  recycle(): void {
    // rows are copied out of the chunk
  }

  decode(chunk: Uint8Array, from: number, to: number, final: boolean, out: DecodeOutput): number {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, to);
    let at = from;
    if (!this.#started) {
      const head = readHead(bytes, at, to);
      if (head < 0) {
        if (final) throw this.#malformed('COPY file signature not recognized');
        return at;
      }
      at = head;
      this.#started = true;
    }
    let rows: unknown[][] = [];
    while (at < to && !this.#ended) {
      const next = this.#readRow(bytes, at, to, rows);
      if (next < 0) break;
      at = next;
      if (rows.length === BATCH_ROWS_MAX) {
        this.#send(rows, out);
        rows = [];
      }
    }
    if (rows.length > 0) this.#send(rows, out);
    if (final && !this.#ended && at < to) throw this.#malformed('unexpected EOF in COPY data');
    return this.#ended ? to : at;
  }

  /** The position after the row, or −1 if it is not whole. */
  #readRow(bytes: Buffer, from: number, to: number, rows: unknown[][]): number {
    if (from + 2 > to) return -1;
    const count = bytes.readInt16BE(from);
    if (count === -1) {
      this.#ended = true;
      return from + 2;
    }
    if (count !== this.#positions.length) {
      throw this.#malformed(`row field count is ${count}, expected ${this.#positions.length}`);
    }
    const row: unknown[] = this.#fields.map(() => null);
    let at = from + 2;
    for (let i = 0; i < count; i++) {
      if (at + 4 > to) return -1;
      const length = bytes.readInt32BE(at);
      at += 4;
      if (length === -1) continue;
      if (length < 0) throw this.#malformed('invalid field size');
      if (at + length > to) return -1;
      const target = this.#positions[i]!;
      row[target] = decodeBinary(bytes.subarray(at, at + length), this.#fields[target]!.type);
      at += length;
    }
    this.#row++;
    this.#fields.forEach((field, f) => {
      if (field.notNull && row[f] === null) throw nullViolation(field.name);
    });
    rows.push(row);
    return at;
  }

  #send(rows: readonly unknown[][], out: DecodeOutput): void {
    const columns = this.#fields.map((field, f) =>
      buildColumn(
        field.type,
        rows.map((row) => row[f]),
      ),
    );
    out.batch({ rows: rows.length, columns, weights: null });
  }

  #malformed(message: string): SqlError {
    return new SqlError('22P04', message, { context: `${this.#label}, line ${this.#row + 1}` });
  }
}

function readHead(bytes: Buffer, from: number, to: number): number {
  const known = Math.min(SIGNATURE.length, to - from);
  if (!bytes.subarray(from, from + known).equals(SIGNATURE.subarray(0, known))) {
    throw new SqlError('22P04', 'COPY file signature not recognized');
  }
  if (from + 19 > to) return -1;
  const flags = bytes.readUInt32BE(from + 11);
  if ((flags & 0xffff0000) !== 0)
    throw new SqlError('22P04', 'unrecognized critical flags in COPY file header');
  const extension = bytes.readInt32BE(from + 15);
  if (extension < 0) throw new SqlError('22P04', 'invalid COPY file header (wrong length)');
  return from + 19 + extension <= to ? from + 19 + extension : -1;
}
