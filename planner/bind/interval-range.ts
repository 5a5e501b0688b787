/**
 * INTERVAL '…' FIELD TO FIELD: what the literal's parts mean is said by the fields. The literal is given back with its
 * units written out; one of another shape is not understood (PostgreSQL guesses at it).
 */
import type { TypeName as TypeNameNode } from 'libpg-query';

/** The grammar's bit for each field. */
const YEAR = 1 << 2;
const MONTH = 1 << 1;
const DAY = 1 << 3;
const HOUR = 1 << 10;
const MINUTE = 1 << 11;
const SECOND = 1 << 12;

type Shape = Readonly<{ pattern: RegExp; units: string }>;

const SHAPES: ReadonlyMap<number, Shape> = new Map([
  [YEAR | MONTH, { pattern: /^([-+]?\d+-\d+)$/, units: '$1' }],
  [DAY | HOUR, { pattern: /^(\d+) +(\d+)$/, units: '$1 day $2 hour' }],
  [DAY | HOUR | MINUTE, { pattern: /^(\d+) +(\d+:\d+)$/, units: '$1 day $2' }],
  [DAY | HOUR | MINUTE | SECOND, { pattern: /^(\d+) +(\d+:\d+:\d+(?:[.]\d*)?)$/, units: '$1 day $2' }],
  [HOUR | MINUTE, { pattern: /^(\d+:\d+)$/, units: '$1' }],
  [HOUR | MINUTE | SECOND, { pattern: /^(\d+:\d+:\d+(?:[.]\d*)?)$/, units: '$1' }],
  [MINUTE | SECOND, { pattern: /^(\d+:\d+(?:[.]\d*)?)$/, units: '0:$1' }],
]);

/** null: the type names no two fields, or the text has another shape. */
export function writeOutUnits(node: TypeNameNode, text: string): string | null {
  const first = node.typmods?.[0];
  const mask = first !== undefined && 'A_Const' in first ? first.A_Const.ival?.ival : undefined;
  const shape = mask === undefined ? undefined : SHAPES.get(mask);
  const trimmed = text.trim();
  if (shape === undefined || !shape.pattern.test(trimmed)) return null;
  return trimmed.replace(shape.pattern, shape.units);
}
