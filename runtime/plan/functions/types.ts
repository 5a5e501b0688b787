/** The lists of types from which the tables' families are made. */
import type { ScalarTypeName, TypeName } from '../../../common/types.ts';

export const INTEGERS = ['int2', 'int4', 'int8'] as const;
export const FLOATS = ['float4', 'float8'] as const;
export const NUMBERS = [...INTEGERS, 'numeric', ...FLOATS] as const;

export const SCALARS: readonly ScalarTypeName[] = [
  'bool',
  ...INTEGERS,
  'numeric',
  ...FLOATS,
  'text',
  'varchar',
  'bpchar',
  'bytea',
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'interval',
  'uuid',
  'json',
  'jsonb',
];

/** Types with an order of their own; varchar has none and compares as text, json has none at all. */
export const ORDERED: readonly ScalarTypeName[] = SCALARS.filter((t) => t !== 'varchar' && t !== 'json');

export const arrayOf = (element: ScalarTypeName): TypeName => `_${element}`;

export const ARRAYS: readonly TypeName[] = SCALARS.map(arrayOf);
export const ORDERED_ARRAYS: readonly TypeName[] = [...ORDERED, 'varchar' as const].map(arrayOf);
export const TYPES: readonly TypeName[] = [...SCALARS, ...ARRAYS];
