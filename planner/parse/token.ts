/**
 * The lexical rules of PostgreSQL (its manual, section 4.1), as far as finding clauses needs them: where words,
 * strings and parentheses are, in UTF-16 offsets. What is malformed becomes one `broken` token to the end of the text:
 * the grammar then words the error.
 */
export type TokenKind = 'word' | 'quoted' | 'string' | 'number' | 'param' | 'symbol' | 'broken';

export type Token = Readonly<{
  kind: TokenKind;
  start: number;
  end: number;
  /** word: folded to lower case; quoted and string: decoded; else as written. */
  value: string;
}>;

const SPACE = /(?:\s+|--[^\n\r]*)+/y;
const WORD = /[A-Za-z_\u0080-\uffff][A-Za-z0-9_$\u0080-\uffff]*/y;
const NUMBER =
  /0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9]+)?/y;
const PARAM = /\$[0-9]+/y;
const DOLLAR_TAG = /\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$/y;
const STRING_PREFIX = /[eEbBxXnN]'|[uU]&['"]/y;
const OPERATOR = /[-+*/<>=~!@#%^&|`?]+/y;

function match(pattern: RegExp, text: string, at: number): string | null {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? null;
}

/** PostgreSQL folds ASCII letters only. */
const fold = (word: string): string => word.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());

function quotedEnd(text: string, at: number, quote: string, backslashes: boolean): number {
  for (let i = at; i < text.length; i++) {
    const c = text[i];
    if (backslashes && c === '\\') i++;
    else if (c === quote) {
      if (text[i + 1] !== quote) return i + 1;
      i++;
    }
  }
  return -1;
}

function commentEnd(text: string, at: number): number {
  let depth = 0;
  for (let i = at; i < text.length; i++) {
    if (text.startsWith('/*', i)) {
      depth++;
      i++;
    } else if (text.startsWith('*/', i)) {
      depth--;
      i++;
      if (depth === 0) return i + 1;
    }
  }
  return -1;
}

function operatorEnd(at: number, run: string): number {
  const comment = /--|\/\*/.exec(run);
  return at + (comment === null ? run.length : Math.max(comment.index, 1));
}

/** All tokens of the text, comments left out. */
export function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const push = (kind: TokenKind, end: number, value: string): void => {
    tokens.push({ kind, start: at, end, value });
    at = end;
  };
  const pushQuoted = (kind: 'quoted' | 'string', open: number, quote: string, backslashes: boolean): void => {
    const end = quotedEnd(text, open, quote, backslashes);
    if (end < 0) push('broken', text.length, text.slice(at));
    else push(kind, end, text.slice(open, end - 1).replaceAll(quote + quote, quote));
  };
  while (at < text.length) {
    const space = match(SPACE, text, at);
    if (space !== null) {
      at += space.length;
      continue;
    }
    const c = text[at] ?? '';
    if (text.startsWith('/*', at)) {
      const end = commentEnd(text, at);
      if (end < 0) push('broken', text.length, text.slice(at));
      else at = end;
      continue;
    }
    const prefix = match(STRING_PREFIX, text, at);
    if (prefix !== null) {
      const quote = prefix.endsWith('"') ? '"' : "'";
      pushQuoted(quote === '"' ? 'quoted' : 'string', at + prefix.length, quote, /^e/i.test(prefix));
    } else if (c === "'") pushQuoted('string', at + 1, "'", false);
    else if (c === '"') pushQuoted('quoted', at + 1, '"', false);
    else if (c === '$') {
      const token = dollarToken(text, at);
      push(token.kind, token.end, token.value);
    } else {
      const word = match(WORD, text, at);
      const number = word === null ? match(NUMBER, text, at) : null;
      const operator = match(OPERATOR, text, at);
      if (word !== null) push('word', at + word.length, fold(word));
      else if (number !== null) push('number', at + number.length, number);
      else if (operator !== null) {
        const end = operatorEnd(at, operator);
        push('symbol', end, text.slice(at, end));
      } else if (text.startsWith('::', at)) push('symbol', at + 2, '::');
      else push('symbol', at + 1, c);
    }
  }
  return tokens;
}

/** $1, $$…$$ and $tag$…$tag$. */
function dollarToken(text: string, at: number): Token {
  const param = match(PARAM, text, at);
  if (param !== null) return { kind: 'param', start: at, end: at + param.length, value: param };
  const tag = match(DOLLAR_TAG, text, at);
  if (tag === null) return { kind: 'symbol', start: at, end: at + 1, value: '$' };
  const close = text.indexOf(tag, at + tag.length);
  if (close < 0) return { kind: 'broken', start: at, end: text.length, value: text.slice(at) };
  return { kind: 'string', start: at, end: close + tag.length, value: text.slice(at + tag.length, close) };
}

/** Index of the token that closes the parenthesis at `open`; tokens.length where there is none. */
export function closingIndex(tokens: readonly Token[], open: number): number {
  let depth = 0;
  for (let i = open; i < tokens.length; i++) {
    if (isSymbol(tokens[i], '(')) depth++;
    else if (isSymbol(tokens[i], ')') && --depth === 0) return i;
  }
  return tokens.length;
}

export const isWord = (token: Token | undefined, ...words: readonly string[]): boolean =>
  token !== undefined && token.kind === 'word' && words.includes(token.value);

export const isSymbol = (token: Token | undefined, symbol: string): boolean =>
  token !== undefined && token.kind === 'symbol' && token.value === symbol;

/** An unquoted word or a quoted name. */
export const isName = (token: Token | undefined): boolean =>
  token !== undefined && (token.kind === 'word' || token.kind === 'quoted');
