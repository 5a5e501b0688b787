/** The indexes of a table or materialized view, kept with its rows. They are made anew from the rows at a start. */
import type { Schema } from '../../common/types.ts';
import type { Batch } from '../batch/column.ts';
import type { RelationSize } from '../engine-client.ts';
import { type KeyConstants, longestHeld } from '../plan/key-constants.ts';
import type { IndexDefinition, Oid } from '../plan/relation.ts';
import { RowIndex } from '../state/row-index.ts';

/** An index that gives more than this share of the rows is not worth asking. */
const WORTHWHILE_SHARE = 0.25;
/** So few rows are as well read by the index. */
const WORTHWHILE_ROWS = 1024;

export interface IndexedStore {
  readonly size: number;
  addIndex(index: RowIndex): void;
  dropIndex(index: RowIndex): void;
  /** null: there are more than `rowsMax`. */
  rowsOf(index: RowIndex, keys: Batch, rowsMax: number): readonly Batch[] | null;
}

export class RelationIndexes {
  readonly schema: Schema;
  readonly #store: IndexedStore;
  readonly #indexes = new Map<Oid, RowIndex>();

  constructor(schema: Schema, store: IndexedStore) {
    this.schema = schema;
    this.#store = store;
  }

  add({ oid, columns }: IndexDefinition): void {
    const index = new RowIndex(columns, this.#types);
    this.#store.addIndex(index);
    this.#indexes.set(oid, index);
  }

  drop(oid: Oid): void {
    const index = this.#indexes.get(oid);
    if (index !== undefined) this.#store.dropIndex(index);
    this.#indexes.delete(oid);
  }

  get sizes(): RelationSize['indexes'] {
    return [...this.#indexes].map(([index, kept]) => ({ index, bytes: kept.memoryBytes() }));
  }

  /** The one to ask; null: none can say. */
  heldBy(constants: KeyConstants): RowIndex | null {
    return this.#indexes.size === 0 ? null : longestHeld(this.#indexes.values(), constants, this.#types);
  }

  /** null: too many rows for it to be worth. */
  rowsOf(index: RowIndex, keys: Batch): readonly Batch[] | null {
    const rowsMax = Math.max(WORTHWHILE_ROWS, Math.floor(this.#store.size * WORTHWHILE_SHARE));
    return this.#store.rowsOf(index, keys, rowsMax);
  }

  get #types(): Schema[number]['type'][] {
    return this.schema.map(({ type }) => type);
  }
}
