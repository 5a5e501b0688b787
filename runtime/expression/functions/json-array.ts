/** Members and elements of json, jsonb and arrays. */
import { jsonElement, jsonElements, jsonMember, jsonScalarText, jsonTypeof } from '../../../common/json.ts';
import { SqlError } from '../../../common/sql-error.ts';
import { elementTypeName } from '../../../common/types.ts';
import { formatWith } from '../../../common/value-text.ts';
import { ARRAYS, arrayOf, SCALARS } from '../../plan/functions/types.ts';
import { type Entry, pure, pureAll } from '../implementation.ts';

const asText = (json: string | null): string | null => (json === null ? null : jsonScalarText(json));

/** jsonb keeps a bare scalar as an array of one: `'5' -> 0` is 5, as PostgreSQL has it for ->> and subscripts. */
function element(json: string, index: number, type: string): string | null {
  const kind = jsonTypeof(json);
  if (type === 'jsonb' && kind !== 'array' && kind !== 'object')
    return index === 0 || index === -1 ? json : null;
  return jsonElement(json, index);
}

/** Follows keys, and numbers into arrays; null where the path leads nowhere. */
function follow(json: string, path: readonly (string | null)[]): string | null {
  let at: string | null = json;
  for (const step of path) {
    if (at === null || step === null) return null;
    const kind = jsonTypeof(at);
    if (kind === 'object') at = jsonMember(at, step);
    else if (kind === 'array' && /^\s*[+-]?\d+$/.test(step)) at = jsonElement(at, Number(step));
    else at = null;
  }
  return at;
}

/** An element of the top level: a key of an object, a string of an array. */
function hasKey(json: string, key: string): boolean {
  switch (jsonTypeof(json)) {
    case 'object':
      return jsonMember(json, key) !== null;
    case 'array':
      return (
        jsonElements(json)?.some((item) => item.startsWith('"') && jsonScalarText(item) === key) ?? false
      );
    case 'string':
      return jsonScalarText(json) === key;
    default:
      return false;
  }
}

function arrayLength(json: string): number {
  const elements = jsonElements(json);
  if (elements !== null) return elements.length;
  const kind = jsonTypeof(json);
  const message =
    kind === 'object' ? 'cannot get array length of a non-array' : 'cannot get array length of a scalar';
  throw new SqlError('22023', message);
}

const JSON_ENTRIES: readonly Entry[] = ['json', 'jsonb'].flatMap((type) => [
  pure(`->(${type},text)`, jsonMember),
  pure(`->>(${type},text)`, (json: string, key: string) => asText(jsonMember(json, key))),
  pure(`->(${type},int4)`, (json: string, index: number) => element(json, index, type)),
  pure(`->>(${type},int4)`, (json: string, index: number) => asText(element(json, index, type))),
  pure(`#>(${type},_text)`, follow),
  pure(`#>>(${type},_text)`, (json: string, path: readonly (string | null)[]) => asText(follow(json, path))),
  pure(`${type}_typeof(${type})`, jsonTypeof),
  pure(`${type}_array_length(${type})`, arrayLength),
]);

type Items = readonly unknown[];

function join(
  items: Items,
  separator: string,
  nullText: string | null,
  format: (item: unknown) => string,
): string {
  const texts: string[] = [];
  for (const item of items) {
    if (item !== null) texts.push(format(item));
    else if (nullText !== null) texts.push(nullText);
  }
  return texts.join(separator);
}

const JOINS: readonly Entry[] = ARRAYS.flatMap((array): Entry[] => {
  const type = { name: elementTypeName(array) };
  return [
    [
      `array_to_string(${array},text)`,
      ({ format }) =>
        (items: Items, separator: string) =>
          join(items, separator, null, (item) => formatWith(format, item, type)),
    ],
    [
      `array_to_string(${array},text,text)`,
      ({ format }) =>
        (items: Items | null, separator: string | null, nullText: string | null) =>
          items === null || separator === null
            ? null
            : join(items, separator, nullText, (item) => formatWith(format, item, type)),
    ],
  ];
});

function stringToArray(text: string | null, separator: string | null, nullText: string | null): Items | null {
  if (text === null) return null;
  if (text === '') return [];
  // A NULL separator cuts into characters, an empty one not at all.
  const parts = separator === null ? [...text] : separator === '' ? [text] : text.split(separator);
  return parts.map((part) => (part === nullText ? null : part));
}

const bothArrays = (a: Items | null, b: Items | null): Items | null =>
  a === null ? b : b === null ? a : [...a, ...b];
const withLast = (items: Items | null, item: unknown): Items => [...(items ?? []), item];
const withFirst = (item: unknown, items: Items | null): Items => [item, ...(items ?? [])];

const ARRAY_ENTRIES: readonly Entry[] = [
  ...SCALARS.map((type) =>
    pure(`[](${arrayOf(type)},int4)`, (items: Items, index: number) =>
      index < 1 ? null : (items[index - 1] ?? null),
    ),
  ),
  ...SCALARS.map((type) => pure(`array(${type})`, (...items: unknown[]) => items)),
  ...ARRAYS.map((type) =>
    pure(`array_length(${type},int4)`, (items: Items, dimension: number) =>
      dimension === 1 && items.length > 0 ? items.length : null,
    ),
  ),
  ...ARRAYS.map((type) => pure(`cardinality(${type})`, (items: Items) => items.length)),
  ...SCALARS.flatMap((type) => {
    const array = arrayOf(type);
    return [
      ...pureAll([`||(${array},${array})`, `array_cat(${array},${array})`], bothArrays),
      ...pureAll([`||(${array},${type})`, `array_append(${array},${type})`], withLast),
      ...pureAll([`||(${type},${array})`, `array_prepend(${type},${array})`], withFirst),
    ];
  }),
  ...pureAll(
    ['string_to_array(text,text)', 'string_to_array(text,text,text)'],
    (text, separator, nullText = null) => stringToArray(text, separator, nullText),
  ),
];

export const JSON_AND_ARRAY_FUNCTIONS: readonly Entry[] = [
  ...JSON_ENTRIES,
  pure('?(jsonb,text)', hasKey),
  ...ARRAY_ENTRIES,
  ...JOINS,
];
