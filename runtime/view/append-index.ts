/**
 * An index over rows that come at the end and leave at the front. Rows are numbered as they come, for good; in the index
 * row n has the place n mod `places`, so that what left makes room for what comes.
 */
import type { Batch } from '../batch/column.ts';
import type { RowIndex } from '../state/row-index.ts';

const PLACES_MIN = 1024;

export class AppendIndex {
  readonly index: RowIndex;
  /** a power of two */
  #places = PLACES_MIN;
  /** the eldest row that is there, and the one that comes next */
  #first: number;
  #next: number;

  constructor(index: RowIndex, first: number) {
    this.index = index;
    this.#first = first;
    this.#next = first;
  }

  append(batch: Batch): void {
    const end = this.#next + batch.rows;
    if (end - this.#first > this.#places) this.#widen(end - this.#first);
    const mask = this.#places - 1;
    const rows = new Uint32Array(batch.rows);
    for (let i = 0; i < batch.rows; i++) rows[i] = (this.#next + i) & mask;
    this.index.add(batch, rows);
    this.#next = end;
  }

  /** So many of the eldest leave. */
  drop(rows: number): void {
    const mask = this.#places - 1;
    for (let i = 0; i < rows; i++) this.index.remove((this.#first + i) & mask);
    this.#first += rows;
  }

  /** The numbers of the rows with these keys, ascending; null: there are more than `rowsMax`. */
  find(keys: Batch, rowsMax: number): readonly number[] | null {
    const places = this.index.find(keys, rowsMax);
    return places === null ? null : Array.from(places, (place) => this.#rowAt(place)).sort((a, b) => a - b);
  }

  #rowAt(place: number): number {
    return this.#first + ((place - this.#first) & (this.#places - 1));
  }

  #widen(rows: number): void {
    let places = this.#places;
    while (places < rows) places *= 2;
    this.index.renumber(places, (place) => this.#rowAt(place) & (places - 1));
    this.#places = places;
  }
}
