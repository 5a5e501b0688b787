/**
 * A set of byte strings, each with a number: open addressing on typed arrays.
 *
 *   slots   four words a key: [first word, last word, length, id + 1]; id + 1 = 0: empty; linear probing, load at most 1/2
 *   keys    arena[starts[id], ends[id])
 *   free    ids whose key left, used again first
 *
 * A key of up to eight bytes is its two words (which overlap below eight), so a slot alone tells whether it is the one
 * that is looked for: one cache miss a row. A longer key has a hash of all its bytes in place of the first word, and is
 * compared with the arena. Deletion shifts the run back: no tombstones, no rebuild. The arena only grows or is
 * replaced: views into an old one stay valid.
 */
import { assert } from '../../common/assert.ts';
import type { StateReader, StateWriter } from './state-codec.ts';
import { grown } from './grow.ts';

export const NO_ID = 0xffffffff;
const ARENA_COMPACT_MIN = 1 << 20;

export class KeyTable {
  #arena = new Uint8Array(4096);
  #arenaView = viewOf(this.#arena);
  starts = new Uint32Array(256);
  ends = new Uint32Array(256);
  /** Ids ever given: valid ids are below it. */
  limit = 0;
  /** Keys held. */
  size = 0;
  #slots: Int32Array = new Int32Array(4 * 512);
  #capacity = 512;
  #arenaUsed = 0;
  #garbage = 0;
  #free: Uint32Array = new Uint32Array(64);
  #freeCount = 0;
  #missing = new Uint32Array(0);

  get arena(): Uint8Array {
    return this.#arena;
  }

  /** Ids of the keys bytes[starts[i], ends[i]), new ones for those not seen. */
  intern(bytes: Uint8Array, starts: Uint32Array, ends: Uint32Array, count: number, out: Uint32Array): void {
    const view = viewOf(bytes);
    const misses = this.#probe(view, starts, ends, count, out);
    const missing = this.#missing;
    for (let q = 0; q < misses; q++) {
      const i = missing[q]!;
      out[i] = this.#find(view, starts[i]!, ends[i]!, true);
    }
  }

  /** As `intern`, with NO_ID for keys that are not there. */
  lookup(bytes: Uint8Array, starts: Uint32Array, ends: Uint32Array, count: number, out: Uint32Array): void {
    const view = viewOf(bytes);
    const misses = this.#probe(view, starts, ends, count, out);
    const missing = this.#missing;
    for (let q = 0; q < misses; q++) {
      const i = missing[q]!;
      out[i] = this.#find(view, starts[i]!, ends[i]!, false);
    }
  }

  internOne(bytes: Uint8Array, start: number, end: number): number {
    const view = viewOf(bytes);
    return this.#find(view, start, end, true);
  }

  /** An id that no key has (a group for NULL); released as the others. */
  allocateBare(): number {
    const id = this.#allocateId();
    this.starts[id] = 0;
    this.ends[id] = 0;
    return id;
  }

  releaseBare(id: number): void {
    this.#freeId(id);
  }

