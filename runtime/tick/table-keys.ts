/** The identity of a table's rows as bytes: their primary key, or the whole row where there is none. */
import type { Schema } from '../../common/types.ts';
import type { Batch } from '../batch/column.ts';
import type { TableDefinition } from '../plan/relation.ts';
import { type EncodedRows, RowCodec } from '../state/row-codec.ts';

export class TableKeys {
  readonly ordinals: readonly number[];
  readonly #codec: RowCodec;

  constructor(definition: TableDefinition, schema: Schema) {
    const keyed = definition.primaryKey.length > 0;
    this.ordinals = keyed ? definition.primaryKey : schema.map((_, i) => i);
    this.#codec = new RowCodec(
      this.ordinals.map((c) => schema[c]!.type),
      keyed ? 'key' : 'row',
    );
  }

  /** Valid until the next call. */
  encode(batch: Batch): EncodedRows {
    return this.#codec.encode(batch, this.ordinals);
  }

  /** The keys as strings of bytes. */
  texts(batch: Batch): string[] {
    const { bytes, starts, ends } = this.encode(batch);
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return Array.from({ length: batch.rows }, (_, i) => text.toString('latin1', starts[i]!, ends[i]!));
  }
}
