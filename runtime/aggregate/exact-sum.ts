/**
 * Exact, invertible sums of doubles: the value is the exact sum of what is inside, rounded once, after any adds and
 * deducts in any order (so it is a function of the multiset alone).
 *
 *   hi + lo + Σ spill   is exact at every moment
 *     hi, lo   double-double: TwoSum into hi, TwoSum of its error into lo
 *     spill    the error of the second sum, where it is not 0: an integer in units of 2^−1074, per group, rare
 *     odd      NaN, +∞, −∞ counted apart
 *
 * Values of 2^960 and above go straight to the spill, so hi never overflows. The inner loop is free of branches: the
 * remainder is stored always and the store's cursor moves only when it is not 0 (a branch would be random on decimal
 * data and cost 1.7x). Source: Knuth's TwoSum; Neal, "Fast exact summation using small and large superaccumulators".
 */
import { grown } from '../state/grow.ts';
import type { StateReader, StateWriter } from '../state/state-codec.ts';
import { doubleToUnits, unitsToDouble } from './double-units.ts';

const TAME_LIMIT = 2 ** 960;

let spillGroups = new Uint32Array(8192);
let spillValues = new Float64Array(8192);

export class ExactSum {
  #hi: Float64Array;
  #lo: Float64Array;
  #spill: Map<number, bigint> | null = null;
  /** three counters a group: NaN, +∞, −∞ */
  #odd: Map<number, [number, number, number]> | null = null;

  constructor(capacity: number) {
    this.#hi = new Float64Array(capacity);
    this.#lo = new Float64Array(capacity);
  }

