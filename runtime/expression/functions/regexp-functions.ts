/** Functions of regular expressions: ~, regexp_replace, regexp_match, substring(text, pattern) and their kin. */
import { SqlError } from '../../../common/sql-error.ts';
import { isPlain } from '../../../common/text.ts';
import { type Entry, pure } from '../implementation.ts';
import {
  allMatches,
  matchFunction,
  parseFlags,
  type Regexp,
  type RegexpFlags,
  regexpFor,
} from '../regexp.ts';

type Match = readonly (readonly [number, number])[];

const flagsOf = (text: string, name: string): RegexpFlags => parseFlags(text, true, name);

/** The text of a group; null where it took no part. */
function group(text: string, match: Match, index: number): string | null {
  const range = match[index];
  return range === undefined || range[0] < 0 ? null : text.slice(range[0], range[1]);
}

/** `\1` to `\9`, `\&`, `\\`; another character after a backslash stays with it. */
function expand(regexp: Regexp, replacement: string, text: string, match: Match): string {
  if (!replacement.includes('\\')) return replacement;
  if (/\\[1-9]/.test(replacement)) regexp.checkGroups();
  return replacement.replace(/\\(.?)/gs, (whole, c: string) => {
    if (c === '&') return group(text, match, 0) ?? '';
    if (c >= '1' && c <= '9') return group(text, match, Number(c)) ?? '';
    return c === '\\' ? '\\' : whole;
  });
}

/** The offset in UTF-16 units of character number `position` (from 1). */
function offsetOf(text: string, position: number): number {
  if (isPlain(text)) return Math.min(position - 1, text.length + 1);
  const head = [...text].slice(0, position - 1);
  return position - 1 > head.length ? text.length + 1 : head.join('').length;
}

function positive(value: number, parameter: string): void {
  if (value < 1) throw new SqlError('22023', `invalid value for parameter "${parameter}": ${value}`);
}

/** Replaces occurrence number `nth` (0: all) from `position` on. */
function replace(
  text: string,
  pattern: string,
  replacement: string,
  position: number,
  nth: number,
  flags: RegexpFlags,
): string {
  const regexp = regexpFor(pattern, flags, true);
  let out = '';
  let from = 0;
  let count = 0;
  for (const match of allMatches(regexp, text, offsetOf(text, position))) {
    count++;
    if (nth !== 0 && count < nth) continue;
    const [start, end] = match[0]!;
    out += text.slice(from, start) + expand(regexp, replacement, text, match);
    from = end;
    if (nth !== 0) break;
  }
  return out + text.slice(from);
}

function replaceFlags(text: string, pattern: string, replacement: string, flags: string): string {
  if (/^\d/.test(flags)) {
    throw new SqlError('22023', `invalid regular expression option: "${flags[0]}"`, {
      hint: 'If you meant to use regexp_replace() with a start parameter, cast the fourth argument to integer explicitly.',
    });
  }
  const parsed = flagsOf(flags, 'regexp_replace()');
  return replace(text, pattern, replacement, 1, parsed.global ? 0 : 1, parsed);
}

function replaceFrom(
  text: string,
  pattern: string,
  replacement: string,
  position: number,
  nth: number | null,
  flags: string,
): string {
  positive(position, 'start');
  if (nth !== null && nth < 0) throw new SqlError('22023', `invalid value for parameter "n": ${nth}`);
  const parsed = flagsOf(flags, 'regexp_replace()');
  return replace(text, pattern, replacement, position, nth ?? (parsed.global ? 0 : 1), parsed);
}

/** The groups of the first match, or the match where there are none. */
function firstMatch(text: string, pattern: string, flags: string): readonly (string | null)[] | null {
  const regexp = regexpFor(pattern, parseFlagsOf('regexp_match()', flags), true);
  const match = regexp.find(text, 0);
  return match === null ? null : groupsOf(text, match, regexp);
}

function parseFlagsOf(name: string, flags: string): RegexpFlags {
  if (flags.includes('g')) {
    throw new SqlError('22023', `${name} does not support the "global" option`, {
      hint: name === 'regexp_match()' ? 'Use the regexp_matches function instead.' : undefined,
    });
  }
  return flagsOf(flags, name);
}

function groupsOf(text: string, match: Match, regexp: Regexp): readonly (string | null)[] {
  if (regexp.groups === 0) return [group(text, match, 0)];
  regexp.checkGroups();
  return match.slice(1).map((_, i) => group(text, match, i + 1));
}

/** The first group, or the whole match. */
function substringOf(text: string, pattern: string): string | null {
  const regexp = regexpFor(pattern, flagsOf('', 'substring()'), true);
  const match = regexp.find(text, 0);
  if (match !== null && regexp.groups > 0) regexp.checkGroups();
  return match === null ? null : group(text, match, regexp.groups === 0 ? 0 : 1);
}

function split(text: string, pattern: string, flags: string): readonly string[] {
  const regexp = regexpFor(pattern, parseFlagsOf('regexp_split_to_array()', flags), true);
  const parts: string[] = [];
  let from = 0;
  for (const match of allMatches(regexp, text, 0)) {
    const [start, end] = match[0]!;
    // Empty matches at the ends and right after the last match do not split.
    if (end === start && (start === from || start >= text.length)) continue;
    parts.push(text.slice(from, start));
    from = end;
  }
  parts.push(text.slice(from));
  return parts;
}

