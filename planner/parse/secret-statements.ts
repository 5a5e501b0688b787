/**
 * CREATE SECRET [IF NOT EXISTS] name [WITH (backend = 'meta')] AS 'value' and ALTER SECRET [IF EXISTS] name [WITH (…)] AS
 * 'value'. All else of secrets PostgreSQL's grammar reads as it reads tables.
 */
import { SqlError } from '../../common/sql-error.ts';
import { Secret } from '../../common/secret.ts';
import type { SecretValue } from '../statement.ts';
import { parseOptionList } from './clause-items.ts';
import { parseTree } from './grammar.ts';
import { SourceText } from './source-text.ts';
import type { StatementSyntax } from './statement-syntax.ts';
import { stringConstant } from './string-constant.ts';
import { isWord, type Token } from './token.ts';
import type { TokenCursor } from './token-cursor.ts';

export function parseCreateSecret(cursor: TokenCursor): StatementSyntax {
  cursor.expect('create', 'secret');
  const missing = cursor.accept('if');
  if (missing) cursor.expect('not', 'exists');
  return { kind: 'create-secret', source: cursor.source, ifNotExists: missing, ...parseRest(cursor) };
}

export function parseAlterSecret(cursor: TokenCursor): StatementSyntax {
  cursor.expect('alter', 'secret');
  const missingOk = cursor.accept('if', 'exists');
  return { kind: 'alter-secret', source: cursor.source, missingOk, ...parseRest(cursor) };
}

/** Only another value is ours to read. */
export const changesSecret = ([alter, secret, ...rest]: readonly Token[]): boolean =>
  isWord(alter, 'alter') && isWord(secret, 'secret') && rest.some((token) => isWord(token, 'as'));

function parseRest(
  cursor: TokenCursor,
): Pick<Extract<StatementSyntax, { kind: 'create-secret' }>, 'name' | 'options' | 'value'> {
  const first = cursor.index;
  const name = cursor.qualifiedName();
  requireNames(cursor, first);
  const options = cursor.accept('with') ? parseOptionList(cursor) : [];
  cursor.expect('as');
  const value = parseValue(cursor);
  cursor.expectEnd();
  return { name, options, value };
}

/** No words that the grammar keeps for itself: what is created can be dropped by the name that it was given. */
function requireNames(cursor: TokenCursor, first: number): void {
  const end = cursor.index;
  for (cursor.index = first; cursor.index < end; cursor.index++) {
    const token = cursor.peek();
    if (token?.kind === 'word' && isReserved(token.value)) throw cursor.error();
  }
}

function isReserved(word: string): boolean {
  const query = `DROP TABLE ${word}`;
  try {
    parseTree(new SourceText(query), query);
    return false;
  } catch (error) {
    if (error instanceof SqlError) return true;
    throw error;
  }
}

/** `'text'`, `E'te\nxt'`, `$$text$$`, `'\x…'::bytea`. */
function parseValue(cursor: TokenCursor): SecretValue {
  const token = cursor.peek();
  const offset = cursor.offset;
  const text = token === undefined ? null : stringConstant(cursor.source, token);
  if (text === null) throw cursor.error();
  cursor.next();
  if (!cursor.acceptSymbol('::')) return { secret: new Secret(text), encoding: 'utf8' };
  if (cursor.accept('text')) return { secret: new Secret(text), encoding: 'utf8' };
  cursor.expect('bytea');
  const digits = /^\\x((?:[0-9a-f]{2}|\s)*)$/i.exec(text)?.[1];
  if (digits !== undefined) return { secret: new Secret(digits.replaceAll(/\s/g, '')), encoding: 'hex' };
  throw new SqlError('22P02', "a secret's bytes are written as '\\x…', two hexadecimal digits each", {
    position: cursor.source.positionOfOffset(offset),
  });
}
