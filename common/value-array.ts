/** Text of one-dimensional arrays: `{1,2,NULL}`, `{"a b","c\"d"}`. */
import { SqlError } from './sql-error.ts';

const malformed = (text: string, detail: string): SqlError =>
  new SqlError('22P02', `malformed array literal: "${text}"`, { detail });

export const severalDimensions = (): SqlError =>
  new SqlError('0A000', 'arrays of more than one dimension are not supported', {
    hint: 'Send one array of all elements, or json.',
  });

/** 22P02 for bad text, 0A000 for more than one dimension and lower bounds. */
export function parseArray(text: string, parseItem: (item: string) => unknown): readonly unknown[] {
  const body = text.trim();
  if (body.startsWith('[')) {
    throw new SqlError('0A000', 'array bounds in a literal are not supported', {
      hint: 'Write the elements between braces.',
    });
  }
  if (!body.startsWith('{')) {
    throw malformed(text, 'Array value must start with "{" or dimension information.');
  }
  const items: unknown[] = [];
  let at = 1;
  const skipBlanks = (): void => {
    while (/\s/.test(body[at] ?? '')) at++;
  };
  skipBlanks();
  if (body[at] === '}') {
    if (at !== body.length - 1) throw malformed(text, 'Junk after closing right brace.');
    return items;
  }
  for (;;) {
    skipBlanks();
    if (body[at] === '{') throw severalDimensions();
    const item = readItem(body, at, text);
    at = item.end;
    items.push(item.value === null ? null : parseItem(item.value));
    skipBlanks();
    if (body[at] === ',') at++;
    else if (body[at] === '}') break;
    else if (at >= body.length) throw malformed(text, 'Unexpected end of input.');
    else throw malformed(text, `Unexpected array element.`);
  }
  if (at !== body.length - 1) throw malformed(text, 'Junk after closing right brace.');
  return items;
}

function readItem(
  body: string,
  start: number,
  text: string,
): Readonly<{ value: string | null; end: number }> {
  let at = start;
  let value = '';
  if (body[at] === '"') {
    for (at++; body[at] !== '"'; at++) {
      if (body[at] === '\\') at++;
      if (at >= body.length) throw malformed(text, 'Unexpected end of input.');
      value += body[at];
    }
    return { value, end: at + 1 };
  }
  // Blanks around an item without quotes do not belong to it, those inside do.
  let kept = 0;
  let escaped = false;
  for (; at < body.length && body[at] !== ',' && body[at] !== '}'; at++) {
    if (body[at] === '"' || body[at] === '{') throw malformed(text, 'Incorrectly quoted array element.');
    const literal = body[at] === '\\';
    if (literal) at++;
    escaped ||= literal;
    value += body[at] ?? '';
    if (literal || !/\s/.test(body[at] ?? '')) kept = value.length;
  }
  if (at >= body.length) throw malformed(text, 'Unexpected end of input.');
  if (kept === 0) throw malformed(text, `Unexpected "${body[at]}" character.`);
  value = value.slice(0, kept);
  return { value: !escaped && value.toLowerCase() === 'null' ? null : value, end: at };
}

const NEEDS_QUOTES = /[{}",\\\s]/;

export function formatArray(items: readonly unknown[], formatItem: (item: unknown) => string): string {
  const texts = items.map((item) => {
    if (item === null) return 'NULL';
    const text = formatItem(item);
    if (text !== '' && !NEEDS_QUOTES.test(text) && text.toLowerCase() !== 'null') return text;
    return `"${text.replace(/["\\]/g, (c) => `\\${c}`)}"`;
  });
  return `{${texts.join(',')}}`;
}
