/** Type names as written, with their modifiers. */
import type { Node, TypeName as TypeNameNode } from 'libpg-query';
import type { SqlError } from '../../common/sql-error.ts';
import { elementTypeName, isArrayType, type SqlType, type TypeName } from '../../common/types.ts';
import { SCALARS } from '../../runtime/plan/functions/types.ts';
import { stringOf } from './tree.ts';

const KNOWN: ReadonlySet<string> = new Set(SCALARS);

/** Types that PostgreSQL has and Millrace does not: refused as such, not as unknown. */
const UNSUPPORTED: ReadonlySet<string> = new Set([
  'timetz',
  'bit',
  'varbit',
  'money',
  'inet',
  'cidr',
  'macaddr',
  'point',
  'line',
  'polygon',
  'xml',
  'tsvector',
  'tsquery',
  'char',
  'name',
  'oid',
  'regclass',
  'regtype',
  'regproc',
  'int4range',
  'int8range',
  'numrange',
  'tsrange',
  'tstzrange',
  'daterange',
  'serial',
  'bigserial',
  'smallserial',
]);

/** `string` and its kin are spellings of other systems. */
export const scalarTypeName = (name: string): TypeName | null =>
  KNOWN.has(name) ? (name as TypeName) : null;

/** Array names as users may write them, too: `_int4`. */
export function typeNameOf(name: string): TypeName | null {
  const element = name.startsWith('_') ? name.slice(1) : name;
  return KNOWN.has(element) ? (name as TypeName) : null;
}

export type ErrorAt = (
  location: number | undefined,
  code: SqlError['code'],
  message: string,
  hint?: string,
) => SqlError;

/** 42704 for unknown types, 0A000 for those that Millrace lacks, 22023 for bad modifiers. */
export function resolveType(
  node: TypeNameNode,
  error: ErrorAt,
  schemaExists: (name: string) => boolean = () => true,
): SqlType {
  const names = (node.names ?? []).map(stringOf);
  const last = names.at(-1) ?? '';
  const shown = names.filter((n) => n !== 'pg_catalog').join('.');
  const base =
    names.length === 1 || (names.length === 2 && names[0] === 'pg_catalog') ? typeNameOf(last) : null;
  if (node.setof === true || node.pct_type === true) {
    throw error(node.location, '0A000', 'type modifiers SETOF and %TYPE are not supported');
  }
  if (base === null) {
    if (UNSUPPORTED.has(last)) {
      throw error(
        node.location,
        '0A000',
        `type ${shown} is not supported`,
        last.endsWith('serial')
          ? 'There are no sequences: use uuid DEFAULT gen_random_uuid(), or number the rows where they come from.'
          : 'Use text, or another type that holds the value.',
      );
    }
    const schema = names.length > 1 ? (names.at(-2) ?? '') : null;
    if (schema !== null && !schemaExists(schema))
      throw error(node.location, '3F000', `schema "${schema}" does not exist`);
    throw error(node.location, '42704', `type "${shown}" does not exist`);
  }
  const isArray = (node.arrayBounds?.length ?? 0) > 0;
  const modifiers = (node.typmods ?? []).map((m) => modifierOf(m, node, error));
  const type = withModifiers(base, modifiers, node, error);
  if (!isArray) return type;
  if (isArrayType(base)) throw error(node.location, '42704', `type "${shown}[]" does not exist`);
  return { ...type, name: `_${elementTypeName(base)}` };
}

function modifierOf(node: Node, type: TypeNameNode, error: ErrorAt): number {
  if ('A_Const' in node && node.A_Const.ival !== undefined) return node.A_Const.ival.ival ?? 0;
  throw error(type.location, '42601', 'type modifiers must be simple constants or identifiers');
}

const LENGTH_MAX = 10_485_760;
const PRECISION_MAX = 1000;

function withModifiers(
  name: TypeName,
  modifiers: readonly number[],
  node: TypeNameNode,
  error: ErrorAt,
): SqlType {
  const [first, second] = modifiers;
  const element = elementTypeName(name);
  const fail = (message: string, code: SqlError['code'] = '22023'): SqlError =>
    error(node.location, code, message);
  switch (element) {
    case 'varchar':
    case 'bpchar': {
      // `char` without a length is char(1) in the grammar; bpchar as a name has none.
      if (first === undefined) return { name };
      const shown = element === 'varchar' ? 'varchar' : 'char';
      if (modifiers.length > 1) throw fail('invalid type modifier');
      if (first < 1) throw fail(`length for type ${shown} must be at least 1`);
      if (first > LENGTH_MAX) throw fail(`length for type ${shown} cannot exceed ${LENGTH_MAX}`);
      return { name, length: first };
    }
    case 'numeric': {
      if (first === undefined) return { name };
      if (modifiers.length > 2) throw fail('invalid NUMERIC type modifier');
      if (first < 1 || first > PRECISION_MAX) {
        throw fail(`NUMERIC precision ${first} must be between 1 and ${PRECISION_MAX}`);
      }
      const scale = second ?? 0;
      if (scale < -1000 || scale > 1000) throw fail(`NUMERIC scale ${scale} must be between -1000 and 1000`);
      return { name, precision: first, scale };
    }
    case 'interval':
      return intervalType(name, modifiers, fail);
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      if (first === undefined || first >= 6) return { name };
      throw fail(
        `precision ${first} of type ${element} is not supported: all times are in microseconds`,
        '0A000',
      );
    default:
      if (modifiers.length > 0) {
        throw fail(`type modifier is not allowed for type "${element}"`, '42601');
      }
      return { name };
  }
}

/** Fields (MINUTE …) read the literal; they are no type of their own. */
function intervalType(
  name: TypeName,
  modifiers: readonly number[],
  fail: (message: string, code: SqlError['code']) => SqlError,
): SqlType {
  const precision = modifiers[1];
  if (precision !== undefined && precision < 6) {
    throw fail(
      `precision ${precision} of type interval is not supported: all times are in microseconds`,
      '0A000',
    );
  }
  return { name };
}

/** The field that an INTERVAL literal without units is counted in: INTERVAL '10' MINUTE. Null = seconds, or as written. */
export function intervalField(node: TypeNameNode): string | null {
  const first = node.typmods?.[0];
  const mask = first !== undefined && 'A_Const' in first ? first.A_Const.ival?.ival : undefined;
  switch (mask) {
    case 1 << 2:
      return 'year';
    case 1 << 1:
      return 'month';
    case 1 << 3:
      return 'day';
    case 1 << 10:
      return 'hour';
    case 1 << 11:
      return 'minute';
    case 1 << 12:
      return 'second';
    default:
      return mask === undefined || mask === 0x7fff ? null : 'range';
  }
}
