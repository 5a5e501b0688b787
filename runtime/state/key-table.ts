/**
 * A set of byte strings, each with a number: open addressing on typed arrays.
 *
 *   slots   [hash, id + 1] pairs, id + 1 = 0: empty; linear probing, load at most 1/2
 *   keys    arena[starts[id], ends[id])
 *   free    ids whose key left, used again first
 *
 * Keys are hashed and compared by words of four bytes.
 *
 * Looking up a batch goes in phases (hash all, probe all, compare all), so that the cache misses of one phase overlap
 * (2x at a million keys). Deletion shifts the run back: no tombstones, no rebuild. The arena only grows or is
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
  #slots = new Int32Array(1024);
  #capacity = 512;
  #arenaUsed = 0;
  #garbage = 0;
  #free: Uint32Array = new Uint32Array(64);
  #freeCount = 0;
  #hashes = new Int32Array(0);
  #candidates = new Int32Array(0);
  #missing = new Int32Array(0);

  get arena(): Uint8Array {
    return this.#arena;
  }

  /** Ids of the keys bytes[starts[i], ends[i]), new ones for those not seen. */
  intern(bytes: Uint8Array, starts: Uint32Array, ends: Uint32Array, count: number, out: Uint32Array): void {
    const view = viewOf(bytes);
    const misses = this.#probe(view, starts, ends, count, out);
    const missing = this.#missing;
    const hashes = this.#hashes;
    for (let q = 0; q < misses; q++) {
      const i = missing[q]!;
      out[i] = this.#find(view, starts[i]!, ends[i]!, hashes[i]!, true);
    }
  }

  /** As `intern`, with NO_ID for keys that are not there. */
  lookup(bytes: Uint8Array, starts: Uint32Array, ends: Uint32Array, count: number, out: Uint32Array): void {
    const view = viewOf(bytes);
    const misses = this.#probe(view, starts, ends, count, out);
    const missing = this.#missing;
    const hashes = this.#hashes;
    for (let q = 0; q < misses; q++) {
      const i = missing[q]!;
      out[i] = this.#find(view, starts[i]!, ends[i]!, hashes[i]!, false);
    }
  }

  internOne(bytes: Uint8Array, start: number, end: number): number {
    const view = viewOf(bytes);
    return this.#find(view, start, end, hashKey(view, start, end), true);
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
    const mask = this.#capacity - 1;
    let p = hashKey(this.#arenaView, start, end) & mask;
    while (slots[2 * p + 1] !== id + 1) {
      assert(slots[2 * p + 1] !== 0, 'key table: released key is not there');
      p = (p + 1) & mask;
    }
    let hole = p;
    for (let q = (p + 1) & mask; slots[2 * q + 1] !== 0; q = (q + 1) & mask) {
      const home = slots[2 * q]! & mask;
      // move back whatever would not be found past the hole
      if (((q - home) & mask) >= ((q - hole) & mask)) {
        slots[2 * hole] = slots[2 * q]!;
        slots[2 * hole + 1] = slots[2 * q + 1]!;
        hole = q;
      }
    }
    slots[2 * hole + 1] = 0;
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
    w.array(this.#slots);
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
    // hashes carry the process's seed: place the keys anew
    const old = r.array(Int32Array);
    this.#capacity = old.length / 2;
    this.#slots = new Int32Array(old.length);
    this.size = 0;
    for (let q = 1; q < old.length; q += 2) if (old[q] !== 0) this.#place(old[q]! - 1);
  }

  #place(id: number): void {
    const mask = this.#capacity - 1;
    const hash = hashKey(this.#arenaView, this.starts[id]!, this.ends[id]!);
    let p = hash & mask;
    while (this.#slots[2 * p + 1] !== 0) p = (p + 1) & mask;
    this.#slots[2 * p] = hash;
    this.#slots[2 * p + 1] = id + 1;
    this.size++;
  }

  #probe(view: DataView, starts: Uint32Array, ends: Uint32Array, count: number, out: Uint32Array): number {
    if (this.#hashes.length < count) {
      this.#hashes = new Int32Array(count);
      this.#candidates = new Int32Array(count);
      this.#missing = new Int32Array(count);
    }
    hashBatch(view, starts, ends, count, this.#hashes);
    probeBatch(this.#slots, this.#capacity - 1, this.#hashes, count, this.#candidates);
    return verifyBatch(
      view,
      starts,
      ends,
      count,
      this.#candidates,
      this.#arenaView,
      this.starts,
      this.ends,
      out,
      this.#missing,
    );
  }

  #find(view: DataView, start: number, end: number, hash: number, insert: boolean): number {
    const slots = this.#slots;
    const mask = this.#capacity - 1;
    let p = hash & mask;
    for (;;) {
      const id = slots[2 * p + 1]!;
      if (id === 0) return insert ? this.#insert(p, hash, view, start, end) : NO_ID;
      if (
        slots[2 * p] === hash &&
        equalKeys(this.#arenaView, this.starts[id - 1]!, this.ends[id - 1]!, view, start, end)
      ) {
        return id - 1;
      }
      p = (p + 1) & mask;
    }
  }

  #insert(p: number, hash: number, view: DataView, start: number, end: number): number {
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
    this.#slots[2 * p] = hash;
    this.#slots[2 * p + 1] = id + 1;
    this.size++;
    if (this.size * 2 >= this.#capacity) this.#growSlots();
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
    const slots = new Int32Array(2 * this.#capacity);
    const mask = this.#capacity - 1;
    for (let q = 0; q < old.length; q += 2) {
      if (old[q + 1] === 0) continue;
      let p = old[q]! & mask;
      while (slots[2 * p + 1] !== 0) p = (p + 1) & mask;
      slots[2 * p] = old[q]!;
      slots[2 * p + 1] = old[q + 1]!;
    }
    this.#slots = slots;
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

/** Four bytes at a time; the last four may overlap those before them. */
function hashKey(view: DataView, start: number, end: number): number {
  const length = end - start;
  let h = SEED ^ length;
  if (length >= 4) {
    const last = end - 4;
    for (let i = start; i < last; i += 4) h = mixWord(h, view.getInt32(i, true));
    h = mixWord(h, view.getInt32(last, true));
  } else if (length > 0) {
    const middle = view.getUint8(start + (length >> 1));
    h = mixWord(h, view.getUint8(start) | (middle << 8) | (view.getUint8(end - 1) << 16));
  }
  h ^= h >>> 15;
  h = Math.imul(h, 0x2c1b3c6d);
  return h ^ (h >>> 13);
}

/** The rotation takes the word's top bits, which a product leaves alone, to where the secret factor spreads them. */
function mixWord(h: number, word: number): number {
  const x = Math.imul(h ^ word, 0x5bd1e995);
  return (Math.imul((x << 15) | (x >>> 17), MULTIPLIER) + 0x3c6ef372) | 0;
}

function hashBatch(
  view: DataView,
  starts: Uint32Array,
  ends: Uint32Array,
  count: number,
  hashes: Int32Array,
): void {
  for (let k = 0; k < count; k++) hashes[k] = hashKey(view, starts[k]!, ends[k]!);
}

function probeBatch(
  slots: Int32Array,
  mask: number,
  hashes: Int32Array,
  count: number,
  candidates: Int32Array,
): void {
  for (let k = 0; k < count; k++) {
    const hash = hashes[k]!;
    let p = hash & mask;
    let id = slots[2 * p + 1]!;
    while (id !== 0 && slots[2 * p] !== hash) {
      p = (p + 1) & mask;
      id = slots[2 * p + 1]!;
    }
    candidates[k] = id;
  }
}

/** Rows whose candidate is their key get its id; the others are listed. Returns how many. */
function verifyBatch(
  view: DataView,
  starts: Uint32Array,
  ends: Uint32Array,
  count: number,
  candidates: Int32Array,
  arena: DataView,
  keyStarts: Uint32Array,
  keyEnds: Uint32Array,
  out: Uint32Array,
  missing: Int32Array,
): number {
  let misses = 0;
  for (let k = 0; k < count; k++) {
    const id = candidates[k]! - 1;
    if (id >= 0 && equalKeys(arena, keyStarts[id]!, keyEnds[id]!, view, starts[k]!, ends[k]!)) out[k] = id;
    else missing[misses++] = k;
  }
  return misses;
}

function equalKeys(
  a: DataView,
  aStart: number,
  aEnd: number,
  b: DataView,
  bStart: number,
  bEnd: number,
): boolean {
  const length = aEnd - aStart;
  if (bEnd - bStart !== length) return false;
  if (length >= 4) {
    const last = length - 4;
    for (let i = 0; i < last; i += 4) {
      if (a.getInt32(aStart + i, true) !== b.getInt32(bStart + i, true)) return false;
    }
    return a.getInt32(aStart + last, true) === b.getInt32(bStart + last, true);
  }
  for (let i = 0; i < length; i++) if (a.getUint8(aStart + i) !== b.getUint8(bStart + i)) return false;
  return true;
}
