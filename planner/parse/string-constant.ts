import { SqlError } from '../../common/sql-error.ts';
import { parseTree } from './grammar.ts';
import { SourceText } from './source-text.ts';
import type { Token } from './token.ts';

/** What a string constant says, in every spelling that PostgreSQL has; null where the token is none (B'…', X'…' too). */
export function stringConstant(source: SourceText, token: Token): string | null {
  if (token.kind !== 'string') return null;
  const text = source.text.slice(token.start, token.end);
  const position = source.positionOfOffset(token.start);
  if (text.includes('\0'))
    throw new SqlError('22021', 'invalid byte sequence for encoding "UTF8": 0x00', { position });
  if (/^[bx]/i.test(text)) return null;
  // without escapes: the token's value is the constant's
  if (!/^[eu]/i.test(text)) return token.value;
  try {
    return constantOf(text);
  } catch (error) {
    // in words that do not quote it
    if (error instanceof SqlError)
      throw new SqlError(error.code, 'invalid escape in a string constant', { position });
    throw error;
  }
}

function constantOf(text: string): string | null {
  const query = `SELECT ${text}`;
  const node = parseTree(new SourceText(query), query)[0]?.node;
  const target = node !== undefined && 'SelectStmt' in node ? node.SelectStmt.targetList?.[0] : undefined;
  const value = target !== undefined && 'ResTarget' in target ? target.ResTarget.val : undefined;
  if (value === undefined || !('A_Const' in value)) return null;
  // the tree leaves an empty one out
  return value.A_Const.sval?.sval ?? '';
}