  grow(capacity: number): void {
    if (capacity <= this.#hi.length) return;
    this.#hi = grown(this.#hi, capacity);
    this.#lo = grown(this.#lo, capacity);
  }

  /** Adds sign × values[i] to groups[i]. */
  add(groups: Uint32Array, values: Float64Array, count: number, sign: 1 | -1): void {
    if (isTame(values, count)) {
      reserveSpill(count);
      const spilled = addAll(groups, values, count, sign, this.#hi, this.#lo, spillGroups, spillValues);
      for (let i = 0; i < spilled; i++) this.#addUnits(spillGroups[i]!, doubleToUnits(spillValues[i]!));
      return;
    }
    for (let i = 0; i < count; i++) this.addOne(groups[i]!, values[i]!, sign);
  }

  /** Adds weight × value, exactly. */
  addOne(group: number, value: number, weight: number): void {
    if (value - value !== 0) this.#addOdd(group, value, weight);
    else if (Math.abs(value) >= TAME_LIMIT || (weight !== 1 && weight !== -1)) {
      this.#addUnits(group, BigInt(weight) * doubleToUnits(value));
    } else {
      one[0] = value;
      oneGroup[0] = group;
      this.add(oneGroup, one, 1, weight);
    }
  }

  combine(groups: Uint32Array, count: number, pane: ExactSum, sign: 1 | -1): void {
    this.add(groups, pane.#hi, count, sign);
    if (hasNonZero(pane.#lo, count)) this.add(groups, pane.#lo, count, sign);
    if (pane.#spill !== null) {
      for (const [k, units] of pane.#spill)
        if (k < count) this.#addUnits(groups[k]!, sign > 0 ? units : -units);
    }
    if (pane.#odd !== null) {
      for (const [k, odd] of pane.#odd) {
        if (k >= count) continue;
        for (let c = 0; c < 3; c++) this.#addOdd(groups[k]!, ODD_VALUES[c]!, sign * odd[c]!);
      }
    }
  }

  copy(groups: Uint32Array, count: number): ExactSum {
    const out = new ExactSum(count);
    for (let i = 0; i < count; i++) {
      const group = groups[i]!;
      out.#hi[i] = this.#hi[group]!;
      out.#lo[i] = this.#lo[group]!;
    }
    if (this.#spill !== null || this.#odd !== null) {
      for (let i = 0; i < count; i++) {
        const units = this.#spill?.get(groups[i]!);
        if (units !== undefined) (out.#spill ??= new Map()).set(i, units);
        const odd = this.#odd?.get(groups[i]!);
        if (odd !== undefined) (out.#odd ??= new Map()).set(i, [...odd]);
      }
    }
    return out;
  }

  clear(groups: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) {
      const group = groups[i]!;
      this.#hi[group] = 0;
      this.#lo[group] = 0;
    }
    if (this.#spill !== null) for (let i = 0; i < count; i++) this.#spill.delete(groups[i]!);
    if (this.#odd !== null) for (let i = 0; i < count; i++) this.#odd.delete(groups[i]!);
  }

  /** The exact sum rounded once; NaN and ±∞ as IEEE 754 adds them; never −0; ±∞ where the exact sum overflows. */
  value(group: number): number {
    const odd = this.#odd?.get(group);
    if (odd !== undefined) {
      if (odd[0] > 0 || (odd[1] > 0 && odd[2] > 0)) return Number.NaN;
      if (odd[1] > 0) return Number.POSITIVE_INFINITY;
      if (odd[2] > 0) return Number.NEGATIVE_INFINITY;
    }
    const units = this.#spill?.get(group);
    if (units === undefined) return this.#hi[group]! + this.#lo[group]! + 0;
    return unitsToDouble(units + doubleToUnits(this.#hi[group]!) + doubleToUnits(this.#lo[group]!));
  }

  /** The sums into `out`; true if none can have overflowed (no value of 2^960 or above was ever inside). */
  valuesInto(groups: Uint32Array, count: number, out: Float64Array): boolean {
    if (this.#spill !== null || this.#odd !== null) {
      for (let i = 0; i < count; i++) out[i] = this.value(groups[i]!);
      return false;
    }
    sumPairs(this.#hi, this.#lo, groups, count, out);
    return true;
  }

  /** NaN or an infinity is inside. */
  isOdd(group: number): boolean {
    const odd = this.#odd?.get(group);
    return odd !== undefined && (odd[0] > 0 || odd[1] > 0 || odd[2] > 0);
  }

  /** The exact sum of the finite values in units of 2^−1074. */
  units(group: number): bigint {
    return (
      doubleToUnits(this.#hi[group]!) + doubleToUnits(this.#lo[group]!) + (this.#spill?.get(group) ?? 0n)
    );
  }

  memoryBytes(): number {
    return 2 * this.#hi.byteLength + 200 * ((this.#spill?.size ?? 0) + (this.#odd?.size ?? 0));
  }

  save(w: StateWriter): void {
    w.array(this.#hi);
    w.array(this.#lo);
    w.value({ spill: this.#spill, odd: this.#odd });
  }

  load(r: StateReader): void {
    this.#hi = r.array(Float64Array);
    this.#lo = r.array(Float64Array);
    const rare = r.value() as {
      spill: Map<number, bigint> | null;
      odd: Map<number, [number, number, number]> | null;
    };
    this.#spill = rare.spill;
    this.#odd = rare.odd;
  }

  #addUnits(group: number, units: bigint): void {
    this.#spill ??= new Map();
    const sum = (this.#spill.get(group) ?? 0n) + units;
    if (sum === 0n) this.#spill.delete(group);
    else this.#spill.set(group, sum);
  }

  #addOdd(group: number, value: number, weight: number): void {
    if (weight === 0) return;
    this.#odd ??= new Map();
    const odd = this.#odd.get(group) ?? [0, 0, 0];
    const kind = value !== value ? 0 : value > 0 ? 1 : 2;
    odd[kind] += weight;
    if (odd[0] === 0 && odd[1] === 0 && odd[2] === 0) this.#odd.delete(group);
    else this.#odd.set(group, odd);
  }
}

const one = new Float64Array(1);
const oneGroup = new Uint32Array(1);
const ODD_VALUES = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];

function reserveSpill(count: number): void {
  if (spillGroups.length > count) return;
  spillGroups = new Uint32Array(2 * count);
  spillValues = new Float64Array(2 * count);
}

function isTame(values: Float64Array, count: number): boolean {
  let wild = 0;
  for (let i = 0; i < count; i++) wild |= Math.abs(values[i]!) < TAME_LIMIT ? 0 : 1;
  return wild === 0;
}

function hasNonZero(values: Float64Array, count: number): boolean {
  for (let i = 0; i < count; i++) if (values[i] !== 0) return true;
  return false;
}

/** Returns how many remainders were spilled. */
function addAll(
  groups: Uint32Array,
  values: Float64Array,
  count: number,
  sign: number,
  hi: Float64Array,
  lo: Float64Array,
  outGroups: Uint32Array,
  outValues: Float64Array,
): number {
  let spilled = 0;
  for (let i = 0; i < count; i++) {
    const group = groups[i]!;
    const a = hi[group]!;
    const value = sign * values[i]!;
    const sum = a + value;
    const z = sum - a;
    const error = a - (sum - z) + (value - z);
    const b = lo[group]!;
    const low = b + error;
    const y = low - b;
    const rest = b - (low - y) + (error - y);
    hi[group] = sum;
    lo[group] = low;
    outGroups[spilled] = group;
    outValues[spilled] = rest;
    spilled += rest !== 0 ? 1 : 0;
  }
  return spilled;
}

function sumPairs(
  hi: Float64Array,
  lo: Float64Array,
  groups: Uint32Array,
  count: number,
  out: Float64Array,
): void {
  for (let i = 0; i < count; i++) {
    const group = groups[i]!;
    out[i] = hi[group]! + lo[group]! + 0;
  }
}
