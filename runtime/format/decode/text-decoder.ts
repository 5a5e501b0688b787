/** FORMAT TEXT: one column, a line a row. */
import { isUtf8 } from 'node:buffer';
import { SqlError } from '../../../common/sql-error.ts';
import { BATCH_ROWS_MAX } from '../../batch/column.ts';
import { DecodedColumns, fieldStorage, type DecodedField } from './decoded-columns.ts';
import { invalidUtf8, payloadText, type DecodeOutput, type LineDecoder } from './line-decoder.ts';

export class TextLineDecoder implements LineDecoder {
  readonly #columns: DecodedColumns;
  readonly #target: number;
  #line = 0;

  constructor(fields: readonly DecodedField[], target: number) {
    this.#columns = new DecodedColumns(fields);
    this.#target = target;
  }

  recycle(): void {
    this.#columns.recycle();
  }

  decode(chunk: Uint8Array, from: number, to: number, final: boolean, out: DecodeOutput): number {
    const end = final ? to : chunk.subarray(0, to).lastIndexOf(10) + 1;
    let at = from;
    let rows = 0;
    while (at < end) {
      const newline = chunk.indexOf(10, at);
      const next = newline < 0 || newline >= end ? end : newline;
      const lineEnd = next > at && chunk[next - 1] === 13 ? next - 1 : next;
      this.#line++;
      if (this.#row(chunk, at, lineEnd, rows, out)) rows++;
      at = next + 1;
      if (rows === BATCH_ROWS_MAX) {
        out.batch(this.#columns.take(chunk, rows));
        rows = 0;
      }
    }
    if (rows > 0) out.batch(this.#columns.take(chunk, rows));
    return Math.min(Math.max(at, from), end);
  }

  #row(chunk: Uint8Array, from: number, end: number, row: number, out: DecodeOutput): boolean {
    const field = this.#columns.fields[this.#target]!;
    try {
      if (!isUtf8(chunk.subarray(from, end))) throw invalidUtf8();
      this.#columns.fields.forEach((f, i) => {
        if (i !== this.#target && f.used) this.#columns.setNull(i, row);
      });
      if (!field.used) return true;
      if (fieldStorage(field.type) === 'view') this.#columns.setView(this.#target, row, from, end);
      else
        this.#columns.setText(
          this.#target,
          row,
          Buffer.from(chunk.buffer, chunk.byteOffset + from, end - from).toString(),
        );
      return true;
    } catch (error) {
      if (!(error instanceof SqlError)) throw error;
      out.reject({ error, line: this.#line, payload: payloadText(chunk, from, end) });
      return false;
    }
  }
}
