/**
 * PostgreSQL's advanced regular expressions → RE2's syntax. What RE2 has no equal of is refused (2201B): back
 * references, look-around, word-start and word-end. Anything that both read alike goes through unchanged.
 */
import { SqlError } from '../../common/sql-error.ts';

export type RegexpOptions = Readonly<{
  ignoreCase: boolean;
  /** `.` and [^…] stop at newlines. */
  newlineStops: boolean;
  /** ^ and $ match at newlines. */
  newlineAnchors: boolean;
}>;

export type TranslatedRegexp = Readonly<{
  text: string;
  ignoreCase: boolean;
  /** Has quantifiers that prefer short matches, prefer long ones, has alternatives. */
  lazy: boolean;
  greedy: boolean;
  alternatives: boolean;
  /** A group that is repeated has turns of different length: which turn its text comes from is not one answer. */
  ambiguousGroups: boolean;
}>;

const CLASSES: Readonly<Record<string, string>> = {
  d: '0-9',
  w: '\\p{L}\\p{N}_',
  s: '\\t\\n\\v\\f\\r\\x20\\x{85}\\x{2000}-\\x{2006}\\x{2008}-\\x{200a}\\x{2028}\\x{2029}\\x{205f}\\x{3000}',
};

const POSIX_CLASSES: Readonly<Record<string, string>> = {
  alpha: '\\p{L}',
  alnum: '\\p{L}\\p{N}',
  upper: '\\p{Lu}',
  lower: '\\p{Ll}',
  digit: '0-9',
  xdigit: '0-9A-Fa-f',
  space: CLASSES['s']!,
  blank: '\\t\\x20',
  punct: '!-/:-@\\[-`{-~',
  cntrl: '\\x00-\\x1f\\x7f',
  word: CLASSES['w']!,
};

const LETTER_ESCAPES: Readonly<Record<string, string>> = {
  a: '\\x07',
  b: '\\x08',
  e: '\\x1b',
  f: '\\f',
  n: '\\n',
  r: '\\r',
  t: '\\t',
  v: '\\v',
  B: '\\\\',
  A: '\\A',
  Z: '\\z',
  y: '\\b',
  Y: '\\B',
};

export function invalidRegexp(detail: string, hint?: string): SqlError {
  return new SqlError('2201B', `invalid regular expression: ${detail}`, hint === undefined ? {} : { hint });
}

const unsupported = (what: string): SqlError =>
  invalidRegexp(
    `${what} not supported`,
    'Regular expressions run in linear time; write it without this construct.',
  );

const literalCode = (code: number): string => {
  if (code > 0x10ffff) throw invalidRegexp('invalid escape \\ sequence');
  return `\\x{${code.toString(16)}}`;
};

/** Lengths of what one alternative, or the atom before a quantifier, can match; and whether a group is kept in it. */
type Span = { min: number; max: number; captures: boolean };
type Frame = { capturing: boolean; branch: Span; whole: Span | null; atom: Span };

const emptySpan = (): Span => ({ min: 0, max: 0, captures: false });
const newFrame = (capturing: boolean): Frame => ({
  capturing,
  branch: emptySpan(),
  whole: null,
  atom: emptySpan(),
});

/** The atom before is complete: it joins its alternative. */
function endAtom(frame: Frame): void {
  frame.branch.min += frame.atom.min;
  frame.branch.max += frame.atom.max;
  frame.branch.captures ||= frame.atom.captures;
  frame.atom = emptySpan();
}

function endBranch(frame: Frame): Span {
  endAtom(frame);
  const { branch, whole } = frame;
  frame.whole =
    whole === null
      ? branch
      : {
          min: Math.min(whole.min, branch.min),
          max: Math.max(whole.max, branch.max),
          captures: whole.captures || branch.captures,
        };
  frame.branch = emptySpan();
  return frame.whole;
}

class Translator {
  readonly #source: string;
  readonly #options: RegexpOptions;
  #at = 0;
  readonly #frames: Frame[] = [newFrame(false)];
  ambiguousGroups = false;
  lazy = false;
  greedy = false;
  alternatives = false;

  constructor(source: string, options: RegexpOptions) {
    this.#source = source;
    this.#options = options;
  }

