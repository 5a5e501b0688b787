/** Functions, with the overloads that pg_proc has for our types. */
import type { FunctionSignature } from '../signature.ts';
import { overloads, signature } from './signatures.ts';
import { ARRAYS, arrayOf, SCALARS } from './types.ts';

const named = (names: string, text: string, extras = {}): FunctionSignature[] =>
  names.split(' ').flatMap((name) => overloads('function', name, text, extras));

const stable = { volatility: 'stable' } as const;
const volatile = { volatility: 'volatile' } as const;

const TEXT: readonly FunctionSignature[] = [
  ...named('length', 'text:int4 bpchar:int4 bytea:int4'),
  ...named('char_length character_length', 'text:int4 bpchar:int4'),
  ...named('octet_length', 'text:int4 bpchar:int4 bytea:int4'),
  ...named('bit_length', 'text:int4 bytea:int4'),
  ...named('lower upper initcap reverse', 'text:text'),
  ...named('reverse', 'bytea:bytea'),
  ...named('btrim ltrim rtrim', 'text:text text,text:text bytea,bytea:bytea'),
  ...named('substring', 'text,int4:text text,int4,int4:text text,text:text text,text,text:text'),
  ...named('substr', 'text,int4:text text,int4,int4:text'),
  ...named('overlay', 'text,text,int4,int4:text text,text,int4:text'),
  ...named('overlay', 'bytea,bytea,int4,int4:bytea bytea,bytea,int4:bytea'),
  ...named('substring substr', 'bytea,int4:bytea bytea,int4,int4:bytea'),
  ...named('position', 'text,text:int4 bytea,bytea:int4'),
  ...named('strpos', 'text,text:int4'),
  ...named('replace translate', 'text,text,text:text'),
  ...named('split_part', 'text,text,int4:text'),
  ...named('left right repeat', 'text,int4:text'),
  ...named('lpad rpad', 'text,int4:text text,int4,text:text'),
  ...named('md5', 'text:text bytea:text'),
  ...named('sha256 sha512', 'bytea:bytea'),
  ...named('encode', 'bytea,text:text'),
  ...named('decode', 'text,text:bytea'),
  ...named('starts_with', 'text,text:bool'),
  ...named('chr', 'int4:text'),
  ...named('ascii', 'text:int4'),
  ...named('to_hex', 'int4:text int8:text'),
  ...named('quote_ident quote_literal', 'text:text'),
  ...named('quote_nullable', 'text:text', { strict: false }),
  // Every argument is given as text: `output` for bool and bpchar, whose cast to text is not their output text.
  ...named('concat', 'text:text', { strict: false, variadic: true }),
  ...named('concat_ws', 'text,text:text', { strict: false, variadic: true }),
  ...named('output', 'bool:text bpchar:text'),
];

const REGEXP: readonly FunctionSignature[] = [
  ...named(
    'regexp_replace',
    `text,text,text:text text,text,text,text:text text,text,text,int4:text text,text,text,int4,int4:text
     text,text,text,int4,int4,text:text`,
  ),
  ...named('regexp_match regexp_split_to_array', 'text,text:_text text,text,text:_text'),
  ...named('regexp_like', 'text,text:bool text,text,text:bool'),
  ...named('regexp_count', 'text,text:int4 text,text,int4:int4 text,text,int4,text:int4'),
  ...named(
    'regexp_substr',
    `text,text:text text,text,int4:text text,text,int4,int4:text text,text,int4,int4,text:text
     text,text,int4,int4,text,int4:text`,
  ),
  ...named('like notlike', 'text,text:bool bytea,bytea:bool'),
  ...named('like_escape', 'text,text:text'),
  ...named('similar_to_escape', 'text:text text,text:text'),
];

const NUMERIC: readonly FunctionSignature[] = [
  ...named('abs', 'int2:int2 int4:int4 int8:int8 numeric:numeric float4:float4 float8:float8'),
  ...named('ceil ceiling floor round trunc sign sqrt exp ln log log10', 'float8:float8 numeric:numeric'),
  ...named('round trunc', 'numeric,int4:numeric'),
  ...named('log', 'numeric,numeric:numeric'),
  ...named('power pow', 'float8,float8:float8 numeric,numeric:numeric'),
  ...named('mod', 'int2,int2:int2 int4,int4:int4 int8,int8:int8 numeric,numeric:numeric'),
  ...named('div', 'numeric,numeric:numeric'),
  ...named('gcd lcm', 'int4,int4:int4 int8,int8:int8'),
  ...named('pi', ':float8'),
  ...named('degrees radians cbrt sin cos tan cot asin acos atan sinh cosh tanh', 'float8:float8'),
  ...named('atan2', 'float8,float8:float8'),
  ...named('width_bucket', 'float8,float8,float8,int4:int4 numeric,numeric,numeric,int4:int4'),
  ...named('scale min_scale', 'numeric:int4'),
  ...named('trim_scale', 'numeric:numeric'),
  ...named('random', ':float8', volatile),
];

