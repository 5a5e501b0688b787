/** The expressions of CREATE POLICY and ALTER POLICY as they are written: what stands in the parentheses. */
import { closingIndex, isSymbol, isWord, tokenize, type Token } from './token.ts';

export type PolicyTexts = Readonly<{ using: string | null; check: string | null }>;

export function policyTexts(statement: string): PolicyTexts {
  const tokens = tokenize(statement);
  let using: string | null = null;
  let check: string | null = null;
  for (let at = 0; at < tokens.length; at++) {
    if (isSymbol(tokens[at], '(')) at = closingIndex(tokens, at);
    else if (isSymbol(tokens[at + 1], '(')) {
      if (isWord(tokens[at], 'using')) using ??= within(statement, tokens, at + 1);
      if (isWord(tokens[at], 'check') && isWord(tokens[at - 1], 'with'))
        check ??= within(statement, tokens, at + 1);
    }
  }
  return { using, check };
}

function within(statement: string, tokens: readonly Token[], open: number): string {
  const end = tokens[closingIndex(tokens, open)]?.start ?? statement.length;
  return statement.slice(tokens[open]?.end ?? 0, end).trim();
}
