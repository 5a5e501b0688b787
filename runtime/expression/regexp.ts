/** Compiled regular expressions: RE2 behind PostgreSQL's syntax, so that no pattern takes more than linear time. */
import { LRUCache } from 'lru-cache';
import { RE2JS } from 're2js';
import { SqlError } from '../../common/sql-error.ts';
import { invalidRegexp, type RegexpOptions, translateRegexp } from './regexp-translate.ts';

export type Regexp = Readonly<{
  test: (text: string) => boolean;
  /** Offsets in UTF-16 units: whole match, then each group; −1 where a group took no part. From `start` on. */
  find: (text: string, start: number) => readonly (readonly [number, number])[] | null;
  groups: number;
  /** Throws where the text of the groups would not be one answer. */
  checkGroups: () => void;
}>;

/** `literal`: the pattern is plain text. */
export type RegexpFlags = RegexpOptions & Readonly<{ global: boolean; literal: boolean }>;

const REGEXPS_MAX = 500;
const regexps = new LRUCache<string, Regexp>({ max: REGEXPS_MAX });

const PLAIN: RegexpFlags = {
  ignoreCase: false,
  newlineStops: false,
  newlineAnchors: false,
  global: false,
  literal: false,
};

/** The flags of regexp_replace and its kin; 22023 for a letter that is none. */
export function parseFlags(text: string, allowGlobal: boolean, functionName: string): RegexpFlags {
  let { ignoreCase, newlineStops, newlineAnchors, global, literal } = PLAIN;
  for (const letter of text) {
    if (letter === 'g') global = true;
    else if (letter === 'i') ignoreCase = true;
    else if (letter === 'c') ignoreCase = false;
    else if (letter === 'm' || letter === 'n') newlineStops = newlineAnchors = true;
    else if (letter === 's') newlineStops = newlineAnchors = false;
    else if (letter === 'p') [newlineStops, newlineAnchors] = [true, false];
    else if (letter === 'w') [newlineStops, newlineAnchors] = [false, true];
    else if (letter === 'q') literal = true;
    else if ('bext'.includes(letter)) {
      if (letter === 't') continue;
      throw new SqlError('0A000', `regular expression option "${letter}" is not supported`);
    } else throw new SqlError('22023', `invalid regular expression option: "${letter}"`);
  }
  if (global && !allowGlobal) {
    throw new SqlError('22023', `${functionName} does not support the "global" option`);
  }
  return { ignoreCase, newlineStops, newlineAnchors, global, literal };
}

/**
 * `extracts`: the place of the match matters, not only whether there is one. PostgreSQL then prefers the longest or
 * the shortest match as a whole; patterns where RE2 would choose another are refused.
 */
export function regexpFor(source: string, options: RegexpFlags, extracts: boolean): Regexp {
  const { ignoreCase, newlineStops, newlineAnchors, literal } = options;
  const pattern = literal ? `***=${source}` : source;
  const key = `${ignoreCase}${newlineStops}${newlineAnchors}${extracts}${pattern}`;
  let regexp = regexps.get(key);
  if (regexp === undefined) {
    regexp = compile(pattern, options, extracts);
    regexps.set(key, regexp);
  }
  return regexp;
}

function compile(pattern: string, options: RegexpOptions, extracts: boolean): Regexp {
  const translated = translateRegexp(pattern, options);
  if (extracts && translated.lazy && (translated.greedy || translated.alternatives)) {
    throw invalidRegexp(
      'non-greedy quantifiers beside greedy ones or alternatives are not supported here',
      'Use quantifiers of one kind, or a bracket expression such as [^,]* instead of .*?',
    );
  }
  const longest = translated.lazy ? 0 : RE2JS.LONGEST_MATCH;
  const flags = (translated.ignoreCase ? RE2JS.CASE_INSENSITIVE : 0) | (extracts ? longest : 0);
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(translated.text, flags);
  } catch (error) {
    const detail =
      error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : String(error);
    throw invalidRegexp(detail);
  }
  const groups = compiled.matcher('').groupCount();
  return {
    groups,
    checkGroups: () => {
      if (!translated.ambiguousGroups) return;
      throw invalidRegexp(
        'the text of a repeated group of variable length is not supported',
        'Put the repetition inside the parentheses, or use (?:…) where the text is not needed.',
      );
    },
    test: (text) => compiled.matcher(text).find(),
    find: (text, start) => {
      const matcher = compiled.matcher(text);
      if (!matcher.find(start)) return null;
      const ranges: (readonly [number, number])[] = [];
      for (let group = 0; group <= groups; group++) ranges.push([matcher.start(group), matcher.end(group)]);
      return ranges;
    },
  };
}

/** ~ ~* !~ !~*; remembers the last pattern. */
export function matchFunction(
  ignoreCase: boolean,
  negated: boolean,
): (text: string, pattern: string) => boolean {
  const options = { ...PLAIN, ignoreCase };
  let lastPattern: string | null = null;
  let regexp: Regexp | null = null;
  return (text, pattern) => {
    if (pattern !== lastPattern || regexp === null) {
      regexp = regexpFor(pattern, options, false);
      lastPattern = pattern;
    }
    return regexp.test(text) !== negated;
  };
}

/** All matches from `start` on, as regexp_replace with g walks: an empty match moves one character on. */
export function* allMatches(
  regexp: Regexp,
  text: string,
  start: number,
): Generator<readonly (readonly [number, number])[]> {
  let at = start;
  while (at <= text.length) {
    const match = regexp.find(text, at);
    if (match === null) return;
    yield match;
    const [from, to] = match[0]!;
    if (to > from) {
      at = to;
      continue;
    }
    const code = text.codePointAt(to);
    at = to + (code !== undefined && code > 0xffff ? 2 : 1);
  }
}
