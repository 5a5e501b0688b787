/**
 * Exact Σx² (and Σxy) of doubles: the product is split without error into two doubles (Dekker) while all of it lies
 * well inside the range of doubles, else kept as an integer in units of 2^−2148.
 */
import type { StateReader, StateWriter } from '../state/state-codec.ts';
import { doubleToUnits } from './double-units.ts';
import { ExactSum } from './exact-sum.ts';

const SPLITTER = 134217729; // 2^27 + 1
const UNIT_BITS = 1074n;

export class ExactSquares {
  #tame: ExactSum;
  #wild: Map<number, bigint> | null = null;

  constructor(capacity: number) {
    this.#tame = new ExactSum(capacity);
  }

  grow(capacity: number): void {
    this.#tame.grow(capacity);
  }

  /** Adds weight × x × y. NaN and infinities are the business of the sum of x. */
  addProduct(group: number, x: number, y: number, weight: number): void {
    const product = x * y;
    if (
      product - product !== 0 ||
      Math.abs(product) < 2 ** -900 ||
      Math.abs(x) > 2 ** 500 ||
      Math.abs(y) > 2 ** 500
    ) {
      if (x === 0 || y === 0 || x - x !== 0 || y - y !== 0) return;
      this.#addWild(group, BigInt(weight) * doubleToUnits(x) * doubleToUnits(y));
      return;
    }
    const cx = SPLITTER * x;
    const xh = cx - (cx - x);
    const xl = x - xh;
    const cy = SPLITTER * y;
    const yh = cy - (cy - y);
    const yl = y - yh;
    const error = xl * yl - (product - xh * yh - xl * yh - xh * yl);
    this.#tame.addOne(group, product, weight);
    if (error !== 0) this.#tame.addOne(group, error, weight);
  }

  combine(groups: Uint32Array, count: number, pane: ExactSquares, sign: 1 | -1): void {
    this.#tame.combine(groups, count, pane.#tame, sign);
    if (pane.#wild === null) return;
    for (const [k, units] of pane.#wild) if (k < count) this.#addWild(groups[k]!, sign > 0 ? units : -units);
  }

  copy(groups: Uint32Array, count: number): ExactSquares {
    const out = new ExactSquares(0);
    out.#tame = this.#tame.copy(groups, count);
    if (this.#wild !== null) {
      for (let i = 0; i < count; i++) {
        const units = this.#wild.get(groups[i]!);
        if (units !== undefined) out.#addWild(i, units);
      }
    }
    return out;
  }

  clear(groups: Uint32Array, count: number): void {
    this.#tame.clear(groups, count);
    if (this.#wild !== null) for (let i = 0; i < count; i++) this.#wild.delete(groups[i]!);
  }

  /** The exact sum in units of 2^−2148. */
  units(group: number): bigint {
    return (this.#tame.units(group) << UNIT_BITS) + (this.#wild?.get(group) ?? 0n);
  }

  memoryBytes(): number {
    return this.#tame.memoryBytes() + 400 * (this.#wild?.size ?? 0);
  }

  save(w: StateWriter): void {
    this.#tame.save(w);
    w.value(this.#wild);
  }

  load(r: StateReader): void {
    this.#tame.load(r);
    this.#wild = r.value() as Map<number, bigint> | null;
  }

  #addWild(group: number, units: bigint): void {
    this.#wild ??= new Map();
    const sum = (this.#wild.get(group) ?? 0n) + units;
    if (sum === 0n) this.#wild.delete(group);
    else this.#wild.set(group, sum);
  }
}
