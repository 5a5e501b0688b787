/** Where an operator takes the arrays of its output's columns from. They may be longer than asked for, and not zero. */
import { RECYCLED_BYTES_MAX } from '../../common/limits.ts';

export interface ColumnArrays {
  float64(length: number): Float64Array;
  uint32(length: number): Uint32Array;
}

/** New ones, which live as long as the batch. */
export const FRESH_ARRAYS: ColumnArrays = {
  float64: (length) => new Float64Array(length),
  uint32: (length) => new Uint32Array(length),
};

/**
 * Arrays that live for a tick, as a decoded batch does, and serve again in the next: the system's pages are not
 * asked for, cleared and collected with every window. Beyond a bound they are new ones.
 */
export class RecycledArrays implements ColumnArrays {
  readonly #floats = new Pool((length) => new Float64Array(length));
  readonly #integers = new Pool((length) => new Uint32Array(length));
  #tick = Number.NaN;

  /** Arrays of earlier ticks are free. */
  begin(tick: number): void {
    if (tick === this.#tick) return;
    this.#tick = tick;
    this.#floats.recycle();
    this.#integers.recycle();
  }

  float64(length: number): Float64Array {
    return this.#floats.take(length);
  }

  uint32(length: number): Uint32Array {
    return this.#integers.take(length);
  }
}

/** Arrays by size, a power of two. */
class Pool<A extends Float64Array | Uint32Array> {
  readonly #make: (length: number) => A;
  readonly #classes: { arrays: A[]; used: number }[] = [];
  #bytes = 0;

  constructor(make: (length: number) => A) {
    this.#make = make;
  }

  recycle(): void {
    for (const size of this.#classes) size.used = 0;
  }

  take(length: number): A {
    const exponent = 32 - Math.clz32(Math.max(SMALLEST, length) - 1);
    while (this.#classes.length <= exponent) this.#classes.push({ arrays: [], used: 0 });
    const size = this.#classes[exponent]!;
    const free = size.arrays[size.used];
    if (free !== undefined) {
      size.used++;
      return free;
    }
    if (this.#bytes >= RECYCLED_BYTES_MAX) return this.#make(length);
    const array = this.#make(2 ** exponent);
    this.#bytes += array.byteLength;
    size.arrays.push(array);
    size.used++;
    return array;
  }
}

const SMALLEST = 16;