const MAKE_INTERVAL = ['int4', 'int4', 'int4', 'int4', 'int4', 'int4', 'float8'] as const;

const DATE_TIME: readonly FunctionSignature[] = [
  ...named('now transaction_timestamp statement_timestamp', ':timestamptz', stable),
  ...named('date_trunc', 'text,timestamp:timestamp text,interval:interval text,timestamptz,text:timestamptz'),
  ...named('date_trunc', 'text,timestamptz:timestamptz', stable),
  ...named('date_bin', 'interval,timestamp,timestamp:timestamp interval,timestamptz,timestamptz:timestamptz'),
  ...named('extract', 'text,date:numeric text,time:numeric text,timestamp:numeric text,interval:numeric'),
  ...named('extract', 'text,timestamptz:numeric', stable),
  ...named('date_part', 'text,date:float8 text,time:float8 text,timestamp:float8 text,interval:float8'),
  ...named('date_part', 'text,timestamptz:float8', stable),
  ...named('timezone', 'text,timestamp:timestamptz text,timestamptz:timestamp'),
  ...named('timezone', 'interval,timestamp:timestamptz interval,timestamptz:timestamp'),
  ...named('timezone', 'timestamp:timestamptz timestamptz:timestamp', stable),
  ...named('to_timestamp', 'float8:timestamptz'),
  ...named('to_timestamp', 'text,text:timestamptz', stable),
  ...named('to_date', 'text,text:date', stable),
  ...named(
    'to_char',
    `int4,text:text int8,text:text numeric,text:text float4,text:text float8,text:text timestamp,text:text
     timestamptz,text:text interval,text:text`,
    stable,
  ),
  ...named('to_number', 'text,text:numeric', stable),
  ...named('age', 'timestamp,timestamp:interval timestamptz,timestamptz:interval'),
  ...named('age', 'timestamp:interval timestamptz:interval', stable),
  ...named('isfinite', 'date:bool timestamp:bool timestamptz:bool interval:bool'),
  ...named('justify_days justify_hours justify_interval', 'interval:interval'),
  // The arguments that are not given are 0.
  ...[0, 1, 2, 3, 4, 5, 6, 7].map((count) =>
    signature('function', 'make_interval', MAKE_INTERVAL.slice(0, count), 'interval'),
  ),
  ...named('make_date', 'int4,int4,int4:date'),
  ...named('make_time', 'int4,int4,float8:time'),
  ...named('make_timestamp', 'int4,int4,int4,int4,int4,float8:timestamp'),
  ...named('make_timestamptz', 'int4,int4,int4,int4,int4,float8:timestamptz', stable),
  ...named('make_timestamptz', 'int4,int4,int4,int4,int4,float8,text:timestamptz'),
];

const JSON_AND_ARRAYS: readonly FunctionSignature[] = [
  ...named('json_typeof', 'json:text'),
  ...named('jsonb_typeof', 'jsonb:text'),
  ...named('json_array_length', 'json:int4'),
  ...named('jsonb_array_length', 'jsonb:int4'),
  ...SCALARS.map((element) => signature('function', '[]', [arrayOf(element), 'int4'], element)),
  ...ARRAYS.map((array) => signature('function', 'array_length', [array, 'int4'], 'int4')),
  ...ARRAYS.map((array) => signature('function', 'cardinality', [array], 'int4')),
  ...SCALARS.flatMap((element) => {
    const array = arrayOf(element);
    return [
      signature('function', 'array_append', [array, element], array, { strict: false }),
      signature('function', 'array_prepend', [element, array], array, { strict: false }),
      signature('function', 'array_cat', [array, array], array, { strict: false }),
    ];
  }),
  ...ARRAYS.map((array) => signature('function', 'array_to_string', [array, 'text'], 'text', stable)),
  ...ARRAYS.map((array) =>
    signature('function', 'array_to_string', [array, 'text', 'text'], 'text', { ...stable, strict: false }),
  ),
  ...named('string_to_array', 'text,text:_text text,text,text:_text', { strict: false }),
  // ARRAY[…]: as many arguments as the array has elements.
  ...SCALARS.map((element) =>
    signature('function', 'array', [element], arrayOf(element), { strict: false, variadic: true }),
  ),
];

export const SCALAR_FUNCTIONS: readonly FunctionSignature[] = [
  ...TEXT,
  ...REGEXP,
  ...NUMERIC,
  ...DATE_TIME,
  ...JSON_AND_ARRAYS,
  ...named('gen_random_uuid uuidv4', ':uuid', volatile),
];
