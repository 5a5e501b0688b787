/** Values of every type, as text. */
import type { ScalarTypeName, TypeName } from '../../common/types.ts';

const SCALAR_SAMPLES: Readonly<Record<ScalarTypeName, readonly string[]>> = {
  bool: ['t', 'f'],
  int2: ['0', '1', '-1', '7', '32767', '-32768'],
  int4: ['0', '1', '-1', '3', '100', '2147483647', '-2147483648'],
  int8: [
    '0',
    '1',
    '-1',
    '5',
    '9007199254740991',
    '-9007199254740993',
    '9223372036854775807',
    '-9223372036854775808',
  ],
  numeric: [
    '0',
    '1',
    '-1.5',
    '2.50',
    '123456789.987654321',
    'NaN',
    'Infinity',
    '-Infinity',
    '0.001',
    '10000',
    '99999999999999999999',
  ],
  float4: ['0', '1.5', '-2.25', '3.4e38', '1e-40', 'NaN', 'Infinity', '-Infinity', '100000.1'],
  float8: [
    '0',
    '-0',
    '1.5',
    '-2.5',
    '0.5',
    '1e308',
    '1e-310',
    'NaN',
    'Infinity',
    '-Infinity',
    '123456.789',
    '1e15',
    '3',
  ],
  text: ['', 'abc', 'Hello World', 'äöü😀x', '  pad  ', '12', 'a,b,c', '%b_', 'day'],
  varchar: ['', 'abc', '12'],
  bpchar: ['', 'ab ', '12'],
  bytea: ['', '\\x00ff61', 'abc'],
  date: ['2024-02-29', '1970-01-01', 'infinity', '-infinity', '0044-03-15 BC', '2000-12-31'],
  time: ['00:00', '23:59:59.999999', '24:00', '10:20:30.5'],
  timestamp: [
    '2024-02-29 12:34:56.789',
    '1970-01-01',
    'infinity',
    '-infinity',
    '1999-12-31 23:59:59',
    '0044-03-15 10:00 BC',
    '2024-03-31 02:30',
  ],
  timestamptz: [
    '2024-02-29 12:34:56.789+00',
    '1970-01-01+00',
    'infinity',
    '-infinity',
    '2024-10-27 01:30+00',
  ],
  interval: [
    '0',
    '1 day',
    '1 mon -1 day 02:03:04.5',
    '-1 year -2 days',
    '00:00:00.000001',
    'infinity',
    '-infinity',
    '30 days',
    '1 mon',
    '40 days 30:00',
  ],
  uuid: ['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '00000000-0000-0000-0000-000000000000'],
  json: ['{"a":1,"b":[1,"x",null]}', '[1,2,{"a":"é\\n"}]', '"str"', '12.50', 'null', 'true'],
  jsonb: ['{"a":1,"b":[1,"x",null]}', '[1,2,{"a":"é\\n"}]', '"str"', '12.50', 'null', 'true', '{}', '[]'],
};

export function samplesOf(type: TypeName): readonly string[] {
  if (!type.startsWith('_')) return SCALAR_SAMPLES[type as ScalarTypeName];
  if (type === '_text') return ['{}', '{a,b,NULL}', '{"x y"}', '{b}', '{a}'];
  const [first = '', second = ''] = SCALAR_SAMPLES[type.slice(1) as ScalarTypeName];
  return ['{}', `{${JSON.stringify(first)},NULL}`, `{${JSON.stringify(second)}}`];
}
