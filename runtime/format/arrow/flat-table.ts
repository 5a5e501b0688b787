/**
 * A table of a FlatBuffer, every access checked against the buffer:
 *
 *   table:  int32 distance back to its vtable | fields
 *   vtable: uint16 its size | uint16 the table's size | uint16 offset of each field within the table, 0 = absent
 *   string, vector: uint32 offset from its own place to: uint32 count | elements
 */
import { SqlError } from '../../../common/sql-error.ts';

export const malformedArrow = (detail: string): SqlError =>
  new SqlError('22P04', 'invalid Arrow stream', { detail });

export type Vector = Readonly<{ at: number; count: number }>;

export class FlatTable {
  readonly view: DataView;
  readonly #at: number;
  readonly #vtable: number;
  readonly #vtableBytes: number;
  readonly #bytes: number;

  constructor(view: DataView, at: number) {
    this.view = view;
    this.#at = at;
    within(view, at, 4);
    this.#vtable = at - view.getInt32(at, true);
    within(view, this.#vtable, 4);
    this.#vtableBytes = view.getUint16(this.#vtable, true);
    this.#bytes = view.getUint16(this.#vtable + 2, true);
    if (this.#vtableBytes < 4 || this.#vtableBytes % 2 !== 0)
      throw malformedArrow('a vtable has a wrong size');
    within(view, this.#vtable, this.#vtableBytes);
    within(view, at, this.#bytes);
  }

  static root(view: DataView): FlatTable {
    within(view, 0, 4);
    return new FlatTable(view, view.getUint32(0, true));
  }

  /** Where a field of so many bytes lies; null = absent, its default holds. */
  field(index: number, bytes: number): number | null {
    const entry = 4 + index * 2;
    if (entry + 2 > this.#vtableBytes) return null;
    const offset = this.view.getUint16(this.#vtable + entry, true);
    if (offset === 0) return null;
    if (offset < 4 || offset + bytes > this.#bytes) throw malformedArrow('a field lies outside of its table');
    return this.#at + offset;
  }

  uint8(index: number): number {
    const at = this.field(index, 1);
    return at === null ? 0 : this.view.getUint8(at);
  }

  int16(index: number): number {
    const at = this.field(index, 2);
    return at === null ? 0 : this.view.getInt16(at, true);
  }

  int32(index: number, absent = 0): number {
    const at = this.field(index, 4);
    return at === null ? absent : this.view.getInt32(at, true);
  }

  /** 0 ≤ value ≤ `max`. */
  size(index: number, max: number): number {
    const at = this.field(index, 8);
    return at === null ? 0 : readSize(this.view, at, max);
  }

  table(index: number): FlatTable | null {
    const at = this.field(index, 4);
    return at === null ? null : new FlatTable(this.view, at + this.view.getUint32(at, true));
  }

  vector(index: number, elementBytes: number): Vector {
    const at = this.field(index, 4);
    if (at === null) return { at: 0, count: 0 };
    const start = at + this.view.getUint32(at, true);
    within(this.view, start, 4);
    const count = this.view.getUint32(start, true);
    within(this.view, start + 4, count * elementBytes);
    return { at: start + 4, count };
  }

  tables(index: number): readonly FlatTable[] {
    const { at, count } = this.vector(index, 4);
    return Array.from({ length: count }, (_, i) => {
      const place = at + i * 4;
      return new FlatTable(this.view, place + this.view.getUint32(place, true));
    });
  }
}

export function readSize(view: DataView, at: number, max: number): number {
  const value = view.getBigInt64(at, true);
  if (value < 0n || value > BigInt(max)) throw malformedArrow(`a length or offset is ${value}`);
  return Number(value);
}

function within(view: DataView, at: number, bytes: number): void {
  if (at < 0 || at + bytes > view.byteLength) throw malformedArrow('an offset leads out of the metadata');
}
