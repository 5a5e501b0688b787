/**
 * sum, avg, var_*, stddev_* of numeric, exact. A group holds Σx and Σx² as integers at the greatest scale it has seen
 * and counts its values by scale, because the result prints with the greatest scale among the values inside.
 */
import {
  decimal,
  divide,
  fromBigInt,
  INFINITY,
  NAN,
  NEGATIVE_INFINITY,
  powerOfTen,
  rescale,
  type Decimal,
} from '../../common/decimal.ts';
import type { Column } from '../batch/column.ts';
import { buildColumn } from '../batch/datum.ts';
import type { StateReader, StateWriter } from '../state/state-codec.ts';
import type { Accumulator, InvertibleAccumulator, Rows } from './accumulator.ts';
import { decimalVariance, type MomentsResult } from './moments-result.ts';

type Group = {
  scale: number;
  sum: bigint;
  squares: bigint;
  /** values by scale */
  scales: Map<number, number>;
  nan: number;
  positive: number;
  negative: number;
};

const empty = (): Group => ({
  scale: 0,
  sum: 0n,
  squares: 0n,
  scales: new Map(),
  nan: 0,
  positive: 0,
  negative: 0,
});

export class NumericMoments implements InvertibleAccumulator {
  readonly invertible = true;
  readonly #result: MomentsResult;
  #groups: Group[];

  constructor(capacity: number, result: MomentsResult) {
    this.#result = result;
    this.#groups = Array.from({ length: capacity }, empty);
  }

  grow(capacity: number): void {
    while (this.#groups.length < capacity) this.#groups.push(empty());
  }

  add(rows: Rows, args: readonly Column[]): void {
    const column = args[0]!;
    if (column.kind !== 'boxed') throw new TypeError('numeric in another layout');
    for (let i = 0; i < rows.count; i++) {
      if (column.valid !== null && ((column.valid[i >> 3]! >> (i & 7)) & 1) === 0) continue;
      addValue(this.#groups[rows.groups[i]!]!, column.values[i] as Decimal, rows.weights?.[i] ?? 1);
    }
  }

  combine(groups: Uint32Array, count: number, pane: Accumulator): void {
    for (let i = 0; i < count; i++) merge(this.#groups[groups[i]!]!, (pane as NumericMoments).#groups[i]!, 1);
  }

  deduct(groups: Uint32Array, count: number, pane: Accumulator): void {
    for (let i = 0; i < count; i++)
      merge(this.#groups[groups[i]!]!, (pane as NumericMoments).#groups[i]!, -1);
  }

  copy(groups: Uint32Array, count: number): NumericMoments {
    const out = new NumericMoments(0, this.#result);
    for (let i = 0; i < count; i++) {
      const group = this.#groups[groups[i]!]!;
      out.#groups.push({ ...group, scales: new Map(group.scales) });
    }
    return out;
  }

  assign(groups: Uint32Array, count: number, pane: Accumulator): void {
    this.clear(groups, count);
    this.combine(groups, count, pane);
  }

  clear(groups: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) this.#groups[groups[i]!] = empty();
  }

  emit(groups: Uint32Array, count: number): Column {
    const datums: (Decimal | null)[] = [];
    for (let i = 0; i < count; i++) datums.push(finish(this.#result, this.#groups[groups[i]!]!));
    return buildColumn({ name: 'numeric' }, datums);
  }

  memoryBytes(): number {
    return 240 * this.#groups.length;
  }

  save(w: StateWriter): void {
    w.value(this.#groups);
  }

  load(r: StateReader): void {
    this.#groups = r.value() as Group[];
  }
}

function addValue(group: Group, value: Decimal, weight: number): void {
  if (value.kind === 'nan') group.nan += weight;
  else if (value.kind === 'infinity') group.positive += weight;
  else if (value.kind === '-infinity') group.negative += weight;
  else {
    raiseScale(group, value.scale);
    const x = rescale(value.coefficient, value.scale, group.scale);
    group.sum += BigInt(weight) * x;
    group.squares += BigInt(weight) * x * x;
    countScale(group, value.scale, weight);
  }
}

function merge(group: Group, pane: Group, sign: 1 | -1): void {
  group.nan += sign * pane.nan;
  group.positive += sign * pane.positive;
  group.negative += sign * pane.negative;
  raiseScale(group, pane.scale);
  const shift = group.scale - pane.scale;
  group.sum += BigInt(sign) * pane.sum * powerOfTen(shift);
  group.squares += BigInt(sign) * pane.squares * powerOfTen(2 * shift);
  for (const [scale, count] of pane.scales) countScale(group, scale, sign * count);
}

function raiseScale(group: Group, scale: number): void {
  if (scale <= group.scale) return;
  group.sum *= powerOfTen(scale - group.scale);
  group.squares *= powerOfTen(2 * (scale - group.scale));
  group.scale = scale;
}

function countScale(group: Group, scale: number, weight: number): void {
  const count = (group.scales.get(scale) ?? 0) + weight;
  if (count === 0) group.scales.delete(scale);
  else group.scales.set(scale, count);
}

function finish(result: MomentsResult, group: Group): Decimal | null {
  let finite = 0;
  let scale = 0;
  for (const [s, count] of group.scales) {
    finite += count;
    scale = Math.max(scale, s);
  }
  const n = finite + group.nan + group.positive + group.negative;
  if (n < (result.kind === 'variance' && result.sample ? 2 : 1)) return null;
  const odd = group.nan > 0 || group.positive > 0 || group.negative > 0;
  if (odd) {
    if (group.nan > 0 || result.kind === 'variance' || (group.positive > 0 && group.negative > 0)) return NAN;
    return group.positive > 0 ? INFINITY : NEGATIVE_INFINITY;
  }
  const sum = decimal(rescale(group.sum, group.scale, scale), scale);
  if (result.kind === 'sum') return sum;
  if (result.kind === 'avg') return divide(sum, fromBigInt(BigInt(n)));
  return decimalVariance(
    result,
    BigInt(n),
    sum,
    decimal(rescale(group.squares, 2 * group.scale, 2 * scale), 2 * scale),
  );
}
