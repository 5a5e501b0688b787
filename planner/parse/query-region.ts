/** A query that stands inside a statement of ours: everything around it is blanked, so positions stay true. */
import type { Node } from 'libpg-query';
import { parseTree } from './grammar.ts';
import { SourceText } from './source-text.ts';
import type { QuerySyntax } from './statement-syntax.ts';
import { rewriteStreamClauses } from './stream-clauses.ts';
import { TokenCursor } from './token-cursor.ts';

export const blankOutside = (text: string, start: number, end: number): string =>
  text.slice(0, start).replace(/[^\n]/g, ' ') +
  text.slice(start, end) +
  text.slice(end).replace(/[^\n]/g, ' ');

/** The query in the tokens [first, last). */
export function parseQueryRegion(cursor: TokenCursor, first: number, last: number): QuerySyntax {
  const start = cursor.tokens[first]?.start ?? cursor.source.text.length;
  const end = cursor.tokens[last - 1]?.end ?? start;
  if (last <= first) throw new TokenCursor(cursor.source, cursor.tokens, first, last).error();
  const text = blankOutside(cursor.source.text, start, end);
  const region = cursor.tokens.slice(first, last);
  const { text: rewritten, clauses } = rewriteStreamClauses(cursor.source, text, region, 0);
  const source = new SourceText(cursor.source.text, rewritten);
  const statements = parseTree(source, rewritten);
  const node = statements[0]?.node as Node | undefined;
  if (node === undefined || !('SelectStmt' in node) || statements.length > 1) {
    throw new TokenCursor(cursor.source, cursor.tokens, first, last).error();
  }
  return { node, source, clauses };
}
