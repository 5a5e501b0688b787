/** A shape: the literal bytes before, between and after the values of a row, and which field each value fills. */
import { fieldStorage, type DecodedField } from './decoded-columns.ts';
import { isTimestamp } from './epoch.ts';

export type ShapeValue = Readonly<{
  /** field of the schema; −1: nobody reads it */
  field: number;
  kind: 'string' | 'number';
}>;

export type JsonShape = Readonly<{
  /** separators[i] stands before value i, the last one after the last value (newline included) */
  separators: readonly Uint8Array[];
  values: readonly ShapeValue[];
  key: string;
}>;

/** The shape of a flat row of strings and numbers that chunk[from, end) holds, or null: such rows have no fast path. */
export function learnShape(
  chunk: Uint8Array,
  from: number,
  end: number,
  fields: readonly DecodedField[],
): JsonShape | null {
  const source = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('latin1', from, end);
  const head = /^\s*\{\s*/.exec(source);
  if (head === null) return null;
  const separators: Uint8Array[] = [];
  const values: ShapeValue[] = [];
  const seen = new Set<number>();
  let at = head[0].length;
  let literalFrom = 0;
  for (;;) {
    const member = /^"([^"\\]*)"\s*:\s*(?:"([^"\\]*)"|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?))/.exec(
      source.slice(at),
    );
    if (member === null) return null;
    const name = Buffer.from(member[1]!, 'latin1').toString('utf8');
    const field = fields.findIndex((f) => f.name === name);
    const kind = member[2] === undefined ? 'number' : 'string';
    const value = (member[2] ?? member[3])!;
    const target = field >= 0 && fields[field]!.used ? field : -1;
    if (target >= 0) {
      if (seen.has(target) || !takes(fields[target]!, kind)) return null;
      seen.add(target);
    }
    const valueAt = at + member[0].length - value.length - (kind === 'string' ? 1 : 0);
    separators.push(Buffer.from(source.slice(literalFrom, valueAt), 'latin1'));
    values.push({ field: target, kind });
    literalFrom = valueAt + value.length;
    at += member[0].length;
    const comma = /^\s*,\s*/.exec(source.slice(at));
    if (comma === null) break;
    at += comma[0].length;
  }
  if (!/^\s*\}\s*$/.test(source.slice(at))) return null;
  separators.push(Buffer.from(`${source.slice(literalFrom)}\n`, 'latin1'));
  if (fields.some((f, i) => f.used && f.notNull && !seen.has(i))) return null;
  const key = separators.map((s) => Buffer.from(s).toString('latin1')).join('\0');
  return { separators, values, key };
}

function takes(field: DecodedField, kind: 'string' | 'number'): boolean {
  const storage = fieldStorage(field.type);
  if (kind === 'string') return storage === 'view';
  if (storage !== 'number') return false;
  if (isTimestamp(field.type)) return true;
  return field.type.name !== 'bool' && field.type.name !== 'date' && field.type.name !== 'time';
}