  translate(): string {
    let out = '';
    while (this.#at < this.#source.length) out += this.#next();
    if (this.#frames.length > 1) throw invalidRegexp('parentheses () not balanced');
    return out;
  }

  #frame(): Frame {
    return this.#frames.at(-1)!;
  }

  #atom(length: number): void {
    endAtom(this.#frame());
    this.#frame().atom = { min: length, max: length, captures: false };
  }

  #repeat(low: number, high: number): void {
    const { atom } = this.#frame();
    // several turns, or alternatives in a group that may be left out: which text the group gets is not one answer
    if (atom.captures && atom.min !== atom.max && (high > 1 || this.alternatives))
      this.ambiguousGroups = true;
    atom.min *= low;
    atom.max = atom.max === 0 ? 0 : atom.max * high;
  }

  #next(): string {
    const c = this.#source[this.#at]!;
    switch (c) {
      case '\\':
        this.#atom(/[AZyY]/.test(this.#source[this.#at + 1] ?? '') ? 0 : 1);
        return this.#escape(false);
      case '[':
        this.#atom(1);
        return this.#bracket();
      case '(':
        return this.#group();
      case ')':
        if (this.#frames.length === 1) throw invalidRegexp('parentheses () not balanced');
        this.#closeGroup();
        this.#at++;
        return c;
      case '|':
        this.alternatives = true;
        endBranch(this.#frame());
        this.#at++;
        return c;
      case '.':
        this.#atom(1);
        this.#at++;
        return this.#options.newlineStops ? '[^\\n]' : '(?s:.)';
      case '^':
        this.#atom(0);
        this.#at++;
        return this.#options.newlineAnchors ? '(?m:^)' : '\\A';
      case '$':
        this.#atom(0);
        this.#at++;
        return this.#options.newlineAnchors ? '(?m:$)' : '\\z';
      case '*':
      case '+':
      case '?':
        this.#repeat(c === '+' ? 1 : 0, c === '?' ? 1 : Number.POSITIVE_INFINITY);
        this.#at++;
        return c + this.#preference();
      case '{':
        return this.#bound();
      default:
        this.#atom(1);
        this.#at++;
        return c;
    }
  }

  #closeGroup(): void {
    const { capturing, ...frame } = this.#frames.pop()!;
    const whole = endBranch({ capturing, ...frame });
    endAtom(this.#frame());
    this.#frame().atom = { ...whole, captures: whole.captures || capturing };
  }

  /** `?` after a quantifier; a further quantifier is PostgreSQL's error. */
  #preference(): string {
    const short = this.#source[this.#at] === '?';
    if (short) {
      this.#at++;
      this.lazy = true;
    } else this.greedy = true;
    if (/[*+?]/.test(this.#source[this.#at] ?? '')) throw invalidRegexp('quantifier operand invalid');
    return short ? '?' : '';
  }

  #bound(): string {
    const rest = this.#source.slice(this.#at);
    const match = /^\{(\d+)(,(\d*))?\}/.exec(rest);
    if (match === null) {
      // A brace that no digit follows is an ordinary character.
      if (/^\{\d/.test(rest)) throw invalidRegexp('invalid repetition count(s)');
      this.#atom(1);
      this.#at++;
      return '\\{';
    }
    const [low, high] = [
      Number(match[1]),
      match[3] === undefined || match[3] === '' ? null : Number(match[3]),
    ];
    if (low > 255 || (high !== null && (high > 255 || high < low))) {
      throw invalidRegexp('invalid repetition count(s)');
    }
    this.#repeat(low, match[2] === undefined ? low : (high ?? Number.POSITIVE_INFINITY));
    this.#at += match[0].length;
    return match[0] + this.#preference();
  }

  #group(): string {
    if (this.#source[this.#at + 1] !== '?') {
      this.#frames.push(newFrame(true));
      this.#at++;
      return '(';
    }
    if (this.#source[this.#at + 2] === ':') {
      this.#frames.push(newFrame(false));
      this.#at += 3;
      return '(?:';
    }
    if (/^\(\?<?[=!]/.test(this.#source.slice(this.#at))) throw unsupported('look-around is');
    throw invalidRegexp('quantifier operand invalid');
  }

  #escape(inBracket: boolean): string {
    const c = this.#source[this.#at + 1];
    if (c === undefined) throw invalidRegexp('invalid escape \\ sequence');
    if (!/[A-Za-z0-9]/.test(c)) {
      const code = this.#source.codePointAt(this.#at + 1)!;
      this.#at += code > 0xffff ? 3 : 2;
      return literalCode(code);
    }
    const klass = CLASSES[c.toLowerCase()];
    if (klass !== undefined) {
      this.#at += 2;
      const negated = c !== c.toLowerCase();
      if (!inBracket) return `[${negated ? '^' : ''}${klass}]`;
      if (negated) throw unsupported(`\\${c} inside a bracket expression is`);
      return klass;
    }
    if (/[1-9]/.test(c) && !inBracket) throw unsupported('back-references are');
    if (c === 'm' || c === 'M') throw unsupported(`\\${c} is`);
    const numeric = /^\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]+)|0([0-7]{0,2})|c(.))/.exec(
      this.#source.slice(this.#at),
    );
    if (numeric !== null) {
      this.#at += numeric[0].length;
      const [, u, upper, x, octal, control] = numeric;
      const hex = u ?? upper ?? x;
      if (hex !== undefined) return literalCode(Number.parseInt(hex, 16));
      if (control !== undefined) return literalCode(control.charCodeAt(0) & 31);
      return literalCode(Number.parseInt(octal === undefined || octal === '' ? '0' : octal, 8));
    }
    const letter = Object.hasOwn(LETTER_ESCAPES, c) ? LETTER_ESCAPES[c] : undefined;
    if (letter === undefined || (inBracket && /[AZyY]/.test(c)))
      throw invalidRegexp('invalid escape \\ sequence');
    this.#at += 2;
    return letter;
  }

