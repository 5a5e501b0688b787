/**
 * Which rows of a relation the rows of a derived batch were made of. A link stands beside the batch, not in it: it lives
 * as long as the batch does, and does not travel with it to other threads.
 *
 *   late row of a reduce ─▶ row that a filter let through ─▶ row of the scan ─▶ the whole row of the stream
 *
 * A batch that holds no one row of its input (the result of an aggregate) has no link: the chain ends there.
 */
import type { Batch } from './column.ts';

/** What a scan chose of the relation's own batch. */
export type Chosen = Readonly<{ relation: number; columns: readonly number[] }>;

/** A row of a batch; `chosen` where the batch is the relation's own. */
export type RowOrigin = Readonly<{ batch: Batch; row: number; chosen: Chosen | null }>;

type Link = Readonly<{ from: Batch; rows: Uint32Array | null; chosen: Chosen | null }>;

const LINKS = new WeakMap<Batch, Link>();

/** `rows`: for each row of `made` the one of `from`; null: the same. Not changed afterwards. */
export function linkRows(made: Batch, from: Batch, rows: Uint32Array | null): Batch {
  if (made !== from) LINKS.set(made, { from, rows, chosen: null });
  return made;
}

/** The scan's batch has the rows of the relation's. */
export function linkScan(made: Batch, from: Batch, chosen: Chosen): Batch {
  LINKS.set(made, { from, rows: null, chosen });
  return made;
}

/** As far back as the links go. */
export function originOf(batch: Batch, row: number): RowOrigin {
  let origin: RowOrigin = { batch, row, chosen: null };
  while (origin.chosen === null) {
    const link = LINKS.get(origin.batch);
    if (link === undefined) return origin;
    const at = link.rows === null ? origin.row : link.rows[origin.row]!;
    origin = { batch: link.from, row: at, chosen: link.chosen };
  }
  return origin;
}
