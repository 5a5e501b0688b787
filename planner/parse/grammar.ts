/** PostgreSQL 18's own grammar (libpg-query, WASM), and its errors as ours. */
import { setFlagsFromString } from 'node:v8';
import type { Node } from 'libpg-query';
import { hasSqlDetails, loadModule, parseSync } from 'libpg-query';
import { SqlError } from '../../common/sql-error.ts';
import { expectedTokensHint } from './expected-tokens.ts';
import type { SourceText } from './source-text.ts';

/** Parentheses deeper than this would overflow the recursion of whoever walks the tree. */
const NESTING_MAX = 1000;

export type RawStatement = Readonly<{ node: Node; start: number; length: number | null }>;

/**
 * V8's optimizing compiler takes some 400 MB and half a second over the parser's huge functions, for no gain: a
 * statement takes as long (35 µs) in baseline code. So WASM stays there.
 */
export async function loadGrammar(): Promise<void> {
  setFlagsFromString('--no-wasm-tier-up');
  setFlagsFromString('--no-wasm-dynamic-tiering');
  await loadModule();
}

/** Statements of the text, byte locations and lengths. The original words the hint where the text was rewritten. */
export function parseTree(source: SourceText, rewritten: string): readonly RawStatement[] {
  if (rewritten.includes('\0')) {
    throw new SqlError('22021', 'invalid byte sequence for encoding "UTF8": 0x00');
  }
  if (rewritten.trim() === '') return [];
  guardNesting(rewritten);
  guardComments(rewritten);
  try {
    const result = parseSync(rewritten);
    return (result.stmts ?? []).map((raw) => ({
      node: raw.stmt as Node,
      start: raw.stmt_location ?? 0,
      length: raw.stmt_len ?? null,
    }));
  } catch (error) {
    throw grammarError(error, source);
  }
}

function guardNesting(text: string): void {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 0x28 || c === 0x5b) depth++;
    else if ((c === 0x29 || c === 0x5d) && depth > 0) depth--;
    if (depth > NESTING_MAX) {
      throw tooComplex();
    }
  }
}

/** As the grammar's scanner takes them: comments that begin in one read all of the rest each. */
const OPERATOR_RUN = /[~!@#^&|`?+*/%<=>-]{2000,}/g;

function guardComments(text: string): void {
  for (const [run] of text.matchAll(OPERATOR_RUN)) {
    if (run.split('/*').length > NESTING_MAX / 10) throw tooComplex();
  }
}

const tooComplex = (): SqlError =>
  new SqlError('54001', 'stack depth limit exceeded', {
    hint: `Write the statement with less nesting; parentheses may be ${NESTING_MAX} deep.`,
  });

function grammarError(error: unknown, source: SourceText): SqlError {
  if (error instanceof SqlError) return error;
  if (!hasSqlDetails(error)) {
    // The tree as text did not fit: JSON.parse, the string's length or the module's memory gave up.
    return tooComplex();
  }
  const message = error.message;
  if (message.startsWith('memory exhausted') || message.startsWith('stack depth')) return tooComplex();
  const offset = source.offsetOfCharacter(error.sqlDetails?.cursorPosition ?? 0);
  const fields = { position: source.positionOfOffset(offset) };
  const code = stateOf(message);
  if (code !== '42601' || !message.startsWith('syntax error')) return new SqlError(code, message, fields);
  return new SqlError('42601', originalWord(message, source.text, offset), {
    ...fields,
    hint: emitHint(source.text, offset) ?? expectedTokensHint(source.text, offset),
  });
}

/** EMIT that no mode follows is a name to the grammar, which stops there or at the word after it. */
function emitHint(text: string, offset: number): string | undefined {
  const here = /^emit\b/i.test(text.slice(offset)) || /\bemit\s+$/i.test(text.slice(0, offset));
  if (!here) return undefined;
  return "Write EMIT ON WINDOW CLOSE, EMIT CHANGES or EMIT EVERY INTERVAL '1 second', last in the query.";
}

/** A marker that stands for a stream clause must not show: the word at the place is quoted from the original. */
function originalWord(message: string, text: string, offset: number): string {
  const quoted = /^syntax error at or near "([\s\S]*)"$/.exec(message)?.[1];
  if (quoted === undefined || text.startsWith(quoted, offset)) return message;
  const word = /^(\w+|\S)/.exec(text.slice(offset))?.[0];
  return word === undefined ? 'syntax error at end of input' : `syntax error at or near "${word}"`;
}

function stateOf(message: string): SqlError['code'] {
  if (message.includes('not supported') || message.includes('not yet implemented')) return '0A000';
  if (message.includes('invalid Unicode escape') || message.includes('invalid escape')) return '22025';
  if (message.includes('invalid byte sequence')) return '22021';
  if (/^role name ".*" is reserved$/.test(message)) return '42939';
  return '42601';
}
