/**
 * agg(DISTINCT x): each group counts how often it holds each value; the inner accumulator sees a value when its count
 * leaves 0 and loses it when the count comes back to 0, so that rows can leave again.
 */
import { trimScale, type Decimal } from '../../common/decimal.ts';
import type { SqlType } from '../../common/types.ts';
import type { ColumnArrays } from '../batch/column-arrays.ts';
import type { Column } from '../batch/column.ts';
import { isValid } from '../batch/column.ts';
import { buildColumn, readDatum } from '../batch/datum.ts';
import { RowCodec } from '../state/row-codec.ts';
import type { StateReader, StateWriter } from '../state/state-codec.ts';
import type { Accumulator, InvertibleAccumulator, Rows } from './accumulator.ts';

/** `emptyType`: what a group without a value gives is a NULL of this type; null: what the inner one says (count: 0). */
type DistinctTypes = Readonly<{ type: SqlType; emptyType: SqlType | null }>;

type Held = { datum: unknown; count: number };

export class Distinct implements InvertibleAccumulator {
  readonly invertible = true;
  readonly #types: DistinctTypes;
  readonly #type: SqlType;
  readonly #codec: RowCodec;
  readonly #makeInner: (capacity: number) => Accumulator;
  readonly #inner: Accumulator;
  #values: Map<string, Held>[];

  constructor(capacity: number, types: DistinctTypes, makeInner: (capacity: number) => Accumulator) {
    this.#types = types;
    this.#type = types.type;
    this.#codec = new RowCodec([types.type], 'key');
    this.#makeInner = makeInner;
    this.#inner = makeInner(capacity);
    this.#values = Array.from({ length: capacity }, () => new Map());
  }

  grow(capacity: number): void {
    this.#inner.grow(capacity);
    while (this.#values.length < capacity) this.#values.push(new Map());
  }

  add(rows: Rows, args: readonly Column[]): void {
    const column = args[0]!;
    const keys = this.#codec.encode({ rows: rows.count, columns: [column], weights: null }, [0]);
    const bytes = Buffer.from(keys.bytes.buffer, keys.bytes.byteOffset, keys.bytes.byteLength);
    const changes: Change[] = [];
    for (let i = 0; i < rows.count; i++) {
      if (!isValid(column.valid, i)) continue;
      const key = bytes.toString('latin1', keys.starts[i]!, keys.ends[i]!);
      const held = this.#values[rows.groups[i]!]!.get(key);
      const datum = held === undefined ? oneForm(readDatum(column, i, this.#type), this.#type) : held.datum;
      this.#count(rows.groups[i]!, key, datum, rows.weights?.[i] ?? 1, changes);
    }
    this.#pass(changes);
  }

  combine(groups: Uint32Array, count: number, pane: Accumulator): void {
    this.#merge(groups, count, pane as Distinct, 1);
  }

  deduct(groups: Uint32Array, count: number, pane: Accumulator): void {
    this.#merge(groups, count, pane as Distinct, -1);
  }

  copy(groups: Uint32Array, count: number): Distinct {
    const out = new Distinct(count, this.#types, this.#makeInner);
    const all = new Uint32Array(count).map((_, i) => i);
    out.#inner.assign(all, count, this.#inner.copy(groups, count));
    for (let i = 0; i < count; i++) {
      for (const [key, held] of this.#values[groups[i]!]!) out.#values[i]!.set(key, { ...held });
    }
    return out;
  }

  assign(groups: Uint32Array, count: number, pane: Accumulator): void {
    this.clear(groups, count);
    this.combine(groups, count, pane);
  }

  clear(groups: Uint32Array, count: number): void {
    this.#inner.clear(groups, count);
    for (let i = 0; i < count; i++) this.#values[groups[i]!] = new Map();
  }

  emit(groups: Uint32Array, count: number, _rowCounts: Float64Array, arrays: ColumnArrays): Column {
    const sizes = new Float64Array(count);
    for (let i = 0; i < count; i++) sizes[i] = this.#values[groups[i]!]!.size;
    const { emptyType } = this.#types;
    if (emptyType === null || !sizes.includes(0)) return this.#inner.emit(groups, count, sizes, arrays);
    return this.#emitSparse(groups, count, sizes, emptyType, arrays);
  }

  memoryBytes(): number {
    let bytes = this.#inner.memoryBytes();
    for (const values of this.#values) bytes += 48 + 96 * values.size;
    return bytes;
  }

  save(w: StateWriter): void {
    this.#inner.save(w);
    w.value(this.#values);
  }

  load(r: StateReader): void {
    this.#inner.load(r);
    this.#values = r.value() as Map<string, Held>[];
  }

  /** The inner accumulator saw no row of the empty groups: it is asked for the others only. */
  #emitSparse(
    groups: Uint32Array,
    count: number,
    sizes: Float64Array,
    type: SqlType,
    arrays: ColumnArrays,
  ): Column {
    const places = Array.from({ length: count }, (_, i) => i).filter((i) => sizes[i] !== 0);
    const datums = new Array<unknown>(count).fill(null);
    const some = this.#inner.emit(
      Uint32Array.from(places, (i) => groups[i]!),
      places.length,
      Float64Array.from(places, (i) => sizes[i]!),
      arrays,
    );
    places.forEach((place, i) => {
      datums[place] = readDatum(some, i, type);
    });
    return buildColumn(type, datums);
  }

  #merge(groups: Uint32Array, count: number, pane: Distinct, sign: 1 | -1): void {
    const changes: Change[] = [];
    for (let i = 0; i < count; i++) {
      for (const [key, held] of pane.#values[i]!)
        this.#count(groups[i]!, key, held.datum, sign * held.count, changes);
    }
    this.#pass(changes);
  }

  #count(group: number, key: string, datum: unknown, weight: number, changes: Change[]): void {
    const values = this.#values[group]!;
    const held = values.get(key);
    const before = held?.count ?? 0;
    const after = before + weight;
    if (after === 0) values.delete(key);
    else if (held === undefined) values.set(key, { datum, count: after });
    else held.count = after;
    // a retraction may precede its insertion within a tick: what counts is being there or not
    if (before === 0 && after !== 0) changes.push({ group, datum, weight: 1 });
    else if (before !== 0 && after === 0) changes.push({ group, datum, weight: -1 });
  }

  #pass(changes: readonly Change[]): void {
    if (changes.length === 0) return;
    const column = buildColumn(
      this.#type,
      changes.map((c) => c.datum),
    );
    const groups = Uint32Array.from(changes, (c) => c.group);
    const weights = Int32Array.from(changes, (c) => c.weight);
    this.#inner.add({ count: changes.length, groups, weights }, [column]);
  }
}

/** Of values that are equal one must stand for all, whichever came first: numeric without trailing zeros. */
function oneForm(datum: unknown, type: SqlType): unknown {
  return type.name === 'numeric' && type.scale === undefined ? trimScale(datum as Decimal) : datum;
}

type Change = Readonly<{ group: number; datum: unknown; weight: number }>;
