import type { Schema } from '../../common/types.ts';
import type { Batch } from '../batch/column.ts';
import { compactBatch } from '../batch/concat.ts';

/** Batches that go to several readers: they are copied once, never transferred, and nobody changes them. */
const shared = new WeakSet<Batch>();

export const isShared = (batch: Batch): boolean => shared.has(batch);

/** One copy a tick of each batch that several subscribers of a relation get; who encodes it does so once. */
export class SharedRows {
  #tick = 0;
  readonly #own = new Map<Batch, Batch>();

  of(tick: number, schema: Schema, batch: Batch): Batch {
    if (tick !== this.#tick) this.#own.clear();
    this.#tick = tick;
    let own = this.#own.get(batch);
    if (own === undefined) {
      own = compactBatch(schema, batch);
      shared.add(own);
      this.#own.set(batch, own);
    }
    return own;
  }

  /** Nothing is held between ticks (I5). */
  clear(): void {
    this.#own.clear();
  }
}
