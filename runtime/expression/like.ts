/**
 * LIKE: `%` any characters, `_` one, `\` takes the next as it is. A pattern is compiled to the segments between its
 * `%`; the first is anchored at the start, the last at the end, and each of the others is found at the first place
 * after the one before it.
 */
import { LRUCache } from 'lru-cache';
import { SqlError } from '../../common/sql-error.ts';
import { lower } from './functions/letter-case.ts';

export type LikeMatcher = (text: string) => boolean;

/** null stands for `_`. */
type Segment = readonly (string | null)[];

const MATCHERS_MAX = 1000;
const matchers = new LRUCache<string, LikeMatcher>({ max: MATCHERS_MAX });

type Pattern = Readonly<{ segments: readonly Segment[]; endsWithEscape: boolean }>;

function readPattern(pattern: string): Pattern {
  const segments: (string | null)[][] = [[]];
  const characters = [...pattern];
  for (let i = 0; i < characters.length; i++) {
    const c = characters[i]!;
    if (c === '%') segments.push([]);
    else if (c === '_') segments.at(-1)!.push(null);
    else if (c !== '\\') segments.at(-1)!.push(c);
    else if (i + 1 < characters.length) segments.at(-1)!.push(characters[++i]!);
    else return { segments, endsWithEscape: true };
  }
  return { segments, endsWithEscape: false };
}

const isLiteral = (segment: Segment): boolean => !segment.includes(null);

/** Patterns without `_` and with `%` at the ends only are string searches. */
function literalMatcher(segments: readonly Segment[]): LikeMatcher | null {
  if (!segments.every(isLiteral)) return null;
  const [first = '', ...rest] = segments.map((segment) => segment.join(''));
  const last = rest.pop();
  if (last === undefined) return (text) => text === first;
  if (rest.length === 0 && last === '') return first === '' ? () => true : (text) => text.startsWith(first);
  if (rest.length === 0 && first === '') return (text) => text.endsWith(last);
  if (rest.length === 1 && first === '' && last === '') {
    const middle = rest[0]!;
    return (text) => text.includes(middle);
  }
  return (text) => {
    if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last))
      return false;
    const end = text.length - last.length;
    let at = first.length;
    for (const part of rest) {
      const found = text.indexOf(part, at);
      if (found < 0 || found + part.length > end) return false;
      at = found + part.length;
    }
    return true;
  };
}

function matchesAt(text: readonly string[], at: number, segment: Segment): boolean {
  for (let i = 0; i < segment.length; i++) {
    const wanted = segment[i];
    if (wanted !== null && wanted !== text[at + i]) return false;
  }
  return true;
}

function characterMatcher(segments: readonly Segment[]): LikeMatcher {
  const first = segments[0]!;
  const last = segments.at(-1)!;
  const middle = segments.slice(1, -1).filter((segment) => segment.length > 0);
  return (source) => {
    const text = [...source];
    if (segments.length === 1) return text.length === first.length && matchesAt(text, 0, first);
    const end = text.length - last.length;
    if (end < first.length || !matchesAt(text, 0, first) || !matchesAt(text, end, last)) return false;
    let at = first.length;
    for (const segment of middle) {
      while (at + segment.length <= end && !matchesAt(text, at, segment)) at++;
      if (at + segment.length > end) return false;
      at += segment.length;
    }
    return true;
  };
}

/**
 * The pattern of the texts with which PostgreSQL notices a lone escape character at the end: those that have
 * something left where it stands, or, after `%` and `_` alone, where the first of these `%` does.
 */
function reachingEscape(segments: readonly Segment[]): readonly Segment[] {
  let run = segments.length;
  while (run > 1 && segments[run - 1]!.every((c) => c === null)) run--;
  if (run === segments.length) return [...segments.slice(0, -1), [...segments.at(-1)!, null], []];
  const skipped = segments.slice(run).flat().length;
  return [...segments.slice(0, run), new Array<null>(Math.max(skipped, 1)).fill(null), []];
}

function compilePattern(pattern: string): LikeMatcher {
  const { segments, endsWithEscape } = readPattern(pattern);
  if (endsWithEscape) {
    const reaches = characterMatcher(reachingEscape(segments));
    return (text) => {
      if (!reaches(text)) return false;
      throw new SqlError('22025', 'LIKE pattern must not end with escape character');
    };
  }
  return literalMatcher(segments) ?? characterMatcher(segments);
}

function matcherFor(pattern: string): LikeMatcher {
  let matcher = matchers.get(pattern);
  if (matcher === undefined) {
    matcher = compilePattern(pattern);
    matchers.set(pattern, matcher);
  }
  return matcher;
}

/** Remembers the last pattern: a constant one is looked up once. */
export function likeFunction(
  ignoreCase: boolean,
  negated: boolean,
): (text: string, pattern: string) => boolean {
  let lastPattern: string | null = null;
  let matcher: LikeMatcher = () => false;
  return (text, pattern) => {
    if (pattern !== lastPattern) {
      matcher = matcherFor(ignoreCase ? lower(pattern) : pattern);
      lastPattern = pattern;
    }
    return matcher(ignoreCase ? lower(text) : text) !== negated;
  };
}

/** LIKE … ESCAPE e: the same pattern with `\` as its escape character. */
export function replaceEscape(pattern: string, escapeText: string): string {
  if (escapeText === '\\') return pattern;
  if ([...escapeText].length > 1) {
    throw new SqlError('22025', 'invalid escape string', {
      hint: 'Escape string must be empty or one character.',
    });
  }
  let out = '';
  let escaped = false;
  for (const c of pattern) {
    if (c === escapeText && !escaped) {
      out += '\\';
      escaped = true;
    } else {
      out += c === '\\' && !escaped ? '\\\\' : c;
      escaped = false;
    }
  }
  return out;
}
