/**
 * HINTs of syntax errors: node-sql-parser lists the tokens that it would have taken at its own point of failure. It is
 * asked only about short texts, and believed only where it stopped at the same place with a short list of words.
 */
import { createRequire } from 'node:module';

const TEXT_LENGTH_MAX = 2000;
const WORDS_MAX = 6;

type Expectation = Readonly<{ type: string; text?: string }>;
type Failure = Readonly<{ expected?: readonly Expectation[]; location?: { start?: { offset?: number } } }>;
type DialectParser = Readonly<{ astify(sql: string, options: Readonly<{ database: string }>): unknown }>;

let parser: DialectParser | null | undefined;

function loadParser(): DialectParser | null {
  try {
    const module = createRequire(import.meta.url)('node-sql-parser/build/postgresql.js') as Readonly<{
      Parser: new () => DialectParser;
    }>;
    return new module.Parser();
  } catch {
    return null;
  }
}

/** A short list of what could stand at this UTF-16 offset; undefined where nothing useful is known. */
export function expectedTokensHint(text: string, offset: number): string | undefined {
  // Deep nesting makes its recursive descent exponential.
  if (text.length > TEXT_LENGTH_MAX || nesting(text) > 5) return undefined;
  parser ??= loadParser();
  if (parser === null) return undefined;
  try {
    parser.astify(text, { database: 'postgresql' });
    return undefined;
  } catch (error) {
    return hintOf(error as Failure, offset);
  }
}

function hintOf(failure: Failure, offset: number): string | undefined {
  const place = failure.location?.start?.offset;
  if (place === undefined || Math.abs(place - offset) > 1) return undefined;
  const words = new Set<string>();
  for (const expected of failure.expected ?? []) {
    const word = expected.text?.toUpperCase();
    if (expected.type === 'literal' && word !== undefined && /^[A-Z][A-Z ]+$|^[(),]$/.test(word))
      words.add(word);
  }
  const hasWord = [...words].some((word) => /^[A-Z]/.test(word));
  if (!hasWord || words.size > WORDS_MAX) return undefined;
  return `Expected ${[...words].sort().join(' or ')}.`;
}

function nesting(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (const c of text) {
    if (c === '(') deepest = Math.max(deepest, ++depth);
    else if (c === ')') depth--;
  }
  return deepest;
}