  #bracket(): string {
    const rest = this.#source.slice(this.#at);
    if (rest.startsWith('[[:<:]]') || rest.startsWith('[[:>:]]')) throw unsupported('[[:<:]] is');
    let at = this.#at + 1;
    let out = '[';
    const negated = this.#source[at] === '^';
    if (negated) {
      out += '^';
      at++;
      if (this.#options.newlineStops) out += '\\n';
    }
    this.#at = at;
    for (let first = true; ; first = false) {
      const c = this.#source[this.#at];
      if (c === undefined) throw invalidRegexp('brackets [] not balanced');
      if (c === ']' && !first) break;
      out += this.#bracketItem(c);
    }
    this.#at++;
    return `${out}]`;
  }

  #bracketItem(c: string): string {
    if (c === '\\') return this.#escape(true);
    if (c === '-') {
      this.#at++;
      const ends = this.#source[this.#at] === ']' || '[^'.includes(this.#source[this.#at - 2] ?? '');
      return ends ? '\\-' : '-';
    }
    if (c === '[') {
      const named = /^\[:(\w+):\]/.exec(this.#source.slice(this.#at));
      if (named !== null) {
        const klass = Object.hasOwn(POSIX_CLASSES, named[1]!) ? POSIX_CLASSES[named[1]!] : undefined;
        if (klass === undefined) throw invalidRegexp('invalid character class');
        this.#at += named[0].length;
        return klass;
      }
      if (/^\[[.=]/.test(this.#source.slice(this.#at))) throw unsupported('collating elements are');
    }
    const code = this.#source.codePointAt(this.#at)!;
    this.#at += code > 0xffff ? 2 : 1;
    return /[A-Za-z0-9]/.test(c) ? c : literalCode(code);
  }
}

/** Reads the prefixes `***=`, `***:` and `(?i)`, then the expression. */
export function translateRegexp(source: string, options: RegexpOptions): TranslatedRegexp {
  let { ignoreCase, newlineStops, newlineAnchors } = options;
  if (source.startsWith('***=')) {
    const text = [...source.slice(4)].map((c) => literalCode(c.codePointAt(0)!)).join('');
    return { text, ignoreCase, lazy: false, greedy: true, alternatives: false, ambiguousGroups: false };
  }
  let body = source.startsWith('***:') ? source.slice(4) : source;
  if (body.startsWith('***')) throw invalidRegexp('quantifier operand invalid');
  const embedded = /^\(\?([a-z]+)\)/.exec(body);
  if (embedded !== null) {
    body = body.slice(embedded[0].length);
    for (const letter of embedded[1]!) {
      if (letter === 'i') ignoreCase = true;
      else if (letter === 'c') ignoreCase = false;
      else if (letter === 'n' || letter === 'm') newlineStops = newlineAnchors = true;
      else if (letter === 'p') newlineStops = true;
      else if (letter === 'w') newlineAnchors = true;
      else if (letter === 's') newlineStops = newlineAnchors = false;
      else if (letter !== 't') throw unsupported(`the embedded option "${letter}" is`);
    }
  }
  const translator = new Translator(body, { ignoreCase, newlineStops, newlineAnchors });
  const text = translator.translate();
  const { lazy, greedy, alternatives, ambiguousGroups } = translator;
  return { text, ignoreCase, lazy, greedy, alternatives, ambiguousGroups };
}
