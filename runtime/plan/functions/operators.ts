/** Operators and prefix operators, with the overloads that pg_operator has for our types. */
import type { ScalarTypeName, TypeName } from '../../../common/types.ts';
import type { FunctionSignature } from '../signature.ts';
import { overloads, signature } from './signatures.ts';
import { arrayOf, FLOATS, INTEGERS, NUMBERS, ORDERED, ORDERED_ARRAYS, SCALARS } from './types.ts';

const wider = <T extends string>(order: readonly T[], a: T, b: T): T =>
  order.indexOf(a) >= order.indexOf(b) ? a : b;

/** + − * / over int2, int4, int8 in every mixture, float4, float8 likewise, and numeric. */
function arithmetic(name: string): FunctionSignature[] {
  const mixed = <T extends ScalarTypeName>(family: readonly T[]): FunctionSignature[] =>
    family.flatMap((a) => family.map((b) => signature('operator', name, [a, b], wider(family, a, b))));
  return [...mixed(INTEGERS), ...mixed(FLOATS), ...mixed(['numeric'])];
}

function comparison(name: string): FunctionSignature[] {
  const entry = (a: TypeName, b: TypeName, volatility: 'immutable' | 'stable' = 'immutable') =>
    signature('operator', name, [a, b], 'bool', { volatility });
  const mixed = (family: readonly ScalarTypeName[]): FunctionSignature[] =>
    family.flatMap((a) => family.filter((b) => b !== a).map((b) => entry(a, b)));
  return [
    ...ORDERED.map((t) => entry(t, t)),
    ...ORDERED_ARRAYS.map((t) => entry(t, t)),
    ...mixed(INTEGERS),
    ...mixed(FLOATS),
    ...mixed(['date', 'timestamp']),
    // A date or timestamp becomes a timestamptz in the session's zone.
    entry('date', 'timestamptz', 'stable'),
    entry('timestamptz', 'date', 'stable'),
    entry('timestamp', 'timestamptz', 'stable'),
    entry('timestamptz', 'timestamp', 'stable'),
  ];
}

const PREFIX: readonly FunctionSignature[] = [
  ...['+', '-', '@'].flatMap((name) => NUMBERS.map((t) => signature('prefix-operator', name, [t], t))),
  signature('prefix-operator', '-', ['interval'], 'interval'),
  ...INTEGERS.map((t) => signature('prefix-operator', '~', [t], t)),
  signature('prefix-operator', '|/', ['float8'], 'float8'),
  signature('prefix-operator', '||/', ['float8'], 'float8'),
];

const DATE_TIME: readonly FunctionSignature[] = [
  ...overloads(
    'operator',
    '+',
    `date,int4:date int4,date:date date,interval:timestamp interval,date:timestamp date,time:timestamp
     time,date:timestamp interval,interval:interval interval,time:time time,interval:time
     interval,timestamp:timestamp timestamp,interval:timestamp`,
  ),
  ...overloads('operator', '+', 'interval,timestamptz:timestamptz timestamptz,interval:timestamptz', {
    volatility: 'stable',
  }),
  ...overloads(
    'operator',
    '-',
    `date,date:int4 date,int4:date date,interval:timestamp interval,interval:interval time,interval:time
     time,time:interval timestamp,interval:timestamp timestamp,timestamp:interval
     timestamptz,timestamptz:interval`,
  ),
  ...overloads('operator', '-', 'timestamptz,interval:timestamptz', { volatility: 'stable' }),
  ...overloads('operator', '*', 'interval,float8:interval float8,interval:interval'),
  ...overloads('operator', '/', 'interval,float8:interval'),
];

const PATTERNS: readonly FunctionSignature[] = [
  ...['~~', '!~~'].flatMap((name) =>
    overloads('operator', name, 'text,text:bool bpchar,text:bool bytea,bytea:bool'),
  ),
  ...['~~*', '!~~*', '~', '~*', '!~', '!~*'].flatMap((name) =>
    overloads('operator', name, 'text,text:bool bpchar,text:bool'),
  ),
  ...overloads('operator', '^@', 'text,text:bool'),
];

export const OPERATORS: readonly FunctionSignature[] = [
  ...['+', '-', '*', '/'].flatMap(arithmetic),
  ...overloads('operator', '%', 'int2,int2:int2 int4,int4:int4 int8,int8:int8 numeric,numeric:numeric'),
  ...overloads('operator', '^', 'float8,float8:float8 numeric,numeric:numeric'),
  ...['&', '|', '#'].flatMap((name) => INTEGERS.map((t) => signature('operator', name, [t, t], t))),
  ...['<<', '>>'].flatMap((name) => INTEGERS.map((t) => signature('operator', name, [t, 'int4'], t))),
  ...['=', '<>', '<', '<=', '>', '>='].flatMap(comparison),
  ...PREFIX,
  ...DATE_TIME,
  ...PATTERNS,
  // text || anynonarray is a cast of the other side to text, then this.
  ...overloads('operator', '||', 'text,text:text bytea,bytea:bytea'),
  ...SCALARS.flatMap((element) => {
    const array = arrayOf(element);
    return [[array, array] as const, [array, element] as const, [element, array] as const].map((args) =>
      signature('operator', '||', args, array, { strict: false }),
    );
  }),
  ...['->', '->>'].flatMap((name) =>
    (['json', 'jsonb'] as const).flatMap((t) =>
      (['text', 'int4'] as const).map((key) =>
        signature('operator', name, [t, key], name === '->' ? t : 'text'),
      ),
    ),
  ),
  ...overloads('operator', '#>', 'json,_text:json jsonb,_text:jsonb'),
  ...overloads('operator', '#>>', 'json,_text:text jsonb,_text:text'),
  ...overloads('operator', '?', 'jsonb,text:bool'),
];
