/** PostgreSQL's type categories and preferred types (pg_type.typcategory, typispreferred), and what casts there are. */
import { elementTypeName, isArrayType, type TypeName } from '../../common/types.ts';
import { functionByKey } from '../../runtime/plan/functions.ts';

export type Category = 'boolean' | 'numeric' | 'string' | 'datetime' | 'timespan' | 'array' | 'user';

export function categoryOf(type: TypeName): Category {
  if (isArrayType(type)) return 'array';
  switch (elementTypeName(type)) {
    case 'bool':
      return 'boolean';
    case 'int2':
    case 'int4':
    case 'int8':
    case 'numeric':
    case 'float4':
    case 'float8':
      return 'numeric';
    case 'text':
    case 'varchar':
    case 'bpchar':
      return 'string';
    case 'date':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return 'datetime';
    case 'interval':
      return 'timespan';
    default:
      return 'user';
  }
}

const PREFERRED: ReadonlySet<TypeName> = new Set(['bool', 'float8', 'text', 'timestamptz', 'interval']);

export const isPreferred = (type: TypeName): boolean => PREFERRED.has(type);

export type CastContext = 'implicit' | 'assignment' | 'explicit';

const RANK: Readonly<Record<CastContext, number>> = { implicit: 0, assignment: 1, explicit: 2 };

/** Key of the cast, null where the types are one; undefined where PostgreSQL has none in this context. */
export function castKey(source: TypeName, target: TypeName, context: CastContext): string | null | undefined {
  if (source === target) return null;
  const key = `cast(${source},${target})`;
  const cast = functionByKey(key);
  if (cast?.castContext === undefined || RANK[cast.castContext] > RANK[context]) return undefined;
  return key;
}

export const canCast = (source: TypeName, target: TypeName, context: CastContext): boolean =>
  castKey(source, target, context) !== undefined;
