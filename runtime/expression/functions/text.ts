/** Functions of text. Positions count characters (code points) from 1. */
import { createHash } from 'node:crypto';
import { SqlError } from '../../../common/sql-error.ts';
import { characterCount, isPlain, sliceCharacters, trimBlanks } from '../../../common/text.ts';
import { type Entry, pure, pureAll } from '../implementation.ts';
import { likeFunction, replaceEscape } from '../like.ts';
import { initcap, lower, upper } from './letter-case.ts';

/** Characters of a text that is made longer than its arguments. PostgreSQL makes 1 GB of them, and takes its time. */
const LENGTH_MAX = 1 << 26;

const tooLong = (): SqlError => new SqlError('54000', 'requested length too large');

function substring(text: string, start: number, length: number): string {
  if (length < 0) throw new SqlError('22011', 'negative substring length not allowed');
  return sliceCharacters(text, Math.max(start - 1, 0), start - 1 + length);
}

/** The part of `length` characters from `start` is replaced. */
function overlay(text: string, part: string, start: number, length = characterCount(part)): string {
  if (start <= 0) throw new SqlError('22011', 'negative substring length not allowed');
  if (start + length > INT4_MAX) throw new SqlError('22003', 'integer out of range');
  return substring(text, 1, start - 1) + part + substring(text, start + length, FROM_START);
}

const INT4_MAX = 2 ** 31 - 1;
const FROM_START = Number.POSITIVE_INFINITY;

function left(text: string, count: number): string {
  return sliceCharacters(text, 0, count >= 0 ? count : characterCount(text) + count);
}

function right(text: string, count: number): string {
  const length = characterCount(text);
  return sliceCharacters(text, count >= 0 ? length - count : -count, length);
}

/** Repeats `fill` to `length` characters; cuts the text where it is longer. */
function padding(text: string, length: number, fill: string): string {
  const missing = length - characterCount(text);
  if (missing <= 0 || fill === '') return '';
  if (missing > LENGTH_MAX) throw tooLong();
  const width = characterCount(fill);
  return fill.repeat(Math.floor(missing / width)) + sliceCharacters(fill, 0, missing % width);
}

const lpad = (text: string, length: number, fill = ' '): string =>
  padding(text, length, fill) + sliceCharacters(text, 0, length);
const rpad = (text: string, length: number, fill = ' '): string =>
  sliceCharacters(text, 0, length) + padding(text, length, fill);

function position(text: string, part: string): number {
  const at = text.indexOf(part);
  return at < 0 ? 0 : isPlain(text) ? at + 1 : characterCount(text.slice(0, at)) + 1;
}

function splitPart(text: string, separator: string, field: number): string {
  if (field === 0) throw new SqlError('22023', 'field position must not be zero');
  if (separator === '') return field === 1 || field === -1 ? text : '';
  return text.split(separator).at(field > 0 ? field - 1 : field) ?? '';
}

function repeat(text: string, count: number): string {
  if (count <= 0) return '';
  if (text.length * count > LENGTH_MAX) throw tooLong();
  return text.repeat(count);
}

function trim(text: string, characters: string, fromLeft: boolean, fromRight: boolean): string {
  const set = new Set(characters);
  const all = [...text];
  let start = 0;
  let end = all.length;
  if (fromLeft) while (start < end && set.has(all[start]!)) start++;
  if (fromRight) while (end > start && set.has(all[end - 1]!)) end--;
  return start === 0 && end === all.length ? text : all.slice(start, end).join('');
}

function chr(code: number): string {
  if (code === 0) throw new SqlError('54000', 'null character not permitted');
  if (code < 0) throw new SqlError('22023', 'character number must be positive');
  if (code > 0x10ffff) throw new SqlError('54000', `requested character too large for encoding: ${code}`);
  if (code >= 0xd800 && code <= 0xdfff) {
    throw new SqlError('54000', `requested character not valid for encoding: ${code}`);
  }
  return String.fromCodePoint(code);
}

function translate(text: string, from: string, to: string): string {
  const target = [...to];
  const map = new Map<string, string>();
  for (const [i, c] of [...from].entries()) if (!map.has(c)) map.set(c, target[i] ?? '');
  return [...text].map((c) => map.get(c) ?? c).join('');
}

const replaceAll = (text: string, from: string, to: string): string =>
  from === '' ? text : text.split(from).join(to);

const md5 = (data: string | Uint8Array): string => createHash('md5').update(data).digest('hex');

const concat = (...parts: (string | null)[]): string => parts.filter((p) => p !== null).join('');
const concatWith = (separator: string | null, ...parts: (string | null)[]): string | null =>
  separator === null ? null : parts.filter((p) => p !== null).join(separator);

/** Words that PostgreSQL's quote_ident quotes are its keywords; we quote what is not a plain lower-case name. */
const quoteIdentifier = (name: string): string =>
  /^[a-z_][a-z0-9_]*$/.test(name) && !KEYWORDS.has(name) ? name : `"${name.replaceAll('"', '""')}"`;

