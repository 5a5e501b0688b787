import { parseTree } from './grammar.ts';
import { SourceText } from './source-text.ts';

/** `U&"d\0061t"` is "dat". Errors are those of the grammar, at 1. */
export function unicodeName(text: string): string {
  const query = `SELECT 1 AS ${text}`;
  const node = parseTree(new SourceText(query), query)[0]?.node;
  const target = node !== undefined && 'SelectStmt' in node ? node.SelectStmt.targetList?.[0] : undefined;
  return target !== undefined && 'ResTarget' in target ? (target.ResTarget.name ?? '') : '';
}