function count(text: string, pattern: string, position: number, flags: string): number {
  positive(position, 'start');
  const regexp = regexpFor(pattern, parseFlagsOf('regexp_count()', flags), true);
  let found = 0;
  for (const _ of allMatches(regexp, text, offsetOf(text, position))) found++;
  return found;
}

function substringNth(
  text: string,
  pattern: string,
  position: number,
  nth: number,
  flags: string,
  groupIndex: number,
): string | null {
  positive(position, 'start');
  positive(nth, 'n');
  if (groupIndex < 0) throw new SqlError('22023', `invalid value for parameter "subexpr": ${groupIndex}`);
  const regexp = regexpFor(pattern, parseFlagsOf('regexp_substr()', flags), true);
  let seen = 0;
  for (const match of allMatches(regexp, text, offsetOf(text, position))) {
    seen++;
    if (seen === nth && groupIndex > 0) regexp.checkGroups();
    // Without groups the whole match counts as the only one.
    if (seen === nth) return group(text, match, regexp.groups === 0 && groupIndex === 1 ? 0 : groupIndex);
  }
  return null;
}

const MATCHES: readonly Entry[] = (
  [
    ['~', false, false],
    ['~*', true, false],
    ['!~', false, true],
    ['!~*', true, true],
  ] as const
).flatMap(([symbol, ignoreCase, negated]) =>
  ['text', 'bpchar'].map(
    (type): Entry => [`${symbol}(${type},text)`, () => matchFunction(ignoreCase, negated)],
  ),
);

export const REGEXP_FUNCTIONS: readonly Entry[] = [
  ...MATCHES,
  pure('regexp_replace(text,text,text)', (t: string, p: string, r: string) => replaceFlags(t, p, r, '')),
  pure('regexp_replace(text,text,text,text)', replaceFlags),
  pure('regexp_replace(text,text,text,int4)', (t: string, p: string, r: string, at: number) =>
    replaceFrom(t, p, r, at, null, ''),
  ),
  pure('regexp_replace(text,text,text,int4,int4)', (t: string, p: string, r: string, at: number, n: number) =>
    replaceFrom(t, p, r, at, n, ''),
  ),
  pure('regexp_replace(text,text,text,int4,int4,text)', replaceFrom),
  pure('regexp_match(text,text)', (t: string, p: string) => firstMatch(t, p, '')),
  pure('regexp_match(text,text,text)', firstMatch),
  pure('regexp_like(text,text)', (t: string, p: string) => regexpFor(p, flagsOf('', ''), false).test(t)),
  pure('regexp_like(text,text,text)', (t: string, p: string, flags: string) =>
    regexpFor(p, parseFlagsOf('regexp_like()', flags), false).test(t),
  ),
  pure('regexp_split_to_array(text,text)', (t: string, p: string) => split(t, p, '')),
  pure('regexp_split_to_array(text,text,text)', split),
  pure('regexp_count(text,text)', (t: string, p: string) => count(t, p, 1, '')),
  pure('regexp_count(text,text,int4)', (t: string, p: string, at: number) => count(t, p, at, '')),
  pure('regexp_count(text,text,int4,text)', count),
  pure('regexp_substr(text,text)', (t: string, p: string) => substringNth(t, p, 1, 1, '', 0)),
  pure('regexp_substr(text,text,int4)', (t: string, p: string, at: number) =>
    substringNth(t, p, at, 1, '', 0),
  ),
  pure('regexp_substr(text,text,int4,int4)', (t: string, p: string, at: number, n: number) =>
    substringNth(t, p, at, n, '', 0),
  ),
  pure(
    'regexp_substr(text,text,int4,int4,text)',
    (t: string, p: string, at: number, n: number, flags: string) => substringNth(t, p, at, n, flags, 0),
  ),
  pure('regexp_substr(text,text,int4,int4,text,int4)', substringNth),
  pure('substring(text,text)', substringOf),
  pure('substring(text,text,text)', (t: string, p: string, escapeText: string) =>
    substringOf(t, similarPattern(p, escapeText)),
  ),
  pure('similar_to_escape(text)', (p: string) => similarPattern(p, '\\')),
  pure('similar_to_escape(text,text)', similarPattern),
];

/** SIMILAR TO's pattern as a regular expression anchored at both ends. */
function similarPattern(pattern: string, escapeText: string): string {
  if ([...escapeText].length > 1) {
    throw new SqlError('22025', 'invalid escape string', {
      hint: 'Escape string must be empty or one character.',
    });
  }
  let out = '^(?:';
  let inBracket = false;
  const characters = [...pattern];
  for (let i = 0; i < characters.length; i++) {
    const c = characters[i]!;
    if (c === escapeText) {
      const next = characters[++i];
      if (next === '"') {
        throw new SqlError('0A000', 'SQL regular expression separators are not supported', {
          hint: 'Use substring(text from pattern) with a POSIX regular expression.',
        });
      }
      if (next !== undefined) out += `\\${next}`;
    } else if (inBracket) {
      if (c === '\\') out += '\\';
      out += c;
      if (c === ']') inBracket = false;
    } else if (c === '[') {
      out += c;
      inBracket = true;
    } else if (c === '%') out += '.*';
    else if (c === '_') out += '.';
    else if (c === '(') out += '(?:';
    else if ('\\.^$'.includes(c)) out += `\\${c}`;
    else out += c;
  }
  return `${out})$`;
}
