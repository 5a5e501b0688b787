/** Casts: those of pg_cast, and conversion through text (out: on assignment; in: only when asked for). */
import type { ScalarTypeName, TypeName } from '../../../common/types.ts';
import { elementTypeName } from '../../../common/types.ts';
import type { FunctionSignature, Volatility } from '../signature.ts';
import { signature } from './signatures.ts';
import { arrayOf, TYPES } from './types.ts';

type Context = 'implicit' | 'assignment' | 'explicit';

/** `source: targets`; the context stands at the head of each block. */
const CATALOG_CASTS: Readonly<Record<Context, string>> = {
  implicit: `int2: int4 int8 numeric float4 float8
    int4: int8 numeric float4 float8
    int8: numeric float4 float8
    numeric: float4 float8
    float4: float8
    text: varchar bpchar
    varchar: text bpchar
    bpchar: text varchar
    date: timestamp timestamptz
    timestamp: timestamptz
    time: interval`,
  assignment: `int4: int2
    int8: int2 int4
    numeric: int2 int4 int8
    float4: int2 int4 int8 numeric
    float8: int2 int4 int8 numeric float4
    bool: text varchar bpchar
    timestamp: date time
    timestamptz: date time timestamp
    interval: time
    json: jsonb
    jsonb: json`,
  explicit: `bool: int4
    int4: bool bytea
    int2: bytea
    int8: bytea
    bytea: int2 int4 int8
    jsonb: bool int2 int4 int8 numeric float4 float8`,
};

const STRINGS: readonly TypeName[] = ['text', 'varchar', 'bpchar'];
const isString = (type: TypeName): boolean => STRINGS.includes(type);

/** Dates without a zone cross to timestamptz by the session's zone; text of dates and times by DateStyle, too. */
function castVolatility(source: TypeName, target: TypeName): Volatility {
  const [from, to] = [elementTypeName(source), elementTypeName(target)];
  if ((from === 'timestamptz') !== (to === 'timestamptz')) return 'stable';
  const dated = ['date', 'time', 'timestamp', 'timestamptz', 'interval'];
  const throughText = isString(from) !== isString(to);
  return throughText && (dated.includes(from) || dated.includes(to)) ? 'stable' : 'immutable';
}

function cast(source: TypeName, target: TypeName, castContext: Context): FunctionSignature {
  const volatility = castVolatility(source, target);
  return signature('cast', 'cast', [source, target], target, { volatility, castContext });
}

function catalogCasts(context: Context): FunctionSignature[] {
  return CATALOG_CASTS[context].split('\n').flatMap((line) => {
    const [source = '', targets = ''] = line.split(':');
    return targets
      .trim()
      .split(' ')
      .map((target) => cast(source.trim() as TypeName, target as TypeName, context));
  });
}

function allCasts(): FunctionSignature[] {
  const table = new Map<string, FunctionSignature>();
  const add = (entry: FunctionSignature): void => {
    if (!table.has(entry.key)) table.set(entry.key, entry);
  };
  const catalog = [...catalogCasts('implicit'), ...catalogCasts('assignment'), ...catalogCasts('explicit')];
  catalog.forEach(add);
  for (const type of TYPES) {
    for (const text of STRINGS) {
      if (type === text) continue;
      if (!isString(type)) add(cast(type, text, 'assignment'));
      if (!isString(type)) add(cast(text, type, 'explicit'));
    }
  }
  // Arrays: element by element, in the element's context.
  for (const entry of [...table.values()]) {
    const [source, target] = entry.args as readonly [ScalarTypeName, ScalarTypeName];
    if (source.startsWith('_') || target.startsWith('_')) continue;
    add(cast(arrayOf(source), arrayOf(target), entry.castContext ?? 'explicit'));
  }
  return [...table.values()];
}

/**
 * `cast(source,target)` is called with one argument, the value. Modifiers are calls of their own: the last argument
 * of varchar and bpchar is true for an explicit cast, which cuts silently.
 */
export const CASTS: readonly FunctionSignature[] = [
  ...allCasts(),
  signature('function', 'varchar', ['varchar', 'int4', 'bool'], 'varchar'),
  signature('function', 'bpchar', ['bpchar', 'int4', 'bool'], 'bpchar'),
  signature('function', 'numeric', ['numeric', 'int4', 'int4'], 'numeric'),
];