  /** The key leaves; its id may be given to another. */
  release(id: number): void {
    const start = this.starts[id]!;
    const end = this.ends[id]!;
    const slots = this.#slots;
    const mask = 4 * this.#capacity - 4;
    let hole = slotOf(
      firstWord(this.#arenaView, start, end),
      lastWord(this.#arenaView, start, end),
      end - start,
      mask,
    );
    while (slots[hole + 3] !== id + 1) {
      assert(slots[hole + 3] !== 0, 'key table: released key is not there');
      hole = (hole + 4) & mask;
    }
    for (let q = (hole + 4) & mask; slots[q + 3] !== 0; q = (q + 4) & mask) {
      const home = slotOf(slots[q]!, slots[q + 1]!, slots[q + 2]!, mask);
      // move back whatever would not be found past the hole
      if (((q - home) & mask) >= ((q - hole) & mask)) {
        slots.copyWithin(hole, q, q + 4);
        hole = q;
      }
    }
    slots[hole + 3] = 0;
    this.size--;
    this.#garbage += end - start;
    this.#freeId(id);
    if (this.#garbage > ARENA_COMPACT_MIN && this.#garbage * 2 > this.#arenaUsed) this.#compact();
  }

  memoryBytes(): number {
    return (
      this.#arena.byteLength + this.#slots.byteLength + 2 * this.starts.byteLength + this.#free.byteLength
    );
  }

  save(w: StateWriter): void {
    w.number(this.limit);
    w.number(this.#freeCount);
    w.array(this.#free.subarray(0, this.#freeCount));
    w.array(this.starts.subarray(0, this.limit));
    w.array(this.ends.subarray(0, this.limit));
    w.array(this.#arena.subarray(0, this.#arenaUsed));
    w.number(this.#garbage);
    w.array(this.#idsHeld());
  }

  load(r: StateReader): void {
    this.limit = r.number();
    this.#freeCount = r.number();
    this.#free = grown(r.array(Uint32Array), Math.max(64, this.#freeCount));
    this.starts = grown(r.array(Uint32Array), Math.max(256, this.limit));
    this.ends = grown(r.array(Uint32Array), Math.max(256, this.limit));
    const arena = r.array(Uint8Array);
    this.#arenaUsed = arena.length;
    this.#setArena(grown(arena, Math.max(4096, arena.length)));
    this.#garbage = r.number();
    const ids = r.array(Uint32Array);
    this.#capacity = 512;
    while (ids.length * 2 >= this.#capacity) this.#capacity *= 2;
    this.#slots = new Int32Array(4 * this.#capacity);
    this.size = ids.length;
    // hashes carry the process's seed: the keys are placed anew
    for (const id of ids) {
      const [start, end] = [this.starts[id]!, this.ends[id]!];
      this.#place(
        firstWord(this.#arenaView, start, end),
        lastWord(this.#arenaView, start, end),
        end - start,
        id + 1,
      );
    }
  }

  #idsHeld(): Uint32Array {
    const ids = new Uint32Array(this.size);
    let count = 0;
    for (let q = 3; q < this.#slots.length; q += 4)
      if (this.#slots[q] !== 0) ids[count++] = this.#slots[q]! - 1;
    return ids;
  }

  #place(first: number, last: number, length: number, entry: number): void {
    const slots = this.#slots;
    const mask = 4 * this.#capacity - 4;
    let p = slotOf(first, last, length, mask);
    while (slots[p + 3] !== 0) p = (p + 4) & mask;
    slots[p] = first;
    slots[p + 1] = last;
    slots[p + 2] = length;
    slots[p + 3] = entry;
  }

  /** Ids of the rows whose keys are there, into `out`; the other rows are listed in `#missing`. Returns how many. */
  #probe(view: DataView, starts: Uint32Array, ends: Uint32Array, count: number, out: Uint32Array): number {
    if (this.#missing.length < count) this.#missing = new Uint32Array(count);
    const mask = 4 * this.#capacity - 4;
    return probeBatch(
      view,
      starts,
      ends,
      count,
      this.#slots,
      mask,
      this.#arenaView,
      this.starts,
      out,
      this.#missing,
    );
  }

  #find(view: DataView, start: number, end: number, insert: boolean): number {
    const slots = this.#slots;
    const mask = 4 * this.#capacity - 4;
    const length = end - start;
    const first = firstWord(view, start, end);
    const last = lastWord(view, start, end);
    let p = slotOf(first, last, length, mask);
    for (;;) {
      const id = slots[p + 3]! - 1;
      if (id < 0) return insert ? this.#insert(first, last, view, start, end) : NO_ID;
      if (
        slots[p] === first &&
        slots[p + 1] === last &&
        slots[p + 2] === length &&
        (length <= SHORT_BYTES_MAX || equalBytes(this.#arenaView, this.starts[id]!, view, start, length))
      )
        return id;
      p = (p + 4) & mask;
    }
  }

  #insert(first: number, last: number, view: DataView, start: number, end: number): number {
    const id = this.#allocateId();
    const length = end - start;
    const at = this.#arenaUsed;
    assert(at + length <= 0xffffffff, 'key table: arena above 4 GB');
    if (at + length > this.#arena.length)
      this.#setArena(grown(this.#arena, Math.max(2 * this.#arena.length, at + length)));
    const arena = this.#arena;
    for (let i = 0; i < length; i++) arena[at + i] = view.getUint8(start + i);
    this.starts[id] = at;
    this.ends[id] = at + length;
    this.#arenaUsed = at + length;
    this.size++;
    if (this.size * 2 >= this.#capacity) this.#growSlots();
    this.#place(first, last, length, id + 1);
    return id;
  }

  #setArena(arena: Uint8Array<ArrayBuffer>): void {
    this.#arena = arena;
    this.#arenaView = viewOf(arena);
  }

  #allocateId(): number {
    if (this.#freeCount > 0) return this.#free[--this.#freeCount]!;
    const id = this.limit++;
    if (id >= this.starts.length) {
      this.starts = grown(this.starts, 2 * id);
      this.ends = grown(this.ends, 2 * id);
    }
    return id;
  }

  #freeId(id: number): void {
    if (this.#freeCount === this.#free.length) this.#free = grown(this.#free, 2 * this.#freeCount);
    this.#free[this.#freeCount++] = id;
    this.starts[id] = 0;
    this.ends[id] = 0;
  }

  #growSlots(): void {
    const old = this.#slots;
    this.#capacity *= 2;
    this.#slots = new Int32Array(4 * this.#capacity);
    for (let q = 0; q < old.length; q += 4) {
      if (old[q + 3] !== 0) this.#place(old[q]!, old[q + 1]!, old[q + 2]!, old[q + 3]!);
    }
  }

  #compact(): void {
    const arena = new Uint8Array(Math.max(4096, 2 * (this.#arenaUsed - this.#garbage)));
    let at = 0;
    const starts = this.starts.slice();
    const ends = this.ends.slice();
    for (let id = 0; id < this.limit; id++) {
      const length = ends[id]! - starts[id]!;
      if (length > 0) arena.set(this.#arena.subarray(starts[id]!, ends[id]!), at);
      starts[id] = at;
      ends[id] = at + length;
      at += length;
    }
    this.#setArena(arena);
    this.starts = starts;
    this.ends = ends;
    this.#arenaUsed = at;
    this.#garbage = 0;
  }
}

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Keys come from strangers: what is not known outside the process keeps them from choosing collisions. */
const SEED = (Math.random() * 0x7fffffff) | 0;
const MULTIPLIER = (Math.random() * 0x7fffffff) | 1;

/** Longer keys are told by a hash and compared. */
const SHORT_BYTES_MAX = 8;

/** A short key's first four bytes (of fewer than four: all of them); a longer one's hash. */
function firstWord(view: DataView, start: number, end: number): number {
  const length = end - start;
  if (length >= 4)
    return length <= SHORT_BYTES_MAX ? view.getInt32(start, true) : hashWords(view, start, end);
  if (length === 0) return 0;
  return view.getUint8(start) | (view.getUint8(start + (length >> 1)) << 8) | (view.getUint8(end - 1) << 16);
}

function lastWord(view: DataView, start: number, end: number): number {
  return end - start >= 4 ? view.getInt32(end - 4, true) : 0;
}

/** Home of a key; `mask` is 4 × capacity − 4. The length goes in too: 'a' and 'aa' have the same words. */
function slotOf(first: number, last: number, length: number, mask: number): number {
  let h = mixWord(mixWord(SEED, first), last ^ Math.imul(length, 0x27d4eb2f));
  h ^= h >>> 15;
  h = Math.imul(h, 0x2c1b3c6d);
  return (h ^ (h >>> 13)) & mask;
}

/** Four bytes at a time; the last four may overlap those before them. */
function hashWords(view: DataView, start: number, end: number): number {
  const last = end - 4;
  let h = SEED ^ (end - start);
  for (let i = start; i < last; i += 4) h = mixWord(h, view.getInt32(i, true));
  h = mixWord(h, view.getInt32(last, true));
  h ^= h >>> 15;
  h = Math.imul(h, 0x2c1b3c6d);
  return h ^ (h >>> 13);
}

/** The rotation takes the word's top bits, which a product leaves alone, to where the secret factor spreads them. */
function mixWord(h: number, word: number): number {
  const x = Math.imul(h ^ word, 0x5bd1e995);
  return (Math.imul((x << 15) | (x >>> 17), MULTIPLIER) + 0x3c6ef372) | 0;
}

function probeBatch(
  view: DataView,
  starts: Uint32Array,
  ends: Uint32Array,
  count: number,
  slots: Int32Array,
  mask: number,
  arena: DataView,
  keyStarts: Uint32Array,
  out: Uint32Array,
  missing: Uint32Array,
): number {
  let misses = 0;
  for (let k = 0; k < count; k++) {
    const start = starts[k]!;
    const end = ends[k]!;
    const length = end - start;
    const first = firstWord(view, start, end);
    const last = lastWord(view, start, end);
    let p = slotOf(first, last, length, mask);
    let entry = slots[p + 3]!;
    while (entry !== 0 && (slots[p] !== first || slots[p + 1] !== last || slots[p + 2] !== length)) {
      p = (p + 4) & mask;
      entry = slots[p + 3]!;
    }
    if (
      entry === 0 ||
      (length > SHORT_BYTES_MAX && !equalBytes(arena, keyStarts[entry - 1]!, view, start, length))
    )
      missing[misses++] = k;
    else out[k] = entry - 1;
  }
  return misses;
}

/** `length` > 8 */
function equalBytes(a: DataView, aStart: number, b: DataView, bStart: number, length: number): boolean {
  const last = length - 4;
  for (let i = 0; i < last; i += 4) {
    if (a.getInt32(aStart + i, true) !== b.getInt32(bStart + i, true)) return false;
  }
  return a.getInt32(aStart + last, true) === b.getInt32(bStart + last, true);
}
