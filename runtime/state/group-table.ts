/**
 * Numbers the groups of a GROUP BY: any number of key columns of any type. A group is alive while something refers to
 * it (a pane, a running total): `retain` and `release` count; at 0 its number is free for another key.
 */
import type { SqlType } from '../../common/types.ts';
import { isValid, type Batch, type BytesColumn, type Column } from '../batch/column.ts';
import { FRESH_ARRAYS, type ColumnArrays } from '../batch/column-arrays.ts';
import { allNull, setValid } from '../batch/validity.ts';
import { grown } from './grow.ts';
import { KeyTable, NO_ID } from './key-table.ts';
import { isNumberKey, NumberKeys } from './number-keys.ts';
import { RowCodec } from './row-codec.ts';
import type { StateReader, StateWriter } from './state-codec.ts';

export class GroupTable {
  readonly #types: readonly SqlType[];
  readonly #codec: RowCodec;
  readonly #keys = new KeyTable();
  /** One key of text or of a number: its bytes are the key, no encoding; NULL has a group of its own. */
  readonly #plain: boolean;
  readonly #numbers: NumberKeys | null;
  #nullGroup = NO_ID;
  #references = new Uint32Array(256);

  constructor(types: readonly SqlType[]) {
    this.#types = types;
    this.#codec = new RowCodec(types, 'key');
    const [type] = types;
    this.#numbers = types.length === 1 && isNumberKey(type!) ? new NumberKeys(type!) : null;
    this.#plain = this.#numbers !== null || (types.length === 1 && PLAIN.has(type!.name));
  }

  /** Group numbers are below it. */
  get limit(): number {
    return this.#keys.limit;
  }

  /** Groups of the batch's rows; new keys get a group without references. */
  intern(batch: Batch, ordinals: readonly number[], out: Uint32Array): void {
    if (this.#plain) this.#internPlain(batch, ordinals[0]!, out);
    else if (ordinals.length === 0) out.fill(this.#only(), 0, batch.rows);
    else {
      const encoded = this.#codec.encode(batch, ordinals);
      this.#keys.intern(encoded.bytes, encoded.starts, encoded.ends, batch.rows, out);
    }
    if (this.#references.length < this.#keys.limit) {
      this.#references = grown(this.#references, this.#keys.starts.length);
    }
  }

  /** Groups of the rows, NO_ID for keys that are not there. */
  lookup(batch: Batch, ordinals: readonly number[], out: Uint32Array): void {
    if (ordinals.length === 0) {
      out.fill(this.#only(), 0, batch.rows);
      return;
    }
    if (!this.#plain) {
      const encoded = this.#codec.encode(batch, ordinals);
      this.#keys.lookup(encoded.bytes, encoded.starts, encoded.ends, batch.rows, out);
      return;
    }
    const column = this.#plainKeys(batch, ordinals[0]!);
    this.#keys.lookup(column.bytes, column.starts, column.ends, batch.rows, out);
    if (column.valid !== null) {
      for (let i = 0; i < batch.rows; i++) if (!isValid(column.valid, i)) out[i] = this.#nullGroup;
    }
  }

  retain(group: number): void {
    this.#references[group]!++;
  }

  retainAll(groups: Uint32Array, count: number): void {
    const references = this.#references;
    for (let i = 0; i < count; i++) references[groups[i]!]!++;
  }

  release(group: number): void {
    if (--this.#references[group]! === 0) this.#drop(group);
  }

  releaseAll(groups: Uint32Array, count: number): void {
    const references = this.#references;
    for (let i = 0; i < count; i++) {
      const group = groups[i]!;
      if (--references[group]! === 0) this.#drop(group);
    }
  }

  /** Key columns of these groups; text is a view into the table's arena. */
  keyColumns(groups: Uint32Array, count: number, arrays: ColumnArrays = FRESH_ARRAYS): Column[] {
    if (this.#types.length === 0) return [];
    const { arena, starts: keyStarts, ends: keyEnds } = this.#keys;
    if (!this.#plain) return this.#codec.decode(arena, keyStarts, groups, count);
    const valid = this.#nullBits(groups, count);
    if (this.#numbers !== null) {
      return [
        this.#numbers.decode(arena, keyStarts, groups, count, valid, (length) => arrays.float64(length)),
      ];
    }
    const starts = arrays.uint32(count);
    const ends = arrays.uint32(count);
    gatherRanges(keyStarts, keyEnds, groups, count, starts, ends);
    return [{ kind: 'bytes', bytes: arena, starts, ends, valid }];
  }

  memoryBytes(): number {
    return this.#keys.memoryBytes() + this.#references.byteLength;
  }

  save(w: StateWriter): void {
    this.#keys.save(w);
    w.number(this.#nullGroup);
    w.array(this.#references.subarray(0, this.#keys.limit));
  }

  load(r: StateReader): void {
    this.#keys.load(r);
    this.#nullGroup = r.number();
    this.#references = grown(r.array(Uint32Array), this.#keys.starts.length);
  }

  #drop(group: number): void {
    if (group === this.#nullGroup) {
      this.#keys.releaseBare(group);
      this.#nullGroup = NO_ID;
    } else this.#keys.release(group);
  }

  /** The one group of a GROUP BY without keys. */
  #only(): number {
    return this.#keys.internOne(NOTHING, 0, 0);
  }

  #plainKeys(batch: Batch, ordinal: number): BytesColumn {
    const column = batch.columns[ordinal]!;
    if (this.#numbers !== null) return this.#numbers.encode(column, batch.rows);
    if (column.kind !== 'bytes') throw new TypeError('text key in another layout');
    return column;
  }

  #internPlain(batch: Batch, ordinal: number, out: Uint32Array): void {
    const column = this.#plainKeys(batch, ordinal);
    if (column.valid === null) {
      this.#keys.intern(column.bytes, column.starts, column.ends, batch.rows, out);
      return;
    }
    const valid = column.valid;
    const rows = new Uint32Array(batch.rows);
    let count = 0;
    let nulls = 0;
    for (let i = 0; i < batch.rows; i++)
      if (isValid(valid, i)) rows[count++] = i;
      else nulls++;
    const starts = new Uint32Array(count);
    const ends = new Uint32Array(count);
    gatherRanges(column.starts, column.ends, rows, count, starts, ends);
    const ids = new Uint32Array(count);
    this.#keys.intern(column.bytes, starts, ends, count, ids);
    if (nulls > 0) {
      if (this.#nullGroup === NO_ID) this.#nullGroup = this.#keys.allocateBare();
      out.fill(this.#nullGroup, 0, batch.rows);
    }
    for (let i = 0; i < count; i++) out[rows[i]!] = ids[i]!;
  }

  #nullBits(groups: Uint32Array, count: number): Uint8Array | null {
    const nullGroup = this.#nullGroup;
    if (nullGroup === NO_ID) return null;
    let found = false;
    const bits = allNull(count);
    for (let i = 0; i < count; i++) {
      if (groups[i] === nullGroup) found = true;
      else setValid(bits, i);
    }
    return found ? bits : null;
  }
}

/** Types whose equality is equality of bytes. */
const PLAIN: ReadonlySet<string> = new Set(['text', 'varchar', 'bytea', 'uuid']);
const NOTHING = new Uint8Array(0);

function gatherRanges(
  fromStarts: Uint32Array,
  fromEnds: Uint32Array,
  ids: Uint32Array,
  count: number,
  starts: Uint32Array,
  ends: Uint32Array,
): void {
  for (let i = 0; i < count; i++) {
    const id = ids[i]!;
    starts[i] = fromStarts[id]!;
    ends[i] = fromEnds[id]!;
  }
}
