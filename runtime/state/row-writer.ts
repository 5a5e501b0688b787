/**
 * Columns into encoded rows (row-codec.ts): one loop per column, each row's position moving past what was written, so
 * that no loop has to look at the kind of a value.
 */
import type { SqlType } from '../../common/types.ts';
import { formatDatum } from '../../common/value-text.ts';
import { type BytesColumn, type Column, isValid, type Validity } from '../batch/column.ts';
import { keyDatum, keyJsonb } from './key-datum.ts';
import { numberWords, WordRoom, wordsOf } from './number-words.ts';

export type WrittenColumn = Exclude<Column, { kind: 'boxed' }>;

/** The column as it is written: what has no number becomes its text; a key's text is the same for equal values. */
export function writtenColumn(column: Column, type: SqlType, rows: number, asKey: boolean): WrittenColumn {
  if (column.kind === 'boxed') {
    return packed(rows, column.valid, (row) => {
      const value = column.values[row];
      return formatDatum(asKey ? keyDatum(value, type) : value, type);
    });
  }
  if (column.kind !== 'bytes' || !asKey) return column;
  if (type.name === 'bpchar') return { ...column, ends: trimmedEnds(column, rows) };
  if (type.name !== 'jsonb') return column;
  const text = Buffer.from(column.bytes.buffer, column.bytes.byteOffset, column.bytes.byteLength);
  return packed(rows, column.valid, (row) =>
    keyJsonb(text.toString('utf8', column.starts[row]!, column.ends[row]!)),
  );
}

/** Adds to each row the bytes that the column takes in it. */
export function addSizes(column: WrittenColumn, rows: number, sizes: Uint32Array): void {
  const { valid } = column;
  if (column.kind === 'bytes') {
    const { starts, ends } = column;
    for (let i = 0; i < rows; i++) {
      sizes[i] = sizes[i]! + (valid === null || isValid(valid, i) ? 5 + ends[i]! - starts[i]! : 1);
    }
    return;
  }
  const width = WIDTHS[column.kind];
  if (valid === null) for (let i = 0; i < rows; i++) sizes[i] = sizes[i]! + 1 + width;
  else for (let i = 0; i < rows; i++) sizes[i] = sizes[i]! + (isValid(valid, i) ? 1 + width : 1);
}

const WIDTHS = { bool: 1, int32: 4, int64: 8, float64: 8 } as const;

const room = new WordRoom();

/** `view` is over `bytes`; positions[i] moves past the column of row i. */
export function writeColumn(
  column: WrittenColumn,
  rows: number,
  asKey: boolean,
  bytes: Uint8Array,
  view: DataView,
  positions: Uint32Array,
): void {
  switch (column.kind) {
    case 'bool':
      writeBools(column.values, column.valid, rows, view, positions);
      break;
    case 'bytes':
      writeTexts(column, rows, bytes, view, positions);
      break;
    default: {
      const words = numberWords(column, rows, asKey, room);
      if (wordsOf(column) === 1) writeWords(words, column.valid, rows, view, positions);
      else writeWordPairs(words, column.valid, rows, view, positions);
    }
  }
}

/** Writes whether row i has a value, and moves past that. */
function mark(valid: Validity, row: number, view: DataView, positions: Uint32Array): boolean {
  const at = positions[row]!;
  const present = valid === null || ((valid[row >> 3]! >> (row & 7)) & 1) === 1;
  view.setUint8(at, present ? 1 : 0);
  positions[row] = at + 1;
  return present;
}

function writeBools(
  values: Uint8Array,
  valid: Validity,
  rows: number,
  view: DataView,
  positions: Uint32Array,
): void {
  for (let i = 0; i < rows; i++) {
    if (!mark(valid, i, view, positions)) continue;
    const at = positions[i]!;
    view.setUint8(at, values[i]!);
    positions[i] = at + 1;
  }
}

function writeWords(
  words: Int32Array,
  valid: Validity,
  rows: number,
  view: DataView,
  positions: Uint32Array,
): void {
  for (let i = 0; i < rows; i++) {
    if (!mark(valid, i, view, positions)) continue;
    const at = positions[i]!;
    view.setInt32(at, words[i]!, true);
    positions[i] = at + 4;
  }
}

function writeWordPairs(
  words: Int32Array,
  valid: Validity,
  rows: number,
  view: DataView,
  positions: Uint32Array,
): void {
  for (let i = 0; i < rows; i++) {
    if (!mark(valid, i, view, positions)) continue;
    const at = positions[i]!;
    view.setInt32(at, words[2 * i]!, true);
    view.setInt32(at + 4, words[2 * i + 1]!, true);
    positions[i] = at + 8;
  }
}

/** Copying a longer text is a call's worth. */
const LOOPED_BYTES_MAX = 32;

function writeTexts(
  column: BytesColumn,
  rows: number,
  bytes: Uint8Array,
  view: DataView,
  positions: Uint32Array,
): void {
  const { bytes: source, starts, ends, valid } = column;
  for (let i = 0; i < rows; i++) {
    if (!mark(valid, i, view, positions)) continue;
    const start = starts[i]!;
    const length = ends[i]! - start;
    const at = positions[i]! + 4;
    view.setUint32(at - 4, length, true);
    if (length > LOOPED_BYTES_MAX) bytes.set(source.subarray(start, start + length), at);
    else for (let k = 0; k < length; k++) bytes[at + k] = source[start + k]!;
    positions[i] = at + length;
  }
}

function trimmedEnds(column: BytesColumn, rows: number): Uint32Array {
  const ends = column.ends.slice(0, rows);
  for (let i = 0; i < rows; i++) {
    while (ends[i]! > column.starts[i]! && column.bytes[ends[i]! - 1] === 32) ends[i] = ends[i]! - 1;
  }
  return ends;
}

function packed(rows: number, valid: Validity, textOf: (row: number) => string): BytesColumn {
  const starts = new Uint32Array(rows);
  const ends = new Uint32Array(rows);
  const blocks: Buffer[] = [];
  let at = 0;
  for (let i = 0; i < rows; i++) {
    starts[i] = at;
    if (valid === null || isValid(valid, i)) {
      const block = Buffer.from(textOf(i));
      blocks.push(block);
      at += block.length;
    }
    ends[i] = at;
  }
  return { kind: 'bytes', bytes: Buffer.concat(blocks), starts, ends, valid };
}