/** Reserved words, and those that may not be column names. */
const KEYWORDS: ReadonlySet<string> = new Set(
  `all analyse analyze and any array as asc asymmetric authorization between bigint binary bit boolean both case cast
   char character check coalesce collate collation column concurrently constraint create cross current_catalog
   current_date current_role current_schema current_time current_timestamp current_user dec decimal default deferrable
   desc distinct do else end except exists extract false fetch float for foreign freeze from full grant greatest group
   grouping having ilike in initially inner inout int integer intersect interval into is isnull join json json_array
   json_arrayagg json_exists json_object json_objectagg json_query json_scalar json_serialize json_table json_value
   lateral leading least left like limit localtime localtimestamp merge_action national natural nchar none normalize not
   notnull null nullif numeric offset on only or order out outer overlaps overlay placing position precision primary
   real references returning right row select session_user setof similar smallint some substring symmetric system_user
   table tablesample then time timestamp to trailing treat trim true union unique user using values varchar variadic
   verbose when where window with xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi
   xmlroot xmlserialize xmltable`.split(/\s+/),
);

function quoteLiteral(text: string): string {
  const quoted = `'${text.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`;
  return text.includes('\\') ? `E${quoted}` : quoted;
}

const byteLength = (text: string): number => Buffer.byteLength(text);
const charLengthOfPadded = (text: string): number => characterCount(trimBlanks(text));

const LIKES: readonly Entry[] = (
  [
    ['~~', false, false],
    ['!~~', false, true],
    ['~~*', true, false],
    ['!~~*', true, true],
  ] as const
).flatMap(([symbol, ignoreCase, negated]) =>
  ['text', 'bpchar'].map(
    (type): Entry => [`${symbol}(${type},text)`, () => likeFunction(ignoreCase, negated)],
  ),
);

export const TEXT_FUNCTIONS: readonly Entry[] = [
  ...LIKES,
  ['like(text,text)', () => likeFunction(false, false)],
  ['notlike(text,text)', () => likeFunction(false, true)],
  pure('like_escape(text,text)', replaceEscape),
  pure('||(text,text)', (a: string, b: string) => a + b),
  ...pureAll(['length(text)', 'char_length(text)', 'character_length(text)'], characterCount),
  ...pureAll(['length(bpchar)', 'char_length(bpchar)', 'character_length(bpchar)'], charLengthOfPadded),
  ...pureAll(['octet_length(text)', 'octet_length(bpchar)'], byteLength),
  pure('bit_length(text)', (text: string) => byteLength(text) * 8),
  pure('lower(text)', lower),
  pure('upper(text)', upper),
  pure('initcap(text)', initcap),
  pure('reverse(text)', (text: string) => [...text].reverse().join('')),
  pure('btrim(text)', (text: string) => trim(text, ' ', true, true)),
  pure('ltrim(text)', (text: string) => trim(text, ' ', true, false)),
  pure('rtrim(text)', trimBlanks),
  pure('btrim(text,text)', (text: string, set: string) => trim(text, set, true, true)),
  pure('ltrim(text,text)', (text: string, set: string) => trim(text, set, true, false)),
  pure('rtrim(text,text)', (text: string, set: string) => trim(text, set, false, true)),
  ...pureAll(['substring(text,int4)', 'substr(text,int4)'], (text: string, start: number) =>
    substring(text, start, FROM_START),
  ),
  ...pureAll(['substring(text,int4,int4)', 'substr(text,int4,int4)'], substring),
  ...pureAll(['position(text,text)', 'strpos(text,text)'], position),
  ...pureAll(['overlay(text,text,int4)', 'overlay(text,text,int4,int4)'], overlay),
  pure('replace(text,text,text)', replaceAll),
  pure('translate(text,text,text)', translate),
  pure('split_part(text,text,int4)', splitPart),
  pure('left(text,int4)', left),
  pure('right(text,int4)', right),
  pure('repeat(text,int4)', repeat),
  ...pureAll(['lpad(text,int4)', 'lpad(text,int4,text)'], lpad),
  ...pureAll(['rpad(text,int4)', 'rpad(text,int4,text)'], rpad),
  ...pureAll(['md5(text)', 'md5(bytea)'], md5),
  ...pureAll(['starts_with(text,text)', '^@(text,text)'], (text: string, head: string) =>
    text.startsWith(head),
  ),
  pure('chr(int4)', chr),
  pure('ascii(text)', (text: string) => text.codePointAt(0) ?? 0),
  pure('to_hex(int4)', (value: number) => (value >>> 0).toString(16)),
  pure('to_hex(int8)', (value: bigint) => BigInt.asUintN(64, value).toString(16)),
  pure('quote_ident(text)', quoteIdentifier),
  pure('quote_literal(text)', quoteLiteral),
  pure('quote_nullable(text)', (text: string | null) => (text === null ? 'NULL' : quoteLiteral(text))),
  pure('concat(text)', concat),
  pure('concat_ws(text,text)', concatWith),
];
