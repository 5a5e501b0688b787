/** jsonb's canonical text and order; members and elements of json and jsonb. */
import { compareDecimals, formatDecimal } from './decimal.ts';
import { type JsonNode, parseJson } from './json-parse.ts';
import { compareText } from './text.ts';

// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON escapes them
const ESCAPED = /["\\\u0000-\u001f]/g;
const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

/** With quotes; only what must be escaped is. */
export function quoteJson(text: string): string {
  return `"${text.replace(ESCAPED, (c) => SHORT_ESCAPES[c] ?? `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)}"`;
}

/** jsonb orders keys by their length in bytes, then by bytes. */
function compareKeys(a: string, b: string): number {
  return Buffer.byteLength(a) - Buffer.byteLength(b) || compareText(a, b);
}

/** Of equal keys the last wins. */
function sortedMembers(
  members: readonly (readonly [string, JsonNode])[],
): readonly (readonly [string, JsonNode])[] {
  return [...new Map(members)].sort((a, b) => compareKeys(a[0], b[0]));
}

/** PostgreSQL's jsonb output. */
export function formatJsonb(node: JsonNode): string {
  switch (node.kind) {
    case 'null':
      return 'null';
    case 'boolean':
      return String(node.value);
    case 'number':
      return formatDecimal(node.value);
    case 'string':
      return quoteJson(node.value);
    case 'array':
      return `[${node.items.map(formatJsonb).join(', ')}]`;
    case 'object':
      return `{${sortedMembers(node.members)
        .map(([key, value]) => `${quoteJson(key)}: ${formatJsonb(value)}`)
        .join(', ')}}`;
  }
}

/** Any JSON text → jsonb's canonical text; 22P02, 22P05. */
export const canonicalJsonb = (text: string): string => formatJsonb(parseJson(text));

const RANKS = { null: 1, string: 2, number: 3, boolean: 4, array: 5, object: 6 } as const;

/** PostgreSQL's btree order of jsonb: an empty array comes first of all, longer containers after shorter ones. */
export function compareJsonb(a: string, b: string): number {
  return a === b ? 0 : compareNodes(parseJson(a), parseJson(b), true);
}

function compareNodes(a: JsonNode, b: JsonNode, top = false): number {
  if (a.kind !== b.kind) {
    // A bare scalar is kept as an array of one element, so that an empty array sorts before it.
    if (top && a.kind === 'array' && a.items.length === 0 && b.kind !== 'object') return -1;
    if (top && b.kind === 'array' && b.items.length === 0 && a.kind !== 'object') return 1;
    return RANKS[a.kind] - RANKS[b.kind];
  }
  if (a.kind === 'string' && b.kind === 'string') return compareText(a.value, b.value);
  if (a.kind === 'number' && b.kind === 'number') return compareDecimals(a.value, b.value);
  if (a.kind === 'boolean' && b.kind === 'boolean') return Number(a.value) - Number(b.value);
  if (a.kind === 'array' && b.kind === 'array') {
    return a.items.length - b.items.length || firstDifference(a.items, b.items);
  }
  if (a.kind === 'object' && b.kind === 'object') {
    const [x, y] = [sortedMembers(a.members), sortedMembers(b.members)];
    if (x.length !== y.length) return x.length - y.length;
    for (const [i, [key, value]] of x.entries()) {
      const [otherKey, other] = y[i]!;
      // Members come in the order of keys as stored, but two keys compare as text.
      const order = compareText(key, otherKey) || compareNodes(value, other);
      if (order !== 0) return order;
    }
  }
  return 0;
}

function firstDifference(a: readonly JsonNode[], b: readonly JsonNode[]): number {
  for (const [i, item] of a.entries()) {
    const order = compareNodes(item, b[i]!);
    if (order !== 0) return order;
  }
  return 0;
}

export function jsonTypeof(text: string): string {
  switch (text.trimStart()[0]) {
    case '{':
      return 'object';
    case '[':
      return 'array';
    case '"':
      return 'string';
    case 't':
    case 'f':
      return 'boolean';
    case 'n':
      return 'null';
    default:
      return 'number';
  }
}

// What follows scans text that is known to be JSON: it finds ends without building values.

const isBlank = (c: number): boolean => c === 0x20 || (c >= 0x09 && c <= 0x0d);

function skipBlanks(text: string, at: number): number {
  while (isBlank(text.charCodeAt(at))) at++;
  return at;
}

function stringEnd(text: string, at: number): number {
  for (at++; ; at++) {
    const c = text.charCodeAt(at);
    if (c === 0x22) return at + 1;
    if (c === 0x5c) at++;
  }
}

/** The offset after the value that begins at `at`. */
function valueEnd(text: string, at: number): number {
  const first = text[at];
  if (first === '"') return stringEnd(text, at);
  if (first !== '{' && first !== '[') {
    while (at < text.length && !',]} \t\n\r'.includes(text[at]!)) at++;
    return at;
  }
  let depth = 0;
  for (;;) {
    const c = text[at];
    if (c === '"') {
      at = stringEnd(text, at);
      continue;
    }
    if (c === '{' || c === '[') depth++;
    else if (c === '}' || c === ']') {
      depth--;
      if (depth === 0) return at + 1;
    }
    at++;
  }
}

const unquote = (text: string): string =>
  text.includes('\\') ? (JSON.parse(text) as string) : text.slice(1, -1);

/** The text of an object's member (of several with this key, the last); null where there is none. */
export function jsonMember(text: string, key: string): string | null {
  let at = skipBlanks(text, 0);
  if (text[at] !== '{') return null;
  let found: string | null = null;
  at = skipBlanks(text, at + 1);
  while (text[at] === '"') {
    const keyEnd = stringEnd(text, at);
    const name = unquote(text.slice(at, keyEnd));
    const start = skipBlanks(text, skipBlanks(text, keyEnd) + 1);
    const end = valueEnd(text, start);
    if (name === key) found = text.slice(start, end);
    at = skipBlanks(text, end);
    if (text[at] !== ',') break;
    at = skipBlanks(text, at + 1);
  }
  return found;
}

/** The text of each element; null where it is no array. */
export function jsonElements(text: string): readonly string[] | null {
  let at = skipBlanks(text, 0);
  if (text[at] !== '[') return null;
  const elements: string[] = [];
  at = skipBlanks(text, at + 1);
  while (at < text.length && text[at] !== ']') {
    const end = valueEnd(text, at);
    elements.push(text.slice(at, end));
    at = skipBlanks(text, end);
    if (text[at] !== ',') break;
    at = skipBlanks(text, at + 1);
  }
  return elements;
}

/** An element by number from 0, from the end where negative. */
export function jsonElement(text: string, index: number): string | null {
  return jsonElements(text)?.at(index) ?? null;
}

/** What ->> gives of a value's text: a string without quotes, null for null. */
export function jsonScalarText(text: string): string | null {
  if (text === 'null') return null;
  if (text[0] !== '"') return text;
  const node = text.includes('\\') ? parseJson(text) : null;
  return node?.kind === 'string' ? node.value : text.slice(1, -1);
}
