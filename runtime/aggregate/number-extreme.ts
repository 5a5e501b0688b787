/**
 * min and max of numbers that compare as doubles (ints, floats, dates, timestamps) and of int8, which is held as
 * two doubles, high × 2^32 + low, so that all 64 bits compare exactly. NaN is the greatest, −0 counts as 0.
 */
import { physicalKind, type SqlType } from '../../common/types.ts';
import type { Column, Int64Column } from '../batch/column.ts';
import { allNull, setValid } from '../batch/validity.ts';
import { grown } from '../state/grow.ts';
import type { StateReader, StateWriter } from '../state/state-codec.ts';
import type { Accumulator, Rows } from './accumulator.ts';

const TWO_32 = 4294967296;

export class NumberExtreme implements Accumulator {
  readonly #type: SqlType;
  readonly #greatest: boolean;
  /** the value; of int8 its high part */
  #values: Float64Array;
  /** low part of int8; empty for the others */
  #lows: Float64Array;
  #present: Uint8Array;

  constructor(capacity: number, type: SqlType, greatest: boolean) {
    this.#type = type;
    this.#greatest = greatest;
    this.#values = new Float64Array(capacity);
    this.#lows = new Float64Array(type.name === 'int8' ? capacity : 0);
    this.#present = new Uint8Array(capacity);
  }

  grow(capacity: number): void {
    if (capacity <= this.#present.length) return;
    this.#values = grown(this.#values, capacity);
    this.#present = grown(this.#present, capacity);
    if (this.#type.name === 'int8') this.#lows = grown(this.#lows, capacity);
  }

  add(rows: Rows, args: readonly Column[]): void {
    const column = args[0]!;
    const { count, groups } = rows;
    switch (column.kind) {
      case 'float64':
      case 'int32':
        addNumbers(groups, column.values, column.valid, count, this.#greatest, this.#values, this.#present);
        break;
      case 'int64':
        this.#addIntegers(groups, column, count);
        break;
      default:
        throw new TypeError(`min over a ${column.kind} column`);
    }
  }

  combine(groups: Uint32Array, count: number, pane: Accumulator): void {
    const other = pane as NumberExtreme;
    const integers = this.#type.name === 'int8';
    for (let i = 0; i < count; i++) {
      if (other.#present[i] === 0) continue;
      if (integers) this.#offerInteger(groups[i]!, other.#values[i]!, other.#lows[i]!);
      else this.#offer(groups[i]!, other.#values[i]!);
    }
  }

  copy(groups: Uint32Array, count: number): NumberExtreme {
    const out = new NumberExtreme(count, this.#type, this.#greatest);
    for (let i = 0; i < count; i++) {
      const group = groups[i]!;
      out.#values[i] = this.#values[group]!;
      out.#present[i] = this.#present[group]!;
    }
    if (this.#type.name === 'int8') for (let i = 0; i < count; i++) out.#lows[i] = this.#lows[groups[i]!]!;
    return out;
  }

  assign(groups: Uint32Array, count: number, pane: Accumulator): void {
    const other = pane as NumberExtreme;
    for (let i = 0; i < count; i++) {
      const group = groups[i]!;
      this.#values[group] = other.#values[i]!;
      this.#present[group] = other.#present[i]!;
    }
    if (this.#type.name === 'int8') for (let i = 0; i < count; i++) this.#lows[groups[i]!] = other.#lows[i]!;
  }

  clear(groups: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) this.#present[groups[i]!] = 0;
  }

  emit(groups: Uint32Array, count: number): Column {
    const valid = allNull(count);
    let nulls = 0;
    const values = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      const group = groups[i]!;
      values[i] = this.#values[group]!;
      if (this.#present[group] === 1) setValid(valid, i);
      else nulls++;
    }
    const bits = nulls === 0 ? null : valid;
    const kind = physicalKind(this.#type);
    if (kind === 'float64') return { kind, values, valid: bits };
    if (kind === 'int32') return { kind, values: Int32Array.from(values), valid: bits };
    return this.#emitIntegers(groups, values, bits);
  }

  memoryBytes(): number {
    return this.#values.byteLength + this.#lows.byteLength + this.#present.byteLength;
  }

  save(w: StateWriter): void {
    w.array(this.#values);
    w.array(this.#lows);
    w.array(this.#present);
  }

  load(r: StateReader): void {
    this.#values = r.array(Float64Array);
    this.#lows = r.array(Float64Array);
    this.#present = r.array(Uint8Array);
  }

  #offer(group: number, value: number): void {
    if (this.#present[group] === 0 || isBetter(value, this.#values[group]!, this.#greatest)) {
      this.#values[group] = value;
      this.#present[group] = 1;
    }
  }

  #offerInteger(group: number, high: number, low: number): void {
    if (this.#present[group] === 1) {
      const difference = high - this.#values[group]! || low - this.#lows[group]!;
      if (this.#greatest ? difference <= 0 : difference >= 0) return;
    }
    this.#values[group] = high;
    this.#lows[group] = low;
    this.#present[group] = 1;
  }

  #addIntegers(groups: Uint32Array, column: Int64Column, count: number): void {
    const { valid, wide } = column;
    const halves = wide === null ? null : new Int32Array(wide.buffer, wide.byteOffset, 2 * wide.length);
    for (let i = 0; i < count; i++) {
      if (valid !== null && ((valid[i >> 3]! >> (i & 7)) & 1) === 0) continue;
      if (halves !== null) this.#offerInteger(groups[i]!, halves[2 * i + 1]!, halves[2 * i]! >>> 0);
      else {
        const high = Math.floor(column.values[i]! / TWO_32);
        this.#offerInteger(groups[i]!, high, column.values[i]! - high * TWO_32);
      }
    }
  }

  #emitIntegers(groups: Uint32Array, highs: Float64Array, valid: Uint8Array | null): Column {
    const count = highs.length;
    const values = new Float64Array(count);
    let safe = true;
    for (let i = 0; i < count; i++) {
      values[i] = highs[i]! * TWO_32 + this.#lows[groups[i]!]!;
      safe &&= Number.isSafeInteger(values[i]);
    }
    if (safe) return { kind: 'int64', values, wide: null, valid };
    const wide = new BigInt64Array(count);
    for (let i = 0; i < count; i++) wide[i] = (BigInt(highs[i]!) << 32n) | BigInt(this.#lows[groups[i]!]!);
    return { kind: 'int64', values: new Float64Array(0), wide, valid };
  }
}

function isBetter(value: number, best: number, greatest: boolean): boolean {
  if (greatest) return value > best || (value !== value && best === best);
  return value < best || (best !== best && value === value);
}

function addNumbers(
  groups: Uint32Array,
  values: Float64Array | Int32Array,
  valid: Uint8Array | null,
  count: number,
  greatest: boolean,
  best: Float64Array,
  present: Uint8Array,
): void {
  for (let i = 0; i < count; i++) {
    if (valid !== null && ((valid[i >> 3]! >> (i & 7)) & 1) === 0) continue;
    const group = groups[i]!;
    const value = values[i]! + 0;
    if (present[group] === 0 || isBetter(value, best[group]!, greatest)) {
      best[group] = value;
      present[group] = 1;
    }
  }
}
