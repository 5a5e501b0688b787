/**
 * SQL types, and how a value of each is held.
 *
 * A *datum* is one SQL value outside the hot path; NULL is `null` for every type:
 *
 *   bool                       boolean
 *   int2 int4                  number
 *   int8                       bigint
 *   float4 float8              number (float4 already rounded by Math.fround)
 *   numeric                    Decimal (common/decimal.ts)
 *   text varchar bpchar        string
 *   json jsonb                 string (jsonb: PostgreSQL's canonical text)
 *   uuid                       string (36 characters, lower case)
 *   bytea                      Uint8Array
 *   date                       number: days since 1970-01-01, ±Infinity for ±infinity
 *   time                       number: microseconds since midnight
 *   timestamp timestamptz      number: microseconds since 1970-01-01 UTC, ±Infinity for ±infinity
 *   interval                   Interval (common/interval.ts)
 *   _text, _int8, …            readonly array of element datums (one dimension)
 *
 * Columns of a batch hold the same values in typed arrays: see runtime/batch/column.ts.
 */
export type ScalarTypeName =
  | 'bool'
  | 'int2'
  | 'int4'
  | 'int8'
  | 'numeric'
  | 'float4'
  | 'float8'
  | 'text'
  | 'varchar'
  | 'bpchar'
  | 'bytea'
  | 'date'
  | 'time'
  | 'timestamp'
  | 'timestamptz'
  | 'interval'
  | 'uuid'
  | 'json'
  | 'jsonb';

/** PostgreSQL's internal names; an array type's name is its element's with `_` before it. */
export type TypeName = ScalarTypeName | `_${ScalarTypeName}`;

/** A type with its modifier: varchar(n) and bpchar(n) hold `length`, numeric(p,s) holds both. */
export type SqlType = Readonly<{
  name: TypeName;
  length?: number;
  precision?: number;
  scale?: number;
}>;

/** What a client is told of a column of the system catalog, in RowDescription. */
export type ForeignType = Readonly<{
  table: number;
  attribute: number;
  oid: number;
  size: number;
  modifier: number;
}>;

/** A relation's OID, and the number of one of its columns from 1. */
export type Origin = Readonly<{ table: number; attribute: number }>;

/**
 * One output column of a relation or query. `foreign`: of the system catalog, whose types are more than ours. Its `type` is
 * text, for its bytes are in the client's form already and leave as they are. `origin`: what a query's column shows unchanged.
 */
export type Field = Readonly<{ name: string; type: SqlType; foreign?: ForeignType; origin?: Origin }>;
export type Schema = readonly Field[];

/** How a column of this type is laid out in a batch. */
export type PhysicalKind = 'bool' | 'int32' | 'int64' | 'float64' | 'bytes' | 'boxed';

export function physicalKind(type: SqlType): PhysicalKind {
  switch (type.name) {
    case 'bool':
      return 'bool';
    case 'int2':
    case 'int4':
    case 'date': // days; ±infinity as the extreme int32 values
      return 'int32';
    case 'int8':
      return 'int64';
    case 'float4':
    case 'float8':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return 'float64';
    case 'text':
    case 'varchar':
    case 'bpchar':
    case 'bytea':
    case 'json':
    case 'jsonb':
    case 'uuid': // 16 raw bytes
      return 'bytes';
    default: // numeric (Decimal), interval (Interval), arrays (readonly datum[])
      return 'boxed';
  }
}

type TypeFacts = Readonly<{ oid: number; arrayOid: number; size: number; sqlName: string }>;

const TYPE_FACTS: Readonly<Record<ScalarTypeName, TypeFacts>> = {
  bool: { oid: 16, arrayOid: 1000, size: 1, sqlName: 'boolean' },
  bytea: { oid: 17, arrayOid: 1001, size: -1, sqlName: 'bytea' },
  int8: { oid: 20, arrayOid: 1016, size: 8, sqlName: 'bigint' },
  int2: { oid: 21, arrayOid: 1005, size: 2, sqlName: 'smallint' },
  int4: { oid: 23, arrayOid: 1007, size: 4, sqlName: 'integer' },
  text: { oid: 25, arrayOid: 1009, size: -1, sqlName: 'text' },
  json: { oid: 114, arrayOid: 199, size: -1, sqlName: 'json' },
  float4: { oid: 700, arrayOid: 1021, size: 4, sqlName: 'real' },
  float8: { oid: 701, arrayOid: 1022, size: 8, sqlName: 'double precision' },
  bpchar: { oid: 1042, arrayOid: 1014, size: -1, sqlName: 'character' },
  varchar: { oid: 1043, arrayOid: 1015, size: -1, sqlName: 'character varying' },
  date: { oid: 1082, arrayOid: 1182, size: 4, sqlName: 'date' },
  time: { oid: 1083, arrayOid: 1183, size: 8, sqlName: 'time without time zone' },
  timestamp: { oid: 1114, arrayOid: 1115, size: 8, sqlName: 'timestamp without time zone' },
  timestamptz: { oid: 1184, arrayOid: 1185, size: 8, sqlName: 'timestamp with time zone' },
  interval: { oid: 1186, arrayOid: 1187, size: 16, sqlName: 'interval' },
  numeric: { oid: 1700, arrayOid: 1231, size: -1, sqlName: 'numeric' },
  uuid: { oid: 2950, arrayOid: 2951, size: 16, sqlName: 'uuid' },
  jsonb: { oid: 3802, arrayOid: 3807, size: -1, sqlName: 'jsonb' },
};

const NAME_OF_OID: ReadonlyMap<number, TypeName> = new Map(
  Object.entries(TYPE_FACTS).flatMap(([name, facts]): [number, TypeName][] => [
    [facts.oid, name as ScalarTypeName],
    [facts.arrayOid, `_${name as ScalarTypeName}`],
  ]),
);

export const isArrayType = (name: TypeName): boolean => name.startsWith('_');
export const elementTypeName = (name: TypeName): ScalarTypeName => name.replace(/^_/, '') as ScalarTypeName;

/** The OID that PostgreSQL gives the type in RowDescription. */
export function typeOid(name: TypeName): number {
  const facts = TYPE_FACTS[elementTypeName(name)];
  return isArrayType(name) ? facts.arrayOid : facts.oid;
}

export function typeNameOfOid(oid: number): TypeName | undefined {
  return NAME_OF_OID.get(oid);
}

/** RowDescription's typlen. */
export function typeSize(name: TypeName): number {
  return isArrayType(name) ? -1 : TYPE_FACTS[elementTypeName(name)].size;
}

/** RowDescription's atttypmod; −1 where the type has no modifier. */
export function typeModifier(type: SqlType): number {
  if (type.length !== undefined) return type.length + 4;
  if (type.precision !== undefined) return ((type.precision << 16) | ((type.scale ?? 0) & 0x7ff)) + 4;
  return -1;
}

/** The name that format_type gives: `numeric(12,2)`, `character varying(20)`, `text[]`. */
export function formatType(type: SqlType): string {
  const element = elementTypeName(type.name);
  let name = TYPE_FACTS[element].sqlName;
  if (type.length !== undefined) name += `(${type.length})`;
  else if (type.precision !== undefined) name += `(${type.precision},${type.scale ?? 0})`;
  return isArrayType(type.name) ? `${name}[]` : name;
}

export const sameType = (a: SqlType, b: SqlType): boolean =>
  a.name === b.name && a.length === b.length && a.precision === b.precision && a.scale === b.scale;
