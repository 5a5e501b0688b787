/** A JSON array of rows, whole: objects by column name, or arrays by position (HTTP POST, WebSocket insert). */
import { SqlError } from '../../../common/sql-error.ts';
import type { DecodedField } from './decoded-columns.ts';
import type { TimestampUnit } from './epoch.ts';
import { JsonDecoder } from './json-decoder.ts';
import type { DecodeOutput, LineDecoder } from './line-decoder.ts';

export class JsonArrayDecoder implements LineDecoder {
  readonly #fields: readonly DecodedField[];
  readonly #positions: readonly number[];
  readonly #rows: JsonDecoder;

  constructor(fields: readonly DecodedField[], positions: readonly number[], unit: TimestampUnit | null) {
    this.#fields = fields;
    this.#positions = positions;
    this.#rows = new JsonDecoder(fields, unit);
  }

  recycle(): void {
    this.#rows.recycle();
  }

  /** The array must be whole: until `final` nothing is taken. Each row becomes a line for the row decoder. */
  decode(chunk: Uint8Array, from: number, to: number, final: boolean, out: DecodeOutput): number {
    if (!final) return from;
    const lines = this.#lines(Buffer.from(chunk.buffer, chunk.byteOffset + from, to - from).toString('utf8'));
    const bytes = Buffer.from(lines.join('\n'));
    this.#rows.decode(bytes, 0, bytes.length, true, out);
    return to;
  }

  #lines(source: string): string[] {
    let rows: unknown;
    try {
      // numbers keep their digits: JSON.rawJSON is written back as it was read
      rows = JSON.parse(source, keepDigits as (key: string, value: unknown) => unknown);
    } catch (error) {
      throw new SqlError('22P02', 'invalid input syntax for type json', { detail: (error as Error).message });
    }
    if (!Array.isArray(rows)) throw new SqlError('22P02', 'the rows must be a JSON array');
    return rows.map((row: unknown) => JSON.stringify(Array.isArray(row) ? this.#object(row) : row));
  }

  #object(row: readonly unknown[]): Record<string, unknown> {
    if (row.length !== this.#positions.length) {
      throw new SqlError('22P04', `a row has ${row.length} values, expected ${this.#positions.length}`);
    }
    return Object.fromEntries(row.map((value, i) => [this.#fields[this.#positions[i]!]!.name, value]));
  }
}

const rawJson = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON;

function keepDigits(_key: string, value: unknown, context: { source?: string }): unknown {
  return typeof value === 'number' && context.source !== undefined ? rawJson(context.source) : value;
}
