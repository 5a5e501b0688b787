/** Encoded rows (row-codec.ts) back into columns: one loop per column, each row's position moving past what was read. */
import { physicalKind, type SqlType } from '../../common/types.ts';
import { parseDatum } from '../../common/value-text.ts';
import { type Column, isValid, type Validity } from '../batch/column.ts';
import { allNull, setValid } from '../batch/validity.ts';
import { safeOrWide } from './number-words.ts';

/** Reads one column of every row; positions[i] moves past it. Text is a view into `bytes`. */
export function readColumn(
  bytes: Uint8Array,
  view: DataView,
  positions: Uint32Array,
  count: number,
  type: SqlType,
  asKey: boolean,
): Column {
  const valid = readMarks(bytes, positions, count);
  const kind = physicalKind(type);
  switch (kind) {
    case 'bool': {
      const values = new Uint8Array(count);
      for (let i = 0; i < count; i++) {
        if (valid !== null && !isValid(valid, i)) continue;
        values[i] = bytes[positions[i]!]!;
        positions[i] = positions[i]! + 1;
      }
      return { kind, values, valid };
    }
    case 'int32': {
      const values = new Int32Array(count);
      for (let i = 0; i < count; i++) {
        if (valid !== null && !isValid(valid, i)) continue;
        values[i] = view.getInt32(positions[i]!, true);
        positions[i] = positions[i]! + 4;
      }
      return { kind, values, valid };
    }
    case 'float64': {
      const values = new Float64Array(count);
      for (let i = 0; i < count; i++) {
        if (valid !== null && !isValid(valid, i)) continue;
        values[i] = view.getFloat64(positions[i]!, true);
        positions[i] = positions[i]! + 8;
      }
      return { kind, values, valid };
    }
    case 'int64': {
      const column = safeOrWide(view, positions, count, valid);
      for (let i = 0; i < count; i++) {
        if (valid === null || isValid(valid, i)) positions[i] = positions[i]! + 8;
      }
      return column;
    }
    case 'bytes': {
      const starts = new Uint32Array(count);
      const ends = new Uint32Array(count);
      readRanges(view, positions, count, valid, starts, ends);
      const column = { kind, bytes, starts, ends, valid } as const;
      return asKey && type.name === 'bpchar' ? padded(column, count, type.length ?? 0) : column;
    }
    case 'boxed': {
      const starts = new Uint32Array(count);
      const ends = new Uint32Array(count);
      readRanges(view, positions, count, valid, starts, ends);
      const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const values = new Array<unknown>(count).fill(null);
      for (let i = 0; i < count; i++) {
        if (valid !== null && !isValid(valid, i)) continue;
        const shown = text.toString('utf8', starts[i]!, ends[i]!);
        values[i] = parseDatum(asKey ? withScale(shown, type) : shown, type);
      }
      return { kind, values, valid };
    }
  }
}

/** Which rows have a value; null: all. */
function readMarks(bytes: Uint8Array, positions: Uint32Array, count: number): Validity {
  let present = 0;
  for (let i = 0; i < count; i++) present += bytes[positions[i]!]!;
  let valid: Uint8Array | null = null;
  if (present < count) {
    valid = allNull(count);
    for (let i = 0; i < count; i++) if (bytes[positions[i]!] === 1) setValid(valid, i);
  }
  for (let i = 0; i < count; i++) positions[i] = positions[i]! + 1;
  return valid;
}

function readRanges(
  view: DataView,
  positions: Uint32Array,
  count: number,
  valid: Validity,
  starts: Uint32Array,
  ends: Uint32Array,
): void {
  for (let i = 0; i < count; i++) {
    if (valid !== null && !isValid(valid, i)) continue;
    const start = positions[i]! + 4;
    const end = start + view.getUint32(start - 4, true);
    starts[i] = start;
    ends[i] = end;
    positions[i] = end;
  }
}

/** Gives character(n) keys their blanks back: each value has `length` characters. */
function padded(column: Column & { kind: 'bytes' }, count: number, length: number): Column {
  const starts = new Uint32Array(count);
  const ends = new Uint32Array(count);
  let most = 0;
  for (let i = 0; i < count; i++) most += column.ends[i]! - column.starts[i]! + length;
  const bytes = new Uint8Array(most);
  let at = 0;
  for (let i = 0; i < count; i++) {
    starts[i] = at;
    let characters = 0;
    for (let p = column.starts[i]!; p < column.ends[i]!; p++) {
      const byte = column.bytes[p]!;
      bytes[at++] = byte;
      // a UTF-8 continuation byte starts no character
      if ((byte & 0xc0) !== 0x80) characters++;
    }
    if (isPresent(column, i)) for (; characters < length; characters++) bytes[at++] = 32;
    ends[i] = at;
  }
  return { ...column, bytes, starts, ends };
}

const isPresent = (column: Column, row: number): boolean =>
  column.valid === null || isValid(column.valid, row);

/** Gives a numeric(p,s) key its scale back. */
function withScale(text: string, type: SqlType): string {
  const scale = type.name === 'numeric' ? (type.scale ?? 0) : 0;
  if (scale === 0 || !/^-?\d/.test(text)) return text;
  const point = text.indexOf('.');
  const digits = point < 0 ? 0 : text.length - point - 1;
  return (point < 0 ? `${text}.` : text) + '0'.repeat(scale - digits);
}
